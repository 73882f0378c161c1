"""Experiments that share a corpus: folds, choices on validation, and what is left of them."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import python, snakemake, write_config
from sklearn.metrics import f1_score

from artistid.scoring.predictions import read_predictions
from artistid.storage.files import read_rows

FOLDS = {
    "splits": {"fifths": {"kind": "folds", "by": "track", "folds": 5}},
    "experiment": {"name": "folds"},
    "models": {"both": {"ensemble": ["gaussian_mfcc", "crnn"]}},
    "demo": {
        "reduced": {
            "experiment": {
                "models": ["gaussian_mfcc", "crnn", "both"],
                "splits": ["fifths"],
                "seeds": [1],
                "follow_up": None,
            }
        }
    },
}
CHOOSING = {
    "experiment": {"name": "choosing", "report_on": "validation"},
    "demo": {
        "reduced": {
            "experiment": {"models": ["gaussian_mfcc"], "splits": ["song"], "follow_up": None}
        }
    },
}
CUTS = [f"draw1-fold{fold}" for fold in range(1, 6)]


@pytest.fixture(scope="module")
def workdir(finished, tmp_path_factory) -> Path:
    """The finished workflow, and two other experiments on its corpus."""
    workdir = tmp_path_factory.mktemp("experiments") / "copy"
    shutil.copytree(finished, workdir, symlinks=True)
    for name, config in (("folds.yaml", FOLDS), ("choosing.yaml", CHOOSING)):
        write_config(workdir / name, config)
        done = snakemake(workdir, "--configfile", "tiny.yaml", name, "--quiet", "host")
        assert done.returncode == 0, done.stdout + done.stderr
        assert "rule extract_log_mel" not in done.stderr, "the corpus is shared"
    return workdir


@pytest.fixture(scope="module")
def folds(workdir) -> Path:
    return workdir / "results/tiny/experiments/folds"


def test_every_track_is_tested_exactly_once_over_the_folds(workdir, folds):
    usable = {row["track_id"] for row in read_rows(workdir / "results/tiny/corpus/usable.csv")}
    manifests = [read_rows(workdir / f"results/tiny/splits/fifths/{cut}.csv") for cut in CUTS]
    for subset in ("test", "validation"):
        found = [r["track_id"] for rows in manifests for r in rows if r["subset"] == subset]
        assert sorted(found) == sorted(usable)
    for model in ("gaussian_mfcc", "crnn", "both"):
        rows = read_rows(folds / f"runs/{model}/fifths/draw1/1s/seed1/tracks.csv")
        tested = [row["track_id"] for row in rows if row["subset"] == "test"]
        assert sorted(tested) == sorted(usable)


@pytest.mark.parametrize("model", ["gaussian_mfcc", "crnn", "both"])
def test_scores_are_scikit_learns_of_all_folds_predictions(folds, model):
    truth, answers, of_songs = [], [], []
    for cut in CUTS:
        path = folds / f"runs/{model}/fifths/{cut}/1s/seed1/predictions.h5"
        run, classes, subsets = read_predictions(path)
        assert run.cut == cut
        test = subsets["test"]
        truth += [classes[target] for target in test.target]
        answers += [classes[answer] for answer in test.log_probability.argmax(axis=1)]
        for track in range(len(test.track_id)):
            own = test.track == track
            mean = test.log_probability[own].astype(float).mean(axis=0)
            of_songs.append((classes[test.target[own][0]], classes[int(np.argmax(mean))]))
    expected = {
        "f1_by_model": f1_score(truth, answers, average="macro"),
        "f1_of_songs": f1_score(*zip(*of_songs, strict=True), average="macro"),
    }
    for name, value in expected.items():
        table = pd.read_csv(folds / f"tables/{name}.csv")
        [row] = table[(table["model"] == model) & (table["pooling"] != "vote")].to_dict("records")
        assert row["macro_f1_mean"] == pytest.approx(value)
        assert row["seeds"] == 1


def test_an_ensemble_is_the_average_of_its_members_and_costs_what_they_cost(folds):
    def run(model: str, name: str) -> Path:
        return folds / "runs" / model / "fifths/draw1-fold2/1s/seed1" / name

    found = [read_predictions(run(m, "predictions.h5"))[2] for m in ("gaussian_mfcc", "crnn")]
    _, _, averaged = read_predictions(run("both", "predictions.h5"))
    assert set(averaged) == {"validation", "test"}
    for subset, own in averaged.items():
        expected = np.mean([member[subset].probability for member in found], axis=0)
        np.testing.assert_allclose(own.probability, expected, rtol=1e-4)
    timing = pd.read_csv(folds / "tables/all_timings.csv")
    seconds = timing[timing["cut"] == "draw1-fold2"].set_index("model")["seconds"]
    assert seconds["both"] == pytest.approx(seconds["gaussian_mfcc"] + seconds["crnn"])
    assert not run("both", "weights.safetensors").exists()
    assert "members' trainings together" in (folds / "tables/training_time.md").read_text()


def test_only_members_of_an_ensemble_are_packaged(workdir):
    files = ("--configfile", "tiny.yaml", "folds.yaml")
    done = snakemake(workdir, "-n", "models", *files, "--quiet", "host")
    assert "runs/crnn/fifths/draw1-fold5/1s/seed1/model.safetensors" in done.stdout + done.stderr
    assert "runs/both/fifths" not in done.stdout + done.stderr
    asked = 'predict={"models": ["both/fifths/draw1-fold1/1s/seed1"]}'
    answers = "results/tiny/experiments/folds/predict/answers/000.jsonl"
    done = snakemake(workdir, "-n", answers, *files, "--config", asked)
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "is of an ensemble, which has no package; name runs of its members" in said


def test_guessing_is_scored_on_all_folds_too(folds):
    table = pd.read_csv(folds / "tables/f1_of_songs.csv")
    chance = table[(table["model"] == "chance") & (table["pooling"] == "mean")]
    assert chance["accuracy_mean"].tolist() == pytest.approx([1 / 3])
    metrics = pd.read_csv(folds / "tables/all_metrics.csv")
    songs = metrics[(metrics["level"] == "song") & (metrics["subset"] == "test")]
    assert set(songs["n_tracks"]) == {18}


def test_tables_say_what_their_numbers_are_over(folds, experiment):
    text = (folds / "tables/f1_by_model.md").read_text()
    assert "folds" in text
    both = (experiment / "tables/f1_by_model.md").read_text()
    assert "over 2 seeds, each with its own cut and weights" in both


def test_choices_on_validation_never_touch_test(workdir):
    experiment = workdir / "results/tiny/experiments/choosing"
    for path in [*experiment.rglob("*metrics.csv"), *experiment.rglob("tracks.csv")]:
        assert {row["subset"] for row in read_rows(path)} == {"validation"}, path
    text = (experiment / "tables/f1_by_model.md").read_text()
    assert "Validation set." in text
    assert "Test set" not in text


def test_experiments_used_in_turn_recompute_nothing(workdir):
    for names in (["tiny.yaml"], ["tiny.yaml", "folds.yaml"], ["tiny.yaml", "choosing.yaml"]):
        done = snakemake(workdir, "-n", "--configfile", *names)
        assert "Nothing to be done" in done.stdout + done.stderr, names


def test_scores_of_all_experiments_in_one_table(workdir):
    done = snakemake(workdir, "experiments", "--configfile", "tiny.yaml", "folds.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    table = pd.read_csv(workdir / "results/tiny/tables/experiments.csv")
    assert set(table["experiment"]) == {"paper", "folds", "choosing"}
    assert set(table[table["experiment"] == "choosing"]["subset"]) == {"validation"}
    own = table[(table["experiment"] == "folds") & (table["model"] == "crnn")]
    scores = pd.read_csv(workdir / "results/tiny/experiments/folds/tables/f1_by_model.csv")
    expected = scores[scores["model"] == "crnn"]["macro_f1_mean"]
    assert own[own["level"] == "slice"]["macro_f1_mean"].tolist() == pytest.approx(list(expected))


def test_another_definition_of_what_is_shared_is_refused_in_a_line(workdir):
    arguments = ("-n", "--configfile", "tiny.yaml", "folds.yaml")
    done = snakemake(workdir, *arguments, "--config", 'log_mel={"n_fft": 1024}')
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert "of this corpus shares what 'folds' defines differently: log_mel.n_fft is 1024" in text
    assert "Traceback" not in text


def prune(workdir: Path, *arguments: str) -> str:
    done = python(workdir, "workflow_scripts/prune.py", "--configfile", "tiny.yaml", *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prune_removes_what_no_experiment_asks_for(workdir):
    said = prune(workdir, "folds.yaml")
    assert "nothing is removed" not in said, f"all of it is asked for, but: {said}"
    kept = {path for path in (workdir / "results").rglob("*") if path.is_file()}
    fewer = {"demo": {"reduced": {"experiment": {"models": ["crnn"]}}}}
    write_config(workdir / "fewer.yaml", fewer)
    said = prune(workdir, "folds.yaml", "fewer.yaml")
    assert "gaussian_mfcc" in said
    assert {path for path in (workdir / "results").rglob("*") if path.is_file()} == kept
    prune_arguments = ("folds.yaml", "fewer.yaml", "--remove")
    assert "removed: " in prune(workdir, *prune_arguments)
    gone = kept - {path for path in (workdir / "results").rglob("*") if path.is_file()}
    folds = workdir / "results/tiny/experiments/folds"
    assert gone
    assert {path.is_relative_to(folds) for path in gone} == {True}, "others are as they were"
    # With one model left, what compares models goes too; every other run stays.
    runs = {path for path in gone if path.is_relative_to(folds / "runs")}
    gone_with_it = {"gaussian_mfcc", "both"}  # the ensemble that averages it
    assert {path.relative_to(folds / "runs").parts[0] for path in runs} == gone_with_it
    assert not (folds / "runs/gaussian_mfcc").exists()
    for names in (["tiny.yaml"], ["tiny.yaml", "choosing.yaml"]):
        done = snakemake(workdir, "-n", "--configfile", *names)
        assert "Nothing to be done" in done.stdout + done.stderr, names
