"""Whether the recordings that the scan found can carry the experiment, before anything is computed.

What the configuration alone gets wrong is found earlier, by `artistid.config.check_config`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from artistid.config import frames_in_slice
from artistid.corpus import usable
from artistid.errors import InputError
from artistid.splits import MIN_UNITS, UNIT_KEYS, UNITS

AT_MOST = 5  # artists named in one message


def check_feasible(config: Mapping[str, Any], tracks: Iterable[Mapping[str, str]]) -> None:
    """Check a corpus against the experiment.

    Args:
        config: the configuration in force.
        tracks: rows of ``tracks.csv``.

    Raises:
        InputError: names everything that is missing, and what to do about each.
    """
    used = usable(tracks)
    problems = [*_single_artist(used), *_small_artists(config, used), *_long_slices(config, used)]
    if problems:
        raise InputError("the corpus cannot carry the experiment: " + "; ".join(problems))


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
        units = defaultdict(set)
        for track in used:
            units[track["artist"]].add(track[UNIT_KEYS[split]])
        small = [
            (artist, len(own)) for artist, own in sorted(units.items()) if len(own) < MIN_UNITS
        ]
        if small:
            named = ", ".join(f"{artist!r} has {count}" for artist, count in small[:AT_MOST])
            more = f" and {len(small) - AT_MOST} more artists fewer" if len(small) > AT_MOST else ""
            yield (
                f"the {split} split needs at least {MIN_UNITS} {UNITS[split]} of each artist, one "
                f"for each subset, and {named}{more}; add some, remove the artist, or take "
                f"{split!r} out of experiment.splits"
            )


def _long_slices(config: Mapping[str, Any], used: Sequence[Mapping[str, str]]) -> Iterator[str]:
    experiment, log_mel = config["experiment"], config["log_mel"]
    longest = max((float(track["duration"]) for track in used), default=0.0)
    most_frames = 1 + int(longest * log_mel["sampling_rate"]) // log_mel["hop_length"]
    keys = ["slice_seconds"] + ["follow_up_seconds"] * bool(experiment["follow_up"])
    for key in keys:
        for seconds in experiment[key]:
            if frames_in_slice(config, seconds) > most_frames:
                yield (
                    f"experiment.{key}: no recording is as long as a slice of {seconds:g} s, the "
                    f"longest has {longest:.1f} s; write a shorter length"
                )
