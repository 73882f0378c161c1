# Functions and paths of using models, separate because of Snakemake's linter.

PREDICTED = f"{EXPERIMENT}/predict"
# Never pruned, because answers for other recordings are final results.
PREDICTED_FOLDERS = [PREDICTED, f"{LOGS}/predict", f"{BENCHMARKS}/predict"]
MODEL_ENDING = ".safetensors"


def scored_run(wildcards):
    """Return the run, over all of its folds, that says how good a training is."""
    return replace(
        Run(**columns_of_run(wildcards)), cut=cut_of_all_folds(wildcards.cut)
    )


def outcomes_of_scored_run(wildcards):
    """Return the outcomes that say how good a training is."""
    scanned_tracks(wildcards)
    return collect(f"{EACH_RUN}/outcomes.h5", run=scored_run(wildcards))


def predictions_with_unknown_artists(wildcards):
    """Return a training's predictions if its validation set has unknown artists."""
    if not SPLITS[wildcards.split].may_have_unknown_artists:
        return []
    return f"{RUN}/predictions.h5".format(**wildcards)


def named_models(wildcards):
    """Return the packages that `predict.models` names: files, or runs that are packaged."""
    names = config["predict"]["models"]
    if not names:
        raise WorkflowError(
            "predict.models: is empty; name a model.safetensors, or a run such as "
            f"{named(next(filter(is_trained, FIRST_RUNS)))}"
        )
    return [
        name if name.endswith(MODEL_ENDING) else package_of(name, wildcards)
        for name in names
    ]


def named(run):
    """Return a run as `predict.models` names it."""
    return PATH.format(**vars(run), slice=run.slice)


def package_of(name, wildcards):
    """Return the package of a run that is named; the second step's choice is asked for last."""
    if name.partition("/")[0] in models_of_kind(config, ENSEMBLES):
        raise WorkflowError(
            f"predict.models: {name} is of an ensemble, which has no package; name runs of its "
            "members instead, which answer together"
        )
    parts = [part for run in FIRST_RUNS for part in parts_of(SPLITS, run)]
    first = [named(part) for part in parts if is_trained(part)]
    known = first if name in first else list(map(named, trained_runs(wildcards)))
    if name not in known:
        raise WorkflowError(
            f"predict.models: unknown run {name!r}; name one such as {known[0]}, or a "
            f"{MODEL_ENDING} file"
        )
    return f"{EXPERIMENT}/runs/{name}/model.safetensors"


@cache
def folder_to_predict():
    """Return what the folder of recordings to be named held when the workflow started."""
    if not config["predict"]["folder"]:
        raise WorkflowError(
            "predict.folder: is empty; write the folder of the recordings"
        )
    try:
        return folder_state(Path(config["predict"]["folder"]).expanduser())
    except InputError as error:
        text = str(error).partition(";")[0]
        raise WorkflowError(f"predict.folder: {text}; write a folder of recordings")


def state_of_folder(wildcards):
    """Return what tells that the folder changed."""
    return folder_to_predict().fingerprint


def answers_of_jobs(wildcards):
    """Return the answers of every job, once it is known how many files there are."""
    lists = Path(checkpoints.list_files.get().output.lists)
    numbers = sorted(path.stem for path in lists.glob("*.csv"))
    return expand(f"{PREDICTED}/answers/{{number}}.jsonl", number=numbers)


def uses_gpu(wildcards):
    """Return 1 if a model may be a network: only networks use a GPU."""
    kinds = {
        kind_of_model(config, name.partition("/")[0])
        for name in config["predict"]["models"]
        if not name.endswith(MODEL_ENDING)
    }
    has_files = any(name.endswith(MODEL_ENDING) for name in config["predict"]["models"])
    return int(has_files or NETWORKS in kinds)
