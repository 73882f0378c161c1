"""Reads the log of a job, as `artistid.jobs.logs` writes it, while the job runs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} ([A-Z]+) (.*)")
_EPOCH = re.compile(r"epoch (\d+)/(\d+): .*validation F1 ([\d.]+|nan)")
_TAIL = 64 * 1024  # bytes at the end of a log that are read for its last lines


@dataclass(frozen=True)
class Epoch:
    """Progress of a training: epoch `number` of at most `of`, and validation macro F1 as text."""

    number: int
    of: int
    f1: str


class JobLog:
    """A job's log, from the moment when the job is started.

    A file that exists already is the log of an earlier job, until it changes: a job overwrites it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._earlier = _state(path)
        self._read_up_to = 0

    def new_lines(self) -> list[str]:
        """Return the lines that were completed since the last call; none if it cannot be read."""
        if _state(self.path) == self._earlier:
            return []
        self._earlier = None
        try:
            with self.path.open("rb") as stream:
                stream.seek(self._read_up_to)
                new = stream.read()
        except OSError:
            return []
        complete = new[: new.rfind(b"\n") + 1]
        self._read_up_to += len(complete)
        return complete.decode("utf-8", errors="replace").splitlines()


def warnings_in(lines: Iterable[str]) -> Iterator[str]:
    """Yield the warnings in the lines of a log; a warning may have several lines."""
    message: list[str] = []
    for line in lines:
        if found := _LINE.fullmatch(line):
            if message:
                yield "\n".join(message)
            message = [found[2]] if found[1] == "WARNING" else []
        elif message:
            message.append(line)
    if message:
        yield "\n".join(message)


def epoch_in(lines: Iterable[str]) -> Epoch | None:
    """Return the last epoch that a training reports in these lines, or None."""
    found = [match for line in lines if (match := _EPOCH.search(line))]
    return Epoch(int(found[-1][1]), int(found[-1][2]), found[-1][3]) if found else None


def last_lines(path: Path, n_lines: int, without_error: bool = False) -> list[str]:
    """Return the last lines of a log or, if there are none, a line that says why.

    Args:
        path: path of the log.
        n_lines: maximum number of lines.
        without_error: leave out the last line if it is the error that ended the job.
    """
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - _TAIL))
            lines = stream.read().decode("utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return ["(the job wrote no log)"]
    except OSError as error:
        return [f"(the log cannot be read: {error.strerror})"]
    if not lines:
        return ["(the log is empty)"]
    last = _LINE.fullmatch(lines[-1])
    if without_error and last and last[1] == "ERROR":
        lines.pop()
    return lines[-n_lines:]


def _state(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size
