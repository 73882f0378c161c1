"""What is printed at the end of a run: the scores, and where the results are."""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from artistid.tables.reading import REFERENCES

WIDTH = 100  # maximum number of columns of the terminal
_SPLITS_BESIDE = 4  # splits whose scores fit side by side
_NAME_WIDTH = 28

Row = Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """A result of a run, or of a command that uses the results of a run.

    Attributes:
        name: what it is.
        path: where it is, or will be.
        command: the command that makes it.
        of: the file that it is made from: if the result is older, it is out of date. None if it
            cannot be out of date.
    """

    name: str
    path: Path
    command: str
    of: Path | None = None


def f1_table(of_slices: Iterable[Row], of_songs: Iterable[Row], subset: str = "test") -> str:
    """Return the mean macro F1 of each model and split, at most `WIDTH` columns wide.

    Args:
        of_slices: rows of the tables `f1_by_model` and `f1_by_slice`.
        of_songs: rows of the table `f1_of_songs`; those pooled by vote are left out.
        subset: the subset that was scored.
    """
    slices = _by_cell(of_slices)
    songs = _by_cell(row for row in of_songs if row["pooling"] == "mean")
    splits = list(dict.fromkeys(split for _, split in songs))
    names = list(dict.fromkeys(name for name, _ in songs))
    tables = []
    for first in range(0, len(splits), _SPLITS_BESIDE):
        some = splits[first : first + _SPLITS_BESIDE]
        head = ["model", *some]
        rows = [
            [
                name,
                *(_scores(slices.get((name, split)), songs.get((name, split))) for split in some),
            ]
            for name in names
        ]
        tables.append(_drawn(head, rows))
    return f"Macro F1 on {subset}, of slices / of songs, by model and split\n" + "\n".join(tables)


def where(results: Iterable[Result]) -> Iterator[str]:
    """Yield a line for each result: where it is, or the command that makes it."""
    for result in results:
        if _is_up_to_date(result):
            yield f"{result.name}: {result.path}"
        else:
            yield f"to make the {result.name}: {result.command}"


def _is_up_to_date(result: Result) -> bool:
    if result.of is None or not result.path.exists():
        return result.path.exists()
    return result.path.stat().st_mtime >= result.of.stat().st_mtime


def _by_cell(rows: Iterable[Row]) -> dict[tuple[str, str], str]:
    """Return the scores by name and split; the name of a model includes its slice length.

    The references (chance and majority) get one row, not one for each slice length.
    """
    scores: dict[tuple[str, str], str] = {}
    for row in rows:
        name, seconds = row["model"], row["slice_seconds"]
        if seconds and name not in REFERENCES:
            name = f"{name}, {float(seconds):g} s"
        scores.setdefault((name, row["split"]), row["macro_f1_mean"])
    return scores


def _scores(of_slices: str | None, of_songs: str | None) -> str:
    return " / ".join(f"{float(score):.3f}" if score else "–" for score in (of_slices, of_songs))


def _drawn(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for number, name in enumerate(head):
        width = WIDTH // (_SPLITS_BESIDE + 1) if number else _NAME_WIDTH
        table.add_column(name, justify="right" if number else "left", max_width=width)
    for row in rows:
        table.add_row(*row)
    text = io.StringIO()
    Console(file=text, width=WIDTH, color_system=None).print(table)
    return "".join(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
