# Functions and paths of the scoring stage, separate because of Snakemake's linter.

from artistid.experiment import averaged_runs

# Folds are trained one by one, and scored together.
SCORED_CUT = "draw[0-9]+|list"


def averaged(wildcards):
    """Return the runs whose predictions a run of an ensemble averages."""
    return averaged_runs(config, Run(**columns_of_run(wildcards)))


def runs_to_average(wildcards):
    """Return the same once the scan has run, so that the runs are those of its corpus."""
    scanned_tracks(wildcards)
    return averaged(wildcards)


def averages(wildcards):
    """Return every run that averages others: each fold by itself."""
    return [run for run in predicted_runs(wildcards) if not is_trained(run)]


def parts_of_job(wildcards):
    """Return the trainings that a job scores: those of a run's folds, or its only one."""
    scanned_tracks(wildcards)
    return parts_of(SPLITS, Run(**columns_of_run(wildcards)))


def predictions_of_parts(wildcards):
    """Return the predictions that a run is scored by."""
    return collect(f"{EACH_RUN}/predictions.h5", run=parts_of_job(wildcards))


def manifests_of_parts(wildcards):
    """Return the manifests of all folds of a cut, or of the cut."""
    return collect(SPLIT.format(**OF_RUN), run=parts_of_job(wildcards))


def audits_of_parts(wildcards):
    """Return the audits of all folds of a cut, or of the cut."""
    return collect(AUDIT.format(**OF_RUN), run=parts_of_job(wildcards))


def first_runs_of_candidates(wildcards):
    """Return the runs that the second step's network is chosen by."""
    scanned_tracks(wildcards)
    return [run for run in FIRST_RUNS if run.model in candidates(config)]


def choice_of_follow_up(wildcards):
    """Return the file with the network of the second step, if a checkpoint chooses it."""
    if len(candidates(config)) < 2:
        return []
    return checkpoints.choose_follow_up.get().output
