# What all rules share: the checked configuration, paths, sources, and functions of the rules.

import os
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError

SCRIPTS = Path(workflow.basedir) / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))

from artistid.config import (
    BEST,
    check_config,
    effective_config,
    first_runs,
    follow_up_runs,
    frames_in_slice,
    has_several_lengths,
    networks,
    read_yaml,
    reductions,
    slice_seconds,
    with_types,
)
from artistid.corpus import folder_state
from artistid.demo.names import album_name, artist_name, track_name
from artistid.errors import InputError
from artistid.feasibility import feasibility_keys
from artistid.files import sha256_of_file
from artistid.follow_up import read_choice
from artistid.lifetime import mark_workflow
from artistid.registry import FRAME_SYSTEMS, NETWORKS, SONG_SYSTEMS, available, kind_of
from artistid.sources import source_files

# A job of this machine ends with its workflow, and leaves no orphan beside its successor.
mark_workflow()

# Snakemake keeps its records here, whatever it is asked for, and fails with a traceback if it cannot.
if not os.access(".snakemake" if Path(".snakemake").exists() else ".", os.W_OK):
    raise WorkflowError(
        f"{os.getcwd()}: cannot be written to; run the workflow in a folder of your own, such as "
        "a copy of this one"
    )

_schema = read_yaml(SCRIPTS.parent / "schemas" / "config.schema.yaml")
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
AXES = "{model}/{split}/{slice}/seed{seed}"
RUN = f"{RESULTS}/runs/{AXES}"
REFERENCE = f"{RESULTS}/references/{{split}}/{{slice}}/seed{{seed}}"
CORPUS_CHECK = f"{RESULTS}/corpus/check.txt"
NEAR_DUPLICATES = f"{RESULTS}/audit/near_duplicates.csv"
AUDIT = f"{RESULTS}/audit/{{split}}/seed{{seed}}.csv"
FIRST_RUNS = first_runs(config)
# Recordings that the scan decodes at once.
SCAN_THREADS = 4

if IS_DEMO:
    config["corpus"]["audio_dir"] = f"{RESULTS}/audio"
AUDIO_DIR = Path(config["corpus"]["audio_dir"]).expanduser()
config["corpus"]["audio_dir"] = str(AUDIO_DIR)

HAS_SLICES = any(run.slice_seconds is not None for run in FIRST_RUNS)
HAS_BOTH_SPLITS = len(config["experiment"]["splits"]) == 2
LEVELS = ["slice", "song"] if HAS_SLICES else ["song"]
# Tables that this experiment has something to say in.
TABLES = [
    table
    for table, has_rows in {
        "f1_by_model": HAS_SLICES,
        "f1_of_songs": True,
        "f1_by_slice": HAS_SLICES and has_several_lengths(config),
        "f1_by_artist": True,
        "album_effect": HAS_BOTH_SPLITS,
        "album_confusions": HAS_SLICES and "album" in config["experiment"]["splits"],
        "paired_tests": len(config["experiment"]["models"]) > 1,
        "published": True,
        "training_time": True,
    }.items()
    if has_rows
]


def sources(*scripts):
    """Return the scripts and our modules that they import: an edit reruns the rule."""
    return [os.path.relpath(path) for path in source_files(*scripts)]


def network_sources(wildcards):
    """Return the sources of a training: the loop's, and its own network's."""
    return sources("train_network.py", f"artistid/networks/{wildcards.model}.py")


def demo_tracks(artist, album):
    """Return the mp3 files of one of the demo's albums."""
    tracks = range(config["demo"]["tracks"])
    return [f"{AUDIO_DIR}/{artist}/{album}/{track_name(track)}" for track in tracks]


def demo_number(name, names_up_to, name_of):
    """Return the number of the demo's artist or album that is called `name`."""
    return next(number for number in range(names_up_to) if name_of(number) == name)


def demo_audio(wildcards):
    """Return every mp3 file of the demo corpus; nothing for another corpus."""
    if not IS_DEMO:
        return []
    artists, albums = config["demo"]["artists"], config["demo"]["albums"]
    return [
        path
        for artist in range(artists)
        for album in range(albums)
        for path in demo_tracks(artist_name(artist), album_name(album))
    ]


@cache
def music_folder():
    """Return what the folder of recordings held when the workflow started."""
    try:
        return folder_state(AUDIO_DIR)
    except InputError as error:
        raise WorkflowError(str(error))


# A folder that cannot be read stops the workflow here, in a line; a cluster's jobs need not look.
if not IS_DEMO and workflow.is_main_process:
    music_folder()


def audio_fingerprint(wildcards):
    """Return what tells that a folder changed; the demo's files are inputs and need none."""
    return None if IS_DEMO else music_folder().fingerprint


def scanned_tracks(wildcards):
    """Return tracks.csv once the scan has run: all rules after it consult the checkpoint."""
    return checkpoints.scan_corpus.get().output.tracks


def usable_tracks(wildcards):
    """Return usable.csv, the tracks that the scan left to draw from."""
    return checkpoints.scan_corpus.get().output.usable


def digest_of_usable_tracks(wildcards):
    """Return what decides whether the usable tracks changed.

    Snakemake compares an input above a size by its time, and a scan writes the list anew: by this
    parameter a large corpus, too, is drawn anew only when its tracks are others.
    """
    return sha256_of_file(usable_tracks(wildcards))


def album_listing(wildcards):
    """Return the listing of an album that the scan found."""
    return f"{checkpoints.scan_corpus.get().output.albums}/{wildcards.album_id}.csv"


def log_mel_files(wildcards):
    """Return the caches of all albums that the scan found."""
    return [f"{RESULTS}/log_mel/{album}.h5" for album in corpus_size(wildcards).albums]


def split_manifest(wildcards):
    """Return the manifest of a run's split."""
    scanned_tracks(wildcards)
    return f"{RESULTS}/splits/{wildcards.split}/seed{wildcards.seed}.csv"


def copies_to_part(wildcards):
    """Return the pairs that a split may not part, where copies are kept on one side."""
    is_kept = config["audit"]["near_duplicates"] == "one_side"
    return [NEAR_DUPLICATES] if is_kept else []


def accepted_copies(wildcards):
    """Return the pairs that a split may part all the same; no parameter where it parts any."""
    return config["audit"]["accept"] if copies_to_part(wildcards) else None


def run_axes(wildcards):
    """Return the axes of a run, which its metrics and predictions carry."""
    seconds = slice_seconds(wildcards.slice)
    return {
        "corpus": config["corpus"]["name"],
        "model": wildcards.get("model", ""),
        "split": wildcards.split,
        "slice_seconds": seconds,
        "slice_frames": frames_in_slice(config, seconds),
        "seed": int(wildcards.seed),
    }


def model_settings(wildcards):
    """Return the settings of a run's model."""
    return config["models"].get(wildcards.model, {})


def followed_model(wildcards):
    """Return the model of the paper's second step, which a checkpoint may have to choose."""
    follow_up = config["experiment"]["follow_up"]
    if follow_up == BEST:
        return read_choice(checkpoints.choose_follow_up.get().output.choice)
    return follow_up


def choice_of_follow_up(wildcards):
    """Return what says which network the second step took on, where a checkpoint chooses it."""
    if config["experiment"]["follow_up"] != BEST:
        return []
    return checkpoints.choose_follow_up.get().output


def all_runs(wildcards):
    """Return every run that the configuration asks for."""
    scanned_tracks(wildcards)
    followed = followed_model(wildcards)
    return FIRST_RUNS + (follow_up_runs(config, followed) if followed else [])


def paths_of_runs(runs, patterns):
    """Return the paths of runs, each once, in the order of the runs."""
    paths = [
        pattern.format(model=run.model, split=run.split, slice=run.slice, seed=run.seed)
        for run in runs
        for pattern in patterns
    ]
    return list(dict.fromkeys(paths))


def files_of_runs(*patterns):
    """Return an input function: the files of every run."""
    return lambda wildcards: paths_of_runs(all_runs(wildcards), patterns)


def files_of_splits(pattern):
    """Return an input function: the files of every split; the second step draws no others."""

    def of_splits(wildcards):
        scanned_tracks(wildcards)
        return paths_of_runs(FIRST_RUNS, [pattern])

    return of_splits


def files_of_networks(*patterns):
    """Return an input function: the files of every run of a neural network."""

    def of_networks(wildcards):
        runs = [run for run in all_runs(wildcards) if kind_of(run.model) == NETWORKS]
        return paths_of_runs(runs, patterns)

    return of_networks


def files_of_references(*patterns):
    """Return an input function: the reference scores of every slice length."""

    def of_references(wildcards):
        runs = [run for run in all_runs(wildcards) if run.slice_seconds is not None]
        if not runs:  # guessing answers songs too: any length will do
            seconds = config["experiment"]["slice_seconds"][0]
            runs = [replace(run, slice_seconds=seconds) for run in all_runs(wildcards)]
        return paths_of_runs(runs, patterns)

    return of_references


def runs_like(wildcards, *axes):
    """Return the runs that agree with the wildcards on some axes."""
    return [
        run
        for run in all_runs(wildcards)
        if all(getattr(run, axis) == wildcards.get(axis) for axis in axes)
    ]


def figure_files(wildcards):
    """Return the figures of every run that the configuration asks for."""
    runs = all_runs(wildcards)
    of_networks = [run for run in runs if kind_of(run.model) == NETWORKS]
    first_seed = config["experiment"]["seeds"][0]
    with_slices = [run for run in runs if run.slice_seconds is not None]
    confusion = f"{FIGURES}/confusion/{{model}}/{{split}}/{{slice}}"
    return [
        f"{FIGURES}/log_mels.svg",
        f"{FIGURES}/resources.svg",
        *expand(
            f"{FIGURES}/f1_by_slice/{{level}}.svg", level=LEVELS if HAS_SLICES else []
        ),
        *expand(
            f"{FIGURES}/album_effect/{{level}}.svg",
            level=LEVELS if HAS_BOTH_SPLITS else [],
        ),
        *paths_of_runs(
            of_networks, [f"{FIGURES}/learning_curves/{{model}}/{{slice}}.svg"]
        ),
        *paths_of_runs(with_slices, [f"{confusion}/slices.svg"]),
        *paths_of_runs(runs, [f"{confusion}/songs.svg"]),
        *paths_of_runs(
            [run for run in of_networks if run.seed == first_seed],
            [f"{FIGURES}/embedding_map/{AXES}.svg"],
        ),
    ]


def first_network_metrics(wildcards):
    """Return the metrics that the second step's network is chosen by."""
    scanned_tracks(wildcards)
    runs = [run for run in FIRST_RUNS if kind_of(run.model) == NETWORKS]
    return paths_of_runs(runs, [f"{RUN}/metrics.csv"])


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
