"""Scores against scikit-learn, guessing against simulation, tables against both."""

import math

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, f1_score

from artistid.evaluation import (
    chance_counts,
    confusion_counts,
    f1_per_class,
    majority_counts,
    scores,
)
from artistid.predictions import Predictions, read_predictions, write_predictions
from artistid.tables import (
    at_several_lengths,
    f1_table,
    markdown,
    slices_by_split,
    summarise_runs,
    training_times,
)

GENERATOR = np.random.default_rng(0)


@pytest.mark.parametrize("n_classes", [2, 5, 20])
def test_scores_equal_scikit_learns(n_classes):
    targets = GENERATOR.integers(0, n_classes, 300)
    predicted = np.where(GENERATOR.random(300) < 0.6, targets, (targets + 1) % n_classes)
    predicted[predicted == 1] = 0  # a class that is never predicted
    ours = scores(confusion_counts(targets, predicted, n_classes))
    labels = range(n_classes)
    for average in ("macro", "weighted"):
        expected = f1_score(targets, predicted, labels=labels, average=average, zero_division=0)
        assert ours[f"{average}_f1"] == pytest.approx(expected)
    assert ours["accuracy"] == pytest.approx(accuracy_score(targets, predicted))


def test_class_without_slices_counts_as_zero():
    counts = confusion_counts(np.array([0, 0, 1]), np.array([0, 0, 1]), 3)
    assert f1_per_class(counts).tolist() == [1.0, 1.0, 0.0]
    assert scores(counts)["macro_f1"] == pytest.approx(2 / 3)


def test_chance_is_what_guessing_scores():
    targets = np.repeat([0, 1, 2, 3], [400, 100, 200, 300])
    expected = scores(chance_counts(targets, 4))
    guesses = GENERATOR.integers(0, 4, (300, len(targets)))
    simulated = [scores(confusion_counts(targets, guess, 4)) for guess in guesses]
    for metric, value in expected.items():
        assert value == pytest.approx(np.mean([s[metric] for s in simulated]), abs=0.005)
    assert expected["accuracy"] == 0.25


def test_majority_answers_the_training_sets_most_frequent_class():
    train, test = np.array([1, 1, 0, 2]), np.array([0, 1, 1, 2])
    assert scores(majority_counts(test, train, 3))["accuracy"] == 0.5


def test_predictions_survive_a_round_trip(tmp_path):
    probability = GENERATOR.dirichlet(np.ones(3), 5).astype(np.float32)
    test = Predictions(
        probability, np.array([0, 1, 2, 0, 1]), np.array([0, 0, 1, 1, 2]), ["x", "y", "z"]
    )
    classes = ["NA", "Zoë", "\udcff"]
    for name in ("one.h5", "two.h5"):
        write_predictions(tmp_path / name, {"seed": 1}, classes, {"test": test})
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
    axes, read_classes, subsets = read_predictions(tmp_path / "one.h5")
    assert (axes, read_classes) == ({"seed": 1}, classes)
    assert np.array_equal(subsets["test"].probability, probability)
    assert subsets["test"].track_id == ["x", "y", "z"]
    assert np.array_equal(subsets["test"].confusion_counts(), test.confusion_counts())


def metrics(model, split, seconds, values):
    return [
        {"model": model, "split": split, "slice_seconds": seconds, "seed": seed, "subset": subset}
        | {"level": "slice", "macro_f1": value, "weighted_f1": value, "accuracy": value}
        | {"n_tracks": 10 + seed, "n_slices": 100}
        for seed, value in enumerate(values)
        for subset in ("validation", "test")
    ]


def test_summary_is_mean_deviation_and_best_over_seeds():
    rows = metrics("b", "album", 1, [0.2, 0.4, 0.3]) + metrics("a", "song", 1, [0.5])
    rows += metrics("b", "song", 1, [0.6, 0.7, 0.8]) + metrics("chance", "song", 1, [0.1])
    summary = summarise_runs(pd.DataFrame(rows), ["b", "a", "chance"])
    assert list(zip(summary["model"], summary["split"], strict=True)) == [
        ("b", "song"),
        ("b", "album"),
        ("a", "song"),
        ("chance", "song"),
    ]
    album = summary.iloc[1]
    assert album["macro_f1_mean"] == pytest.approx(0.3)
    assert album["macro_f1_std"] == pytest.approx(0.1)  # n - 1
    assert (album["macro_f1_best"], album["best_seed"], album["seeds"]) == (0.4, 1, 3)
    assert album["songs_mean"] == 11
    assert math.isnan(summary.iloc[2]["macro_f1_std"])
    shown = f1_table(summary)
    assert shown["macro_f1"].tolist()[1:3] == ["0.300 ± 0.100", "0.500"]
    assert shown["best"].tolist()[1] == "0.400 (seed 1)"


def test_slices_by_split_shows_models_of_several_lengths():
    rows = metrics("a", "song", 1, [0.5]) + metrics("b", "song", 1, [0.6])
    rows += metrics("b", "song", 3, [0.7]) + metrics("b", "album", 3, [0.4])
    rows += metrics("chance", "song", 3, [0.1])
    table = slices_by_split(
        at_several_lengths(summarise_runs(pd.DataFrame(rows), ["a", "b", "chance"]))
    )
    assert table.columns.tolist() == ["model", "split", "1 s", "3 s"]
    assert table["model"].tolist() == ["b", "b", "chance"]
    assert table["3 s"].tolist()[:2] == ["0.700", "0.400"]


def test_training_times_are_averaged_over_runs():
    rows = [
        {"model": "a", "slice_seconds": 1, "device": "cpu", "seconds": seconds, "epochs": 10}
        for seconds in (60, 120)
    ]
    [row] = training_times(pd.DataFrame(rows), ["a"]).to_dict("records")
    assert (row["runs"], row["minutes_mean"], row["seconds_per_epoch_mean"]) == (2, 1.5, 9.0)


def test_markdown_escapes_what_would_break_a_table():
    text = markdown(pd.DataFrame({"artist": ["a|b", "x\ny"], "f1": [0.5, math.nan]}))
    assert text.splitlines() == [
        "| Artist | F1 |",
        "| :--- | ---: |",
        "| a\\|b | 0.5 |",
        "| x y | – |",
    ]
