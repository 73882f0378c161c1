"""Name the artists of recordings, with a model file alone."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from artistid.commands import _shared as shared
from artistid.errors import InputError

if TYPE_CHECKING:
    from artistid.prediction.answers import Answer

HELP = "name the artists of recordings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.epilog = (
        "Exit code: 0 success; 1 some files could not be used, each is named on standard "
        "error; 2 the call or a model is bad."
    )
    shared.add_models_and_files(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object per file, one per line")
    form.add_argument("--csv", action="store_true", help="one CSV row per file")
    parser.add_argument(
        "--top", type=shared.count, default=3, metavar="N", help="artists to name (default 3)"
    )
    parser.add_argument("--passages", action="store_true", help="also print the answer over time")
    parser.add_argument(
        "--plot", type=Path, metavar="PNG", help="draw the answer to one file over time"
    )


def run(parsed: argparse.Namespace) -> int:
    """Answer to each file as it comes."""
    models, names = shared.models_and_files(parsed)
    if parsed.plot and parsed.plot.suffix.lower() not in (".png", ".svg"):
        raise InputError(f"{parsed.plot}: a figure is saved as .png or .svg; write such a name")
    files = shared.listed(names, parsed.null)
    if parsed.plot:
        found = list(files)
        if len(found) != 1:
            raise InputError(f"--plot draws one file, and {len(found)} are named; name one")
        files = iter(found)

    from artistid.prediction.answers import Ensemble
    from artistid.prediction.package import needs_torch, read_package

    packages = [read_package(path) for path in models]
    if any(map(needs_torch, packages)):
        shared.set_threads(parsed.threads)
    ensemble = Ensemble(packages, parsed.device)
    printer = _Printer(parsed, len(ensemble.classes))

    def use(path: Path) -> None:
        with ensemble.heard(path) as spectrograms:
            answer = ensemble.answer_of(path, spectrograms)
            if parsed.plot:
                from artistid.figures.prediction import draw_prediction
                from artistid.figures.style import save

                save(draw_prediction(answer, spectrograms[0], packages[0].log_mel), parsed.plot)
        printer.answer(answer)

    n_used, n_bad = shared.each_file(files, use, printer.refusal)
    if not n_used + n_bad:
        raise InputError("standard input names no file")
    return 1 if n_bad else 0


class _Printer:
    """Prints each answer as soon as it is known, in the requested form."""

    def __init__(self, parsed: argparse.Namespace, n_artists: int) -> None:
        self._parsed = parsed
        self._n_artists = n_artists
        self._has_header = False

    def answer(self, answer: "Answer") -> None:
        """Print an answer."""
        from artistid.prediction.output import as_json, as_text, json_line

        if self._parsed.json:
            self._print(json_line(as_json(answer)) + "\n")
        elif self._parsed.csv:
            self._row(as_json(answer))
        else:
            self._print(as_text(answer, self._parsed.top, self._parsed.passages) + "\n")

    def refusal(self, path: Path, reason: str) -> None:
        """Print that there is none, where rows are for machines."""
        from artistid.prediction.output import json_line

        if self._parsed.json:
            self._print(json_line({"path": str(path), "error": reason}) + "\n")
        elif self._parsed.csv:
            self._row({"path": str(path), "error": reason})

    def _row(self, answer: dict[str, object]) -> None:
        from artistid.prediction.output import answer_columns, answer_row, csv_text

        top = self._parsed.top
        columns, row = answer_columns(self._n_artists, top), answer_row(answer, top)
        self._print(csv_text(columns, [row], header=not self._has_header))
        self._has_header = True

    @staticmethod
    def _print(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
