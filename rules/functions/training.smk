# Functions and paths of the training stage: Snakemake's linter wants them apart from the rules.

from artistid.models.registry import FRAME_SYSTEMS, SONG_SYSTEMS, available


def sources_of_model(script, kind):
    """Return an input function: the sources of a training, including its model."""
    folder = f"artistid/models/{kind}"
    return lambda wildcards: sources(script, f"{folder}/{wildcards.model}.py")


def training_threads(wildcards):
    """Return the processor threads of a training."""
    if not RUNS_HERE:
        return needs.GPU_THREADS
    at_once = workflow.global_resources.get("gpu").value
    return needs.training_threads(workflow.resource_settings.cores, at_once, has_gpu())
