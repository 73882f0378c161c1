"""Split manifests: read by one reader, which stops at what would be dropped in silence."""

import csv
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from artistid.errors import InputError, shortened
from artistid.splits.draw import COLUMNS, SUBSETS

OF_CORPUS = ("artist", "album_id", "album", "path")  # what the corpus says of a track, too
AT_MOST = 5  # mistakes named in one message

Row = Mapping[str, str]
Numbered = list[tuple[int, dict[str, str]]]  # each row with the line that it starts on


def read_manifest(
    path: str | os.PathLike[str],
    tracks: Iterable[Row] | None = None,
    required: Sequence[str] = (),
) -> list[dict[str, str]]:
    """Read a manifest: a CSV file with a row of COLUMNS for each track.

    Args:
        path: the manifest. A byte order mark, which spreadsheets write, is ignored.
        tracks: rows of ``usable.csv``. With them, each row has to agree with the corpus, and each
            artist of the corpus has to be in the manifest: every seed needs the same classes. A
            track may be missing: copies of recordings may leave a split.
        required: subsets of which each artist needs a track.

    Raises:
        InputError: names the file and the lines of its rows, as an editor counts them.
    """
    numbered = _numbered_rows(path)
    _stop_at(path, [*_wrong_subsets(numbered), *_repeated_tracks(numbered)])
    rows = [row for _, row in numbered]
    artists = {row["artist"] for row in rows}
    if tracks is not None:
        track_of = {track["track_id"]: track for track in tracks}
        _stop_at(path, _unlike_corpus(numbered, track_of))
        artists = {track["artist"] for track in track_of.values()}
    _stop_at(path, _missing_artists(rows, artists, required))
    return rows


def _numbered_rows(path: str | os.PathLike[str]) -> Numbered:
    """Return the rows of a file that has the right columns, and a cell for each in every row."""
    records = _records(path)
    if not records:
        raise InputError(f"{path}: is empty; its first line names the columns {_all(COLUMNS)}")
    (line, header), *body = records
    wrong = [f"there is no column {_quoted(cell)}" for cell in header if cell not in COLUMNS]
    wrong += [f"column {column!r} is missing" for column in COLUMNS if column not in header]
    wrong += [f"column {c!r} is there twice" for c in COLUMNS if header.count(c) > 1]
    if wrong:
        raise InputError(
            f"{path}: line {line}: {'; '.join(wrong[:AT_MOST])}; the columns are {_all(COLUMNS)}, "
            "with commas between"
        )
    if not body:
        raise InputError(f"{path}: has no rows; write one for each track")
    _stop_at(
        path,
        [
            f"line {line}: a row of {_count(len(cells), 'cell')} under {len(header)} columns; "
            "write a cell for each column, in double quotes if it has a comma"
            for line, cells in body
            if len(cells) != len(header)
        ],
    )
    return [(line, dict(zip(header, cells, strict=True))) for line, cells in body]


def _records(path: str | os.PathLike[str]) -> list[tuple[int, list[str]]]:
    """Return the cells of each record that has any, with the line that it starts on."""
    records, line = [], 1
    with Path(path).open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
        reader = csv.reader(stream, strict=True)
        try:
            for cells in reader:
                if cells:
                    records.append((line, cells))
                line = reader.line_num + 1  # a name may hold line breaks
        except csv.Error as error:
            raise InputError(
                f"{path}: line {line}: is not a CSV row ({error}); look for a double quote "
                "that is not closed, and double those inside a quoted cell"
            ) from error
    return records


def _wrong_subsets(numbered: Numbered) -> Iterator[str]:
    for line, row in numbered:
        if (subset := row["subset"]) not in SUBSETS:
            yield f"{_place(line, row)}: {_quoted(subset)} is not a subset; write {_meant(subset)}"


def _meant(subset: str) -> str:
    """Return the subset that a misspelt one resembles; all of them if it resembles none."""
    word = subset.strip().lower()
    alike = [known for known in SUBSETS if word and (known.startswith(word) or known in word)]
    alike = alike or get_close_matches(word, SUBSETS, n=1)
    return " or ".join(alike) if alike else "train, validation or test"


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
                f"{_place(line, row)}: is no usable track of the corpus; write an id of "
                "corpus/usable.csv, or delete the row"
            )
            continue
        for column in OF_CORPUS:
            if row[column] != track[column]:
                yield (
                    f"{_place(line, row)}: {column} is {_quoted(row[column])}, and "
                    f"{_quoted(track[column])} in the corpus; write that"
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
                f"artist {_quoted(artist)} has no row, and every split needs every artist of the "
                "corpus; write its rows"
            )
        elif lacking := [subset for subset in required if subset not in subsets_of[artist]]:
            yield (
                f"artist {_quoted(artist)} has no {' and no '.join(lacking)} track; assign one of "
                "its tracks to it"
            )


def _stop_at(path: str | os.PathLike[str], problems: Iterable[str]) -> None:
    """Raise an error that names the first few problems, if there are any."""
    problems = list(problems)
    if problems:
        n_more = len(problems) - AT_MOST
        more = f"; and {_count(n_more, 'more mistake')}" if n_more > 0 else ""
        raise InputError(f"{path}: {'; '.join(problems[:AT_MOST])}{more}")


def _place(line: int, row: Row) -> str:
    return f"line {line} (track {_quoted(row['track_id'])})"


def _quoted(text: str) -> str:
    return shortened(repr(text))


def _all(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
