"""Memory of a process, and of the machine that it runs on."""

import subprocess
import sys
from pathlib import Path

import pytest

from artistid.jobs.memory import limit_mb, peak_mb
from artistid.plan.sources import ROOT as SCRIPTS


def test_peak_counts_what_was_given_back_and_nothing_of_the_parent():
    held = bytearray(b"x") * 400_000_000
    code = (
        "from artistid.jobs.memory import peak_mb\n"
        "before = peak_mb()\n"
        "data = bytearray(b'x') * 100_000_000\n"
        "del data\n"
        "print(before, peak_mb())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    before, after = map(float, done.stdout.split())
    assert before < 100 < after - before + 5
    assert after < 300
    assert peak_mb() > len(held) / 1e6


def machine(root: Path, cgroup: str, **limits: str) -> Path:
    """A root folder with the control groups of a process."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    for path, text in limits.items():
        file = root / "sys/fs/cgroup" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(
    ("cgroup", "limits", "expected"),
    [
        ("0::/user/job\n", {"user/job/memory.max": "max", "user/memory.max": "3000000"}, 3),
        ("0::/user/job\n", {"user/job/memory.max": "2000000", "user/memory.max": "3000000"}, 2),
        # A container that sees the host's path and its own group as the top.
        ("0::/docker/ab12\n", {"memory.max": "5000000"}, 5),
        ("5:cpu:/\n4:cpuset,memory:/a\n", {"memory/a/memory.limit_in_bytes": "4000000"}, 4),
    ],
)
def test_limit_is_the_smallest_of_the_control_groups(tmp_path, cgroup, limits, expected):
    assert limit_mb(machine(tmp_path, cgroup, **limits)) == expected


def test_limit_without_control_groups_is_the_machines_memory(tmp_path):
    version_1 = {"memory/memory.limit_in_bytes": "9223372036854771712"}
    total = limit_mb(machine(tmp_path, "4:memory:/\n", **version_1))
    assert total == limit_mb(tmp_path / "nothing") > 100
