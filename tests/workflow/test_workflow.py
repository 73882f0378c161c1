"""The workflow as a user runs it, on a tiny corpus, from mp3 files to tables."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import snakemake
from sklearn.metrics import accuracy_score, f1_score

from artistid.scoring.predictions import read_predictions
from artistid.storage.files import read_rows
from artistid.training.weights import load_weights

NETWORKS = ("inception_rnn", "resnet50", "resnet50_rnn", "crnn")
N_FIRST = 4 * 2 * 2  # trainings of networks at 1 s: models, splits, seeds
N_NETWORK_RUNS = N_FIRST + 2 * 2  # and the follow-up at 3 s
N_RUNS = N_NETWORK_RUNS + 5 * 2 * 2


def run_folders(experiment: Path) -> list[Path]:
    return sorted(path.parent for path in experiment.glob("runs/*/*/*/*/*/metrics.csv"))


@pytest.fixture(scope="module")
def chosen(experiment) -> str:
    """The network that validation chose for the second step."""
    return json.loads((experiment / "follow_up/choice.json").read_text())["model"]


def test_second_run_does_nothing(finished):
    done = snakemake(finished, "--configfile", "tiny.yaml")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout + done.stderr


def answers_of_songs(subset) -> tuple[np.ndarray, np.ndarray]:
    """Truth and answer of each song by mean log-probability, computed with pandas."""
    frame = pd.DataFrame(subset.log_probability.astype(float))
    means = frame.groupby(subset.track).mean()
    return subset.target[np.unique(subset.track, return_index=True)[1]], means.to_numpy().argmax(1)


def recomputed(experiment: Path, level: str) -> pd.DataFrame:
    """Every run's scores by scikit-learn, from its predictions."""
    rows = []
    for folder in run_folders(experiment):
        run, classes, subsets = read_predictions(folder / "predictions.h5")
        assert len(classes) == 3
        test = subsets["test"]
        truth, answer = test.target, test.log_probability.argmax(axis=1)
        if level == "song":
            truth, answer = answers_of_songs(test)
        elif run.slice_frames is None:
            continue
        scored = {
            f"{average}_f1": f1_score(
                truth, answer, average=average, labels=range(3), zero_division=0
            )
            for average in ("macro", "weighted")
        }
        rows.append(run.columns | scored | {"accuracy": accuracy_score(truth, answer)})
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("name", "level", "n_cells"),
    [("f1_by_model", "slice", 7 * 2), ("f1_by_slice", "slice", 4), ("f1_of_songs", "song", 20)],
)
def test_tables_equal_scikit_learns_scores_of_the_predictions(experiment, name, level, n_cells):
    expected = recomputed(experiment, level)
    assert len(expected) == (N_RUNS if level == "song" else N_RUNS - 8)
    table = pd.read_csv(experiment / f"tables/{name}.csv")
    trained = table[~table["model"].isin(["chance", "majority"])]
    trained = trained[trained["pooling"] == ("mean" if level == "song" else "none")]
    assert len(trained) == n_cells
    for row in trained.to_dict("records"):
        runs = expected[(expected["model"] == row["model"]) & (expected["split"] == row["split"])]
        # A whole song has no slice length.
        runs = runs[runs["slice_seconds"].fillna(0) == np.nan_to_num(row["slice_seconds"])]
        assert len(runs) == row["seeds"] == 2
        for metric in ("macro_f1", "weighted_f1", "accuracy"):
            assert row[f"{metric}_mean"] == pytest.approx(runs[metric].mean())
            assert row[f"{metric}_std"] == pytest.approx(runs[metric].std())
            assert row[f"{metric}_low"] <= row[f"{metric}_mean"] + 1e-9
        assert row["macro_f1_best"] == pytest.approx(runs["macro_f1"].max())
        assert row["too_few"]  # one or two songs of an artist


def test_table_for_people_shows_the_same_numbers(experiment):
    machine = pd.read_csv(experiment / "tables/f1_by_model.csv")
    people = (experiment / "tables/f1_by_model.md").read_text()
    for row in machine.to_dict("records"):
        cells = f"| {row['model']} | {row['split']} | 1 s | {row['macro_f1_mean']:.3f} ± "
        assert cells in people
    assert "Corpus: tiny. Test set." in people
    assert "song, album: over 2 seeds, each with its own cut and weights" in people
    assert "album: each cut tests different albums, so the variance between" in people


def test_every_artists_f1_has_its_interval(experiment):
    table = pd.read_csv(experiment / "tables/f1_by_artist.csv")
    guessed = table["model"].isin(["majority", "chance"])
    assert guessed.sum() == 3 * 2 * 2
    assert (table["f1_mean"][guessed & (table["model"] == "chance")] > 0).all()
    table = table[~guessed]
    assert len(table) == 3 * (4 * 2 + 2 + 3 * 2 + 2 * 2)
    assert (table["f1_low"] <= table["f1_mean"] + 1e-9).all()
    assert (table["f1_high"] >= table["f1_mean"] - 1e-9).all()
    assert table["too_few"].all()


def test_paired_tests_swap_what_the_split_drew(results, experiment):
    pairs = pd.read_csv(experiment / "tables/paired_tests.csv")
    for split, column in (("song", "track_id"), ("album", "album_id")):
        manifests = [pd.read_csv(path) for path in (results / "splits" / split).glob("*.csv")]
        tested = pd.concat(manifests).query("subset == 'test'")
        own = pairs[pairs["split"] == split]
        assert len(own)
        assert set(own["swapped_units"]) == {tested[column].nunique()}
        assert set(own["songs"]) == {tested["track_id"].nunique()}
    assert "| Songs | Swapped units |" in (experiment / "tables/paired_tests.md").read_text()


def test_chance_and_majority_stand_in_the_table(experiment):
    table = pd.read_csv(experiment / "tables/f1_by_model.csv").set_index(["model", "split"])
    for split in ("song", "album"):
        assert table.loc[("chance", split), "accuracy_mean"] == pytest.approx(1 / 3)
        assert table.loc[("majority", split), "macro_f1_mean"] < 1 / 3


def test_no_track_and_no_album_is_on_two_sides(results):
    for split in ("song", "album"):
        for seed in (1, 2):
            rows = read_rows(results / f"splits/{split}/draw{seed}.csv")
            assert len({row["track_id"] for row in rows}) == len(rows) == 18
            if split == "album":
                sides = {(row["album_id"], row["subset"]) for row in rows}
                assert len(sides) == len({album for album, _ in sides}) == 9


def test_predictions_are_of_the_splits_test_tracks(results, experiment):
    for folder in run_folders(experiment):
        run, classes, subsets = read_predictions(folder / "predictions.h5")
        manifest = read_rows(results / f"splits/{run.split}/{run.cut}.csv")
        for subset in ("validation", "test"):
            own = {row["track_id"]: row for row in manifest if row["subset"] == subset}
            assert set(subsets[subset].track_id) == set(own)
            artists = [own[track]["artist"] for track in subsets[subset].track_id]
            found = np.array(classes)[subsets[subset].target]
            assert (found == np.array(artists)[subsets[subset].track]).all()


def test_second_step_is_chosen_on_validation_and_says_why(experiment, chosen):
    metrics = pd.read_csv(experiment / "tables/all_metrics.csv")
    first = metrics[(metrics["level"] == "slice") & (metrics["slice_seconds"] == 1)]
    validation = first[(first["subset"] == "validation") & first["model"].isin(NETWORKS)]
    means = validation.groupby("model")["macro_f1"].mean()
    assert means[chosen] == means.max()
    choice = json.loads((experiment / "follow_up/choice.json").read_text())
    assert "validation" in choice["reason"]
    assert set(choice["validation_macro_f1"]) == set(NETWORKS)
    followed = {path.parts[-6] for path in experiment.glob("runs/*/*/*/3s/*/weights.safetensors")}
    assert followed == {chosen}


def test_systems_on_whole_songs_are_scored_by_songs_only(experiment):
    metrics = pd.read_csv(experiment / "tables/all_metrics.csv", keep_default_na=False)
    of_songs = metrics[metrics["model"].str.startswith("svm_song")]
    assert set(of_songs["level"]) == {"song"}
    assert set(of_songs["slice_seconds"]) == {""}
    assert (of_songs["n_answers"] == of_songs["n_tracks"]).all()


def test_no_published_value_stands_beside_another_corpus(experiment):
    text = (experiment / "tables/published.md").read_text()
    assert "no published value applies" in text
    assert "0.729" not in text


def test_weights_reproduce_the_predictions_without_any_configuration(results, chosen, experiment):
    import h5py
    import torch

    folder = experiment / f"runs/{chosen}/album/draw2/3s/seed2"
    network, (mean, deviation), description = load_weights(folder / "weights.safetensors")
    run, _, subsets = read_predictions(folder / "predictions.h5")
    assert description["slice_frames"] == run.slice_frames == 93
    test = subsets["test"]
    track = test.track_id[0]
    [row] = [r for r in read_rows(results / "splits/album/draw2.csv") if r["track_id"] == track]
    with h5py.File(results / f"log_mel/{row['album_id']}.h5") as file:
        frames = (file[track][:93].astype(np.float32) - mean) / deviation
    with torch.inference_mode():
        logits = network(torch.from_numpy(frames.T.copy())[None, None])
    found = logits.log_softmax(1).numpy()[0]
    assert np.allclose(found, test.log_probability[0], atol=1e-4)


def test_a_run_says_what_it_was_made_with(experiment):
    folder = experiment / "runs/resnet50/song/draw1/1s/seed1"
    provenance = json.loads((folder / "provenance.json").read_text())
    assert provenance["configuration"]["corpus"]["name"] == "tiny"
    assert provenance["training"]["epochs"] == 2
    assert provenance["versions"]["torch"].startswith("2.13.0")
    assert provenance["hardware"]["threads"] >= 1
    assert "commit" in provenance
    with (folder / "history.csv").open() as stream:
        assert [row["epoch"] for row in csv.DictReader(stream)] == ["1", "2"]
    log = (experiment / "logs/train_network/resnet50/song/draw1/1s/seed1.log").read_text()
    assert re.search(r"epoch 2/2: loss .*validation F1 .*slices/s, at most .* min left", log)
    assert "on CPU" in log or "on GPU" in log


def test_deleted_run_is_made_again_bit_by_bit(finished, experiment):
    folder = experiment / "runs/resnet50/song/draw1/1s/seed1"
    others = {
        path: path.stat().st_mtime_ns
        for path in experiment.glob("runs/*/*/*/*/*/weights.safetensors")
    }
    content = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "weights.safetensors").unlink()
    done = snakemake(finished, "--configfile", "tiny.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    for name in content.keys() - {"timing.csv"}:
        assert (folder / name).read_bytes() == content[name], name
    changed = {path for path, mtime in others.items() if path.stat().st_mtime_ns != mtime}
    assert changed == {folder / "weights.safetensors"}


def test_error_in_the_configuration_is_one_line_that_names_the_key(finished):
    done = snakemake(finished, "-n", "--config", 'training={"epoch": 3}')
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert "training.epoch: no such key; there are: epochs" in text
    assert "Traceback" not in text
