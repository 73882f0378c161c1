"""Keeps copies of a recording in one subset of a split."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artistid.errors import InputError
from artistid.splits.definitions import Split
from artistid.splits.subsets import COLUMNS, SUBSETS, TEST, TRAIN, VALIDATION
from artistid.storage.files import read_rows, write_rows

# What is drawn to be evaluated stays: training loses the copies.
KEPT_FIRST = (TEST, VALIDATION, TRAIN)

Pair = tuple[str, str]


def not_accepted(pairs: Iterable[Pair], accepted: Iterable[Sequence[str]]) -> list[Pair]:
    """Return the pairs of track ids that are not among the accepted ones, in whichever order."""
    known = {frozenset(pair) for pair in accepted}
    return [pair for pair in pairs if frozenset(pair) not in known]


def groups_of(pairs: Iterable[Pair]) -> list[set[str]]:
    """Return the groups that pairs connect: a copy of a copy is a copy."""
    group_of: dict[str, set[str]] = {}
    for pair in pairs:
        joined = set().union(*(group_of.get(track_id, {track_id}) for track_id in pair))
        for track_id in joined:
            group_of[track_id] = joined
    return list({id(group): group for group in group_of.values()}.values())


def write_manifest(
    path: str,
    rows: Sequence[Mapping[str, Any]],
    split: Split,
    near_duplicates: Sequence[str],
    accepted: Iterable[Sequence[str]] | None,
) -> list[str]:
    """Write the manifest of a cut, without copies in other subsets, unless these are accepted.

    Args:
        path: of the manifest.
        rows: of the manifest, drawn or read.
        split: the definition.
        near_duplicates: the file of pairs of copies; none if a split may separate them.
        accepted: pairs of track ids that may be in two subsets.

    Returns:
        Lines for the log: what was left out, and the number of tracks in each subset.

    Raises:
        InputError: an artist would lose all tracks of a required subset.
    """
    lines = []
    for file in near_duplicates:
        pairs = [(row["track_a"], row["track_b"]) for row in read_rows(file)]
        rows, left = keep_on_one_side(rows, not_accepted(pairs, accepted or ()), split.required)
        lines.append(describe(left))
    write_rows(path, rows, COLUMNS)
    sizes = Counter(row["subset"] for row in rows)
    return [*lines, "tracks: " + ", ".join(f"{sizes[name]} {name}" for name in split.subsets)]


def keep_on_one_side(
    rows: Sequence[Mapping[str, Any]],
    pairs: Iterable[Pair],
    required: Sequence[str] = SUBSETS,
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Divide the rows of a manifest so that no group of copies is in two subsets.

    If a group is in several subsets, its tracks in test stay, otherwise those in validation.

    Args:
        rows: of the manifest, drawn or read.
        pairs: track ids of copies.
        required: subsets of which every artist keeps a track (`Split.required`). Training always
            is one: else an artist would become unknown in silence.

    Returns:
        The rows that stay and those that leave, each in their order.

    Raises:
        InputError: an artist would lose all tracks of a required subset.
    """
    subset_of = {row["track_id"]: row["subset"] for row in rows}
    leaving: set[str] = set()
    for group in groups_of(pairs):
        own = [track_id for track_id in group if track_id in subset_of]
        sides = {subset_of[track_id] for track_id in own}
        side = next((subset for subset in KEPT_FIRST if subset in sides), None)
        leaving.update(track_id for track_id in own if subset_of[track_id] != side)
    kept = [row for row in rows if row["track_id"] not in leaving]
    left = [row for row in rows if row["track_id"] in leaving]
    _check_subsets(kept, left, required)
    return kept, left


def _check_subsets(
    kept: Iterable[Mapping[str, Any]],
    left: Iterable[Mapping[str, Any]],
    required: Sequence[str],
) -> None:
    subsets = defaultdict(set)
    for row in kept:
        subsets[row["artist"]].add(row["subset"])
    for row in left:
        if row["subset"] in (TRAIN, *required) and row["subset"] not in subsets[row["artist"]]:
            raise InputError(
                f"artist {row['artist']!r} has no {row['subset']} track left: all of them are "
                "copies of recordings in another subset (audit.near_duplicates: one_side); remove "
                "the copies or the artist, divide the tracks differently (with another draw), or "
                "name the pairs in audit.accept"
            )


def describe(left: Sequence[Mapping[str, Any]]) -> str:
    """Return a line that counts and names the tracks that leave, by subset."""
    counts = {subset: [r["track_id"] for r in left if r["subset"] == subset] for subset in SUBSETS}
    named = "; ".join(f"{subset}: {', '.join(ids)}" for subset, ids in counts.items() if ids)
    n_left = "1 copy" if len(left) == 1 else f"{len(left)} copies"
    return f"left out: {n_left} of recordings in another subset" + (f" ({named})" if named else "")
