"""Results of the layout before experiments are taken over, and nothing expensive runs again."""

import json
import shutil
import subprocess
from pathlib import Path

import h5py
import pytest
import yaml
from conftest import copy_workflow, python, snakemake, write_config

from artistid.adoption import OLD_PREDICTIONS, SHARED
from artistid.storage.files import read_rows, write_rows

NEW_COLUMNS = ("experiment", "cut")
# Stands in for the old workflow: made everything that is there, with these settings of trainings.
SNAKEFILE = """
from pathlib import Path
configfile: "config.yaml"
MADE = [str(p) for p in Path("results").rglob("*") if p.is_file() and p.parent.name != "albums"]
rule all:
    input: MADE
rule train_network:
    output: MADE, directory("results/tiny/corpus/albums")
    params: training=config["training"]
    log: "train.log"
    shell: "false"
"""
EXPENSIVE = ("make_demo_album", "scan_corpus", "extract_log_mel", "draw_split", "train_")


def build_old(finished: Path, old: Path) -> None:
    """Lay out what the finished workflow computed as the workflow of before would have.

    The old workflow itself is a stand-in that has nothing to do.
    """
    old.mkdir()
    (old / "Snakefile").write_text(SNAKEFILE)
    shutil.copy(finished / "tiny.yaml", old)
    config = yaml.safe_load((finished / "config.yaml").read_text())
    config["song_split"] = config.pop("splits")["song"]["shares"]
    write_config(old / "config.yaml", config)
    results, to = finished / "results/tiny", old / "results/tiny"
    for part in SHARED:
        copy = shutil.copytree if (results / part).is_dir() else shutil.copy2
        (to / part).parent.mkdir(parents=True, exist_ok=True)
        copy(results / part, to / part)
    for path in (results / "splits").glob("*/draw*.csv"):
        place = to / "splits" / path.parent.name / path.name.replace("draw", "seed")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
    experiment = results / "experiments/paper"
    shutil.copytree(experiment / "follow_up", to / "follow_up")
    for path in experiment.glob("runs/*/*/*/*/*/*"):
        model, split, _, slice_length, seed = path.parts[-6:-1]
        place = to / "runs" / model / split / slice_length / seed / path.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, place)
        make_old(place)
    done = snakemake(old, "--touch", "--forceall", "--configfile", "tiny.yaml")
    assert done.returncode == 0, done.stderr


def make_old(path: Path) -> None:
    """Take from a run's file what the old layout did not have."""
    if path.name == "predictions.h5":
        with h5py.File(path, "r+") as file:
            columns = json.loads(file.attrs["axes"])
            for column in NEW_COLUMNS:
                del columns[column]
            file.attrs["axes"] = json.dumps(columns, sort_keys=True)
            file.attrs["format"] = OLD_PREDICTIONS
    elif path.name in ("history.csv", "timing.csv"):
        rows = read_rows(path)
        columns = [column for column in rows[0] if column not in NEW_COLUMNS]
        write_rows(path, [{column: row[column] for column in columns} for row in rows], columns)
    elif path.name == "provenance.json":
        content = json.loads(path.read_text())
        config = content["configuration"]
        config["song_split"] = config.pop("splits")["song"]["shares"]
        path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def old(finished, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("adoption") / "old"
    build_old(finished, folder)
    return folder


def adopt_results(old: Path, workdir: Path, *options: str) -> subprocess.CompletedProcess:
    if not workdir.exists():
        copy_workflow(workdir)
    shutil.copy(old / "tiny.yaml", workdir)
    command = ("workflow_scripts/adopt_results.py", str(old), "--configfile", "tiny.yaml")
    return python(workdir, *command, *options)


def test_nothing_expensive_is_computed_again(old, finished, tmp_path):
    workdir = tmp_path / "new"
    done = adopt_results(old, workdir)
    assert done.returncode == 0, done.stderr
    n_runs = len(list((old / "results/tiny").glob("runs/*/*/*/*")))
    assert done.stdout.startswith(f"taken over: {n_runs} runs, 4 splits and 9 log-mel caches (")
    assert "left behind" not in done.stdout
    plan = snakemake(workdir, "-n", "--configfile", "tiny.yaml", "--quiet", "host")
    planned = plan.stdout + plan.stderr
    assert "score_run" in planned
    assert not [rule for rule in EXPENSIVE if f"rule {rule}" in planned], planned
    own, theirs = (w / "results/tiny/experiments/paper/runs" for w in (workdir, finished))
    for path in own.rglob("*.csv"):
        assert read_rows(path) == read_rows(theirs / path.relative_to(own))
    # Snakemake's records are there, and an edit after it reruns what it touches.
    reduced = {"demo": {"reduced": {"training": {"learning_rate": 0.01}}}}
    write_config(workdir / "edit.yaml", reduced)
    edited = snakemake(workdir, "-n", "--configfile", "tiny.yaml", "edit.yaml", "--quiet", "host")
    text = edited.stdout + edited.stderr
    assert "rule train_network" in text
    assert "rule train_frame_system" not in text
    assert "rule extract_log_mel" not in text


def test_old_workflow_has_to_be_finished(old, tmp_path):
    workdir = tmp_path / "new"
    done = adopt_results(old, workdir, "--config", "training={patience: 3}")
    assert done.returncode == 1
    assert done.stderr == (
        f"adopt_results: {old}: the old workflow has something to do (train_network); run it to "
        "its end there first, with the same options\n"
    )
    assert not (workdir / "results").exists()


def test_results_that_would_be_computed_otherwise_are_refused_in_a_line(old, tmp_path):
    workdir = copy_workflow(tmp_path / "new")
    config = (workdir / "config.yaml").read_text()
    assert "  top_db: 80.0" in config
    (workdir / "config.yaml").write_text(config.replace("  top_db: 80.0", "  top_db: 70.0"))
    done = adopt_results(old, workdir)
    assert done.returncode == 1
    assert done.stderr == (
        f"adopt_results: {old}/config.yaml: log_mel.top_db was 80.0 when the results were computed "
        "and is 70.0 now; write what it was\n"
    )
    assert not (workdir / "results").exists()
