# Repairs of Snakemake that this workflow depends on. They replace private methods, which any release
# may change, so every other version is refused. When the pin is raised, compare each repair with the
# new source; tests/workflow/test_repairs.py and tests/workflow/test_reruns.py fail if one is missing.

from snakemake import __version__ as _installed
from snakemake.exceptions import WorkflowError

REPAIRED_SNAKEMAKE = "9.27.1"

if _installed != REPAIRED_SNAKEMAKE:
    raise WorkflowError(
        f"Snakemake {_installed} is installed, but this workflow replaces private methods of "
        f"Snakemake {REPAIRED_SNAKEMAKE} (rules/repairs.smk) and was tested with that version only; "
        "`make environment` installs it into .venv"
    )

from snakemake import logging as snakemake_logging
from snakemake.dag import DAG

_snakemake = {
    name: getattr(DAG, name)
    for name in ("bfs", "update_groups", "_update_group_components", "update_needrun")
}


# An edit reruns what it affects, even if an `ancient` input of the job is itself rerun.
#
# Snakemake does not look at the reasons of jobs that depend on one that is to run, as these run
# anyway; but not if all that they take from it is `ancient` (its issue 4166). A training whose
# learning rate was changed was forgotten when its split was audited again in the same run.


async def update_needrun(dag, *arguments, **options):
    """Find the jobs that are to run; meanwhile, nothing follows from an `ancient` input."""
    dag.is_finding_needrun = True
    try:
        await _snakemake["update_needrun"](dag, *arguments, **options)
    finally:
        dag.is_finding_needrun = False


def bfs(dag, direction, *jobs, stop=lambda job: False):
    """Walk through the jobs, breadth first."""
    if getattr(dag, "is_finding_needrun", False) and direction is dag.depending:
        direction = _WithoutAncient(direction)
    return _snakemake["bfs"](dag, direction, *jobs, stop=stop)


class _WithoutAncient:
    """The jobs that depend on one by more than `ancient` files."""

    def __init__(self, depending):
        self.depending = depending

    def __getitem__(self, job):
        return {
            other: files
            for other, files in self.depending[job].items()
            if not all(file.is_ancient for file in files)
        }


# Each job is submitted to a cluster once, in groups of the size that the profile sets.
#
# Snakemake recomputes the groups whenever it has evaluated a checkpoint, from the groups that it
# merged before, running ones included. A workflow that was started again after the scan submitted
# jobs several times, and too many at once (Snakemake's issues 1217 and 1628). Here groups are made
# of single jobs each time, and those that run stay.


def update_groups(dag):
    """Make the groups of all jobs that are to run, without those of an earlier time."""
    if dag.workflow.group_settings.group_components:
        dag.group_job_factory.cache.clear()
    _snakemake["update_groups"](dag)


def update_group_components(dag):
    """Merge as many groups as `group-components` says, without the running ones."""
    groups = [group for group in dag._running if group.is_group()]
    running = {job: group for group in groups for job in group if job in dag._group}
    dag._group = {job: group for job, group in dag._group.items() if job not in running}
    _snakemake["_update_group_components"](dag)
    dag._group |= running


DAG.bfs = bfs
DAG.update_needrun = update_needrun
DAG.update_groups = update_groups
DAG._update_group_components = update_group_components


# All logs of a failed job are shown.
#
# Snakemake stops at the first log that is missing or empty. This is the log of a job that the cluster
# killed before it wrote anything. The reason is then in the next one, the scheduler's.

_show_logs = snakemake_logging.show_logs


def show_logs(logs):
    """Yield the lines that show logs, treating each log separately."""
    for log in logs:
        yield from _show_logs([log])


snakemake_logging.show_logs = show_logs
