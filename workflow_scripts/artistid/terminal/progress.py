"""How far a run is: its stages, the jobs that run, and about how long a stage still takes."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from artistid.terminal.joblog import Epoch, JobLog, epoch_in, warnings_in

# Jobs of a kind take about the same time: those of a rule, of a training those of a model.
Kind = tuple[str, str]
_IDLE = 10.0  # seconds without a job after which a stage waits for others
_ENOUGH = 3  # jobs of other rules that say something of a rule of their stage


@dataclass
class Job:
    """A job that runs, or, on a cluster, waits there."""

    kind: Kind
    name: str
    started: float
    log: JobLog | None
    epoch: Epoch | None = None

    def look(self) -> list[str]:
        """Read what is new in the job's log; return the warnings."""
        lines = self.log.new_lines() if self.log else []
        self.epoch = epoch_in(lines) or self.epoch
        return list(warnings_in(lines))

    def expected_seconds(self, now: float) -> float | None:
        """Return how long the job takes in all, by its epochs; None where it has none yet."""
        if self.epoch is None:
            return None
        return (now - self.started) * self.epoch.of / self.epoch.number


@dataclass
class Stage:
    """A stage, in jobs; `started` and `ended` in seconds.

    Attributes:
        total: jobs that are known: a checkpoint may add others.
        failed: the jobs that failed and were not run again, by number.
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
    """A run, as told by its events.

    Args:
        stage_of: the stage of each rule, in the order in which stages are shown. A rule that is
            not in it is not counted.
    """

    def __init__(self, stage_of: Mapping[str, str]) -> None:
        self.stage_of = stage_of
        self.stages = {name: Stage(name) for name in dict.fromkeys(stage_of.values())}
        self.running: dict[int, Job] = {}
        self.may_grow = True
        self._expected: Counter[Kind] = Counter()
        self._ended: Counter[Kind] = Counter()
        # Of the jobs that are done, of a kind, of all kinds of a rule, and of all rules of a stage.
        self._of_kind: defaultdict[Kind, _Took] = defaultdict(_Took)
        self._of_rule: defaultdict[str, _Took] = defaultdict(_Took)
        self._of_stage: defaultdict[str, _Took] = defaultdict(_Took)

    def expect(self, jobs: Mapping[Kind, int], may_grow: bool) -> None:
        """Note all jobs of the run, those that have ended included, and whether more may follow."""
        self._expected = Counter(jobs)
        self.may_grow = may_grow
        totals: Counter[str] = Counter()
        for (rule, _), number in jobs.items():
            totals[self.stage_of.get(rule, "")] += number
        for stage in self.stages.values():
            stage.total = totals[stage.name]

    def stage(self, rule: str) -> Stage | None:
        """Return the stage of a rule; None for a rule that only asks for others."""
        return self.stages.get(self.stage_of.get(rule, ""))

    def start(self, number: int, kind: Kind, name: str, log: Path | None, now: float) -> None:
        """Note that a job starts, perhaps once more."""
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
        """Note that a job has ended, and return it; None where it did not run."""
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
        """Return whether every job of a stage has ended, and no checkpoint may add any."""
        return stage.started is not None and not stage.left and not self.may_grow

    def trainings(self) -> Iterator[Job]:
        """Yield the running jobs that have told of an epoch."""
        return (job for job in self.running.values() if job.epoch)

    def seconds_left(self, stage: Stage, now: float) -> float | None:
        """Return about how long a stage takes from now on, as things have gone so far.

        Jobs that wait take what those of their kind took, else those of their rule, else, where
        some are done, those of the stage; a training that runs, what its epochs say. What has been
        worked in the time since the stage began says how many run at once.

        Returns:
            Seconds; None where jobs are left of which nothing is known yet, or the stage waits for
            others.
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
        """Return what a job of a kind takes, s; None where nothing tells."""
        for took in (self._of_kind.get(kind), self._of_rule.get(kind[0])):
            if took:
                return took.seconds / took.jobs
        running = [job.expected_seconds(now) for job in self.trainings() if job.kind[0] == kind[0]]
        if known := [seconds for seconds in running if seconds is not None]:
            return sum(known) / len(known)
        of_stage = self._of_stage[self.stage_of[kind[0]]]
        return of_stage.seconds / of_stage.jobs if of_stage.jobs >= _ENOUGH else None
