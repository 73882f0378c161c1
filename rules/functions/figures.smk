# Functions and paths of the figures stage: Snakemake's linter wants them apart from the rules.


def runs_with_slices(wildcards):
    """Return every run of a model that takes slices."""
    return [run for run in all_runs(wildcards) if run.slice_seconds is not None]


def runs_of_first_seed(wildcards):
    """Return the runs of networks that are mapped: those of the first seed."""
    first = config["experiment"]["seeds"][0]
    return [run for run in runs_of_networks(wildcards) if run.seed == first]
