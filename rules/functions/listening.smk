# Functions and paths of the listening page, separate because of Snakemake's linter.

from artistid.listening.page import PAGE_FILES
from artistid.storage.files import sha256_of_file

LISTENING = f"{EXPERIMENT}/listening"
# Not pruned, because the user asked for the page.
LISTENING_FOLDERS = [LISTENING, f"{LOGS}/listening", f"{BENCHMARKS}/listening"]


def models_to_hear():
    """Return the models of the page: those that `listening.models` names, or all."""
    known, asked = config["experiment"]["models"], config["listening"]["models"]
    for name in asked or ():
        if name not in known:
            raise WorkflowError(
                f"listening.models: {name!r} is not a model of the experiment; name some of "
                f"{', '.join(known)}"
            )
    return known if asked is None else asked


def predictions_to_hear(wildcards):
    """Return the predictions of all runs that the page shows: of models that take slices."""
    models = models_to_hear()
    runs = [run for run in runs_with_slices(wildcards) if run.model in models]
    if not runs:
        raise WorkflowError(
            "listening.models: none of them takes slices, so there is nothing to show over time; "
            "name a network or a system on frames"
        )
    parts = [part for run in runs for part in parts_of(SPLITS, run)]
    return collect(f"{EACH_RUN}/predictions.h5", run=parts)


def song_systems_not_heard(wildcards):
    """Return the models that were asked for and take whole songs: they have no slices to show."""
    return [
        model
        for model in models_to_hear()
        if kind_of_model(config, model) == SONG_SYSTEMS
    ]


def digest_of_page_files(wildcards):
    """Return what tells that the page looks or works differently."""
    return [sha256_of_file(path) for path in PAGE_FILES]
