"""Ends jobs early: with the workflow that started them, or when they are told to.

Snakemake does not end its jobs when it is killed. An orphan would go on writing beside the job that
the next call starts for the same output.
"""

import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType

# Holds the namespace and the process ids of the Snakemakes, one started by the other, that started
# a job on this machine. A job has it from its parents.
WORKFLOW = "ARTISTID_WORKFLOW"
# Holds the process id of the Snakemake that shows what its jobs log.
SHOWS = "ARTISTID_SHOWS"


def mark_workflow() -> None:
    """Say to the jobs that this process will start that it is their workflow.

    On a cluster's node this is a Snakemake of the node's own: what the login node's said is not
    about this machine, and is forgotten.
    """
    ancestors = _ancestors(os.getpid())
    outer = [process for process in _marked() if process in ancestors]
    os.environ[WORKFLOW] = " ".join([_namespace(), *map(str, outer), str(os.getpid())])


def show_jobs() -> None:
    """Say to the jobs that this process will start that it shows what matters of their logs."""
    os.environ[SHOWS] = str(os.getpid())


def is_shown() -> bool:
    """Return whether this process' workflow, on this machine, shows what the job logs."""
    return os.environ.get(SHOWS, "") in map(str, _marked())


def end_with_workflow() -> None:
    """Let this process be killed as soon as its parent or its workflow has ended."""
    ancestors = _ancestors(os.getpid())
    workflow = _marked()
    if not set(workflow) <= set(ancestors):
        _kill_self()  # it ended while this process was starting
    watched = [*ancestors[:1], *workflow]
    threading.Thread(target=_kill_self_after, args=(watched,), daemon=True).start()


def end_when_told() -> None:
    """Let SIGTERM, as a scheduler sends it, end this process in order: `finally` blocks run."""
    signal.signal(signal.SIGTERM, _exit)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _kill_self_after(watched: list[int]) -> None:
    _wait_for_any(watched)
    _kill_self()


def _kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _wait_for_any(processes: list[int]) -> None:
    """Return when one of the processes has ended."""
    parent = os.getppid()
    if not hasattr(os, "pidfd_open"):  # not Linux
        while os.getppid() == parent:
            time.sleep(1)
        return
    try:
        descriptors = [os.pidfd_open(process) for process in processes]
    except ProcessLookupError:
        return
    select.select(descriptors, [], [])


def _marked() -> list[int]:
    """Return the processes of the workflow; none that another machine or namespace counts."""
    namespace, *processes = os.environ.get(WORKFLOW, "").split(" ")
    return list(map(int, processes)) if namespace and namespace == _namespace() else []


def _namespace() -> str:
    """Return an id of the namespace of process ids; empty if it is not known."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}:{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _ancestors(process: int) -> list[int]:
    """Return the process ids of parent, grandparent and so on; without /proc the parent only."""
    found = []
    while process > 1:
        try:
            # "pid (name) state parent ...", and a name may hold anything.
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
        found.append(process)
    return found or [os.getppid()]
