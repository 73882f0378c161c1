"""The workflow as a user runs it, on a tiny corpus, from mp3 files to tables."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import copy_workflow, snakemake, write_config
from sklearn.metrics import accuracy_score, f1_score

from artistid.files import read_rows
from artistid.predictions import read_predictions
from artistid.weights import load_weights

TINY = {
    "corpus": {"name": "tiny"},
    "demo": {
        "artists": 3,
        "albums": 3,
        "tracks": 2,
        "seconds": 4,
        "reduced": {
            "experiment": {
                "seeds": [1, 2],
                "follow_up": "resnet50_rnn",
                "follow_up_seconds": [3],
            },
            "training": {"epochs": 2},
        },
    },
}
N_RUNS = 3 * 2 * 2 + 2 * 2


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A folder with the workflow, run to its end."""
    workdir = copy_workflow(tmp_path_factory.mktemp("tiny") / "with space")
    write_config(workdir / "tiny.yaml", TINY)
    done = snakemake(workdir, "--configfile", "tiny.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "demo corpus, smaller than configured: training.epochs: 300 -> 2" in done.stderr
    assert "18 tracks of 3 artists on 9 albums" in done.stdout
    assert "| inception_rnn | song |" in done.stdout
    return workdir


@pytest.fixture(scope="module")
def results(finished) -> Path:
    return finished / "results" / "tiny"


def run_folders(results: Path) -> list[Path]:
    return sorted(path.parent for path in results.glob("runs/*/*/*/*/metrics.csv"))


def planned(workdir: Path, *arguments: str) -> dict[str, int]:
    """How many jobs of each rule a dry run plans."""
    done = snakemake(workdir, "--configfile", "tiny.yaml", "-n", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
    return {rule: int(count) for rule, count in jobs if rule not in ("total", "all")}


def test_second_run_does_nothing(finished):
    done = snakemake(finished, "--configfile", "tiny.yaml")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def test_tables_equal_scikit_learns_scores_of_the_predictions(results):
    recomputed = []
    for folder in run_folders(results):
        axes, classes, subsets = read_predictions(folder / "predictions.h5")
        assert len(classes) == 3
        test = subsets["test"]
        predicted = test.probability.argmax(axis=1)
        scored = {
            "macro_f1": f1_score(test.target, predicted, average="macro", labels=range(3)),
            "weighted_f1": f1_score(test.target, predicted, average="weighted", labels=range(3)),
            "accuracy": accuracy_score(test.target, predicted),
        }
        recomputed.append(axes | scored)
    assert len(recomputed) == N_RUNS
    expected = pd.DataFrame(recomputed).groupby(["model", "split", "slice_seconds"])
    for name in ("f1_by_model", "f1_by_slice"):
        table = pd.read_csv(results / f"tables/{name}.csv")
        trained = table[~table["model"].isin(["chance", "majority"])]
        assert len(trained) == {"f1_by_model": 6, "f1_by_slice": 4}[name]
        for row in trained.to_dict("records"):
            runs = expected.get_group((row["model"], row["split"], row["slice_seconds"]))
            for metric in ("macro_f1", "weighted_f1", "accuracy"):
                assert row[f"{metric}_mean"] == pytest.approx(runs[metric].mean())
                assert row[f"{metric}_std"] == pytest.approx(runs[metric].std())
            assert row["macro_f1_best"] == pytest.approx(runs["macro_f1"].max())
            assert row["seeds"] == 2


def test_table_for_people_shows_the_same_numbers(results):
    machine = pd.read_csv(results / "tables/f1_by_model.csv")
    people = (results / "tables/f1_by_model.md").read_text()
    for row in machine.to_dict("records"):
        cells = f"| {row['model']} | {row['split']} | 1 | {row['macro_f1_mean']:.3f} ± "
        assert cells in people
    assert "Corpus: tiny; test set." in people


def test_chance_and_majority_stand_in_the_table(results):
    table = pd.read_csv(results / "tables/f1_by_model.csv").set_index(["model", "split"])
    for split in ("song", "album"):
        assert table.loc[("chance", split), "accuracy_mean"] == pytest.approx(1 / 3)
        assert table.loc[("majority", split), "macro_f1_mean"] < 1 / 3


def test_no_track_and_no_album_is_on_two_sides(results):
    for split in ("song", "album"):
        for seed in (1, 2):
            rows = read_rows(results / f"splits/{split}/seed{seed}.csv")
            assert len({row["track_id"] for row in rows}) == len(rows) == 18
            if split == "album":
                sides = {(row["album_id"], row["subset"]) for row in rows}
                assert len(sides) == len({album for album, _ in sides}) == 9


def test_predictions_are_of_the_splits_test_tracks(results):
    for folder in run_folders(results):
        axes, classes, subsets = read_predictions(folder / "predictions.h5")
        manifest = read_rows(results / f"splits/{axes['split']}/seed{axes['seed']}.csv")
        for subset in ("validation", "test"):
            own = {row["track_id"]: row for row in manifest if row["subset"] == subset}
            assert set(subsets[subset].track_id) == set(own)
            artists = [own[track]["artist"] for track in subsets[subset].track_id]
            found = np.array(classes)[subsets[subset].target]
            assert (found == np.array(artists)[subsets[subset].track]).all()


def test_weights_reproduce_the_predictions_without_any_configuration(results):
    import h5py
    import torch

    folder = results / "runs/resnet50_rnn/album/3s/seed2"
    network, (mean, deviation), description = load_weights(folder / "weights.safetensors")
    axes, _, subsets = read_predictions(folder / "predictions.h5")
    assert description["slice_frames"] == axes["slice_frames"] == 93
    test = subsets["test"]
    track = test.track_id[0]
    [row] = [r for r in read_rows(results / "splits/album/seed2.csv") if r["track_id"] == track]
    with h5py.File(results / f"log_mel/{row['album_id']}.h5") as file:
        frames = (file[track][:93].astype(np.float32) - mean) / deviation
    with torch.inference_mode():
        logits = network(torch.from_numpy(frames.T.copy())[None, None])
    assert np.allclose(logits.softmax(1).numpy()[0], test.probability[0], atol=1e-5)


def test_a_run_says_what_it_was_made_with(results):
    folder = results / "runs/resnet50/song/1s/seed1"
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["configuration"]["corpus"]["name"] == "tiny"
    assert provenance["training"]["epochs"] == 2
    assert provenance["versions"]["torch"].startswith("2.13.0")
    assert provenance["hardware"]["threads"] >= 1
    assert "commit" in provenance
    with (folder / "history.csv").open() as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2"]
    log = (results / "logs/train_network/resnet50/song/1s/seed1.log").read_text()
    assert re.search(r"epoch 2/2: loss .*validation F1 .*slices/s, at most .* min left", log)
    assert "on CPU" in log or "on GPU" in log


def test_deleted_run_is_made_again_bit_by_bit(finished, results):
    folder = results / "runs/resnet50/song/1s/seed1"
    others = {
        path: path.stat().st_mtime_ns for path in results.glob("runs/*/*/*/*/weights.safetensors")
    }
    content = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "weights.safetensors").unlink()
    done = snakemake(finished, "--configfile", "tiny.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in content.keys() - {"timing.csv"}:
        assert (folder / name).read_bytes() == content[name], name
    changed = {path for path, mtime in others.items() if path.stat().st_mtime_ns != mtime}
    assert changed == {folder / "weights.safetensors"}


def test_edits_rerun_what_they_touch(finished):
    after_training = {"aggregate_runs": 1, "make_tables": 1}
    sources = finished / "workflow_scripts"
    for path in sources.rglob("*.py"):
        path.touch()
    assert planned(finished) == {}

    def edited(name: str) -> dict[str, int]:
        path = sources / name
        before = path.read_text()
        path.write_text(before + "\n# edited\n")
        jobs = planned(finished)
        path.write_text(before)
        return jobs

    assert edited("artistid/networks/resnet50.py") == {"train_network": 4, **after_training}
    assert edited("artistid/training.py") == {"train_network": N_RUNS, **after_training}
    assert edited("artistid/tables.py") == after_training
    assert edited("make_tables.py") == {"make_tables": 1}
    assert planned(finished) == {}


def test_changed_settings_rerun_what_they_touch(finished):
    after_training = {"aggregate_runs": 1, "make_tables": 1}
    rate = 'demo={"reduced": {"training": {"learning_rate": 0.01}}}'
    assert planned(finished, "--config", rate) == {"train_network": N_RUNS, **after_training}
    seeds = 'demo={"reduced": {"experiment": {"seeds": [1, 2, 3]}}}'
    jobs = planned(finished, "--config", seeds)
    # Seed 3: a draw of each split, every model at 1 s and the follow-up at 3 s, on both splits.
    assert jobs == {"draw_split": 2, "train_network": 8, "score_references": 4, **after_training}


def test_error_in_the_configuration_is_one_line_that_names_the_key(finished):
    done = snakemake(finished, "-n", "--config", 'training={"epoch": 3}')
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert "training.epoch: no such key; there are: epochs" in text
    assert "Traceback" not in text
