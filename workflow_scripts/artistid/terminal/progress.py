"""Progress of a run: its stages, the running jobs, and the estimated time left of a stage."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artistid.terminal.joblog import Epoch, JobLog, epoch_in, warnings_in

# Rule and model of a job (the model is empty if there is none). Jobs of a kind take about as long.
Kind = tuple[str, str]
_IDLE = 10.0  # after this many seconds without a job, a stage is waiting for other stages
_ENOUGH = 3  # finished jobs of a stage from which to estimate a rule that has none


@dataclass
class Job:
    """A job that is running or, on a cluster, was submitted."""

    kind: Kind
    name: str
    started: float
    log: JobLog | None
    epoch: Epoch | None = None

    def look(self) -> list[str]:
        """Read the new lines of the job's log, and return the warnings in them."""
        lines = self.log.new_lines() if self.log else []
        self.epoch = epoch_in(lines) or self.epoch
        return list(warnings_in(lines))

    def expected_seconds(self, now: float) -> float | None:
        """Return the estimated total time of a training; None before its first epoch."""
        if self.epoch is None:
            return None
        return (now - self.started) * self.epoch.of / self.epoch.number


@dataclass
class Stage:
    """Counts of the jobs of a stage; `started` and `ended` are times in seconds.

    Attributes:
        total: number of known jobs; a checkpoint may add more.
        failed: the jobs that failed and have not been restarted, by number.
    """

    name: str
    total: int = 0
    done: int = 0
    failed: set[int] = field(default_factory=set)
    running: int = 0
    started: float | None = None
    ended: float | None = None

    @property
    def left(self) -> int:
        """Jobs that have not ended."""
        return max(0, self.total - self.done - len(self.failed))


@dataclass
class _Took:
    jobs: int = 0
    seconds: float = 0.0


class Progress:
    """Follows a run by its events.

    Args:
        stage_of: the stage of each rule, in the order in which stages are shown. Jobs of other
            rules are not counted.
    """

    def __init__(self, stage_of: Mapping[str, str]) -> None:
        self.stage_of = stage_of
        self.stages = {name: Stage(name) for name in dict.fromkeys(stage_of.values())}
        self.running: dict[int, Job] = {}
        self.may_grow = True
        self._expected: Counter[Kind] = Counter()
        self._ended: Counter[Kind] = Counter()
        # Number and total time of the jobs done: by kind, by rule, and by stage.
        self._of_kind: defaultdict[Kind, _Took] = defaultdict(_Took)
        self._of_rule: defaultdict[str, _Took] = defaultdict(_Took)
        self._of_stage: defaultdict[str, _Took] = defaultdict(_Took)

    def expect(self, jobs: Mapping[Kind, int], may_grow: bool) -> None:
        """Set the jobs of the run, including those that have ended, and whether more may follow."""
        self._expected = Counter(jobs)
        self.may_grow = may_grow
        totals: Counter[str] = Counter()
        for (rule, _), number in jobs.items():
            totals[self.stage_of.get(rule, "")] += number
        for stage in self.stages.values():
            stage.total = totals[stage.name]

    def stage(self, rule: str) -> Stage | None:
        """Return the stage of a rule; None for a target rule, which has no jobs."""
        return self.stages.get(self.stage_of.get(rule, ""))

    def start(self, number: int, kind: Kind, name: str, log: Path | None, now: float) -> None:
        """Record that a job starts, perhaps not for the first time."""
        stage = self.stage(kind[0])
        if stage is None:
            return
        self.running[number] = Job(kind, name, now, JobLog(log) if log else None)
        if number in stage.failed:
            stage.failed.discard(number)
            self._ended[kind] -= 1
        stage.running += 1
        stage.started = now if stage.started is None else stage.started

    def end(self, number: int, now: float, failed: bool = False) -> Job | None:
        """Record that a job has ended, and return it; None if it was not running."""
        job = self.running.pop(number, None)
        if job is None:
            return None
        stage = self.stages[self.stage_of[job.kind[0]]]
        stage.running -= 1
        stage.ended = now
        self._ended[job.kind] += 1
        if failed:
            stage.failed.add(number)
        else:
            stage.done += 1
            rule = job.kind[0]
            for took in (self._of_kind[job.kind], self._of_rule[rule], self._of_stage[stage.name]):
                took.jobs += 1
                took.seconds += now - job.started
        return job

    def is_over(self, stage: Stage) -> bool:
        """Return whether every job of a stage has ended, and no checkpoint may add more."""
        return stage.started is not None and not stage.left and not self.may_grow

    def trainings(self) -> Iterator[Job]:
        """Yield the running jobs that have reported an epoch."""
        return (job for job in self.running.values() if job.epoch)

    def seconds_left(self, stage: Stage, now: float) -> float | None:
        """Return the estimated time until a stage is done.

        A waiting job is expected to take as long as the finished jobs of its kind did; if there
        are none, those of its rule, then those of the stage if there are enough. The time of a
        running training is estimated from its epochs. Job time per elapsed time since the stage
        began is the number of jobs that run at once.

        Returns:
            Seconds; None if nothing is known yet about some of the remaining jobs, or if the stage
            is waiting for other stages.
        """
        if stage.started is None or now <= stage.started or not stage.left:
            return None
        if not stage.running and stage.ended is not None and now - stage.ended > _IDLE:
            return None
        running = [job for job in self.running.values() if self.stage(job.kind[0]) is stage]
        waiting = self._expected - self._ended - Counter(job.kind for job in running)
        work = self._of_stage[stage.name].seconds
        left = 0.0
        for job in running:
            expected = job.expected_seconds(now) or self._usual(job.kind, now)
            if expected is None:
                return None
            work += now - job.started
            left += max(0.0, expected - (now - job.started))
        for kind in waiting:
            if self.stage(kind[0]) is stage:
                expected = self._usual(kind, now)
                if expected is None:
                    return None
                left += waiting[kind] * expected
        return left * (now - stage.started) / work if work else None

    def _usual(self, kind: Kind, now: float) -> float | None:
        """Return the expected time of a job of a kind, in seconds; None if nothing is known."""
        for took in (self._of_kind.get(kind), self._of_rule.get(kind[0])):
            if took:
                return took.seconds / took.jobs
        running = [job.expected_seconds(now) for job in self.trainings() if job.kind[0] == kind[0]]
        if known := [seconds for seconds in running if seconds is not None]:
            return sum(known) / len(known)
        of_stage = self._of_stage[self.stage_of[kind[0]]]
        return of_stage.seconds / of_stage.jobs if of_stage.jobs >= _ENOUGH else None
