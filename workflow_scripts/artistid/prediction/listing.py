"""A folder of recordings to be named, in lists for jobs, and what these answer."""

import json
from collections.abc import Iterator, Mapping, Sequence
from logging import Logger
from pathlib import Path
from typing import Any

from artistid.corpus.folder import audio_passed_over, list_recordings
from artistid.errors import InputError
from artistid.prediction.answers import Ensemble
from artistid.prediction.output import as_json
from artistid.prediction.package import Package
from artistid.storage.files import write_rows

# Size and time of change: a file that is replaced is named again.
COLUMNS = ("path", "bytes", "changed")


def list_folder(folder: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """Return a row of COLUMNS for each recording, and what is skipped though it may be audio.

    Raises:
        InputError: the folder cannot be read, or holds no recording.
    """
    recordings, others = list_recordings(folder)
    if not recordings:
        raise InputError(f"predict.folder: {folder} contains no audio file; write another folder")
    rows = []
    for recording in recordings:
        row: dict[str, Any] = {"path": recording.path, "bytes": None, "changed": None}
        try:
            status = (folder / recording.path).stat()
            row |= {"bytes": status.st_size, "changed": status.st_mtime_ns}
        except OSError:  # a link to nowhere: the job that reads it will say so
            pass
        rows.append(row)
    passed_over = audio_passed_over(folder, others).items()
    return rows, [f"{path}: is skipped ({reason})" for path, reason in passed_over]


def write_lists(folder: Path, rows: Sequence[Mapping[str, Any]], per_list: int) -> int:
    """Write rows as ``0000.csv`` and so on, and return how many lists they are."""
    firsts = range(0, len(rows), per_list)
    for number, first in enumerate(firsts):
        write_rows(folder / f"{number:04}.csv", rows[first : first + per_list], COLUMNS)
    return len(firsts)


def answers_of(
    packages: Sequence[Package],
    folder: Path,
    rows: Sequence[Mapping[str, str]],
    device: str,
    log: Logger,
) -> Iterator[dict[str, Any]]:
    """Yield what `as_json` says of each recording, or its ``path`` and ``error``.

    Args:
        packages: of models that answer together.
        folder: of the recordings, below which paths are given.
        rows: of a list.
        device: see `artistid.prediction.models.build`.
        log: names each file that cannot be used.

    Raises:
        InputError: a model cannot be used.
    """
    ensemble = Ensemble(packages, device)
    for row in rows:
        try:
            answer = as_json(ensemble.answer(folder / row["path"]))
        except InputError as error:
            log.warning("%s", error)
            answer = {"error": str(error)}
        yield answer | {"path": row["path"]}


def read_answers(path: Path) -> list[dict[str, Any]]:
    """Return what `answers_of` yielded, from a file with one JSON object a line."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
