"""The version that is repaired; groups of jobs, some of which run while a checkpoint is evaluated;
logs of jobs that failed.

What else rules/repairs.smk fixes, test_reruns.py and test_shipped_configurations.py show.
"""

import os
import runpy
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
import snakemake.api  # before its dag, which it imports in a circle
from conftest import ROOT, copy_workflow
from snakemake import logging
from snakemake.dag import DAG
from snakemake.exceptions import WorkflowError

REPAIRS = ROOT / "rules/repairs.smk"
METHODS = ("bfs", "update_needrun", "update_groups", "_update_group_components")


@pytest.fixture
def repaired(monkeypatch) -> dict[str, Any]:
    """Snakemake as rules/repairs.smk repairs it; returns what that file defines."""
    monkeypatch.setattr(logging, "show_logs", logging.show_logs)
    for name in METHODS:
        monkeypatch.setattr(DAG, name, getattr(DAG, name))
    return runpy.run_path(str(REPAIRS))


def test_the_pinned_version_is_the_repaired_one(repaired):
    lines = (ROOT / "requirements.in").read_text().splitlines()
    pinned = next(line for line in lines if line.startswith("snakemake=="))
    assert pinned.partition("#")[0].strip() == f"snakemake=={repaired['REPAIRED_SNAKEMAKE']}"


@pytest.mark.parametrize("version", ["9.27.0", "99.0.0"])
def test_another_version_of_snakemake_is_refused_and_left_as_it_is(version, monkeypatch):
    before = {name: getattr(DAG, name) for name in METHODS}
    monkeypatch.setattr(snakemake, "__version__", version)
    with pytest.raises(WorkflowError) as refused:
        runpy.run_path(str(REPAIRS))
    line = str(refused.value)
    assert line.startswith(f"Snakemake {version} is installed")
    assert "(rules/repairs.smk)" in line
    assert "`make environment`" in line
    assert "\n" not in line
    assert {name: getattr(DAG, name) for name in METHODS} == before


def test_a_run_with_another_version_ends_with_the_line(tmp_path):
    workdir = copy_workflow(tmp_path / "workflow")
    code = (
        "import sys, snakemake; snakemake.__version__ = '99.0.0';"
        " from snakemake.cli import main; main(sys.argv[1:])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--cores", "1", "--dry-run"],
        cwd=workdir,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 1
    assert "Snakemake 99.0.0 is installed, but this workflow replaces" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


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
