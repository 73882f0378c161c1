"""Whether the scanned recordings meet the experiment's requirements, before anything is computed.

`artistid.plan.config.check_config` finds mistakes of the configuration itself earlier.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from artistid.corpus.listings import usable
from artistid.errors import InputError
from artistid.features.slices import frames_in_slice
from artistid.splits.definitions import FoldsSplit, RandomSplit, Split, definition, definitions
from artistid.splits.folds import artists_with_fewer_units

AT_MOST = 5  # artists named in one message


def feasibility_keys(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a configuration that a corpus is checked against."""
    experiment, log_mel = config["experiment"], config["log_mel"]
    lengths = ("slice_seconds", "follow_up_seconds", "slice_frames")
    return {
        "splits": {name: split.plain() for name, split in definitions(config).items()},
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
        What the corpus is sufficient for, in one line; it names the artists with fewer albums, or
        tracks, than a split has folds, if that is allowed.

    Raises:
        InputError: names everything that is missing, and what to do about each.
    """
    used = usable(tracks)
    splits = [definition(name, given) for name, given in config["splits"].items()]
    problems = [*_single_artist(used), *_small_artists(splits, used)]
    problems += [] if problems else _few_known_artists(splits, used)
    problems += [] if problems else _long_slices(config, splits, used)
    if problems:
        raise InputError(
            "the corpus does not meet the experiment's requirements: " + "; ".join(problems)
        )
    names = " and ".join(split.name for split in splits)
    carried = (
        f"the corpus is sufficient for the {names} split, and for slices of every requested length"
    )
    fewer = [artists_with_fewer_units(used, s) for s in splits if isinstance(s, FoldsSplit)]
    return "; ".join([carried, *filter(None, fewer)])


def _single_artist(used: Sequence[Mapping[str, str]]) -> Iterator[str]:
    artists = {track["artist"] for track in used}
    if len(artists) == 1:
        yield (
            f"all usable recordings are by one artist, {artists.pop()!r}, so there is "
            "nothing to classify; add artists, or check that corpus.audio_dir is the folder above "
            "the artists' folders"
        )


def _small_artists(splits: Iterable[Split], used: Sequence[Mapping[str, str]]) -> Iterator[str]:
    for split in splits:
        if small := _too_small(split, used):
            yield (
                f"the {split.name} split needs at least {split.min_units} {split.units} of each "
                f"artist, {split.reason_for_min_units}, and {small}; add some, remove the artist, "
                f"or remove {split.name!r} from experiment.splits"
            )


def _few_known_artists(splits: Iterable[Split], used: Sequence[Mapping[str, str]]) -> Iterator[str]:
    n_artists = len({track["artist"] for track in used})
    for split in splits:
        if isinstance(split, RandomSplit) and (problem := split.lack_of_artists(n_artists)):
            yield problem


def _long_slices(
    config: Mapping[str, Any], splits: Iterable[Split], used: Sequence[Mapping[str, str]]
) -> Iterator[str]:
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
        for split in splits:
            if small := _too_small(split, judged):
                yield (
                    f"experiment.{key}: the {split.name} split needs at least {split.min_units} "
                    f"{split.units} of each artist with a recording as long as a slice of "
                    f"{seconds:g} s, and {small}; write a shorter length, or add some"
                )


def _too_small(split: Split, tracks: Iterable[Mapping[str, Any]]) -> str:
    """Name the artists with too few tracks, or albums, for a split; nothing if all have enough."""
    units: dict[str, set[str]] = defaultdict(set)
    for track in tracks:
        own = units[track["artist"]]
        if not track.get("is_short"):
            own.add(track[split.unit_column])
    needed = split.min_units
    small = [(artist, len(own)) for artist, own in sorted(units.items()) if len(own) < needed]
    named = ", ".join(f"{artist!r} has {count}" for artist, count in small[:AT_MOST])
    more = f" and {len(small) - AT_MOST} more artists fewer" if len(small) > AT_MOST else ""
    return named + more
