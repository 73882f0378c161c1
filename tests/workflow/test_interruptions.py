"""Killed at any moment, and run again: the same bits as a run that nobody disturbed."""

import re
import signal
from pathlib import Path

import pytest
from conftest import copy_workflow, snakemake, write_config
from interruptions import SMALL, digests, jobs, kill, start, wait_for

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux' /proc")

LOG = "results/small/experiments/paper/logs/train_network/crnn/song/draw1/1s/seed1.log"


def small_workflow(folder: Path) -> Path:
    workdir = copy_workflow(folder)
    write_config(workdir / "small.yaml", SMALL)
    return workdir


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, str]:
    workdir = small_workflow(tmp_path_factory.mktemp("undisturbed"))
    done = snakemake(workdir, "--configfile", "small.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    return digests(workdir / "results/small")


def trained_epochs(workdir: Path) -> int:
    log = workdir / LOG
    epochs = re.findall(r"epoch (\d+)/40", log.read_text()) if log.exists() else []
    return int(epochs[-1]) if epochs else 0


def run_and_kill(workdir: Path, script: str, number: signal.Signals, epoch: int = 0) -> str:
    """Run until a job of a script is there (and has trained up to an epoch), and kill it."""
    output = workdir / "output.txt"
    process = start(workdir, "--configfile", "small.yaml", output=output)
    [job, *_] = wait_for(lambda: jobs(workdir, script))
    if epoch:
        wait_for(lambda: trained_epochs(workdir) >= epoch)
    assert kill(job, number)
    assert process.wait(timeout=600) == 1
    return output.read_text()


def test_killed_jobs_and_a_killed_workflow_end_with_the_same_bits(tmp_path, undisturbed):
    workdir = small_workflow(tmp_path / "disturbed")

    said = run_and_kill(workdir, "extract_log_mel", signal.SIGKILL)
    assert "extract_log_mel.py' died with <Signals.SIGKILL: 9>" in said

    # SIGTERM is what a cluster sends before it takes a node away.
    run_and_kill(workdir, "train_network", signal.SIGTERM, epoch=5)
    assert "terminated from outside" in (workdir / LOG).read_text()
    assert not (
        workdir
        / "results/small/experiments/paper/runs/crnn/song/draw1/1s/seed1/weights.safetensors"
    ).exists()

    # The whole workflow: its jobs die with it.
    output = workdir / "output.txt"
    process = start(workdir, "--configfile", "small.yaml", output=output)
    wait_for(lambda: jobs(workdir, "train_network"))
    wait_for(lambda: trained_epochs(workdir) >= 15)
    # Held, so that a fast machine has not trained to the end before the workflow is killed.
    training = jobs(workdir, "train_network")
    for job in training:
        assert kill(job, signal.SIGSTOP)
    second = snakemake(workdir, "--configfile", "small.yaml")
    assert second.returncode == 1
    assert "cannot be locked" in second.stdout + second.stderr
    for job in training:
        assert kill(job, signal.SIGCONT)
    process.kill()
    process.wait()
    wait_for(lambda: not jobs(workdir), seconds=10)
    resumed = re.search(r"resumed after epoch (\d+)", (workdir / LOG).read_text())
    assert resumed
    assert int(resumed[1]) >= 5

    refused = snakemake(workdir, "--configfile", "small.yaml")
    assert refused.returncode == 1
    assert "--unlock" in refused.stdout + refused.stderr
    assert snakemake(workdir, "--unlock", "--configfile", "small.yaml").returncode == 0

    run_and_kill(workdir, "aggregate_runs", signal.SIGKILL)
    resumed = re.search(r"resumed after epoch (\d+)", (workdir / LOG).read_text())
    assert resumed
    assert int(resumed[1]) >= 15

    done = snakemake(workdir, "--configfile", "small.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert digests(workdir / "results/small") == undisturbed
    left_behind = [path.name for path in workdir.rglob("*") if path.name.endswith((".part", ".pt"))]
    assert left_behind == []


def test_a_state_of_other_settings_is_never_resumed(tmp_path):
    workdir = small_workflow(tmp_path / "edited")
    run_and_kill(workdir, "train_network", signal.SIGKILL, epoch=3)
    edited = SMALL | {"demo": SMALL["demo"] | {"reduced": dict(SMALL["demo"]["reduced"])}}
    edited["demo"]["reduced"]["training"] = {"epochs": 2, "patience": None, "learning_rate": 0.01}
    write_config(workdir / "small.yaml", edited)
    done = snakemake(workdir, "--configfile", "small.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    log = (workdir / LOG).read_text()
    assert "has other settings, data or sources: training starts from the beginning" in log
    assert "epoch 1/2" in log
