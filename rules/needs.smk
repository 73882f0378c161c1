# The resources that jobs request, which artistid/plan/needs.py computes from the size of the corpus
# and the configuration.

from functools import cache

from snakemake.exceptions import IncompleteCheckpointException

from artistid.corpus.size import CorpusSize
from artistid.jobs.devices import VISIBLE, list_gpus, visible_devices
from artistid.jobs.memory import limit_mb
from artistid.plan import needs

# Whether jobs run on this machine. A cluster manages the memory and the cores of its nodes itself.
RUNS_HERE = workflow.is_main_process and workflow.resource_settings.nodes is None
# Set here, not in a profile, because `--resources gpu=1` replaces all limits of a profile.
if RUNS_HERE and workflow.global_resources.get("mem_mb").value is None:
    workflow.register_resource("mem_mb", limit_mb())


@cache
def has_gpu():
    """Return whether this machine has a GPU that trainings may use."""
    try:
        return bool(visible_devices(os.environ.get(VISIBLE), list_gpus()))
    except InputError:
        return True  # a GPU that does not respond: the trainings report it and stop


@cache
def warn_of_memory(rulename, megabytes):
    """Say that a rule's jobs ask for more memory than there is; Snakemake lowers it in silence."""
    limit = workflow.global_resources.get("mem_mb").value
    if limit is not None and megabytes > limit:
        logger.warning(
            f"{rulename}: requests {megabytes} MB of memory, and the limit is {limit} MB: its jobs "
            "run one at a time, and may run out of memory"
        )


def asks(job_needs, *arguments, same_runtime=False):
    """Return a rule's memory (MB), run time (minutes) and disk (MB), as functions of its job.

    Each further attempt asks for as much again, but for the minutes where `same_runtime`: a training
    resumes from its saved state, so that attempts add up, and twice the time may be more than any
    partition allows.

    Args:
        job_needs: a function of `artistid.plan.needs`.
        arguments: of that function; those that are functions are called with the job's wildcards.
    """

    def needed(wildcards):
        return job_needs(*(a(wildcards) if callable(a) else a for a in arguments))

    def mem_mb(wildcards, attempt, rulename):
        megabytes = needed(wildcards).mem_mb * attempt
        if workflow.is_main_process:
            warn_of_memory(rulename, megabytes)
        return megabytes

    def runtime(wildcards, attempt):
        return needed(wildcards).runtime * (1 if same_runtime else attempt)

    def disk_mb(wildcards):
        return needed(wildcards).disk_mb

    return {"mem_mb": mem_mb, "runtime": runtime, "disk_mb": disk_mb}


def size_so_far(wildcards):
    """Return the size of the corpus, or of none while the scan is still to come.

    Snakemake asks for the resources again once it is done.
    """
    try:
        return corpus_size(wildcards)
    except IncompleteCheckpointException:
        return CorpusSize(0, 0, 0.0, {}, 0.0)


def runs_so_far(wildcards):
    """Return the number of runs, without those that a checkpoint has not chosen yet."""
    try:
        return len(all_runs(wildcards))
    except IncompleteCheckpointException:
        return len(FIRST_RUNS)


def frames_of_run(wildcards):
    """Return the frames of a run's slices; None if it takes whole songs."""
    return frames_in_slice(config, seconds_of_slice(wildcards.slice))
