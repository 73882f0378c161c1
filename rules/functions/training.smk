# Functions and paths of the training stage, separate because of Snakemake's linter.

from artistid.experiment import architecture_of, settings_of, training_of
from artistid.training.augmentation import file_of


def architecture(wildcards):
    """Return the network or classical system that a run's model is."""
    return architecture_of(config, wildcards.model)


def settings(wildcards):
    """Return what the configuration says of a run's model."""
    return settings_of(config, wildcards.model)


def training(wildcards):
    """Return what a run's network is trained with."""
    return training_of(config, wildcards.model)


def parameters_of_model(wildcards):
    """Return what decides how a run's model is trained."""
    return model_parameters(config, SCHEMA, wildcards.model)


def code_of_model(script, kind):
    """Return a function: what tells whether a training, including its model, computes something else."""

    def code(wildcards):
        model = f"artistid/models/{kind}/{architecture(wildcards)}.py"
        augmentations = training(wildcards)["augmentations"] if kind == NETWORKS else {}
        return code_of_stage(script, model) | {
            stage: version
            for name in sorted(augmentations)
            for stage, version in code_of_stage(file_of(name)).items()
        }

    return code


def training_threads(wildcards):
    """Return the processor threads of a training."""
    if not RUNS_HERE:
        return needs.GPU_THREADS
    at_once = workflow.global_resources.get("gpu").value
    return needs.training_threads(workflow.resource_settings.cores, at_once, has_gpu())
