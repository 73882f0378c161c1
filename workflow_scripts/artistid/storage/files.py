"""Whole files or none: output appears under its name only when it is complete."""

import csv
import errno
import glob
import hashlib
import json
import os
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from artistid.errors import InputError

# Names of recordings are bytes to the file system; those that are not UTF-8 survive in our tables.
TEXT: Any = {"encoding": "utf-8", "errors": "surrogateescape"}
# Why a file cannot be written, and what a person can do about it.
_REMEDIES = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room in your quota",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "write to another disk",
    errno.EACCES: "make its folder writable for you",
    errno.EPERM: "make its folder writable for you",
    errno.EIO: "check the disk",
}
# What fsync says of data that are lost; any other error is a file system that has no fsync.
_LOST = (errno.ENOSPC, errno.EDQUOT, errno.EIO)


@contextmanager
def atomic_write(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block succeeds.

    The temporary file is removed when the block fails, so that nothing half-written is ever found
    under the final name. What a process that was killed left behind is removed too: one process
    at a time writes a file. The block must close the file before it ends.

    The content reaches the disk before the name does, so that a power cut does not leave an empty
    file that looks finished.

    Raises:
        InputError: the disk is full or fails, or the folder cannot be written to.
    """
    path = Path(path)
    # Processes of two nodes may have the same number.
    temporary = path.with_name(f".{path.name}.{socket.gethostname()}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for left_behind in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
            left_behind.unlink(missing_ok=True)
        yield temporary
        _force_to_disk(temporary)
        temporary.replace(path)
        _force_to_disk(path.parent)
    except Exception as error:
        if (number := _errno_of_writing(error, temporary)) is not None:
            raise InputError(
                f"{path}: cannot be written ({os.strerror(number)}); {_REMEDIES[number]}, and run "
                "the same command again: finished files are kept"
            ) from error
        raise
    finally:
        with suppress(OSError):  # a folder that cannot be read has no such file either
            temporary.unlink(missing_ok=True)


def _force_to_disk(path: Path) -> None:
    """Wait until a file's content, or a folder's list of names, is on the disk.

    Some file systems refuse that for folders, and a folder without read permission cannot be
    opened: then nothing more can be done.

    Raises:
        OSError: the disk is full or fails.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno in _LOST:
            raise


def _errno_of_writing(error: Exception, temporary: Path) -> int | None:
    """Return the system's error number if writing the file failed for a reason we know."""
    number = getattr(error, "errno", None)
    if number is None:  # HDF5 and safetensors only put it into their message
        found = re.search(r"(?:errno =|os error) (\d+)", str(error))
        number = int(found[1]) if found else None
    if number in (errno.EACCES, errno.EPERM):  # or was it something else that may not be read?
        return None if os.access(temporary.parent, os.W_OK) else number
    return number if number in _REMEDIES else None


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path` as a whole."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, newline="", **TEXT)


def write_json(path: str | os.PathLike[str], content: Any) -> None:
    """Write `content` as indented JSON with sorted keys, so that equal contents are equal bytes."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_rows(
    path: str | os.PathLike[str], rows: Sequence[Mapping[str, Any]], columns: Sequence[str]
) -> None:
    """Write mappings as a CSV file with the given columns.

    Floats are written so that they read back as the same number. `None` is an empty cell.
    """
    with atomic_write(path) as temporary, temporary.open("w", newline="", **TEXT) as stream:
        # Text is quoted: csv itself would leave a carriage return in a name bare.
        writer = csv.DictWriter(stream, columns, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: str | os.PathLike[str]) -> list[dict[str, str]]:
    """Read a CSV file as a list of mappings from column to text.

    Everything stays text: an artist may be called ``NA``, ``007`` or ``1e5``.
    """
    with Path(path).open(newline="", **TEXT) as stream:
        return list(csv.DictReader(stream))


def sha256_of_file(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
