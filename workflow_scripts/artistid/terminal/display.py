"""Progress of a run: a table on a terminal, redrawn in place, or a few lines in a pipe."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol, TextIO

from artistid.splits.mistakes import counted
from artistid.terminal.progress import Job, Progress, Stage
from artistid.terminal.words import left_in_words, minutes_in_words, seconds_in_words

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_INTERVAL = 60.0  # seconds between two reports of the same stage in a pipe
_MOST_TRAININGS = 8  # shown at once
_BETWEEN = 0.2  # minimum seconds between two drawings of the table


class Display(Protocol):
    """A place where a run is shown."""

    def say(self, text: str, style: str = "") -> None:
        """Show lines that stay, such as a warning or an error."""

    def update(self, now: float) -> None:
        """Show the progress of the run."""

    def end(self) -> None:
        """Show the final state, and release the terminal."""


class Lines:
    """Lines for a pipe or a file: the start of a stage, its state now and then, its end."""

    def __init__(self, stream: TextIO, progress: Progress, interval: float = _INTERVAL) -> None:
        self.stream = stream
        self.progress = progress
        self.interval = interval
        self._said: dict[str, float] = {}
        self._over: set[str] = set()

    def say(self, text: str, style: str = "") -> None:
        """Write lines."""
        print(text, file=self.stream, flush=True)

    def update(self, now: float) -> None:
        """Write a line for each stage that has started, has ended, or is due for a report."""
        for stage in self.progress.stages.values():
            if stage.started is None:
                continue
            if self.progress.is_over(stage):
                if stage.name not in self._over:
                    self._over.add(stage.name)
                    self.say(f"{stage.name}: {_state(self.progress, stage, now)}")
                continue
            self._over.discard(stage.name)
            if now - self._said.get(stage.name, -self.interval) >= self.interval and stage.running:
                self._said[stage.name] = now
                self.say(f"{stage.name}: {_state(self.progress, stage, now)}")
                for job in self._trainings(stage):
                    self.say(f"  {job.name}: {describe_epoch(job, now)}")

    def end(self) -> None:
        """Write the state of each stage that has started and not ended."""
        for stage in self.progress.stages.values():
            if stage.started is not None and stage.name not in self._over:
                self._over.add(stage.name)
                self.say(f"{stage.name}: {_state(self.progress, stage, time.time())}")

    def _trainings(self, stage: Stage) -> Iterable[Job]:
        of_stage = [j for j in self.progress.trainings() if self.progress.stage(j.kind[0]) is stage]
        return of_stage[:_MOST_TRAININGS]


class Live:
    """A table of the stages at the bottom of a terminal, with the running trainings below.

    Whatever this process and its jobs write to the terminal meanwhile appears above the table.
    """

    def __init__(self, stream: TextIO, progress: Progress, colour: bool = True) -> None:
        from rich.console import Console
        from rich.live import Live as RichLive

        self.progress = progress
        self._captured = _Captured((1, 2), self._say_captured)
        own = os.fdopen(self._captured.terminal, "w", errors="backslashreplace", closefd=False)
        self._console = Console(file=own, no_color=not colour, highlight=False)
        self._live = RichLive(
            get_renderable=self._drawn,
            console=self._console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._drawn_at = 0.0
        self._captured.start()
        self._live.start()

    def say(self, text: str, style: str = "") -> None:
        """Show lines above the table."""
        from rich.text import Text

        self._console.print(Text(text, style=style), soft_wrap=True)

    def update(self, now: float) -> None:
        """Draw the table, unless it was drawn a moment ago."""
        if now - self._drawn_at >= _BETWEEN:
            self._drawn_at = now
            self._live.refresh()

    def end(self) -> None:
        """Draw the table for the last time, and restore the terminal."""
        self._captured.end()
        self._live.stop()

    def _say_captured(self, line: str) -> None:
        from rich.text import Text

        self._console.print(Text.from_ansi(line), soft_wrap=True)

    def _drawn(self) -> "RenderableType":
        from rich.console import Group

        now = time.time()
        return Group("", *self._tables(now))

    def _tables(self, now: float) -> Iterator["Table"]:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        stages = Table.grid(padding=(0, 2, 0, 0))
        for stage in self.progress.stages.values():
            if not stage.total:
                continue
            over = self.progress.is_over(stage)
            mark = Text("✗", "red") if stage.failed else Text("✓", "green") if over else Text(" ")
            bar = ProgressBar(stage.total, stage.done, width=20, complete_style="cyan")
            stages.add_row(mark, stage.name, bar, _state(self.progress, stage, now))
        yield stages
        trainings = sorted(self.progress.trainings(), key=lambda job: job.started)
        if trainings:
            table = Table.grid(padding=(0, 2, 0, 0))
            table.add_column(no_wrap=True)
            for job in trainings[:_MOST_TRAININGS]:
                table.add_row("    " + job.name, describe_epoch(job, now))
            if (more := len(trainings) - _MOST_TRAININGS) > 0:
                table.add_row(f"    and {counted(more, 'more training')}", "")
            yield table


class _Captured:
    """Captures what this process and its children write to a terminal, line by line.

    Args:
        descriptors: file descriptors; those that are terminals are captured.
        say: called with each line, in a thread.

    Attributes:
        terminal: a descriptor of the terminal that the last of them was open on.
    """

    def __init__(self, descriptors: Iterable[int], say: Callable[[str], None]) -> None:
        self._originals = {fd: os.dup(fd) for fd in descriptors if os.isatty(fd)}
        self.terminal = list(self._originals.values())[-1]
        self._say = say
        self._thread = threading.Thread(target=self._read, daemon=True)

    def start(self) -> None:
        """Start capturing."""
        self._source, sink = os.pipe()
        for descriptor in self._originals:
            os.dup2(sink, descriptor)
        os.close(sink)
        self._thread.start()

    def end(self) -> None:
        """Restore the descriptors, and wait until everything written to them was passed on."""
        for descriptor, original in self._originals.items():
            os.dup2(original, descriptor)
        # Do not wait for the end of the pipe: a child that outlives us may still hold it open.
        self._thread.join(timeout=1)

    def _read(self) -> None:
        with os.fdopen(self._source, encoding="utf-8", errors="replace", newline="\n") as stream:
            for line in stream:
                try:
                    self._say(line.rstrip("\r\n"))
                except OSError:  # the terminal is gone; keep reading, so that no writer blocks
                    continue


def describe_epoch(job: Job, now: float) -> str:
    """Return the epoch, the validation score and the time left of a running training."""
    if job.epoch is None:
        return ""
    text = f"epoch {job.epoch.number} of {job.epoch.of}, validation F1 {job.epoch.f1}"
    expected = job.expected_seconds(now)
    left = 0.0 if expected is None else expected - (now - job.started)
    # "At most", because early stopping may end it sooner.
    return f"{text}, at most {minutes_in_words(max(1, left / 60))} left" if left > 0 else text


def _state(progress: Progress, stage: Stage, now: float) -> str:
    """Return the progress of a stage, in one line."""
    failed = f", {len(stage.failed):,} failed" if stage.failed else ""
    if progress.is_over(stage) and stage.started is not None and stage.ended is not None:
        took = seconds_in_words(stage.ended - stage.started)
        of = f"{stage.done:,} of " if stage.failed else ""
        return f"{of}{counted(stage.total, 'job')} done in {took}{failed}"
    so_far = " so far" if progress.may_grow else ""
    text = f"{stage.done:,} of {counted(stage.total, 'job')}{so_far}{failed}"
    if not stage.done and not stage.failed:
        text = f"{counted(stage.total, 'job')} to do{so_far}"
    left = progress.seconds_left(stage, now)
    return text if left is None else f"{text}, {left_in_words(left)}"
