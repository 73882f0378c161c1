"""Users' lists: which tracks are for training, validation and testing.

A CSV file has a row for each track and its subset in a column. LabROSA's `.list` files and JSON
files name the tracks of one subset each. What they name is looked up in the corpus; the files
themselves are only read.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from artistid.errors import InputError
from artistid.splits.definitions import ManifestSplit
from artistid.splits.mistakes import (
    AT_MOST,
    counted,
    csv_records,
    csv_rows,
    listed,
    missing_subsets,
    quoted,
    read_text,
    stop_at,
    wrong_subset,
)
from artistid.splits.names import Corpus, NoMatchError, Row, corpus_of, normalised
from artistid.splits.subsets import COLUMNS

PLACE = ("artist", "album", "track")  # these three name a track, and so does either of the next
CSV_COLUMNS = (*PLACE, "path", "track_id", "album_id", "subset")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """What a list says of one track.

    Attributes:
        file: the list.
        line: where the entry begins, from 1.
        cells: what names the track, by CSV_COLUMNS; a line of a `.list` is a `path`.
        subset: the subset.
    """

    file: str
    line: int
    cells: Mapping[str, str]
    subset: str

    @property
    def place(self) -> str:
        """The line and the name, for messages about its file."""
        name = self.cells.get("path") or self.cells.get("track_id")
        return (
            f"line {self.line} ({quoted(name or '/'.join(self.cells.get(c, '') for c in PLACE))})"
        )


def list_files(definition: ManifestSplit, cut: str) -> list[str]:
    """Return the files that a cut of a list is read from."""
    files = definition.files_of(cut)
    paths = [files] if isinstance(files, str) else list(files.values())
    return [str(Path(path).expanduser()) for path in paths]


def rows_of_list(
    definition: ManifestSplit, cut: str, tracks: Iterable[Row]
) -> tuple[list[dict[str, str]], list[Row]]:
    """Read a list against the corpus.

    Args:
        definition: of the split.
        cut: ``list``, or ``list-fold2`` of a split with folds.
        tracks: rows of ``usable.csv``.

    Returns:
        The manifest's rows, sorted by track id, and the usable tracks that the list leaves out.

    Raises:
        InputError: names the files, the lines and what is wrong with them.
    """
    tracks = sorted(tracks, key=lambda track: track["track_id"])
    entries = _entries(definition, cut)
    found = _found(entries, corpus_of(tracks))
    _check_artists(definition, cut, found, tracks)
    placed = ((track["artist"], entry.subset) for entry, track in found)
    stop_at(list_files(definition, cut)[0], missing_subsets(placed, definition.subsets))
    subset_of = {track["track_id"]: entry.subset for entry, track in found}
    rows = [
        {column: track[column] for column in COLUMNS[:-1]}
        | {"subset": subset_of[track["track_id"]]}
        for track in tracks
        if track["track_id"] in subset_of
    ]
    return rows, [track for track in tracks if track["track_id"] not in subset_of]


def describe_left_out(left_out: Sequence[Row]) -> str:
    """Return a line that counts the tracks that a list leaves out, and names the first."""
    if not left_out:
        return "the list names every usable track"
    named = ", ".join(quoted(track["path"]) for track in left_out[:AT_MOST])
    more = f" and {len(left_out) - AT_MOST:,} more" if len(left_out) > AT_MOST else ""
    of_artists = Counter(track["artist"] for track in left_out)
    return (
        f"left out by the list: {counted(len(left_out), 'usable track')} of "
        f"{counted(len(of_artists), 'artist')}: {named}{more}"
    )


def _entries(definition: ManifestSplit, cut: str) -> list[Entry]:
    files = definition.files_of(cut)
    if isinstance(files, str):
        [path] = list_files(definition, cut)
        return _csv_entries(path, definition.subsets)
    paths = dict(zip(files, list_files(definition, cut), strict=True))
    entries = []
    for subset, path in paths.items():
        read = _json_names if path.lower().endswith(".json") else _line_names
        names = list(read(path))
        if not names:
            raise InputError(f"{path}: names no track; write one for each {subset} track")
        entries += [Entry(path, line, {"path": name}, subset) for line, name in names]
    return entries


def _line_names(path: str) -> Iterator[tuple[int, str]]:
    """Yield the line number and the content of each line that has any."""
    for number, line in enumerate(re.split(r"\r\n|\r|\n", read_text(path)), start=1):
        if line.strip():
            yield number, line


def _json_names(path: str) -> Iterator[tuple[int, str]]:
    """Yield each path of a JSON list with its line."""
    text = read_text(path)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{path}: line {error.lineno}, column {error.colno}: is not JSON ({error.msg}); "
            'write a list of paths: ["artist/album/track.mp3", ...]'
        ) from None
    except (ValueError, RecursionError):  # a number of too many digits, or brackets too deep
        content = None
    if not isinstance(content, list) or not all(isinstance(name, str) for name in content):
        raise InputError(
            f"{path}: line 1: is not a list of paths; write "
            '["artist/album/track.mp3", ...], and a file for each subset'
        )
    # All that is in quotes is a path, since nothing but paths is in the list.
    line, end = 1, 0
    for string, name in zip(_STRING.finditer(text), content, strict=True):
        line, end = line + text.count("\n", end, string.start()), string.start()
        yield line, name


def _csv_entries(path: str, subsets: Sequence[str]) -> list[Entry]:
    records = csv_records(path)
    if not records:
        raise InputError(f"{path}: is empty; {_COLUMNS_WANTED}")
    line, header = records[0]
    wrong = [f"there is no column {quoted(cell)}" for cell in header if cell not in CSV_COLUMNS]
    wrong += [f"column {c!r} appears twice" for c in CSV_COLUMNS if header.count(c) > 1]
    if "subset" not in header:
        wrong.append("column 'subset' is missing")
    if not {"path", "track_id"} & set(header) and not set(PLACE) <= set(header):
        wrong.append("no column tells the tracks apart")
    if wrong:
        raise InputError(f"{path}: line {line}: {'; '.join(wrong[:AT_MOST])}; {_COLUMNS_WANTED}")
    entries = [Entry(path, line, row, row["subset"]) for line, row in csv_rows(path, records)]
    stop_at(path, _wrong_subsets(entries, subsets))
    return entries


_COLUMNS_WANTED = (
    "write the column subset, and path or track_id or all of artist, album and track, with commas "
    "between"
)


def _wrong_subsets(entries: Iterable[Entry], subsets: Sequence[str]) -> Iterator[str]:
    for entry in entries:
        if wrong := wrong_subset(entry.subset, subsets):
            yield f"{entry.place}: {wrong}"


def _found(entries: Sequence[Entry], corpus: Corpus) -> list[tuple[Entry, Row]]:
    """Return each entry with its track, each track once."""
    found, problems = [], defaultdict(list)
    first_of: dict[str, Entry] = {}
    for entry in entries:
        try:
            track = _track_of(entry, corpus)
        except NoMatchError as error:
            problems[entry.file].append(f"{entry.place}: {error}")
            continue
        first = first_of.setdefault(track["track_id"], entry)
        if first is entry:
            found.append((entry, track))
        else:
            problems[entry.file].append(f"{entry.place}: {_again(entry, first)}")
    _stop_at_first_file(problems)
    return found


def _again(entry: Entry, first: Entry) -> str:
    where = f"line {first.line}" if first.file == entry.file else f"{first.file}, line {first.line}"
    if first.subset == entry.subset:
        return f"the track is in {where} already; delete one of them"
    return f"the track is in {first.subset} already ({where}); delete one of them"


def _stop_at_first_file(problems: Mapping[str, Sequence[str]]) -> None:
    total = sum(map(len, problems.values()))
    for path, own in problems.items():
        stop_at(path, own, n_elsewhere=total - len(own))


def _track_of(entry: Entry, corpus: Corpus) -> Row:
    """Return the track that an entry means; all its cells must agree on it."""
    cells = {column: cell for column, cell in entry.cells.items() if cell}
    found = []
    if "track_id" in cells:
        found.append(corpus.with_id(cells["track_id"]))
    if "path" in cells:
        found.append(corpus.at_path(cells["path"]))
    if set(PLACE) <= set(cells):
        found.append(corpus.at([cells[column] for column in PLACE]))
    if not found:
        raise NoMatchError("names no track; fill in path, track_id, or artist, album and track")
    for other in found[1:]:
        if other["track_id"] != found[0]["track_id"]:
            raise NoMatchError(
                f"its cells mean two tracks, {quoted(found[0]['path'])} and "
                f"{quoted(other['path'])}; correct one, or leave it empty"
            )
    for column in ("artist", "album", "album_id"):
        if column in cells and normalised(cells[column]) != normalised(found[0][column]):
            raise NoMatchError(
                f"{column} is {quoted(cells[column])}, and {quoted(found[0][column])} in the "
                "corpus; write that"
            )
    return found[0]


def _check_artists(
    definition: ManifestSplit, cut: str, found: Sequence[tuple[Entry, Row]], tracks: Sequence[Row]
) -> None:
    """Stop at artists without a track in a subset that needs every artist of the corpus."""
    subsets_of: dict[str, set[str]] = defaultdict(set)
    first_of: dict[str, Entry] = {}
    for entry, track in found:
        subsets_of[track["artist"]].add(entry.subset)
        first_of.setdefault(track["artist"], entry)
    problems, main_file = defaultdict(list), list_files(definition, cut)[0]
    ways = "add some, or remove the artist from the corpus"
    if not definition.has_folds:
        ways += f", or write splits.{definition.name}.unknown_artists: true"
    for artist in sorted({track["artist"] for track in tracks}):
        lacking = [subset for subset in definition.required if subset not in subsets_of[artist]]
        if not lacking:
            continue
        if artist in first_of:
            entry = first_of[artist]
            problem = f"{entry.place}: artist {quoted(artist)} has no {listed(lacking)} track"
            problems[entry.file].append(f"{problem}; {ways}")
        else:
            problems[main_file].append(
                f"artist {quoted(artist)} of the corpus has no {listed(lacking)} track, nor any "
                f"other; {ways}"
            )
    _stop_at_first_file(problems)
