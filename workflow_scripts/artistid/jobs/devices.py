"""Assigns each job its own GPU.

Snakemake counts GPUs and does not say which one a job may use: without this module, all trainings
of a machine would run on its first. A job takes a free one by a lock (flock) on a file per device,
which the kernel frees when the process ends, however it ends.

Nothing here imports torch: `CUDA_VISIBLE_DEVICES` must be set before torch asks for devices.
"""

import errno
import fcntl
import logging
import os
import re
import stat
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from artistid.errors import InputError, shortened

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
_POLL_SECONDS = 1.0
_NVIDIA_SMI_SECONDS = 120
# Messages of CUDA's libraries that torch does not turn into its own exception.
_OUT_OF_MEMORY = re.compile("CUDA error: (out of memory|CUBLAS_STATUS_ALLOC_FAILED)")


@dataclass(frozen=True)
class Gpu:
    """A GPU of the node.

    Attributes:
        number: as ``nvidia-smi`` counts.
        name: what `CUDA_VISIBLE_DEVICES` calls it: ``GPU-<uuid>``, or its number.
        instances: the names of its MIG instances, ``MIG-<uuid>``; none where MIG is off.
    """

    number: int
    name: str
    instances: tuple[str, ...] = ()

    @property
    def devices(self) -> tuple[str, ...]:
        """What jobs can be given of it: its instances, else itself."""
        return self.instances or (self.name,)


def list_gpus(device_files: Path = Path("/dev")) -> list[Gpu]:
    """Return the node's GPUs, as far as this process may see them, in the order of their numbers.

    By ``nvidia-smi``, which sees what a container or a cluster's job was given; where it is not
    installed, by the files of the driver, which tell numbers only.

    Args:
        device_files: folder of the driver's files, ``nvidia<number>``.

    Raises:
        InputError: ``nvidia-smi`` is there and fails on a machine with GPUs. Numbers would not do
            instead: jobs that lock a GPU by its number and jobs that lock it by its UUID would meet
            on it.
    """
    files = device_files.glob("nvidia[0-9]*")
    numbers = sorted(int(path.name.removeprefix("nvidia")) for path in files)
    command = ["nvidia-smi", "-L"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_NVIDIA_SMI_SECONDS)
    except FileNotFoundError:
        return [Gpu(number, str(number)) for number in numbers]
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(_nvidia_smi_fails(str(error))) from error
    gpus = parse_gpus(done.stdout)
    said = " ".join((done.stdout + done.stderr).split())
    if done.returncode and numbers and not gpus:
        raise InputError(_nvidia_smi_fails(f"exit status {done.returncode}: {shortened(said)}"))
    if done.returncode and gpus:  # one GPU of several is broken
        log.warning("nvidia-smi -L: exit status %d: %s", done.returncode, shortened(said))
    return gpus


def _nvidia_smi_fails(why: str) -> str:
    return (
        f"nvidia-smi -L: cannot list the GPUs ({why}); fix the driver, or set "
        f"{VISIBLE}= (to nothing) to train on the processor"
    )


def parse_gpus(listing: str) -> list[Gpu]:
    """Return the GPUs that ``nvidia-smi -L`` lists; lines that list none are skipped."""
    gpus: list[Gpu] = []
    for line in listing.splitlines():
        uuid = re.search(r"\(UUID: ([^)]+)\)", line)
        number = re.match(r"GPU (\d+):", line)
        if uuid and number:
            gpus.append(Gpu(int(number[1]), uuid[1]))
        elif uuid and gpus:
            gpus[-1] = replace(gpus[-1], instances=(*gpus[-1].instances, uuid[1]))
    return gpus


def visible_devices(visible: str | None, gpus: Sequence[Gpu]) -> list[str]:
    """Return the devices that a job may choose from.

    Args:
        visible: the value of `CUDA_VISIBLE_DEVICES`: numbers as ``nvidia-smi`` counts, UUIDs or
            how they begin, with commas between. A negative number ends the list, as for CUDA, and
            nothing hides all devices. None if it is not set: all devices are visible.
        gpus: those of the node.

    Raises:
        InputError: an entry names no device of the node.
    """
    if visible is None or not gpus:
        return [device for gpu in gpus for device in gpu.devices]
    devices: list[str] = []
    for entry in filter(None, map(str.strip, visible.split(","))):
        if re.fullmatch(r"-\d+", entry):
            break
        devices += _devices_of(entry, gpus)
    return list(dict.fromkeys(devices))


def _devices_of(entry: str, gpus: Sequence[Gpu]) -> Sequence[str]:
    numbered = {gpu.number: gpu.devices for gpu in gpus}
    if entry.isdecimal() and int(entry) in numbered:
        return numbered[int(entry)]
    named = {gpu.name: gpu.devices for gpu in gpus}
    named |= {instance: (instance,) for gpu in gpus for instance in gpu.instances}
    matches = [
        devices
        for name, devices in named.items()
        if not entry.isdecimal() and name.lower().startswith(entry.lower())
    ]
    if len(matches) != 1:
        raise InputError(
            f"{VISIBLE}: {entry!r} names {'several devices' if matches else 'no device'} of this "
            f"machine; write its numbers ({', '.join(map(str, numbered))}), or UUIDs as "
            "`nvidia-smi -L` lists them"
        )
    return matches[0]


def lock_folder() -> Path:
    """Return the node's folder of lock files: all users' workflows on the node share it."""
    return Path(tempfile.gettempdir()) / "artistid-devices"


def take_device(
    jobs_per_device: int = 1,
    environment: MutableMapping[str, str] = os.environ,
    gpus: Callable[[], Sequence[Gpu]] = list_gpus,
    report: Callable[[str], object] = log.info,
) -> str | None:
    """Make a free GPU the only one that this process sees, for as long as it lives.

    Waits while other jobs hold all of them. Call this before torch first asks for devices.

    Args:
        jobs_per_device: how many jobs may share a device. A device that has none goes first.
        environment: `CUDA_VISIBLE_DEVICES` is read from it, and set in it.
        gpus: lists the GPUs of the node.
        report: gets a line when there is none free, and one when there is.

    Returns:
        The device, or None if there is none: then nothing is locked or set.

    Raises:
        InputError: `CUDA_VISIBLE_DEVICES` names no device of this node, or a lock cannot be made.
    """
    if jobs_per_device < 1:
        raise InputError(f"jobs_per_device: is {jobs_per_device}; write 1 or more")
    devices = visible_devices(environment.get(VISIBLE), gpus())
    if not devices:
        return None
    folder = lock_folder()
    slots = [(device, slot) for slot in range(jobs_per_device) for device in devices]
    try:
        _make_folder(folder)
        taken = _first_free(folder, slots)
        if taken is None:
            report(
                "waiting for a GPU: other jobs, perhaps of another workflow, hold "
                f"{', '.join(devices)} (locks in {folder})"
            )
        while taken is None:
            time.sleep(_POLL_SECONDS)
            taken = _first_free(folder, slots)
    except OSError as error:
        raise InputError(
            f"{folder}: a GPU cannot be locked ({error.strerror}); make it a folder that "
            "everyone can write to, or set TMPDIR to another place on this machine"
        ) from error
    report(f"uses {taken}")
    environment[VISIBLE] = taken
    return taken


def _first_free(folder: Path, slots: Sequence[tuple[str, int]]) -> str | None:
    for device, slot in slots:
        if _lock(folder / f"{re.sub(r'[^A-Za-z0-9-]', '_', device)}.{slot}"):
            return device
    return None


def _make_folder(folder: Path) -> None:
    """Make a folder that every user may put files in, and nobody may remove another's from."""
    try:
        folder.mkdir()
        folder.chmod(0o1777)
    except FileExistsError:
        if not stat.S_ISDIR(folder.lstat().st_mode):  # a link could lead anywhere
            raise NotADirectoryError(errno.ENOTDIR, "it is not a folder") from None


def _lock(path: Path) -> bool:
    """Lock a file until this process ends; return whether it was free.

    The file is only ever read, which is enough for a lock and all that another user's file allows.
    """
    descriptor = _open(path)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # What cleans the folder for temporary files may have removed it since it was opened.
        is_ours = os.path.samestat(os.fstat(descriptor), path.lstat())
    except (BlockingIOError, FileNotFoundError):
        is_ours = False
    if not is_ours:
        os.close(descriptor)
        return False
    _keep_from_children(descriptor)
    return True


def _keep_from_children(descriptor: int) -> None:
    """Close a descriptor in forked children, which would hold its lock; exec closes it anyway."""
    held = [descriptor]

    def close() -> None:
        if held:  # a child's own children have nothing to close
            os.close(held.pop())

    os.register_at_fork(after_in_child=close)


def _open(path: Path) -> int:
    while True:
        try:
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            pass
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o644)
        except FileExistsError:
            continue
        os.fchmod(descriptor, 0o644)  # whatever the umask: other users' jobs must open it
        return descriptor


@contextmanager
def explain_out_of_memory(batch_size: int, device: str) -> Iterator[None]:
    """Turn a GPU's lack of memory in the block into a line that says what to lower.

    Raises:
        InputError: names the batch size and the device.
    """
    import torch

    try:
        yield
    except RuntimeError as error:
        out_of_memory = isinstance(error, torch.cuda.OutOfMemoryError)
        if not out_of_memory and not _OUT_OF_MEMORY.search(str(error)):
            raise
        raise InputError(
            f"training.batch_size: batches of {batch_size} slices are too large for the "
            f"memory of {device}; lower it, or let fewer jobs share that device"
        ) from error


def check_cuda(device: str) -> None:
    """Make sure that torch can compute on the GPU that this process has taken.

    Without this, a driver that is too old, a torch without CUDA or a GPU in MIG mode without
    instances would silently let a training run on the processor, and take days.

    Args:
        device: what `take_device` returned.

    Raises:
        InputError: names the driver, torch's CUDA version, and what to install.
    """
    import torch

    try:
        torch.ones(1, device="cuda").add_(1).cpu()  # loads a kernel: it may be built for newer GPUs
        return
    except (AssertionError, RuntimeError) as error:
        if isinstance(error, torch.cuda.OutOfMemoryError) or _OUT_OF_MEMORY.search(str(error)):
            raise  # `explain_out_of_memory` says what to do
        why = shortened(str(error).partition("\n")[0])
    built = f"for CUDA {torch.version.cuda}" if torch.version.cuda else "without CUDA"
    wanted = (
        "a driver for that CUDA or newer, or a PyTorch built for the CUDA of this driver"
        if torch.version.cuda
        else "PyTorch's GPU build (pip install --force-reinstall torch from pypi.org)"
    )
    raise InputError(
        f"{device}: PyTorch cannot compute on this GPU ({why}): driver {driver_version()}, "
        f"PyTorch {torch.__version__} {built}; install {wanted}, make an instance if the GPU is in "
        f"MIG mode, or set {VISIBLE}= (to nothing) to train on the processor"
    )


def driver_version() -> str:
    """Return the version of NVIDIA's driver, or ``unknown``."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_NVIDIA_SMI_SECONDS)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    version = done.stdout.strip().partition("\n")[0]
    return version if re.fullmatch(r"[0-9.]+", version) else "unknown"
