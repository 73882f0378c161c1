"""Whole files or none: output appears under its name only when it is complete."""

import csv
import glob
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Names of recordings are bytes to the file system; those that are not UTF-8 survive in our tables.
TEXT = {"encoding": "utf-8", "errors": "surrogateescape"}


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block succeeds.

    The temporary file is removed when the block fails, so that nothing half-written is ever found
    under the final name. What a process that was killed left behind is removed too: one process
    at a time writes a file.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    for left_behind in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        left_behind.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path` as a whole."""
    with replacing(path) as temporary:
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
    with replacing(path) as temporary, temporary.open("w", newline="", **TEXT) as stream:
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
