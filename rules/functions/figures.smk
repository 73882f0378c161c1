# Functions and paths of the figures stage, separate because of Snakemake's linter.


def runs_with_slices(wildcards):
    """Return every run of a model that takes slices."""
    return [run for run in all_runs(wildcards) if run.slice_seconds is not None]


def runs_of_first_seed(wildcards):
    """Return the trainings of networks that are mapped: of the first seed, and its first fold.

    None where only validation may be looked at: the maps are of test slices.
    """
    if config["experiment"]["report_on"] != "test":
        return []
    first = config["experiment"]["seeds"][0]
    runs = [run for run in all_runs(wildcards) if run.seed == first]
    return [
        parts_of(SPLITS, run)[0]
        for run in runs
        if kind_of_model(config, run.model) == NETWORKS
    ]
