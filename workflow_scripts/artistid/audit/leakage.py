"""The leakage audit: finds what is in two subsets of a split, and should not be."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from artistid.splits.subsets import SUBSETS

ALBUM, BYTES, NEAR_DUPLICATE = "album", "same bytes", "near-duplicate"
KINDS = (ALBUM, BYTES, NEAR_DUPLICATE)
OF_TRACK = ("track_id", "artist", "album", "subset")
COLUMNS = (
    "kind",
    *(f"{column}_a" for column in OF_TRACK),
    *(f"{column}_b" for column in OF_TRACK),
    "score",
    "accepted",
)
MOST_NAMED = 20  # hits in a message; the log has all of them

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Hit:
    """Two rows of a manifest that should not be in different subsets.

    Attributes:
        kind: one of KINDS.
        a: the first row.
        b: the second.
        score: of near-duplicates, the share of bits that differ; else empty.
    """

    kind: str
    a: Row
    b: Row
    score: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """The two track ids."""
        return self.a["track_id"], self.b["track_id"]

    def as_row(self, is_accepted: bool) -> dict[str, Any]:
        """Return the hit as a row of COLUMNS."""
        row = {"kind": self.kind, "score": self.score, "accepted": str(is_accepted).lower()}
        for side, own in (("a", self.a), ("b", self.b)):
            for column in OF_TRACK:
                row[f"{column}_{side}"] = own[column]
        return row

    def describe(self) -> str:
        """Return a line for people."""
        score = f", score {float(self.score):.3f}" if self.score else ""
        return (
            f"{self.kind}: {_place(self.a)} and {_place(self.b)}{score}; ids {self.pair[0]} and "
            f"{self.pair[1]}"
        )


def _place(row: Row) -> str:
    path = row.get("path") or f"{row['artist']}/{row['album']}/{row['track_id']}"
    return f"{path!r} in {row['subset']}"


def find_hits(
    manifest: Sequence[Row],
    keeps_albums: bool,
    sha256_of: Mapping[str, str],
    near_duplicates: Iterable[Row],
) -> list[Hit]:
    """Return everything that is in two subsets of a split.

    Args:
        manifest: rows of the split's manifest, each track once (`artistid.splits.manifests`).
        keeps_albums: whether the split keeps albums together (`Split.keeps_albums`): only then is
            an album in two subsets a hit.
        sha256_of: checksum of each track's file, by track id.
        near_duplicates: rows with `track_a`, `track_b` and `score`.
    """
    hits: list[Hit] = []
    if keeps_albums:
        hits += _on_two_sides(ALBUM, manifest, lambda row: row["album_id"])
    hits += _on_two_sides(BYTES, manifest, lambda row: sha256_of.get(row["track_id"]))
    row_of = {row["track_id"]: row for row in manifest}
    for found in near_duplicates:
        a, b = row_of.get(found["track_a"]), row_of.get(found["track_b"])
        if a and b and a["subset"] != b["subset"]:
            hits.append(Hit(NEAR_DUPLICATE, a, b, found["score"]))
    return hits


def _on_two_sides(kind: str, manifest: Sequence[Row], key) -> Iterator[Hit]:
    """Yield, for what has several rows, a hit for each pair of its subsets."""
    for rows in _grouped(manifest, key).values():
        first_of: dict[str, Row] = {}
        for row in rows:
            first_of.setdefault(row["subset"], row)
        for a, b in combinations(first_of.values(), 2):
            yield Hit(kind, a, b)


def _grouped(manifest: Iterable[Row], key) -> dict[Any, list[Row]]:
    groups = defaultdict(list)
    for row in manifest:
        if (value := key(row)) is not None:
            groups[value].append(row)
    return groups


def is_accepted(hit: Hit, accepted: Iterable[Sequence[str]]) -> bool:
    """Return whether the configuration accepts a hit by its two track ids, in whichever order."""
    return any(sorted(hit.pair) == sorted(pair) for pair in accepted)


def accepting(hits: Iterable[Hit]) -> str:
    """Return the configuration that accepts hits by name, on one line."""
    return f"audit: {{accept: {json.dumps(list(dict.fromkeys(hit.pair for hit in hits)))}}}"


def complaint(manifest: str, hits: Sequence[Hit]) -> str:
    """Return a message on hits that are not accepted, with the configuration that lets them pass.

    Args:
        manifest: the manifest's file.
        hits: at least one.
    """
    named = "; ".join(hit.describe() for hit in hits[:MOST_NAMED])
    by_name = "accepts these pairs"
    if len(hits) > MOST_NAMED:
        named += f"; and {len(hits) - MOST_NAMED} more, all named in the log"
        by_name = f"accepts the first {MOST_NAMED} pairs; the log has the line for all"
    ways = [accepting(hits[:MOST_NAMED])]
    if any(hit.kind == NEAR_DUPLICATE for hit in hits):
        ways.insert(0, "audit: {near_duplicates: one_side}")
    lines = " (keeps copies in one subset), or ".join(ways)
    n_hits = "1 leak" if len(hits) == 1 else f"{len(hits)} leaks"
    return (
        f"{manifest}: {n_hits} between its subsets: {named}. Remove the wrong files, "
        f"or write in the configuration: {lines} ({by_name})"
    )


def pairs_across_sides(manifest: Iterable[Row]) -> int:
    """Return how many pairs of tracks are in different subsets."""
    sizes = Counter(row["subset"] for row in manifest)
    return sum(sizes[a] * sizes[b] for a, b in combinations(SUBSETS, 2))


def summarise(n_pairs: int, n_splits: int, kinds: Sequence[str], n_silent: int) -> str:
    """Return what an audit found, in a line.

    Args:
        n_pairs: pairs of tracks in different subsets, over all splits.
        n_splits: splits audited.
        kinds: kind of each hit, all of them accepted.
        n_silent: tracks with too little sound to be compared.
    """
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in KINDS if kind in kinds)
    hits = "0 hits" if not kinds else f"{_count(len(kinds), 'hit')}, all accepted ({counts})"
    line = (
        f"Leakage audit: {_count(n_pairs, 'pair')} of {_count(n_splits, 'split')} compared, {hits}"
    )
    if n_silent:
        line += f"; {_count(n_silent, 'track')} too short or silent to be compared"
    return line


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
