"""Which of a machine's GPUs is a job's own.

Snakemake counts GPUs and does not say which one a job may use: without more, all trainings of a
machine would run on its first. A job takes a free one by a lock (flock) on a file per device, which
the kernel frees when the process ends, however it ends.

Nothing here imports torch: `CUDA_VISIBLE_DEVICES` has to be set before torch asks for devices.
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
from dataclasses import dataclass
from pathlib import Path

from artistid.errors import InputError

log = logging.getLogger(__name__)

VISIBLE = "CUDA_VISIBLE_DEVICES"
_POLL_SECONDS = 1.0
# What CUDA's libraries say where torch does not turn it into an exception of its own.
_OUT_OF_MEMORY = re.compile("CUDA error: (out of memory|CUBLAS_STATUS_ALLOC_FAILED)")


@dataclass(frozen=True)
class Gpu:
    """A GPU of the node.

    Attributes:
        name: what `CUDA_VISIBLE_DEVICES` calls it: ``GPU-<uuid>``, or its number.
        instances: the names of its MIG instances, ``MIG-<uuid>``; none where MIG is off.
    """

    name: str
    instances: tuple[str, ...] = ()

    @property
    def devices(self) -> tuple[str, ...]:
        """What jobs can be given of it: its instances, else itself."""
        return self.instances or (self.name,)


def list_gpus() -> list[Gpu]:
    """Return the node's GPUs, as far as this process may see them, in the order of their numbers.

    By ``nvidia-smi``, which sees what a container or a cluster's job was given, else by the files
    of the driver, which tell numbers only.
    """
    try:
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=120)
    except (OSError, subprocess.TimeoutExpired):
        numbers = [path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*")]
        return [Gpu(number) for number in sorted(numbers, key=int)]
    return parse_gpus(done.stdout)


def parse_gpus(listing: str) -> list[Gpu]:
    """Return the GPUs that ``nvidia-smi -L`` lists."""
    gpus: list[Gpu] = []
    for line in listing.splitlines():
        uuid = re.search(r"\(UUID: ([^)]+)\)", line)
        if uuid and line.startswith("GPU"):
            gpus.append(Gpu(uuid[1]))
        elif uuid and gpus:
            gpus[-1] = Gpu(gpus[-1].name, (*gpus[-1].instances, uuid[1]))
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
    if entry.isdecimal() and int(entry) < len(gpus):
        return gpus[int(entry)].devices
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
            f"machine; write numbers from 0 to {len(gpus) - 1}, or UUIDs as `nvidia-smi -L` lists "
            "them"
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

    Waits while other jobs hold all of them. Has to be called before torch first asks for devices.

    Args:
        jobs_per_device: how many jobs may share a device. A device that has none goes first.
        environment: `CUDA_VISIBLE_DEVICES` is read from it, and set in it.
        gpus: lists the GPUs of the node.
        report: gets a line when there is none free, and one when there is.

    Returns:
        The device, or None where there is none: then nothing is locked and nothing set.

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
                f"waits for a GPU: other jobs, maybe of another workflow, hold {', '.join(devices)}"
                f" (locks in {folder})"
            )
        while taken is None:
            time.sleep(_POLL_SECONDS)
            taken = _first_free(folder, slots)
    except OSError as error:
        raise InputError(
            f"{folder}: a GPU cannot be locked ({error.strerror}); make it a folder that everyone "
            "may write to, or let TMPDIR name another place on this machine"
        ) from error
    report(f"has taken {taken}")
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
            raise NotADirectoryError(errno.ENOTDIR, "it is no folder") from None


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
        os.fchmod(descriptor, 0o644)  # whatever the umask: other users' jobs have to open it
        return descriptor


@contextmanager
def fitting(batch_size: int, device: str) -> Iterator[None]:
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
            f"training.batch_size: batches of {batch_size} slices are too large for the memory of "
            f"{device}; lower it, or let fewer jobs use that device"
        ) from error
