# Functions and paths of the tables stage, separate because of Snakemake's linter.

from artistid.experiment import architecture_of, has_unknown_artists, training_of
from artistid.tables.registry import applicable_tables

# Tables that apply to this experiment.
TABLES = applicable_tables(config)
KEEPS_ALBUMS = {name: split.keeps_albums for name, split in SPLITS.items()}


# If no artist is left out of training, the reliability diagram is enough.
HAS_UNKNOWN_ARTISTS = has_unknown_artists(config)


def scored_calibration(name):
    """Return a file of `score_calibration`, if the experiment has unknown artists."""
    return rules.score_calibration.output[name] if HAS_UNKNOWN_ARTISTS else []


def references(wildcards):
    """Return a run for each split, slice length and seed, at which guessing is scored once."""
    runs = all_runs(wildcards)
    with_slices = [run for run in runs if run.slice_seconds is not None]
    if not with_slices:  # guessing answers songs too: any length will do
        seconds = config["experiment"]["slice_seconds"][0]
        with_slices = [replace(run, slice_seconds=seconds) for run in runs]
    return list(dict.fromkeys(replace(run, model="") for run in with_slices))


def tables_of_experiments(name):
    """Return a table of each experiment of the corpus that has it, and of this one."""
    own = f"{TABLES_FOLDER}/{name}"
    found = Path(CORPUS).glob(f"experiments/*/tables/{name}")
    return sorted({own, *(path.as_posix() for path in found)})
