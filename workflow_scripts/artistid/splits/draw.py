"""Drawing train, validation and test subsets, by track or by album (the paper, section 3)."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artistid.errors import InputError
from artistid.splits.definitions import FoldsSplit, RandomSplit
from artistid.splits.folds import deal, subset_in_fold
from artistid.splits.subsets import ALBUM, COLUMNS, TEST, TRACK, TRAIN, VALIDATION
from artistid.splits.unknown import generator_of_artist, left_out

# In the key of an artist's generator. The split's name is not, so it does not change draws.
_WORDS = {TRACK: "song", ALBUM: "album"}


def draw_split(
    tracks: Iterable[Mapping[str, Any]], definition: RandomSplit | FoldsSplit, cut: str
) -> list[dict[str, Any]]:
    """Assign every track to a subset and return the manifest's rows, sorted by track id.

    Each artist is drawn separately, with its own generator, so that a new track of one artist moves
    no track of another (unless units are dealt to folds unevenly: then later artists begin with
    another fold). All tracks of an artist that is left out of training are in one subset.

    Args:
        tracks: rows of ``usable.csv``, in any order.
        definition: of the split.
        cut: ``draw1`` or ``draw1-fold3``: the same cut is the same on every machine.

    Raises:
        InputError: an artist has too few tracks or albums, or too many are left out of training.
    """
    by_artist = defaultdict(list)
    for track in sorted(tracks, key=lambda track: track["track_id"]):
        by_artist[track["artist"]].append(track)
    units_of = {}
    for artist, own in by_artist.items():
        units = sorted({track[definition.unit_column] for track in own})
        if len(units) < definition.min_units:
            raise InputError(_too_few(artist, len(units), definition))
        word = _WORDS[definition.by]
        generator = generator_of_artist(word, definition.draw_number(cut), artist)
        units_of[artist] = [units[index] for index in generator.permutation(len(units))]
    subset_of = _subsets(units_of, definition, cut)
    outside = left_out(units_of, definition, cut) if isinstance(definition, RandomSplit) else {}
    rows = [
        {column: track.get(column) for column in COLUMNS[:-1]}
        | {"subset": outside.get(artist) or subset_of[track[definition.unit_column]]}
        for artist, own in by_artist.items()
        for track in own
    ]
    return sorted(rows, key=lambda row: row["track_id"])


def _subsets(
    units_of: Mapping[str, Sequence[str]], definition: RandomSplit | FoldsSplit, cut: str
) -> dict[str, str]:
    """Return the subset of each unit, from the artists' units in the order in which they fell."""
    if isinstance(definition, RandomSplit):
        return {
            unit: subset
            for units in units_of.values()
            for unit, subset in _assigned(units, definition).items()
        }
    fold = definition.fold_number(cut)
    if fold is None or fold > definition.folds:
        raise ValueError(f"{cut!r} is none of the {definition.folds} folds of a split")
    fold_of = deal(units_of, definition.folds)
    if len(fold_of) < definition.folds:
        raise InputError(
            f"splits.{definition.name}.folds: {definition.folds} folds of {len(fold_of)} "
            f"{definition.units} leave some empty; write {len(fold_of)} or fewer"
        )
    return {unit: subset_in_fold(own, fold, definition.folds) for unit, own in fold_of.items()}


def _assigned(units: Sequence[str], definition: RandomSplit) -> dict[str, str]:
    """Return the subset of each of an artist's units: the first test, the next validate."""
    counts = definition.albums if definition.keeps_albums else _counts(len(units), definition)
    subsets = [TEST] * counts[TEST] + [VALIDATION] * counts[VALIDATION]
    subsets += [TRAIN] * (len(units) - len(subsets))
    return dict(zip(units, subsets, strict=True))


def _counts(n_tracks: int, definition: RandomSplit) -> dict[str, int]:
    # Rounded half up, at least one each; three tracks leave one for training.
    counts = {
        subset: max(1, math.floor(n_tracks * definition.shares[subset] + 0.5))
        for subset in (VALIDATION, TEST)
    }
    while sum(counts.values()) >= n_tracks:
        counts[max(counts, key=counts.__getitem__)] -= 1
    return counts


def _too_few(artist: str, n_units: int, definition: RandomSplit | FoldsSplit) -> str:
    return (
        f"artist {artist!r} has {n_units} {definition.units}, and the {definition.name} split "
        f"needs at least {definition.min_units}, {definition.reason_for_min_units}; add some, "
        f"remove the artist, or remove {definition.name!r} from experiment.splits"
    )
