"""Each job has a GPU of its own: fake devices, real processes."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import torch
from conftest import fake_nvidia_smi, snakemake

from artistid.errors import InputError
from artistid.jobs import devices
from artistid.jobs.devices import (
    Gpu,
    check_cuda,
    explain_out_of_memory,
    list_gpus,
    parse_gpus,
    take_device,
    visible_devices,
)

# Of the one training that the small workflow is asked for here.
WEIGHTS = "results/small/experiments/paper/runs/resnet50/song/draw1/1s/seed1/weights.safetensors"
TRAINING_LOG = "results/small/experiments/paper/logs/train_network/resnet50/song/draw1/1s/seed1.log"
TWO = [Gpu(0, "GPU-aa11"), Gpu(1, "GPU-bb22")]
LISTING = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-5c89)
GPU 1: NVIDIA A100-SXM4-40GB (UUID: GPU-f2a7)
  MIG 3g.20gb     Device  0: (UUID: MIG-09d5)
  MIG 4g.20gb     Device  1: (UUID: MIG-31ec)
"""
# Takes a device, says which, does something, and lives until it is killed or its input ends.
JOB = """
import os, sys
from artistid.jobs.devices import Gpu, take_device
say = lambda line: print(line, flush=True)
gpus = [Gpu(number, name) for number, name in enumerate({names!r})]
take_device({jobs_per_device}, gpus=lambda: gpus, report=say)
say("sees " + os.environ.get("CUDA_VISIBLE_DEVICES", "everything"))
{then}
sys.stdin.read()
"""


@pytest.fixture
def start(tmp_path):
    """Start a job; all of them end with the test, or after a minute."""
    jobs = []
    watchdog = threading.Timer(60, lambda: [job.kill() for job in jobs])
    watchdog.start()

    def started(names=("GPU-aa11", "GPU-bb22"), visible=None, jobs_per_device=1, then=""):
        code = JOB.format(names=list(names), jobs_per_device=jobs_per_device, then=then)
        environment = {k: v for k, v in os.environ.items() if k != "CUDA_VISIBLE_DEVICES"}
        environment |= {"TMPDIR": str(tmp_path)}
        environment |= {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        jobs.append(subprocess.Popen([sys.executable, "-c", code], env=environment, **pipes))
        return jobs[-1]

    yield started
    watchdog.cancel()
    for job in jobs:
        job.kill()
        job.communicate()


def seen_by(job) -> str:
    """What a job's CUDA_VISIBLE_DEVICES says, once it has a device."""
    return next(line for line in job.stdout if line.startswith("sees")).removeprefix("sees ")[:-1]


def test_jobs_run_on_different_devices(start):
    jobs = [start(names=[f"GPU-{n}" for n in range(4)]) for _ in range(4)]
    assert {seen_by(job) for job in jobs} == {f"GPU-{n}" for n in range(4)}


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_device_is_free_again_when_its_job_is_killed(start, signal_number):
    first, second = start(), start()
    seen = {seen_by(first): first, seen_by(second): second}
    assert set(seen) == {"GPU-aa11", "GPU-bb22"}
    third = start()
    assert third.stdout.readline().startswith(
        "waiting for a GPU: other jobs, perhaps of another workflow, hold GPU-aa11, GPU-bb22"
    )
    seen["GPU-bb22"].send_signal(signal_number)
    assert third.stdout.readline() == "uses GPU-bb22\n"
    assert seen_by(third) == "GPU-bb22"


@pytest.mark.parametrize(
    "child",
    [
        "if os.fork() == 0: import time; os.fork(); time.sleep(60)",
        "import subprocess; subprocess.Popen(['sleep', '60'], close_fds=False)",
        "import multiprocessing as m, time; m.get_context('fork').Process("
        "target=time.sleep, args=(60,), daemon=True).start()",
    ],
    ids=["fork", "subprocess", "multiprocessing"],
)
def test_child_that_outlives_its_job_does_not_keep_the_device(start, child):
    # In a session of its own, so that the children can be ended with it.
    first = start(names=["GPU-aa11"], then=f"os.setsid()\n{child}\nsay('has a child')")
    try:
        assert seen_by(first) == "GPU-aa11"
        assert first.stdout.readline() == "has a child\n"
        first.kill()
        first.wait()
        os.killpg(first.pid, 0)  # a child lives
        assert seen_by(start(names=["GPU-aa11"])) == "GPU-aa11"
    finally:
        os.killpg(first.pid, signal.SIGKILL)


def test_jobs_of_workflows_that_name_a_device_differently_share_it(start):
    assert seen_by(start(visible="1")) == "GPU-bb22"
    assert seen_by(start()) == "GPU-aa11"
    assert start(visible="GPU-bb").stdout.readline().startswith("waiting for a GPU")


def test_the_one_device_that_a_cluster_gave_is_taken(start):
    assert seen_by(start(names=["GPU-cc33"], visible="0")) == "GPU-cc33"
    # Another job of the cluster on the same machine: its only device is also its number 0.
    assert seen_by(start(names=["GPU-dd44"], visible="0")) == "GPU-dd44"


def test_several_jobs_share_a_device_when_allowed_and_spread_first(start):
    jobs = [start(jobs_per_device=2) for _ in range(2)]
    assert {seen_by(job) for job in jobs} == {"GPU-aa11", "GPU-bb22"}
    more = [start(jobs_per_device=2) for _ in range(2)]
    assert {seen_by(job) for job in more} == {"GPU-aa11", "GPU-bb22"}
    assert start(jobs_per_device=2).stdout.readline().startswith("waiting for a GPU")


def test_without_a_gpu_nothing_is_locked_or_set(start, tmp_path):
    assert seen_by(start(names=[])) == "everything"
    assert seen_by(start(names=[], visible="0")) == "0"
    assert seen_by(start(visible="")) == ""
    assert list(tmp_path.iterdir()) == []


def test_lock_files_can_be_used_by_every_user_and_removed_by_none_but_their_owner(start, tmp_path):
    before = os.umask(0o077)
    try:
        job = start()
    finally:
        os.umask(before)
    seen_by(job)
    folder = tmp_path / "artistid-devices"
    assert folder.stat().st_mode & 0o7777 == 0o1777
    assert [file.stat().st_mode & 0o777 for file in folder.iterdir()] == [0o644]


def test_lock_file_that_is_cleaned_away_while_nobody_holds_it_is_made_again(start, tmp_path):
    job = start()
    seen_by(job)
    job.kill()
    job.wait()
    for file in (tmp_path / "artistid-devices").iterdir():
        file.unlink()
    assert {seen_by(start()), seen_by(start())} == {"GPU-aa11", "GPU-bb22"}


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ["GPU-5c89", "MIG-09d5", "MIG-31ec"]),
        ("", []),
        ("-1", []),
        ("0", ["GPU-5c89"]),
        ("1", ["MIG-09d5", "MIG-31ec"]),
        (" GPU-f2a7 , 0", ["MIG-09d5", "MIG-31ec", "GPU-5c89"]),
        ("MIG-31ec,MIG-31", ["MIG-31ec"]),
        ("0,-1,1", ["GPU-5c89"]),
    ],
)
def test_devices_to_choose_from(visible, expected):
    assert visible_devices(visible, parse_gpus(LISTING)) == expected


@pytest.mark.parametrize(
    ("visible", "problem"), [("2", "no device"), ("MIG", "several devices"), ("x", "no device")]
)
def test_a_device_that_is_not_there_is_an_error_that_names_it(visible, problem):
    with pytest.raises(InputError, match=f"CUDA_VISIBLE_DEVICES: '{visible}' names {problem}"):
        visible_devices(visible, parse_gpus(LISTING))


def test_gpus_are_listed_by_nvidia_smi(tmp_path, monkeypatch):
    fake_nvidia_smi(tmp_path, LISTING)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert [gpu.name for gpu in list_gpus()] == ["GPU-5c89", "GPU-f2a7"]
    fake_nvidia_smi(tmp_path, "No devices were found\n")
    assert list_gpus() == []


def test_a_line_that_lists_no_gpu_shifts_no_number():
    listing = "Unable to determine the device handle for gpu 0000:01:00.0: Unknown Error\n"
    listing += "GPU 1: A (UUID: GPU-bb22)\n"
    assert visible_devices("1", parse_gpus(listing)) == ["GPU-bb22"]
    with pytest.raises(InputError, match=r"'0' names no device .* its numbers \(1\)"):
        visible_devices("0", parse_gpus(listing))


@pytest.fixture
def driver(tmp_path, monkeypatch) -> Path:
    """The device files of a machine with two GPUs, whose nvidia-smi a test may put beside them."""
    for name in ("nvidia0", "nvidia1", "nvidiactl"):
        (tmp_path / name).touch()
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return tmp_path


def test_without_nvidia_smi_devices_are_numbers(driver, monkeypatch):
    monkeypatch.setenv("PATH", str(driver))
    assert list_gpus(driver) == [Gpu(0, "0"), Gpu(1, "1")]


def test_nvidia_smi_that_does_not_answer_locks_no_numbers(driver, monkeypatch):
    fake_nvidia_smi(driver, "", then="exec sleep 60")
    monkeypatch.setattr(devices, "_NVIDIA_SMI_SECONDS", 0.2)
    with pytest.raises(InputError, match=r"cannot list the GPUs .*timed out.*; fix the driver"):
        list_gpus(driver)


def test_nvidia_smi_that_fails_is_an_error_where_there_are_gpus(driver):
    fake_nvidia_smi(driver, "Failed to initialize NVML: Driver/library version mismatch\n", 18)
    with pytest.raises(InputError, match=r"exit status 18: Failed to initialize NVML"):
        list_gpus(driver)
    assert list_gpus(driver / "empty") == []


def test_gpus_that_are_listed_beside_a_broken_one_are_used(driver, caplog):
    fake_nvidia_smi(driver, "Unable to determine the device handle\nGPU 1: A (UUID: GPU-b)\n", 15)
    assert list_gpus(driver) == [Gpu(1, "GPU-b")]
    assert "exit status 15: Unable to determine" in caplog.text


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is usable here")
def test_gpu_that_torch_cannot_use_is_one_line_that_says_what_to_install(driver, monkeypatch):
    fake_nvidia_smi(driver, "GPU 0: A (UUID: GPU-aa11)\n")
    with pytest.raises(InputError) as caught:
        check_cuda("GPU-aa11")
    message = str(caught.value)
    assert message.startswith("GPU-aa11: PyTorch cannot compute on this GPU")
    assert f"driver 470.57.02, PyTorch {torch.__version__} without CUDA" in message
    assert "install PyTorch's GPU build" in message
    assert "\n" not in message
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    with pytest.raises(InputError, match=r"for CUDA 13\.0; install a driver for that CUDA"):
        check_cuda("GPU-aa11")


@pytest.mark.skipif(torch.cuda.is_available(), reason="CUDA is usable here")
def test_training_that_holds_a_gpu_does_not_fall_to_the_processor(small, tmp_path):
    fake_nvidia_smi(tmp_path, "GPU 0: A (UUID: GPU-aa11)\n")
    workdir = shutil.copytree(small, tmp_path / "copy")
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
        "CUDA_VISIBLE_DEVICES": "0",
    }
    arguments = ("--configfile", "small.yaml", "--forcerun", "train_network")
    done = snakemake(workdir, WEIGHTS, *arguments, **environment)
    assert done.returncode != 0
    assert "GPU-aa11: PyTorch cannot compute on this GPU" in done.stderr
    log = (workdir / TRAINING_LOG).read_text()
    assert "uses GPU-aa11" in log
    assert "on CPU" not in log


def test_a_place_for_locks_that_cannot_be_used_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "artistid-devices").symlink_to(tmp_path)
    with pytest.raises(InputError, match="artistid-devices: a GPU cannot be locked"):
        take_device(environment={}, gpus=lambda: TWO)


def test_no_jobs_per_device_would_wait_for_ever():
    with pytest.raises(InputError, match="jobs_per_device: is 0; write 1 or more"):
        take_device(0, environment={}, gpus=lambda: TWO)


@pytest.mark.parametrize(
    "error",
    [
        torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported later"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_running_out_of_memory_names_the_batch_size_and_the_device(error):
    with pytest.raises(InputError) as caught, explain_out_of_memory(64, "GPU-aa11"):
        raise error
    assert "\n" not in str(caught.value)
    assert "training.batch_size: batches of 64 slices" in str(caught.value)
    assert "memory of GPU-aa11; lower it" in str(caught.value)


def test_training_takes_the_device_that_is_free_and_says_what_to_do_without_memory(
    start, small, tmp_path
):
    fake_nvidia_smi(tmp_path, "GPU 0: A (UUID: GPU-aa11)\nGPU 1: A (UUID: GPU-bb22)\n")
    assert seen_by(start(visible="1")) == "GPU-bb22"
    workdir = shutil.copytree(small, tmp_path / "copy")
    with (workdir / "workflow_scripts/artistid/training/fit.py").open("a") as stream:
        stream.write("\ndef fit(*_): raise torch.cuda.OutOfMemoryError('CUDA out of memory.')\n")
    with (workdir / "workflow_scripts/artistid/jobs/devices.py").open("a") as stream:
        stream.write("\ndef check_cuda(device): pass\n")
    environment = {
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "TMPDIR": str(tmp_path),
        "CUDA_VISIBLE_DEVICES": "1,0",
    }
    done = snakemake(workdir, WEIGHTS, "--configfile", "small.yaml", **environment)
    log = (workdir / TRAINING_LOG).read_text()
    assert "uses GPU-aa11" in log
    problem = "training.batch_size: batches of 16 slices are too large for the memory of GPU-aa11"
    assert f"resnet50 song draw1 1s seed1: {problem}; lower it" in done.stderr
    assert "Traceback" not in log
    assert done.returncode != 0


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match="shape"), explain_out_of_memory(64, "GPU-aa11"):
        raise RuntimeError("shape mismatch")


def test_importing_the_module_loads_no_torch():
    code = "import sys, artistid.jobs.devices; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
