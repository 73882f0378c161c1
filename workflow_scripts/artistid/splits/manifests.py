"""Split manifests: read by one reader, which stops at rows that would be silently dropped."""

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from artistid.errors import InputError
from artistid.splits.mistakes import (
    AT_MOST,
    csv_records,
    csv_rows,
    listed,
    missing_subsets,
    quoted,
    stop_at,
    wrong_subset,
)
from artistid.splits.subsets import COLUMNS, SUBSETS, TRAIN, UNKNOWN

OF_CORPUS = ("artist", "album_id", "album", "path")  # what the corpus says of a track, too

Row = Mapping[str, str]
Numbered = list[tuple[int, dict[str, str]]]  # each row with the line that it starts on


def read_manifest(
    path: str | os.PathLike[str],
    tracks: Iterable[Row] | None = None,
    required: Sequence[str] = (),
    subsets: Sequence[str] = (),
) -> list[dict[str, str]]:
    """Read a manifest: a CSV file with a row of COLUMNS for each track.

    Args:
        path: the manifest. A byte order mark, which spreadsheets write, is ignored.
        tracks: rows of ``usable.csv``. With them, each row must agree with the corpus. A track
            may be missing: a list may leave it out, and copies of recordings may leave a split.
        required: subsets of which each artist needs a track; of the corpus if `tracks` are given,
            else of the manifest.
        subsets: those that the split has, if that is known: each needs a row, and there are no
            others. Training always needs one.

    Raises:
        InputError: names the file and the lines of its rows, as an editor counts them.
    """
    numbered = _numbered_rows(path)
    known = tuple(subsets) or SUBSETS
    stop_at(path, [*_wrong_subsets(numbered, known), *_repeated_tracks(numbered)])
    rows = [row for _, row in numbered]
    artists = {row["artist"] for row in rows}
    if tracks is not None:
        track_of = {track["track_id"]: track for track in tracks}
        stop_at(path, _unlike_corpus(numbered, track_of))
        artists = {track["artist"] for track in track_of.values()}
    stop_at(path, _missing_artists(rows, artists, required) if required else [])
    stop_at(
        path,
        missing_subsets(
            ((row["artist"], row["subset"]) for row in rows), tuple(subsets) or (TRAIN,)
        ),
    )
    return rows


def _numbered_rows(path: str | os.PathLike[str]) -> Numbered:
    """Return the rows of a file that has the right columns, and a cell for each in every row."""
    records = csv_records(path)
    if not records:
        raise InputError(f"{path}: is empty; its first line names the columns {listed(COLUMNS)}")
    (line, header), *_ = records
    wrong = [f"there is no column {quoted(cell)}" for cell in header if cell not in COLUMNS]
    wrong += [f"column {column!r} is missing" for column in COLUMNS if column not in header]
    wrong += [f"column {c!r} appears twice" for c in COLUMNS if header.count(c) > 1]
    if wrong:
        raise InputError(
            f"{path}: line {line}: {'; '.join(wrong[:AT_MOST])}; the columns are "
            f"{listed(COLUMNS)}, with commas between"
        )
    return csv_rows(path, records)


def _wrong_subsets(numbered: Numbered, known: Sequence[str]) -> Iterator[str]:
    for line, row in numbered:
        if wrong := wrong_subset(row["subset"], known):
            yield f"{_place(line, row)}: {wrong}"


def _repeated_tracks(numbered: Numbered) -> Iterator[str]:
    first_of: dict[str, int] = {}
    for line, row in numbered:
        first = first_of.setdefault(row["track_id"], line)
        if first != line:
            yield f"{_place(line, row)}: the track is in line {first} already; delete one of them"


def _unlike_corpus(numbered: Numbered, track_of: Mapping[str, Row]) -> Iterator[str]:
    for line, row in numbered:
        track = track_of.get(row["track_id"])
        if track is None:
            yield (
                f"{_place(line, row)}: is not a usable track of the corpus; write an id of "
                "corpus/usable.csv, or delete the row"
            )
            continue
        for column in OF_CORPUS:
            if row[column] != track[column]:
                yield (
                    f"{_place(line, row)}: {column} is {quoted(row[column])}, and "
                    f"{quoted(track[column])} in the corpus; write that"
                )


def _missing_artists(
    rows: Iterable[Row], artists: Iterable[str], required: Sequence[str]
) -> Iterator[str]:
    subsets_of = defaultdict(set)
    for row in rows:
        subsets_of[row["artist"]].add(row["subset"])
    for artist in sorted(artists):
        if artist not in subsets_of:
            yield (
                f"artist {quoted(artist)} has no row, and every split needs every artist of the "
                "corpus; write its rows"
            )
        elif lacking := [subset for subset in required if subset not in subsets_of[artist]]:
            yield (
                f"artist {quoted(artist)} has no {' and no '.join(lacking)} track; assign one of "
                "its tracks to it"
            )


def _place(line: int, row: Row) -> str:
    return f"line {line} (track {quoted(row['track_id'])})"


def evaluated_subsets(manifest: Iterable[Row]) -> list[str]:
    """Return the subsets that are predicted: validation, and test if the split has one.

    After them come those of `UNKNOWN`, where artists that are not trained on have tracks.
    """
    rows = list(manifest)
    known = {row["artist"] for row in rows if row["subset"] == TRAIN}
    present = {row["subset"] for row in rows}
    unknown = {row["subset"] for row in rows if row["artist"] not in known}
    return [
        *(subset for subset in SUBSETS if subset != TRAIN and subset in present),
        *(name for subset, name in UNKNOWN.items() if subset in unknown),
    ]
