"""Peak memory of this process, and the memory that this machine allows."""

import os
import resource
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

MEGA = 1e6


@dataclass(frozen=True)
class Peaks:
    """The highest memory of a job.

    Attributes:
        process_mb: resident memory of the process, MB.
        gpu_mb: memory of the GPU, MB; None without one.
    """

    process_mb: float = 0.0
    gpu_mb: float | None = None

    def highest(self, other: "Peaks") -> "Peaks":
        """Return the higher value of each kind of memory."""
        on_gpu = [peak for peak in (self.gpu_mb, other.gpu_mb) if peak is not None]
        return Peaks(max(self.process_mb, other.process_mb), max(on_gpu, default=None))


def peak_mb() -> float:
    """Return the highest resident memory of this process so far, MB.

    On Linux from ``VmHWM``, which counts from the start of this program; `getrusage` also counts
    what the program that started it had held.
    """
    try:
        status = Path("/proc/self/status").read_text()
        kibibytes = next(line.split()[1] for line in status.splitlines() if "VmHWM:" in line)
        return int(kibibytes) * 1024 / MEGA
    except (OSError, StopIteration):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024) / MEGA


def limit_mb(root: Path = Path("/")) -> int:
    """Return the memory that the processes of this machine may take together, MB.

    The smaller of the machine's memory and of the limits of the control groups that this process is
    in: a container or a login node's share is often far below what the machine has.

    Args:
        root: where ``proc`` and ``sys`` are mounted.
    """
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *_cgroup_limits(root)]
    return int(min(limits) / MEGA)


def _cgroup_limits(root: Path) -> Iterator[int]:
    """Yield the memory limits of this process' control groups and of those above them, bytes."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":  # version 2: all controllers in one tree
            top, name = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            top, name = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        group = top / path.lstrip("/")
        # Inside a container the path may be that of the host: the mounted top is then the limit.
        for folder in (group, *group.parents):
            yield from _limit_in(folder / name)
            if folder == top:
                break


def _limit_in(file: Path) -> Iterator[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return
    if text.isdecimal():  # "max" means no limit
        yield int(text)
