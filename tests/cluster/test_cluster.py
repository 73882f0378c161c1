"""The workflow through a real Slurm: one run with every failure in it, and what it left.

`make test-cluster` runs this; plain `make test` does not. Everything happens in one run, which the
first fixture drives; the tests look at what it saw.
"""

import csv
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import ROOT, copy_workflow, environment_of, write_config
from slurm import INSTALL, Slurm, missing_programs, one_machine_slurm

SECONDS = 600  # that anything may take on a busy machine
# A network and a classical system on both splits: every kind of job but the second step's choice.
# Validation never stops the training, which lasts long enough to be interrupted.
CONFIG = {
    "corpus": {"name": "tiny"},
    "training_state": {"minutes": 0},  # saved after each epoch
    "demo": {
        "artists": 2,
        "albums": 3,
        "tracks": 2,
        "seconds": 4,
        "reduced": {
            "experiment": {"models": ["crnn", "gaussian_mfcc"], "seeds": [1], "follow_up": None},
            "training": {"epochs": 400, "patience": None},
        },
    },
}
# Bytes that depend on the number of threads must be computed with the same number.
SAME = ("--configfile", "tiny.yaml", "--set-threads", "train_network=1")
CLUSTER = (
    *("--workflow-profile", "profiles/slurm"),
    *("--slurm-status-command", "squeue"),  # there is no accounting here
    *("--slurm-init-seconds-before-status-checks", "5"),
    *("--latency-wait", "10"),
)


@dataclass
class Seen:
    """What was seen during the run."""

    results: Path
    local_results: Path
    output: str = ""
    returncode: int = -1
    failures_output: str = ""
    failures_returncode: int = -1
    jobs: dict[int, tuple[str, str]] = field(default_factory=dict)
    details: dict[int, str] = field(default_factory=dict)
    training_jobs: list[int] = field(default_factory=list)
    devices: dict[str, str] = field(default_factory=dict)
    epochs_before_preemption: dict[str, int] = field(default_factory=dict)
    training_logs: dict[str, str] = field(default_factory=dict)
    addresses: set[str] = field(default_factory=set)
    left_over: list[str] = field(default_factory=list)
    login_node_mb: float = 0.0
    login_node_libraries: set[str] = field(default_factory=set)


def start(workdir: Path, *arguments: str, env: dict[str, str] = os.environ) -> subprocess.Popen:
    with (workdir / "output.txt").open("w") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=workdir,
            env=environment_of(workdir, **env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def finish(process: subprocess.Popen, seconds: float = SECONDS) -> int:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


LOGS = "experiments/paper/logs/train_network"


def training_logs(results: Path) -> dict[str, str]:
    return {
        path.relative_to(results / LOGS).parts[1]: path.read_text()
        for path in (results / LOGS).rglob("*.log")
    }


def last_epochs(results: Path) -> dict[str, int]:
    found = {
        split: re.findall(r"epoch (\d+)/", text) for split, text in training_logs(results).items()
    }
    return {split: int(epochs[-1]) for split, epochs in found.items() if epochs}


def drive(slurm: Slurm, workdir: Path, failures: Path, seen: Seen, run: subprocess.Popen) -> None:
    """Let things go wrong, one after the other, while the workflow runs."""

    def running(comment: str, count: int = 1) -> list[int]:
        def jobs():
            assert run.poll() is None, (workdir / "output.txt").read_text()
            found = slurm.running(comment)
            return found if len(found) >= count else None

        return slurm.wait_for(jobs, SECONDS, f"{count} running jobs of {comment}")

    running("make_demo_album")
    # Not before it is at work: where its task cannot be launched, the job fails, and Slurm does not
    # send it back to its queue.
    at_work = seen.results / "logs/demo"
    slurm.wait_for(lambda: any(at_work.rglob("*.log")), SECONDS, "a demo album in the making")
    slurm.lose_node()
    slurm.wait_for(lambda: not slurm.is_up(), 60, "a node given up for lost")
    slurm.start_node()
    others = start(failures, *CLUSTER, env=slurm.environment)
    try:
        slurm.run("scancel", str(running("extract_log_mel")[0]))
        seen.training_jobs = running("train_network", 2)

        def both_train() -> bool:
            epochs = last_epochs(seen.results)
            return len(epochs) == 2 and min(epochs.values()) >= 3

        slurm.wait_for(both_train, SECONDS, "both trainings beyond epoch 2")
        seen.devices = {
            split: re.search(r"CUDA_VISIBLE_DEVICES: (\S+)", text)[1]
            for split, text in training_logs(seen.results).items()
        }
        # Not while jobs start: they would wait minutes for a controller that was not there.
        slurm.stop("slurmctld")
        slurm.start_controller()
        slurm.wait_for(slurm.is_up, 60, "slurmctld is back")
        urgent = ("--partition=urgent", "--gpus=2", "--output=/dev/null", "--wrap", "sleep 1")
        slurm.run("sbatch", *urgent)
        slurm.wait_for(lambda: not slurm.running("train_network"), 60, "preempted trainings")
        seen.epochs_before_preemption = last_epochs(seen.results)
        running("train_network", 2)
        seen.returncode = finish(run)
        seen.training_logs = training_logs(seen.results)
        seen.failures_returncode = finish(others)
    finally:
        finish(others, 1)
    seen.failures_output = (failures / "output.txt").read_text()


def watch(slurm: Slurm, run: subprocess.Popen, seen: Seen, stop: threading.Event) -> None:
    """See who talks to whom, and what the process on the login node takes."""
    while not stop.wait(0.5):
        seen.addresses.update(slurm.listeners())
        seen.addresses.update(slurm.peers())
        try:
            status = Path(f"/proc/{run.pid}/status").read_text()
            mapped = Path(f"/proc/{run.pid}/maps").read_text()
        except OSError:  # it has ended
            continue
        if peak := re.search(r"VmHWM:\s+(\d+)", status):
            seen.login_node_mb = int(peak[1]) / 1024
        seen.login_node_libraries.update(re.findall(r"/site-packages/(\w+)/", mapped))


@pytest.fixture(scope="module")
def seen(tmp_path_factory) -> Seen:
    if missing := missing_programs():
        pytest.fail(f"Slurm is not installed ({', '.join(missing)}): {INSTALL}", pytrace=False)
    base = tmp_path_factory.mktemp("cluster")
    workdir, local = copy_workflow(base / "on the cluster"), copy_workflow(base / "local")
    for folder in (workdir, local):
        write_config(folder / "tiny.yaml", CONFIG)
    failures = base / "failures"
    failures.mkdir()
    (failures / "Snakefile").write_text((ROOT / "tests/cluster/failures/Snakefile").read_text())
    for name in ("profiles", "rules"):
        (failures / name).symlink_to(ROOT / name)
    seen = Seen(workdir / "results/tiny", local / "results/tiny")
    started = time.monotonic()
    # Below /tmp: the path of munge's socket must be short.
    with tempfile.TemporaryDirectory(prefix="slurm-", dir="/tmp") as folder:
        with one_machine_slurm(Path(folder)) as slurm:
            stop = threading.Event()
            run = start(workdir, *CLUSTER, *SAME, env=slurm.environment)
            watcher = threading.Thread(target=watch, args=(slurm, run, seen, stop))
            watcher.start()
            alone = start(local, "--cores", "2", *SAME)
            try:
                drive(slurm, workdir, failures, seen, run)
                seen.jobs = slurm.jobs()
                seen.details = {job: slurm.detail(job) for job in seen.jobs}
                seen.output = (workdir / "output.txt").read_text()
                assert finish(alone) == 0, (local / "output.txt").read_text()
            finally:
                finish(run, 1)
                finish(alone, 1)
                stop.set()
                watcher.join()
        deadline = time.monotonic() + 10
        while (seen_left := slurm.processes()) and time.monotonic() < deadline:
            time.sleep(0.3)
        seen.left_over = seen_left
    print(f"{time.monotonic() - started:.0f} s; {seen.login_node_mb:.0f} MB on the login node")
    return seen


def jobs_of(seen: Seen, comment: str) -> list[int]:
    """Return the numbers of the jobs whose rule (and wildcards) hold a text, in order."""
    return sorted(number for number, (_, text) in seen.jobs.items() if comment in text)


def test_workflow_ends_well_for_all_that_went_wrong(seen):
    assert seen.returncode == 0, seen.output
    assert "(100%) done" in seen.output


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_tables_and_predictions_are_those_of_a_local_run(seen):
    def results(folder: Path) -> dict[str, bytes]:
        files = [*folder.glob("experiments/paper/tables/*"), *folder.glob("splits/**/*.csv")]
        for kind in ("csv", "safetensors"):
            files += folder.glob(f"experiments/paper/runs/**/*.{kind}")
        timed = ("all_timings.csv", "timing.csv", "training_time")
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in files
            if path.is_file() and not path.name.startswith(timed)
        }

    on_cluster, alone = results(seen.results), results(seen.local_results)
    assert "experiments/paper/tables/f1_by_model.csv" in alone
    assert "experiments/paper/runs/crnn/album/draw1/1s/seed1/weights.safetensors" in alone
    assert on_cluster.keys() == alone.keys()
    assert [name for name in alone if alone[name] != on_cluster[name]] == []


def test_two_trainings_at_once_have_two_devices_as_slurm_assigned(seen):
    assert len(seen.training_jobs) == 2
    assert set(seen.devices) == {"song", "album"}
    assert set(seen.devices.values()) == {"0", "1"}


def test_job_asks_for_what_its_rule_declares(seen):
    for job in seen.training_jobs:
        assert re.search(r"TRES=cpu=1,mem=3\d00M,", seen.details[job])
        assert "TresPerJob=gres:gpu:1" in seen.details[job]
        assert "TimeLimit=00:30:00" in seen.details[job]


def test_cancelled_job_is_submitted_again(seen):
    first, second = jobs_of(seen, "extract_log_mel")
    assert seen.jobs[first][0] == "CANCELLED"
    assert seen.jobs[second][0] == "COMPLETED"
    assert "Error in group log_mel" in seen.output
    assert re.search(rf"JOB {first} ON \S+ CANCELLED", seen.output)


def test_job_that_runs_out_of_memory_gets_more(seen):
    first, second = jobs_of(seen, "rule_greedy")
    assert seen.jobs[first][0] in ("FAILED", "OUT_OF_MEMORY")
    assert "mem=300M" in seen.details[first]
    assert seen.jobs[second][0] == "COMPLETED"
    assert "mem=1200M" in seen.details[second]
    assert f"SLURM-job '{first}' failed, SLURM status is: " in seen.failures_output
    # The rule's log, which comes first, is empty.
    assert "Logfile logs/greedy.log: empty file" in seen.failures_output
    assert re.search(rf"StepId={first}\.\w+ exceeded memory limit", seen.failures_output)


def test_jobs_of_a_lost_node_run_again_when_it_is_back(seen):
    (job,) = jobs_of(seen, "make_demo_album")
    assert seen.jobs[job][0] == "COMPLETED"
    assert "Restarts=1" in seen.details[job]


@pytest.mark.parametrize("split", ["song", "album"])
def test_preempted_training_runs_again(seen, split):
    assert seen.epochs_before_preemption[split] >= 3
    # SIGTERM lets the job fail before Slurm sends it back to its queue: Snakemake submits another.
    # Where it does not, Slurm starts the same one again.
    *_, last = jobs = jobs_of(seen, f"train_network_wildcards_crnn_{split}")
    assert jobs[0] in seen.training_jobs
    assert len(jobs) == 2 or "Restarts=1" in seen.details[last]
    assert seen.jobs[last][0] == "COMPLETED"


@pytest.mark.parametrize("split", ["song", "album"])
def test_preempted_training_goes_on_from_its_saved_state(seen, split):
    resumed = re.search(r"resumed after epoch (\d+)", seen.training_logs[split])
    # An epoch is job_log, then saved: SIGKILL may come in between.
    assert int(resumed[1]) >= seen.epochs_before_preemption[split] - 1 >= 2


def test_job_that_runs_out_of_time_gets_more(seen):
    first, second = jobs_of(seen, "rule_slow")
    assert seen.jobs[first][0] == "TIMEOUT"
    assert "TimeLimit=00:01:00" in seen.details[first]
    assert seen.jobs[second][0] == "COMPLETED"
    assert "TimeLimit=00:02:00" in seen.details[second]
    assert f"SLURM-job '{first}' failed, SLURM status is: 'TIMEOUT'" in seen.failures_output


def test_job_that_never_succeeds_is_named_with_its_log_and_reason(seen):
    assert seen.failures_returncode != 0
    jobs = jobs_of(seen, "rule_hopeless")
    assert len(jobs) == 3
    for job in jobs:
        assert f"SLURM-job '{job}' failed, SLURM status is: 'FAILED'" in seen.failures_output
    assert "Error in rule hopeless:" in seen.failures_output
    assert "log: logs/hopeless.log (check log file(s) for error details)" in seen.failures_output
    assert "the disc is scratched" in seen.failures_output


def test_short_jobs_travel_together(seen):
    assert len(jobs_of(seen, "draw_split")) == 1
    assert len(jobs_of(seen, "score_run")) == 1
    assert len(seen.jobs) < 40  # of some 50, six of them retries


def test_login_node_carries_little(seen):
    assert 0 < seen.login_node_mb < 300
    heavy = {"torch", "librosa", "numba", "scipy", "sklearn", "matplotlib"}
    assert not seen.login_node_libraries & heavy


def test_no_traffic_leaves_loopback(seen):
    assert seen.addresses
    hosts = {address.rpartition(":")[0] for address in seen.addresses}
    assert hosts <= {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"}


def test_no_process_is_left(seen):
    assert seen.left_over == []
