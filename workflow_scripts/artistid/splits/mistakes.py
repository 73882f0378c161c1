"""Reading files that users write, and naming and counting the mistakes in them."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from artistid.errors import InputError, shortened
from artistid.splits.subsets import SUBSETS, TRAIN

AT_MOST = 5  # mistakes named in one message

FilePath = str | os.PathLike[str]


def read_text(path: FilePath) -> str:
    """Return the text of a file; a byte order mark is ignored, and other bytes than UTF-8 survive.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with Path(path).open(newline="", encoding="utf-8-sig", errors="surrogateescape") as stream:
            return stream.read()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); write the path of a readable file"
        ) from None


def csv_records(path: FilePath) -> list[tuple[int, list[str]]]:
    """Return the cells of each non-empty record, with the line that it starts on.

    Raises:
        InputError: the file cannot be read, or is not CSV.
    """
    records, line = [], 1
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
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


def csv_rows(
    path: FilePath, records: Sequence[tuple[int, list[str]]]
) -> list[tuple[int, dict[str, str]]]:
    """Return each row below a table's header by its columns, with the line that it starts on.

    Raises:
        InputError: there are no rows, or one has too few or too many cells.
    """
    (_, header), *body = records
    if not body:
        raise InputError(f"{path}: has no rows; write one for each track")
    stop_at(
        path,
        [
            f"line {line}: a row of {counted(len(cells), 'cell')} under {len(header)} columns; "
            "write a cell for each column, in double quotes if it has a comma"
            for line, cells in body
            if len(cells) != len(header)
        ],
    )
    return [(line, dict(zip(header, cells, strict=True))) for line, cells in body]


def wrong_subset(subset: str, subsets: Sequence[str]) -> str:
    """Return what is wrong with a subset's name; nothing if it is one of the split's subsets."""
    if subset in subsets:
        return ""
    of_split = " of this split" if subset in SUBSETS else ""
    return f"{quoted(subset)} is not a subset{of_split}; write {meant_subset(subset, subsets)}"


def meant_subset(subset: str, subsets: Sequence[str] = SUBSETS) -> str:
    """Return the subset that a misspelt one resembles; all of them if it resembles none."""
    word = subset.strip().lower()
    alike = [known for known in subsets if word and (known.startswith(word) or known in word)]
    alike = alike or get_close_matches(word, subsets, n=1)
    return " or ".join(alike) if alike else f"{', '.join(subsets[:-1])} or {subsets[-1]}"


def missing_subsets(placed: Iterable[tuple[str, str]], subsets: Iterable[str]) -> list[str]:
    """Return a problem for each subset without a track by an artist that is trained on.

    Args:
        placed: artist and subset of each track.
        subsets: the required ones.
    """
    placed = list(placed)
    trained = {artist for artist, subset in placed if subset == TRAIN}
    present = {subset for artist, subset in placed if artist in trained}
    by = " by an artist that is trained on" if trained else ""
    return [
        f"has no {subset} track{by}; assign some to it"
        for subset in subsets
        if subset not in present and (trained or subset == TRAIN)
    ]


def stop_at(path: FilePath, problems: Iterable[str], n_elsewhere: int = 0) -> None:
    """Raise an error that names the first few problems of a file, if there are any.

    Args:
        path: the file.
        problems: what is wrong with it.
        n_elsewhere: mistakes in other files, which are counted.
    """
    problems = list(problems)
    if problems:
        n_more = max(0, len(problems) - AT_MOST) + n_elsewhere
        more = f"; and {counted(n_more, 'more mistake')}" if n_more > 0 else ""
        raise InputError(f"{path}: {'; '.join(problems[:AT_MOST])}{more}")


def quoted(text: str) -> str:
    """Return a text as one line in quotes, without its middle if it is long."""
    return shortened(repr(text))


def listed(names: Sequence[str], word: str = "and") -> str:
    """Return names with commas and a word before the last."""
    return f"{', '.join(names[:-1])} {word} {names[-1]}" if len(names) > 1 else "".join(names)


def counted(number: int, what: str) -> str:
    """Return a number with its noun, in the plural if it needs it."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
