"""Folds: the units of each artist, dealt so that every one is tested once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artistid.errors import InputError
from artistid.splits.definitions import FoldsSplit
from artistid.splits.subsets import TEST, TRAIN, VALIDATION


def deal(units_of: Mapping[str, Sequence[str]], n_folds: int) -> dict[str, int]:
    """Return the fold, from 1, that tests each unit.

    An artist's units go round the folds. Each artist begins where the one before ended, so that
    neither an artist's folds nor the folds altogether differ by more than one unit.

    Args:
        units_of: units of each artist, in the order in which they are dealt.
        n_folds: number of folds.
    """
    fold_of: dict[str, int] = {}
    for units in units_of.values():
        for unit in units:
            fold_of[unit] = len(fold_of) % n_folds + 1
    return fold_of


def subset_in_fold(tested_in: int, fold: int, n_folds: int) -> str:
    """Return a unit's subset in a fold: the fold itself tests, the next one (cyclic) validates.

    Args:
        tested_in: the fold that tests the unit, from 1.
        fold: the fold that is asked about, from 1.
        n_folds: number of folds.
    """
    ahead = (tested_in - fold) % n_folds
    return TEST if ahead == 0 else VALIDATION if ahead == 1 else TRAIN


def artists_with_fewer_units(tracks: Iterable[Mapping[str, Any]], split: FoldsSplit) -> str:
    """Count and name the artists with fewer units than folds; nothing if there are none."""
    units_of: dict[str, set[str]] = defaultdict(set)
    for track in tracks:
        units_of[track["artist"]].add(track[split.unit_column])
    fewer = {artist: len(own) for artist, own in units_of.items() if len(own) < split.folds}
    if not fewer:
        return ""
    named = ", ".join(f"{artist!r} ({fewer[artist]})" for artist in sorted(fewer))
    return (
        f"{len(fewer)} of {len(units_of)} artists have fewer {split.units} than the {split.name} "
        f"split has folds ({split.folds}), and are not tested in every fold: {named}"
    )


def check_tested_once(manifests: Mapping[str, Iterable[Mapping[str, str]]]) -> None:
    """Stop if two folds test the same track: their predictions together would count it twice.

    Folds that are drawn cannot; those of a user's list can.

    Args:
        manifests: rows of the manifest of each fold, by its file.

    Raises:
        InputError: names a track and the manifests of the two folds, and counts the others.
    """
    tested_by: dict[str, str] = {}
    twice = []
    for path, rows in manifests.items():
        for row in rows:
            if row["subset"] == TEST:
                first = tested_by.setdefault(row["track_id"], path)
                if first != path:
                    twice.append((row, first, path))
    if twice:
        row, first, path = twice[0]
        more = f" (and {len(twice) - 1} more tracks)" if len(twice) > 1 else ""
        raise InputError(
            f"{path}: track {row['track_id']!r} is tested in {first} already{more}; write lists "
            "whose folds test each track once"
        )
