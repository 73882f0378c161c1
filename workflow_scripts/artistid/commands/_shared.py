"""What commands on recordings share: their arguments, their files, their progress."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from artistid.errors import InputError
from artistid.prediction.devices import AUTO, DEVICES
from artistid.prediction.names import shown

MODEL_ENDING = ".safetensors"


def add_models_and_files(parser: argparse.ArgumentParser) -> None:
    """Add models and files: names that end like a model come first."""
    parser.usage = f"{parser.prog} [options] MODEL [MODEL ...] FILE_OR_FOLDER [...]"
    parser.add_argument(
        "names",
        nargs="+",
        metavar="MODEL ... FILE_OR_FOLDER ...",
        help=f"model files (*{MODEL_ENDING}; several answer together), then audio files and "
        "folders of them; - reads names from standard input, a line each",
    )
    parser.add_argument(
        "-0", "--null", action="store_true", help="names on standard input end with NUL, not a line"
    )
    parser.add_argument(
        "--device", choices=DEVICES, default=AUTO, help="of a network (default: a GPU if any)"
    )
    parser.add_argument("--threads", type=count, metavar="N", help="of the processor (default all)")


def count(text: str) -> int:
    """Return a whole number of 1 or more, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def models_and_files(parsed: argparse.Namespace) -> tuple[list[Path], list[str]]:
    """Return the models, and the names of files and folders.

    Raises:
        InputError: one of the two is missing.
    """
    names = list(parsed.names)
    models = []
    while names and names[0].endswith(MODEL_ENDING):
        models.append(Path(names.pop(0)))
    if not models:
        raise InputError(f"{names[0]}: is not a model; name a *{MODEL_ENDING} file first")
    if not names:
        raise InputError("no audio file or folder is named; write some after the model, or -")
    return models, names


def listed(names: list[str], null: bool) -> Iterator[tuple[Path, str | None]]:
    """Yield each file that is meant once, with what is wrong with it, or None."""
    from artistid.prediction.files import LIST, files_of, names_of_list

    def all_names() -> Iterator[str]:
        for name in names:
            if name == LIST:
                yield from names_of_list(sys.stdin.buffer, b"\0" if null else b"\n")
            else:
                yield name

    return files_of(all_names())


def set_threads(threads: int | None) -> None:
    """Limit the processor threads of torch, if it will be used; all by default."""
    if threads is not None:
        import torch

        torch.set_num_threads(threads)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep what libraries write to the standard error stream themselves off it; Python's stays.

    libmpg123 complains about many a sound mp3 file, and does not say which.
    """
    sys.stderr.flush()
    own, python_stream = os.dup(2), sys.stderr
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        with os.fdopen(os.dup(own), "w", errors="backslashreplace") as sys.stderr:
            os.dup2(nowhere, 2)
            yield
    finally:
        sys.stderr = python_stream
        os.dup2(own, 2)
        os.close(own)
        os.close(nowhere)


@quiet_libraries()
def each_file(
    files: Iterator[tuple[Path, str | None]],
    use: Callable[[Path], None],
    refuse: Callable[[Path, str], None],
) -> tuple[int, int]:
    """Use each file; name unusable ones, and continue.

    Args:
        files: with what is wrong with them.
        use: is called with a good one; an `InputError` of it makes it a bad one.
        refuse: is called with a bad one and the reason, which has been named already.

    Returns:
        How many were used, and how many are bad.
    """
    progress = Progress()
    n_used = n_bad = 0
    for path, wrong in files:
        progress.show(f"{n_used + n_bad + 1}: {shown(path.name)}")
        if wrong is None:
            try:
                use(path)
                n_used += 1
                continue
            except InputError as error:
                wrong = str(error)
        n_bad += 1
        progress.clear()
        print(f"artistid: {shown(wrong)}", file=sys.stderr)
        refuse(path, wrong)
    progress.clear()
    if n_bad:
        print(f"artistid: {n_bad} of {n_used + n_bad} files could not be used", file=sys.stderr)
    return n_used, n_bad


class Progress:
    """A progress line on the terminal; nothing if there is no terminal."""

    def __init__(self) -> None:
        self._is_shown = sys.stderr.isatty()

    def show(self, text: str) -> None:
        """Replace the last line."""
        if self._is_shown:
            sys.stderr.write(f"\r\x1b[K{text[:70]}")
            sys.stderr.flush()

    def clear(self) -> None:
        """Remove the line, before something else is printed."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
