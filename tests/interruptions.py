"""Workflows that are killed: starting them, finding their jobs, comparing what they leave."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from conftest import environment_of

# One network with enough epochs to be caught at, one classical system, one split, one seed.
SMALL = {
    "corpus": {"name": "small"},
    "training_state": {"minutes": 0},
    "demo": {
        "artists": 3,
        "albums": 3,
        "tracks": 2,
        "seconds": 4,
        "reduced": {
            "experiment": {
                "models": ["crnn", "gaussian_mfcc"],
                "splits": ["song"],
                "seeds": [1],
                "follow_up": None,
            },
            "training": {"epochs": 40, "patience": None},
        },
    },
}
# Times, and what is made of them; Snakemake's own measurements; logs; locks.
VOLATILE = (
    *("logs", "benchmarks", "timing.csv", "all_timings.csv", "training_time.csv"),
    *("training_time.md", "training_time.html", "resources.svg", "training_state"),
)


def start(workdir: Path, *arguments: str, output: Path) -> subprocess.Popen:
    """Start a workflow on two cores that can be killed."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    environment = environment_of(workdir)
    with output.open("wb") as stream:
        return subprocess.Popen(
            command, cwd=workdir, env=environment, stdout=stream, stderr=subprocess.STDOUT
        )


def jobs(workdir: Path, script: str = "") -> list[int]:
    """Return the processes of the jobs in a folder, of one script or of all."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().decode(errors="replace")
            here = (process / "cwd").resolve() == workdir.resolve()
        except OSError:  # ended meanwhile
            continue
        if here and ".snakemake/scripts/" in command and f".{script}" in command:
            found.append(int(process.name))
    return found


def wait_for(what: Callable[[], object], seconds: float = 300):
    """Return what a function returns as soon as it is true."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited for {seconds} s in vain")


def kill(process: int, number: signal.Signals) -> bool:
    """Send a signal; False if the process had ended."""
    try:
        os.kill(process, number)
    except ProcessLookupError:
        return False
    return True


def digests(results: Path) -> dict[str, str]:
    """Return the SHA-256 of every file that must be reproducible."""
    return {
        str(path.relative_to(results)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file()
        and not path.name.endswith(".snakemake_timestamp")
        and not set(path.relative_to(results).parts) & set(VOLATILE)
    }
