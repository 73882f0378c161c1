# What several stages share: the checked configuration, paths, and functions of their inputs.

import importlib.util
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = Path(workflow.basedir) / "workflow_scripts"
# The library is installed from this folder; another copy's would run with these rules unnoticed.
_library = importlib.util.find_spec("artistid")
if not (_library and Path(_library.origin).resolve().is_relative_to(SCRIPTS.resolve())):
    raise WorkflowError(
        f"{_library.origin if _library else 'artistid'}: is not the library of this workflow; run "
        f"`make environment` in {workflow.basedir} and use its .venv, or set PYTHONPATH={SCRIPTS}"
    )

from artistid.corpus.size import corpus_size as size_of
from artistid.errors import InputError
from artistid.experiment import first_runs, follow_up_runs, has_slices, networks
from artistid.features.slices import frames_in_slice
from artistid.jobs.lifetime import mark_workflow
from artistid.models.registry import NETWORKS, kind_of
from artistid.plan.config import (
    BEST,
    check_config,
    effective_config,
    read_schema,
    reductions,
    with_types,
)
from artistid.plan.sources import source_files
from artistid.runs import PATH, PATH_OF_ALL_MODELS, PATH_OF_SPLIT, Run, seconds_of_slice
from artistid.scoring.follow_up import read_choice

# A job of this machine ends with its workflow, and leaves no orphan beside its successor.
mark_workflow()

# Snakemake keeps its records here, whatever it is asked for, and fails with a traceback if it cannot.
if not os.access(".snakemake" if Path(".snakemake").exists() else ".", os.W_OK):
    raise WorkflowError(
        f"{os.getcwd()}: cannot be written to; run the workflow in a folder of your own, such as "
        "a copy of this one"
    )

_schema = read_schema(SCRIPTS.parent / "schemas")
_given = with_types(config, _schema)
try:
    check_config(_given, _schema)
except InputError as error:
    raise WorkflowError(str(error))

REDUCTIONS = reductions(_given)
# In place, so that jobs see the configuration in force too.
config.clear()
config.update(effective_config(_given))

IS_DEMO = config["corpus"]["source"] == "demo"
RESULTS = f"results/{config['corpus']['name']}"
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
FIGURES = f"{RESULTS}/figures"
LOG_MEL = f"{RESULTS}/log_mel/{{album_id}}.h5"
SPLIT = f"{RESULTS}/splits/{PATH_OF_SPLIT}.csv"
AUDIT = f"{RESULTS}/audit/{PATH_OF_SPLIT}.csv"
RUN = f"{RESULTS}/runs/{PATH}"
REFERENCE = f"{RESULTS}/references/{PATH_OF_ALL_MODELS}"
# The same with a run's attributes for wildcards, for `collect(f"{EACH_RUN}/metrics.csv", run=runs)`.
OF_RUN = {name: f"{{run.{name}}}" for name in ("model", "split", "slice", "seed")}
EACH_RUN, EACH_REFERENCE = RUN.format(**OF_RUN), REFERENCE.format(**OF_RUN)

if IS_DEMO:
    config["corpus"]["audio_dir"] = f"{RESULTS}/audio"
AUDIO_DIR = Path(config["corpus"]["audio_dir"]).expanduser()
config["corpus"]["audio_dir"] = str(AUDIO_DIR)

FIRST_RUNS = first_runs(config)
HAS_SLICES = has_slices(config)
HAS_BOTH_SPLITS = len(config["experiment"]["splits"]) == 2
LEVELS = ["slice", "song"] if HAS_SLICES else ["song"]


def sources(*scripts):
    """Return the scripts and our modules that they import: an edit reruns the rule."""
    return [os.path.relpath(path) for path in source_files(*scripts)]


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


def split_manifest(wildcards):
    """Return the manifest of a run's split."""
    scanned_tracks(wildcards)
    return SPLIT.format(split=wildcards.split, seed=wildcards.seed)


def columns_of_run(wildcards):
    """Return the columns of a run, or of what is the same for all models."""
    seconds = seconds_of_slice(wildcards.slice)
    frames = frames_in_slice(config, seconds)
    model, seed = wildcards.get("model", ""), int(wildcards.seed)
    corpus = config["corpus"]["name"]
    return Run(corpus, model, wildcards.split, seconds, frames, seed).columns


def followed_model(wildcards):
    """Return the model of the paper's second step, which a checkpoint may have to choose."""
    follow_up = config["experiment"]["follow_up"]
    if follow_up == BEST:
        return read_choice(checkpoints.choose_follow_up.get().output.choice)
    return follow_up


def all_runs(wildcards):
    """Return every run that the configuration asks for."""
    scanned_tracks(wildcards)
    followed = followed_model(wildcards)
    return FIRST_RUNS + (follow_up_runs(config, followed) if followed else [])


def runs_of_networks(wildcards):
    """Return every run of a neural network."""
    return [run for run in all_runs(wildcards) if kind_of(run.model) == NETWORKS]


def runs_like(*columns):
    """Return an input function: the runs that agree with the wildcards on some columns."""
    return lambda wildcards: [
        run
        for run in all_runs(wildcards)
        if all(getattr(run, column) == wildcards.get(column) for column in columns)
    ]


def all_splits(wildcards):
    """Return a run of each split; the second step draws no others."""
    scanned_tracks(wildcards)
    return list({(run.split, run.seed): run for run in FIRST_RUNS}.values())


def of_each_run(paths):
    """Return the outputs of a rule as patterns for `collect(..., run=runs)`."""
    return [path.format(**OF_RUN) for path in paths]


def check_writable():
    """Stop if a folder of the results may not be written to: Snakemake would say so late."""
    folders = [folder for folder, _, _ in os.walk(RESULTS)] or ["results"]
    for folder in folders:
        if os.path.exists(folder) and not os.access(folder, os.W_OK):
            raise WorkflowError(
                f"{folder}: cannot be written to; make it writable for you, or give the corpus "
                "another name (corpus.name)"
            )


def print_results():
    """Print the scan's summary and the main table when all is done."""
    for path in (
        f"{RESULTS}/corpus/summary.txt",
        f"{RESULTS}/audit/summary.txt",
        f"{RESULTS}/tables/{TABLES[0]}.md",
    ):
        if Path(path).exists():
            print(
                f"\n{Path(path).read_text(encoding='utf-8', errors='replace')}",
                end="",
            )
    print(f"\nAll tables: {RESULTS}/tables/")
