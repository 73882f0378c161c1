"""Locks between processes of one machine, or of all that share a file system which has locks."""

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger(__name__)


@contextmanager
def exclusive_lock(path: Path, held: str) -> Iterator[None]:
    """Hold a lock while the block runs. It dies with the process that holds it.

    Args:
        path: of the lock's file; it stays, because removing it would be a race.
        held: what the log says while another process holds the lock.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                log.warning("%s; waiting until it ends (%s)", held, path)
                fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            log.warning("%s cannot be locked here (%s): continuing without a lock", path, error)
        yield
