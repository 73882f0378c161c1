# Functions and paths of the scoring stage: Snakemake's linter wants them apart from the rules.


def first_runs_of_networks(wildcards):
    """Return the runs that the second step's network is chosen by."""
    scanned_tracks(wildcards)
    return [run for run in FIRST_RUNS if kind_of(run.model) == NETWORKS]


def choice_of_follow_up(wildcards):
    """Return what says which network the second step took on, where a checkpoint chooses it."""
    if config["experiment"]["follow_up"] != BEST:
        return []
    return checkpoints.choose_follow_up.get().output
