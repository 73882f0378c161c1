"""Where benchmarks write what they measure, and on which machine: no benchmark itself.

A file holds ``{"machine": {...}, "rows": [{...}, ...]}``, each row flat: names to text or numbers.
"""

import argparse
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from artistid.storage.files import write_json

RESULTS = Path(__file__).resolve().parent / "results"
# Their versions decide how fast the same code is.
LIBRARIES = ("numpy", "scipy", "torch", "h5py", "soundfile", "librosa", "snakemake")

Value = str | int | float | bool | None


def add_output(parser: argparse.ArgumentParser, name: str) -> None:
    """Add ``--output``, the JSON file, ``benchmarks/results/<name>.json`` unless given."""
    parser.add_argument(
        "--output", type=Path, default=RESULTS / f"{name}.json", help="JSON file of the results"
    )


def machine() -> dict[str, Value]:
    """Return what describes this machine: processor, cores, versions, and the day."""
    return {
        "processor": processor_name(),
        "cores": n_cores(),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: _version(name) for name in LIBRARIES},
        "date": date.today().isoformat(),
    }


def n_cores() -> int:
    """Return the number of cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def processor_name() -> str:
    """Return the processor's name as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def record(
    path: Path, rows: Sequence[Mapping[str, Value]], more: Mapping[str, Value] | None = None
) -> None:
    """Write rows with the machine that they were measured on.

    Args:
        path: the JSON file.
        rows: flat mappings.
        more: what else describes the machine, such as its GPU.
    """
    content = {"machine": machine() | dict(more or {}), "rows": [dict(row) for row in rows]}
    write_json(path, content)
    print(f"written: {path}")
