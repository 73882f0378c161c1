"""A job's log: a file with everything, the terminal with what people watch for."""

import gc
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from artistid.errors import InputError
from artistid.jobs.lifetime import end_when_told, end_with_workflow, is_shown

_TERMINAL_INTERVAL = 10.0  # seconds between two lines of one job's progress on the terminal


class _Paced(logging.Filter):
    """Lets warnings pass, and an information line once in a while."""

    def __init__(self) -> None:
        super().__init__()
        self.last = -_TERMINAL_INTERVAL

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno > logging.INFO:
            return True
        if time.monotonic() - self.last < _TERMINAL_INTERVAL:
            return False
        self.last = time.monotonic()
        return True


@contextmanager
def job_log(log_file: str | Path, name: str) -> Iterator[logging.Logger]:
    """Log to a file and to the terminal while the block runs; end the process when it fails.

    Where the workflow shows what is in the file (`artistid.terminal`), only what ends the job goes
    to the terminal.

    The process also ends with its workflow, and in order when it is told to (SIGTERM).

    An `InputError` is one line on the terminal and in the file. Any other exception keeps its
    traceback, in the file; the terminal names the file. What libraries write to the standard error
    stream themselves (libmpg123 complains about many a sound mp3 file) goes to the file.

    Args:
        log_file: overwritten.
        name: prefix of each line on the terminal, such as the run's axes.
    """
    # What is imported stays to the end. Python would search it for garbage again and again, even as
    # it exits: that takes a tenth as long as the import of PyTorch.
    gc.freeze()
    end_with_workflow()
    end_when_told()
    try:
        Path(log_file).parent.mkdir(parents=True, exist_ok=True)
        Path(log_file).write_bytes(b"")
        stream = Path(log_file).open("a", encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
        file = logging.StreamHandler(stream)
    except OSError as error:
        sys.exit(f"{name}: {log_file}: cannot be written ({error.strerror})")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    terminal_stream = os.fdopen(os.dup(2), "w", errors="backslashreplace")
    os.dup2(stream.fileno(), 2)
    terminal = logging.StreamHandler(terminal_stream)
    terminal.setFormatter(logging.Formatter(f"{name.replace('%', '%%')}: %(message)s"))
    terminal.addFilter(_Paced())
    terminal.setLevel(logging.ERROR if is_shown() else logging.INFO)
    logging.basicConfig(level=logging.INFO, handlers=[file, terminal], force=True)
    logging.captureWarnings(True)
    logger = logging.getLogger("job")
    try:
        yield logger
    except SystemExit as ended:
        logger.error("terminated from outside (exit code %s)", ended.code)
        raise
    except InputError as error:
        logger.error("%s", error)
        sys.exit(1)
    except Exception as error:
        file.handle(logger.makeRecord("job", logging.ERROR, "", 0, "failed", (), sys.exc_info()))
        logger.error("%s: %s; details in %s", type(error).__name__, error, log_file)
        sys.exit(1)
