"""Snakemake in copies of a process that has imported it already.

Importing it takes longer than most of what the tests ask of it. A copy is otherwise what a new
process is: its folder, arguments, environment, library and output are its own.
"""

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from queue import Empty, SimpleQueue
from tempfile import TemporaryDirectory

# What every plan imports, but nothing of the workflow: each copy has another one.
IMPORTED = (
    *("snakemake.cli", "snakemake.report.html_reporter"),
    *("dpath", "h5py", "jsonschema", "nbformat", "smart_open", "statistics", "yte"),
)
SECONDS = 1800  # after which a run is killed

_idle: SimpleQueue[subprocess.Popen] = SimpleQueue()


def run(
    workdir: Path, arguments: Sequence[str], environment: dict[str, str]
) -> subprocess.CompletedProcess:
    """Run Snakemake in a folder; return what `subprocess.run` would, with the output as text."""
    with _server() as server, TemporaryDirectory() as folder:
        output, error = Path(folder, "output"), Path(folder, "error")
        request = [str(workdir), arguments, environment, str(output), str(error)]
        print(json.dumps(request), file=server.stdin, flush=True)
        status = int(server.stdout.readline())
        said = [path.read_text() for path in (output, error)]
    return subprocess.CompletedProcess(["snakemake", *arguments], status, *said)


@contextmanager
def _server() -> Iterator[subprocess.Popen]:
    """Give a process that serves nobody else meanwhile; several threads have several.

    One whose run raised an error is not used again.
    """
    try:
        server = _idle.get_nowait()
    except Empty:
        # Each run brings its own path of libraries.
        environment = {name: os.environ[name] for name in os.environ if name != "PYTHONPATH"}
        server = subprocess.Popen(
            [sys.executable, __file__],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
    yield server
    _idle.put(server)


def stop() -> None:
    """End all processes."""
    while not _idle.empty():
        server = _idle.get_nowait()
        server.communicate()


def _serve() -> None:
    """Run Snakemake in a copy of this process for each request, and say how it ended."""
    gc.freeze()  # a collection in a copy would touch, and so copy, everything there is
    for line in sys.stdin:
        copy = get_context("fork").Process(target=_become, args=json.loads(line))
        copy.start()
        copy.join()
        print(copy.exitcode, flush=True)


def _become(workdir: str, arguments: list[str], environment: dict[str, str], *files: str) -> None:
    """Make of this process what a new one would be, whose library is the folder's."""
    signal.alarm(SECONDS)
    for number, name in enumerate((os.devnull, *files)):
        opened = os.open(name, os.O_RDWR | os.O_CREAT)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(workdir)
    os.environ.clear()
    os.environ.update(environment)
    sys.dont_write_bytecode = bool(environment.get("PYTHONDONTWRITEBYTECODE"))
    sys.path[0:1] = [workdir, *environment.get("PYTHONPATH", "").split(os.pathsep)]
    sys.argv = ["__main__.py", *arguments]
    runpy.run_module("snakemake", run_name="__main__")


if __name__ == "__main__":
    for name in IMPORTED:
        __import__(name)
    _serve()
