"""When a job ends before it is done: with the workflow that started it, or when it is told to.

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

# Holds the workflow's process id; a job on the same machine has it from its parents.
WORKFLOW = "ARTISTID_WORKFLOW"


def mark_workflow() -> None:
    """Say to the jobs that this process will start that it is their workflow."""
    os.environ.setdefault(WORKFLOW, str(os.getpid()))


def end_with_workflow() -> None:
    """Let this process be killed as soon as its parent or its workflow has ended.

    A workflow that is none of its ancestors is left alone: a cluster's jobs outlive it.
    """
    ancestors = _ancestors(os.getpid())
    watched = ancestors[:1]
    workflow = int(os.environ.get(WORKFLOW, "0"))
    if workflow in ancestors:
        watched.append(workflow)
    threading.Thread(target=_kill_self_after, args=(watched,), daemon=True).start()


def end_when_told() -> None:
    """Let SIGTERM, as a scheduler sends it, end this process in order: `finally` blocks run."""
    signal.signal(signal.SIGTERM, _exit)


def _exit(number: int, frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _kill_self_after(watched: list[int]) -> None:
    _wait_for_any(watched)
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
