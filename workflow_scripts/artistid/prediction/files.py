"""Which files a person means: names, folders, and lists of names."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from artistid.corpus.folder import audio_passed_over, list_recordings
from artistid.errors import InputError

LIST = "-"  # as a name: the list on standard input


def names_of_list(stream: BinaryIO, separator: bytes) -> Iterator[str]:
    """Yield the names of a list as they come; empty ones are skipped.

    Args:
        stream: of bytes, because names need not be text.
        separator: a line break, or NUL for names that hold line breaks.
    """
    rest = b""
    while chunk := stream.read1(1 << 16) if hasattr(stream, "read1") else stream.read(1 << 16):
        *names, rest = (rest + chunk).split(separator)
        yield from (os.fsdecode(name) for name in names if name)
    if rest:
        yield os.fsdecode(rest)


def files_of(names: Iterable[str]) -> Iterator[tuple[Path, str | None]]:
    """Yield each file once, with what is wrong with it, or None.

    A folder means its audio files, sorted, including those of its folders. What is skipped
    there, and looks like audio, is yielded with the reason.
    """
    seen: set[Path] = set()
    for name in names:
        for path, wrong in _named(Path(name)):
            if path not in seen:
                seen.add(path)
                yield path, wrong


def _named(path: Path) -> Iterator[tuple[Path, str | None]]:
    if not path.is_dir():
        exists = os.path.lexists(path)
        yield path, None if exists else f"{path}: there is no such file"
        return
    try:
        recordings, others = list_recordings(path)
    except InputError:
        yield path, f"{path}: cannot be read as a folder"
        return
    for recording in recordings:
        yield path / recording.path, None
    for other, reason in audio_passed_over(path, others).items():
        yield path / other, f"{path / other}: is skipped ({reason})"
    if not recordings:
        yield path, f"{path}: contains no audio file"
