"""Groups of jobs, some of which run while a checkpoint is evaluated; logs of jobs that failed.

What else rules/repairs.smk mends, tests/test_reruns.py and test_shipped_configurations.py show.
"""

import runpy
from types import SimpleNamespace

import pytest
import snakemake.api  # noqa: F401  (before its dag, which it imports in a circle)
from conftest import ROOT
from snakemake import logging
from snakemake.dag import DAG


@pytest.fixture
def repaired(monkeypatch) -> None:
    """Snakemake as rules/repairs.smk repairs it."""
    monkeypatch.setattr(logging, "show_logs", logging.show_logs)
    for name in ("bfs", "update_needrun", "update_groups", "_update_group_components"):
        monkeypatch.setattr(DAG, name, getattr(DAG, name))
    runpy.run_path(str(ROOT / "rules/repairs.smk"))


class Group:
    """What Snakemake's GroupJob is to the repair."""

    groupid = "figures"

    def __init__(self, *jobs: str) -> None:
        self.jobs = set(jobs)

    def __iter__(self):
        return iter(self.jobs)

    def is_group(self) -> bool:
        return True

    def merge(self, other: "Group") -> None:
        self.jobs |= other.jobs

    def finalize(self) -> None:
        pass


class Job:
    """A running job that is in no group."""

    def is_group(self) -> bool:
        return False


def test_running_groups_stay_and_others_are_merged(repaired):
    running, alone = Group("a", "b"), Job()
    dag = DAG.__new__(DAG)
    dag.workflow = SimpleNamespace(
        parent_groupids={}, group_settings=SimpleNamespace(group_components={"figures": 2})
    )
    dag._running = {running, alone}
    dag._group = {job: Group(job) for job in "abcdefg"}
    dag._update_group_components()
    assert dag._group["a"] is dag._group["b"] is running
    assert running.jobs == {"a", "b"}
    others = {id(group): group.jobs for job, group in dag._group.items() if job not in "ab"}
    assert sorted(map(len, others.values())) == [1, 2, 2]
    assert set().union(*others.values()) == set("cdefg")


def test_logs_after_one_that_is_missing_or_empty_are_shown(repaired, tmp_path):
    names = ("missing", "empty", "binary", "slurm")
    missing, empty, binary, slurm = logs = [tmp_path / f"{name}.log" for name in names]
    empty.touch()
    binary.write_bytes(b"\xff")
    slurm.write_text("exceeded memory limit\n")
    shown = list(logging.show_logs(logs))
    assert f"Logfile {missing} not found." in shown
    assert f"Logfile {empty}: empty file" in shown
    assert f"Logfile {binary} is not a text file." in shown
    assert f"Logfile {slurm}:" in shown
    assert shown.count("exceeded memory limit") == 1
