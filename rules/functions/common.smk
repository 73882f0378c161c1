# Functions that several stages share: of their inputs and parameters, and of the whole workflow.


def scanned_tracks(wildcards):
    """Return tracks.csv once the scan has run: all rules after it consult the checkpoint."""
    return checkpoints.scan_corpus.get().output.tracks


def usable_tracks(wildcards):
    """Return usable.csv, the tracks that the scan left to draw from."""
    return checkpoints.scan_corpus.get().output.usable


@cache
def _size_of(tracks, changed):
    return size_of(tracks)


def corpus_size(wildcards):
    """Return the size of the scanned corpus; `tracks.csv` is read once each time that it changes."""
    tracks = scanned_tracks(wildcards)
    return _size_of(str(tracks), os.stat(tracks).st_mtime_ns)


def log_mel_files(wildcards):
    """Return the caches of all albums that the scan found."""
    return [LOG_MEL.format(album_id=album) for album in corpus_size(wildcards).albums]


def index_of_log_mels(wildcards):
    """Return the index of the caches, which represents all of them.

    A job that reads spectrograms depends on this one file, and not on each album's; by
    `origin_of_log_mels` it runs again when they may have changed.
    """
    scanned_tracks(wildcards)
    return LOG_MEL_INDEX


def origin_of_log_mels(wildcards):
    """Return what decides the spectrograms: recordings, parameters and the extraction's code."""
    return {
        "recordings": corpus_size(wildcards).digest,
        "log_mel": LOG_MEL_PARAMETERS,
        "code": code_of_stage("write_mel_filters.py")
        | code_of_stage("extract_log_mel.py"),
    }


def split_manifest(wildcards):
    """Return the manifest of a run's cut."""
    scanned_tracks(wildcards)
    return SPLIT.format(split=wildcards.split, cut=wildcards.cut)


def definition_of_split(wildcards):
    """Return the definition of a split as plain types."""
    return SPLITS[wildcards.split].plain()


def columns_of_run(wildcards):
    """Return the columns of a run, or of what is the same for all models."""
    seconds = seconds_of_slice(wildcards.slice)
    return Run(
        config["corpus"]["name"],
        config["experiment"]["name"],
        wildcards.get("model", ""),
        wildcards.split,
        wildcards.cut,
        seconds,
        frames_in_slice(config, seconds),
        int(wildcards.seed),
    ).columns


def followed_model(wildcards):
    """Return the model of the paper's second step, which a checkpoint may have to choose."""
    names = candidates(config)
    if len(names) > 1:
        return read_choice(checkpoints.choose_follow_up.get().output.choice)
    return names[0] if names else None


@cache
def runs_of_follow_up(model):
    """Return the runs of the paper's second step with a model; none without one."""
    return follow_up_runs(config, model) if model else []


def all_runs(wildcards):
    """Return every run that the configuration asks for, as it is scored: over all of its folds."""
    scanned_tracks(wildcards)
    return FIRST_RUNS + runs_of_follow_up(followed_model(wildcards))


def predicted_runs(wildcards):
    """Return every run that has predictions: each fold by itself."""
    return [part for run in all_runs(wildcards) for part in parts_of(SPLITS, run)]


def trained_runs(wildcards):
    """Return every run that is trained: all that have predictions, without those of ensembles."""
    return [run for run in predicted_runs(wildcards) if is_trained(run)]


def is_trained(run):
    """Return whether a run is trained, and does not average others."""
    return kind_of_model(config, run.model) != ENSEMBLES


def trained_networks(wildcards):
    """Return every training of a neural network."""
    runs = trained_runs(wildcards)
    return [run for run in runs if kind_of_model(config, run.model) == NETWORKS]


def runs_like(*columns, runs=all_runs):
    """Return an input function: the runs that agree with the wildcards on some columns."""
    return lambda wildcards: [
        run
        for run in runs(wildcards)
        if all(getattr(run, column) == wildcards.get(column) for column in columns)
    ]


def all_cuts(wildcards):
    """Return a run of each cut of each split; the second step draws no others."""
    scanned_tracks(wildcards)
    parts = [part for run in FIRST_RUNS for part in parts_of(SPLITS, run)]
    return list({(run.split, run.cut): run for run in parts}.values())


def of_each_run(paths):
    """Return the outputs of a rule as patterns for `collect(..., run=runs)`."""
    return [path.format(**OF_RUN) for path in paths]


def check_writable():
    """Stop if a folder of the results may not be written to: Snakemake would say so late."""
    folders = [folder for folder, _, _ in os.walk(CORPUS)] or ["results"]
    for folder in folders:
        if os.path.exists(folder) and not os.access(folder, os.W_OK):
            raise WorkflowError(
                f"{folder}: cannot be written to; make it writable for you, or give the corpus "
                "another name (corpus.name)"
            )
