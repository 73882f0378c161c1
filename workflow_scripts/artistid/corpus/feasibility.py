"""Whether the recordings that the scan found can carry the experiment, before anything is computed.

What the configuration alone gets wrong is found earlier, by `artistid.plan.config.check_config`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from artistid.corpus.listings import usable
from artistid.errors import InputError
from artistid.features.slices import frames_in_slice
from artistid.splits.draw import MIN_UNITS, UNIT_KEYS, UNITS

AT_MOST = 5  # artists named in one message


def feasibility_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a configuration that a corpus is checked against."""
    experiment, log_mel = config["experiment"], config["log_mel"]
    lengths = ("splits", "slice_seconds", "follow_up_seconds", "slice_frames")
    return {
        "experiment": {key: experiment[key] for key in lengths}
        | {"follow_up": bool(experiment["follow_up"])},  # whichever network it takes on
        "log_mel": {key: log_mel[key] for key in ("sampling_rate", "hop_length")},
    }


def check_feasible(config: Mapping[str, Any], tracks: Iterable[Mapping[str, str]]) -> str:
    """Check a corpus against the experiment.

    Args:
        config: at least the `feasibility_keys` of the configuration in force.
        tracks: rows of ``tracks.csv``.

    Returns:
        What the corpus carries, in a line.

    Raises:
        InputError: names everything that is missing, and what to do about each.
    """
    used = usable(tracks)
    problems = [*_single_artist(used), *_small_artists(config, used)]
    problems += [] if problems else _long_slices(config, used)
    if problems:
        raise InputError("the corpus cannot carry the experiment: " + "; ".join(problems))
    splits = " and ".join(config["experiment"]["splits"])
    return f"the corpus carries the {splits} split, and slices of every length that is asked for"


def _single_artist(used: Sequence[Mapping[str, str]]) -> Iterator[str]:
    artists = {track["artist"] for track in used}
    if len(artists) == 1:
        yield (
            f"all usable recordings are by one artist, {artists.pop()!r}, and there is nothing to "
            "tell apart; add artists, or check that corpus.audio_dir is the folder above the "
            "artists' folders"
        )


def _small_artists(config: Mapping[str, Any], used: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for split in config["experiment"]["splits"]:
        if small := _too_small(split, used):
            yield (
                f"the {split} split needs at least {MIN_UNITS} {UNITS[split]} of each artist, one "
                f"for each subset, and {small}; add some, remove the artist, or take {split!r} out "
                "of experiment.splits"
            )


def _long_slices(config: Mapping[str, Any], used: Sequence[Mapping[str, str]]) -> Iterator[str]:
    experiment, log_mel = config["experiment"], config["log_mel"]

    def frames(track: Mapping[str, str]) -> int:
        samples = int(float(track["duration"]) * log_mel["sampling_rate"])
        return 1 + samples // int(log_mel["hop_length"])

    longest = max((float(track["duration"]) for track in used), default=0.0)
    keys = ["slice_seconds"] + ["follow_up_seconds"] * bool(experiment["follow_up"])
    lengths = [(key, seconds) for key in keys for seconds in experiment[key]]
    for key, seconds in lengths:
        needed = frames_in_slice(config, seconds)
        judged = [dict(track) | {"is_short": frames(track) < needed} for track in used]
        if all(track["is_short"] for track in judged):
            yield (
                f"experiment.{key}: no recording is as long as a slice of {seconds:g} s, the "
                f"longest has {longest:.1f} s; write a shorter length"
            )
            continue
        for split in experiment["splits"]:
            if small := _too_small(split, judged):
                yield (
                    f"experiment.{key}: the {split} split needs at least {MIN_UNITS} "
                    f"{UNITS[split]} of each artist with a recording as long as a slice of "
                    f"{seconds:g} s, and {small}; write a shorter length, or add some"
                )


def _too_small(split: str, tracks: Iterable[Mapping[str, Any]]) -> str:
    """Name the artists with too few tracks, or albums, for a split; nothing if all have enough."""
    units: dict[str, set[str]] = defaultdict(set)
    for track in tracks:
        own = units[track["artist"]]
        if not track.get("is_short"):
            own.add(track[UNIT_KEYS[split]])
    small = [(artist, len(own)) for artist, own in sorted(units.items()) if len(own) < MIN_UNITS]
    named = ", ".join(f"{artist!r} has {count}" for artist, count in small[:AT_MOST])
    more = f" and {len(small) - AT_MOST} more artists fewer" if len(small) > AT_MOST else ""
    return named + more
