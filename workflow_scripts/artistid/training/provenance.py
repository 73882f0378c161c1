"""What a run was made with: versions, commit and hardware. Times are stored elsewhere."""

import os
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any


def describe_run(
    config: dict[str, Any], device: str, threads: int, libraries: Sequence[str]
) -> dict[str, Any]:
    """Return the provenance of a run as plain types.

    Args:
        config: the configuration in force.
        device: what the run was computed on.
        threads: processor threads it was given.
        libraries: packages whose versions matter.
    """
    return {
        "configuration": config,
        "commit": source_commit(),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in libraries},
        "hardware": {
            "device": device,
            "threads": threads,
            "machine": platform.machine(),
            "processor": _processor(),
            "processors": os.cpu_count(),
        },
    }


def source_commit() -> str:
    """Return the commit of the workflow's sources, ``+`` appended when they were edited since."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty=+", "--exclude=*"]
    try:
        done = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown: not a git checkout"
    return done.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())
