# What jobs ask for: workflow_scripts/artistid/resources.py makes it of the corpus' size and of the
# configuration; each further attempt of a job asks for as much again.

from functools import cache

from snakemake.exceptions import IncompleteCheckpointException

from artistid import resources as needs_of
from artistid.devices import VISIBLE, list_gpus, visible_devices
from artistid.memory import limit_mb

# Jobs run on this machine; a cluster shares out the memory and the cores of its nodes itself.
RUNS_HERE = workflow.is_main_process and workflow.resource_settings.nodes is None
# Not in a profile, whose limits are all replaced by `--resources gpu=1`.
if RUNS_HERE and workflow.global_resources.get("mem_mb").value is None:
    workflow.register_resource("mem_mb", limit_mb())


@cache
def has_gpu():
    """Return whether this machine has a GPU that trainings may use."""
    try:
        return bool(visible_devices(os.environ.get(VISIBLE), list_gpus()))
    except InputError:
        return True  # one that does not answer: the trainings say so and stop


@cache
def warn_of_memory(rulename, megabytes):
    """Say that a rule's jobs ask for more memory than there is; Snakemake lowers it in silence."""
    limit = workflow.global_resources.get("mem_mb").value
    if limit is not None and megabytes > limit:
        logger.warning(
            f"{rulename}: asks for {megabytes} MB of memory, and the limit is {limit} MB: its jobs "
            "run one at a time, and may run out of memory"
        )


def mem_mb(job_needs):
    """Return a resource function: the memory that a job needs, MB."""

    def of_attempt(wildcards, attempt, rulename):
        megabytes = job_needs(wildcards).mem_mb * attempt
        if workflow.is_main_process:
            warn_of_memory(rulename, megabytes)
        return megabytes

    return of_attempt


def runtime(job_needs):
    """Return a resource function: the time that a job needs, minutes."""
    return lambda wildcards, attempt: job_needs(wildcards).runtime * attempt


def runtime_of_each_attempt(job_needs):
    """Return a resource function: the same minutes for each attempt.

    A training goes on from its saved state, so that attempts add up; twice the time may be more
    than any partition allows.
    """
    return lambda wildcards: job_needs(wildcards).runtime


def disk_mb(job_needs):
    """Return a resource function: the disk that a job writes, MB."""
    return lambda wildcards, attempt: job_needs(wildcards).disk_mb


@cache
def _size_of(tracks, changed):
    return needs_of.corpus_size(tracks)


def corpus_size(wildcards):
    """Return the size of the scanned corpus; `tracks.csv` is read once each time that it changes."""
    tracks = scanned_tracks(wildcards)
    return _size_of(str(tracks), os.stat(tracks).st_mtime_ns)


def recordings_found():
    """Return number and bytes of the files that the scan will read."""
    if IS_DEMO:
        demo = config["demo"]
        count = demo["artists"] * demo["albums"] * demo["tracks"]
        return count, count * demo["seconds"] * 4000  # mp3 at 32 kbit/s
    return music_folder().n_recordings, music_folder().n_bytes


def size_so_far(wildcards):
    """Return the size of the corpus, or of none while the scan is still to come.

    Snakemake asks for the resources again once it is done.
    """
    try:
        return corpus_size(wildcards)
    except IncompleteCheckpointException:
        return needs_of.CorpusSize(0, 0, 0.0, {}, 0.0)


def runs_so_far(wildcards):
    """Return the number of runs, without those that a checkpoint still has to choose."""
    try:
        return len(all_runs(wildcards))
    except IncompleteCheckpointException:
        return len(FIRST_RUNS)


def demo_needs(wildcards):
    """Return what the synthesis of an album needs."""
    return needs_of.demo_album(config["demo"]["tracks"], config["demo"]["seconds"])


def scan_needs(wildcards):
    """Return what the scan needs."""
    return needs_of.scan(*recordings_found(), threads=SCAN_THREADS)


def check_needs(wildcards):
    """Return what the check of the corpus needs."""
    return needs_of.split(size_so_far(wildcards))


def filter_needs(wildcards):
    """Return what the mel filters need."""
    return needs_of.mel_filters()


def album_needs(wildcards):
    """Return what an album's extraction needs."""
    size = size_so_far(wildcards)
    seconds = size.albums.get(wildcards.album_id, 0)
    return needs_of.extraction(seconds, min(seconds, size.longest), config["log_mel"])


def split_needs(wildcards):
    """Return what a draw of the splits needs."""
    return needs_of.split(size_so_far(wildcards))


def search_needs(wildcards):
    """Return what the search for near-duplicates needs."""
    return needs_of.near_duplicates(size_so_far(wildcards), config["log_mel"])


def audit_needs(wildcards):
    """Return what the audit of a split needs."""
    return needs_of.audit(size_so_far(wildcards))


def run_frames(wildcards):
    """Return the frames of a run's slices; None where it takes whole songs."""
    seconds = slice_seconds(wildcards.slice)
    return None if seconds is None else frames_in_slice(config, seconds)


def training_threads(wildcards):
    """Return the processor threads of a training."""
    if not RUNS_HERE:
        return needs_of.GPU_THREADS
    cores = workflow.resource_settings.cores
    return needs_of.training_threads(
        cores, workflow.global_resources.get("gpu").value, has_gpu()
    )


def training_needs(wildcards):
    """Return what a network's training needs."""
    return needs_of.training(
        size_so_far(wildcards),
        wildcards.model,
        model_settings(wildcards),
        config["training"],
        run_frames(wildcards),
        config["log_mel"],
        on_gpu=not RUNS_HERE or has_gpu(),
    )


def frame_system_needs(wildcards):
    """Return what a classical system on frames needs."""
    return needs_of.frame_system(
        size_so_far(wildcards),
        model_settings(wildcards),
        run_frames(wildcards),
        config["log_mel"],
    )


def song_system_needs(wildcards):
    """Return what a classical system on songs needs."""
    return needs_of.song_system(size_so_far(wildcards), config["log_mel"])


def scoring_needs(wildcards):
    """Return what a run's scores need."""
    size, frames = size_so_far(wildcards), run_frames(wildcards)
    return needs_of.scoring(size, frames, config["log_mel"])


def reference_needs(wildcards):
    """Return what the scores of guessing need."""
    return needs_of.references(size_so_far(wildcards))


def table_needs(wildcards):
    """Return what tables of all runs need."""
    return needs_of.tables(size_so_far(wildcards), runs_so_far(wildcards))


def comparison_needs(wildcards):
    """Return what the intervals and tests of all runs need."""
    n_models = len(config["experiment"]["models"])
    return needs_of.comparison(size_so_far(wildcards), runs_so_far(wildcards), n_models)


def figure_needs(wildcards):
    """Return what a figure needs."""
    return needs_of.figure()
