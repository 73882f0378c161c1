"""Passes Snakemake's events and the logs of the jobs to the displays of `artistid.terminal`."""

import os
import threading
import time
from collections.abc import Callable, Mapping
from logging import WARNING, LogRecord
from pathlib import Path
from typing import Any

from snakemake.logging import ColorizingTextHandler
from snakemake.workflow import NOTHING_TO_BE_DONE_MSG
from snakemake_interface_logger_plugins.common import LogEvent

from artistid.splits.mistakes import counted
from artistid.terminal.display import Display, Lines, Live
from artistid.terminal.joblog import last_lines
from artistid.terminal.progress import Job, Kind, Progress

Jobs = Callable[[], tuple[Mapping[Kind, int], bool]]

# Beginnings of Snakemake's own messages that are shown. Those of the Snakefile are always shown.
_SHOWN = (NOTHING_TO_BE_DONE_MSG, "Building DAG", "Trying to restart", "Complete log(s)")
_LOOK = 1.0  # seconds between two readings of the logs
_LOGS_AT_ONCE = 20  # logs per reading, because a cluster may run thousands of jobs
_LAST_LINES = 8  # of a failed job's log
_IN_FULL = 10  # failed jobs with this many lines; of further ones, only the last line


class Run:
    """Shows a run, from its first event on.

    Args:
        stage_of: the stage of each rule.
        jobs: returns the number of jobs by kind, and whether more may follow.
        snakemake: Snakemake's own handler, which has the stream and formats its messages.
    """

    def __init__(
        self,
        stage_of: Mapping[str, str],
        jobs: Jobs,
        snakemake: ColorizingTextHandler,
    ) -> None:
        self._progress = Progress(stage_of)
        self._jobs = jobs
        self._snakemake = snakemake
        self._lock = threading.RLock()
        self._counted = False  # since the last checkpoint
        self._checkpoints: set[int] = set()
        self._failed = 0
        self._is_local = True  # jobs run on this machine, and print their own errors
        self._ended = threading.Event()
        self._display: Display | None = None

    def take(self, record: LogRecord) -> None:
        """Show a log record, or update the progress from it."""
        with self._lock:
            self._take(record)

    def end(self) -> None:
        """Show the last warnings and the final state, and release the terminal."""
        with self._lock:
            if not self._ended.is_set():
                self._ended.set()
                self._end_display()

    def _take(self, record: LogRecord) -> None:
        event = getattr(record, "event", None)
        if event == LogEvent.JOB_ERROR:
            self._fail(record)
        elif record.levelno >= WARNING:
            self._complain(record)
        elif event == LogEvent.JOB_INFO:
            self._start(record)
        elif event == LogEvent.RESOURCES_INFO:
            self._is_local &= not hasattr(record, "nodes")
        elif event in (LogEvent.RUN_INFO, LogEvent.JOB_STARTED):
            self._count()
            if self._display is None:
                self._show()
            self._update(record.created)
        elif event == LogEvent.JOB_FINISHED:
            self._finish(record)
        elif event is None and _is_for_people(record):
            self._say(str(record.msg))

    def _end_display(self) -> None:
        if self._display:
            self._count()
        for job in self._progress.running.values():
            self._look(job)
        if self._display:
            self._display.end()
        if self._failed:
            self._say(
                f"{counted(self._failed, 'job')} failed (see above). Finished jobs are kept: fix "
                "the cause, and repeat the same command.",
                "red",
            )

    def _count(self) -> None:
        """Get the number of jobs, which only a checkpoint changes."""
        if not self._counted:
            try:
                jobs, may_grow = self._jobs()
            except RuntimeError:  # Snakemake is changing its jobs; try again at the next event
                return
            self._counted = True
            self._progress.expect(jobs, may_grow)

    def _show(self) -> None:
        """Start to show the run."""
        self._display = self._new_display()
        threading.Thread(target=self._watch, daemon=True).start()

    def _new_display(self) -> Display:
        stream = self._snakemake.stream
        if self._snakemake.is_tty and os.environ.get("TERM", "dumb") != "dumb":
            return Live(stream, self._progress, colour=not self._snakemake.nocolor)
        return Lines(stream, self._progress)

    def _watch(self) -> None:
        """Read the logs of running jobs, until the run ends."""
        while not self._ended.wait(_LOOK):
            with self._lock:
                if self._ended.is_set():
                    return
                running = self._progress.running
                for number in list(running)[:_LOGS_AT_ONCE]:
                    self._look(running[number])
                    running[number] = running.pop(number)  # to the end of the queue
                self._update(time.time())

    def _look(self, job: Job) -> None:
        for warning in job.look():
            self._say(f"warning: {_title(job.kind[0], job)}: {warning}", "yellow")

    def _start(self, record: Any) -> None:
        if record.is_checkpoint:
            self._checkpoints.add(record.jobid)
        kind = (record.rule_name, record.wildcards.get("model", ""))
        log = Path(record.log[0]) if record.log else None
        name = _name(record.wildcards)
        self._progress.start(record.jobid, kind, name, log, record.created)
        self._update(record.created)

    def _finish(self, record: Any) -> None:
        if record.job_id in self._checkpoints:
            self._counted = False
        self._end(record.job_id, record.created)
        self._update(record.created)

    def _fail(self, record: Any) -> None:
        job = self._end(record.jobid, record.created, failed=True)
        self._failed += 1
        lines = [f"failed: {_title(record.rule_name, job)}"]
        for log in map(Path, record.log):
            n_lines = _LAST_LINES if self._failed <= _IN_FULL else 1
            last = last_lines(log, n_lines, without_error=self._is_local)
            lines += [f"    {line}" for line in last]
            lines.append(f"  log: {log}")
        self._say("\n".join(lines), "red")
        self._update(record.created)

    def _end(self, number: int, now: float, failed: bool = False) -> Job | None:
        """Show a job's last warnings, and record that it has ended."""
        if job := self._progress.running.get(number):
            self._look(job)
        return self._progress.end(number, now, failed)

    def _complain(self, record: LogRecord) -> None:
        """Show a warning or an error of Snakemake, but not that a script ended with status 1."""
        text = self._snakemake.format(record)
        told = "CalledProcessError in file" in text and text.rstrip().endswith("exit status 1.")
        if self._display is None:  # a problem before the first job
            self._snakemake.handle(record)
        elif not told:
            self._say(text, "yellow" if record.levelno == WARNING else "red")

    def _update(self, now: float) -> None:
        if self._display and not self._ended.is_set():
            self._display.update(now)

    def _say(self, text: str, style: str = "") -> None:
        if self._display:
            self._display.say(text, style)
        else:
            print(text, file=self._snakemake.stream, flush=True)


def _title(rule: str, job: Job | None) -> str:
    return f"{rule} {job.name}".rstrip() if job else rule


def _is_for_people(record: LogRecord) -> bool:
    """Return whether a message comes from the Snakefile or a rule, or is in `_SHOWN`."""
    return Path(record.pathname).suffix != ".py" or str(record.msg).startswith(_SHOWN)


def _name(wildcards: Mapping[str, str]) -> str:
    """Return what distinguishes a job from others of its rule: "crnn song draw1 1s seed1"."""
    return " ".join(
        f"{name}{value}" if value.isdigit() else value for name, value in wildcards.items()
    )
