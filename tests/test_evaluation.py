"""Scores against scikit-learn, guessing against simulation, tables against both."""

import math

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT
from scipy.special import gammaln
from sklearn.metrics import accuracy_score, f1_score

from artistid.errors import InputError
from artistid.evaluation import (
    artist_rows,
    chance_scores,
    levels_of,
    majority_outcome,
    metrics_row,
    outcomes,
)
from artistid.outcomes import Outcomes, read_outcomes, write_outcomes
from artistid.predictions import Predictions, read_predictions, write_predictions
from artistid.published import published_table, side_by_side, with_published_hours
from artistid.registry import KINDS, available
from artistid.rendering import markdown, write_html
from artistid.scores import all_scores, confusion_counts, f1_per_class, scores, scores_of_sums
from artistid.tables import (
    album_table,
    artist_table,
    at_several_lengths,
    f1_table,
    read_table,
    slices_by_split,
    summarise_runs,
    training_time_table,
    training_times,
    with_intervals,
)

GENERATOR = np.random.default_rng(0)


def outcome_of(predicted: np.ndarray, n_classes: int) -> np.ndarray:
    """One answer per track."""
    return np.eye(n_classes, dtype=np.int64)[predicted]


@pytest.mark.parametrize("n_classes", [2, 5, 20])
def test_scores_equal_scikit_learns(n_classes):
    targets = GENERATOR.integers(0, n_classes, 300)
    predicted = np.where(GENERATOR.random(300) < 0.6, targets, (targets + 1) % n_classes)
    predicted[predicted == 1] = 0  # a class that is never predicted
    ours = scores(confusion_counts(targets, outcome_of(predicted, n_classes)))
    labels = range(n_classes)
    for average in ("macro", "weighted"):
        expected = f1_score(targets, predicted, labels=labels, average=average, zero_division=0)
        assert ours[f"{average}_f1"] == pytest.approx(expected)
    assert ours["accuracy"] == pytest.approx(accuracy_score(targets, predicted))


def test_class_without_answers_counts_as_zero():
    counts = confusion_counts(np.array([0, 0, 1]), outcome_of(np.array([0, 0, 1]), 3))
    assert f1_per_class(counts).tolist() == [1.0, 1.0, 0.0]
    assert scores(counts)["macro_f1"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("support", [[40, 10, 20, 30], [2] * 8, [3, 0, 1]])
def test_chance_is_what_guessing_scores_on_average(support):
    """16 answers and 8 artists: 0.110, not the 0.125 that the expected counts would score."""
    targets = np.repeat(np.arange(len(support)), support)
    expected = chance_scores(np.array(support))
    guesses = np.eye(len(support))[GENERATOR.integers(0, len(support), (20_000, len(targets)))]
    hits = guesses * np.eye(len(support))[targets]
    simulated = scores_of_sums(hits.sum(axis=1), guesses.sum(axis=1), np.array(support))
    error = simulated.std(axis=0) / np.sqrt(len(guesses))
    assert (np.abs(expected - simulated.mean(axis=0)) <= 5 * error + 1e-12).all()
    assert expected[2] == pytest.approx(1 / len(support))
    if support == [2] * 8:
        assert expected[0] == pytest.approx(0.1098, abs=5e-5)


def test_chance_of_many_answers_nears_the_scores_of_the_expected_counts():
    few, many = (chance_scores(np.full(20, n))[0] for n in (700, 5_000_000))
    assert few < many < 1 / 20
    assert many == pytest.approx(1 / 20, abs=1e-7)


def test_chance_leaves_out_nothing_that_is_probable():
    """Against all of the binomial distribution."""
    for support in ([1, 2], [5] * 3, [1000, 1, 30_000], [17] * 500):
        n, k = sum(support), len(support)
        named = np.arange(n + 1)
        log_binomial = gammaln(n + 1) - gammaln(named + 1) - gammaln(n - named + 1)
        log_binomial += named * np.log(1 / k) + (n - named) * np.log1p(-1 / k)
        f1 = [2 * own / n * (named / (named + own)) @ np.exp(log_binomial) for own in support]
        assert chance_scores(np.array(support))[3:] == pytest.approx(f1, rel=1e-9)


def test_majority_answers_the_training_sets_most_frequent_class():
    outcome = majority_outcome(np.array([2, 1, 1, 4]), np.array([10, 30, 20]))
    assert outcome.tolist() == [[0, 2, 0], [0, 1, 0], [0, 1, 0], [0, 4, 0]]


def predictions(rows: list[tuple[int, list[float]]]) -> Predictions:
    """Predictions of tracks of class 0 from (track, probabilities) of each slice."""
    track = np.array([row[0] for row in rows])
    log_probability = np.log(np.array([row[1] for row in rows], np.float32))
    names = [str(number) for number in range(track.max() + 1)]
    return Predictions(log_probability, np.zeros(len(rows), int), track, names)


def test_songs_are_pooled_as_the_baseline_votes_and_by_mean_log_probability():
    given = predictions(
        [
            # One sure slice outvotes two unsure ones; the mean sides with it too.
            (0, [0.9, 0.05, 0.05]),
            (0, [0.3, 0.4, 0.3]),
            (0, [0.3, 0.4, 0.3]),
            # Nobody is sure: all slices vote.
            (1, [0.3, 0.4, 0.3]),
            (1, [0.3, 0.4, 0.3]),
            (1, [0.45, 0.2, 0.35]),
            # Two sure slices outvote one, whose certainty of their error decides the mean.
            (2, [0.55, 0.449, 0.001]),
            (2, [0.55, 0.449, 0.001]),
            (2, [0.001, 0.998, 0.001]),
            # A tie goes to the higher summed probability.
            (3, [0.6, 0.2, 0.2]),
            (3, [0.1, 0.2, 0.7]),
        ]
    )
    assert outcomes(given, "none").tolist() == [[1, 2, 0], [1, 2, 0], [2, 1, 0], [1, 0, 1]]
    assert outcomes(given, "vote").argmax(axis=1).tolist() == [0, 1, 0, 2]
    assert outcomes(given, "mean").argmax(axis=1).tolist() == [0, 0, 1, 2]
    assert outcomes(given, "vote").sum(axis=1).tolist() == [1, 1, 1, 1]


def test_a_threshold_of_exactly_half_is_not_above_it():
    given = predictions([(0, [0.5, 0.5, 1e-9]), (0, [1e-9, 0.3, 0.7])])
    assert outcomes(given, "vote").tolist() == [[0, 0, 1]]


def test_probabilities_that_underflow_still_decide():
    log_probability = np.array([[-900.0, -1000.0, 0.0], [0.0, -1000.0, -901.0]], np.float32)
    given = Predictions(log_probability, np.zeros(2, int), np.zeros(2, int), ["x"])
    assert outcomes(given, "mean").tolist() == [[1, 0, 0]]


def test_rows_carry_the_runs_axes_and_sizes():
    given = predictions([(0, [0.9, 0.1]), (0, [0.4, 0.6]), (1, [0.8, 0.2])])
    scored = {"model": "m", "seed": 1, "subset": "test", "level": "slice", "pooling": "none"}
    counts = confusion_counts(given.track_target, outcomes(given, "none"))
    row = metrics_row(scored, 2, counts.sum(axis=1), all_scores(counts))
    assert scored.items() <= row.items()
    assert (row["n_tracks"], row["n_answers"], row["accuracy"]) == (2, 3, pytest.approx(2 / 3))
    rows = artist_rows(scored, ["a", "b"], counts.sum(axis=1), all_scores(counts))
    assert [(row["artist"], row["n_answers"]) for row in rows] == [("a", 3), ("b", 0)]


def test_a_system_without_slices_has_no_slice_level():
    assert list(levels_of({"slice_frames": None})) == [("song", "vote"), ("song", "mean")]
    assert next(iter(levels_of({"slice_frames": 31}))) == ("slice", "none")


def test_predictions_survive_a_round_trip(tmp_path):
    given = predictions([(0, [0.9, 0.1, 1e-30]), (1, [0.4, 0.5, 0.1]), (1, [0.2, 0.2, 0.6])])
    classes = ["NA", "Zoë", "\udcff"]
    for name in ("one.h5", "two.h5"):
        write_predictions(tmp_path / name, {"seed": 1}, classes, {"test": given})
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
    axes, read_classes, subsets = read_predictions(tmp_path / "one.h5")
    assert (axes, read_classes) == ({"seed": 1}, classes)
    assert np.array_equal(subsets["test"].log_probability, given.log_probability)
    assert subsets["test"].track_id == ["0", "1"]
    assert np.allclose(subsets["test"].probability.sum(axis=1), 1)


def test_outcomes_survive_a_round_trip(tmp_path):
    counts = {("slice", "none"): np.array([[1, 2]]), ("song", "mean"): np.array([[0, 1]])}
    given = Outcomes({"seed": 1, "slice_seconds": None}, ["a", "b"], ["t"], np.array([1]), counts)
    write_outcomes(tmp_path / "o.h5", given)
    found = read_outcomes(tmp_path / "o.h5")
    assert (found.axes, found.classes, found.track_id) == (given.axes, ["a", "b"], ["t"])
    assert {key: value.tolist() for key, value in found.counts.items()} == {
        key: value.tolist() for key, value in counts.items()
    }
    (tmp_path / "x.h5").write_text("foreign")
    with pytest.raises(InputError, match=r"x\.h5: cannot be read"):
        read_outcomes(tmp_path / "x.h5")


def metrics(model, split, seconds, values, level="slice", pooling="none"):
    return [
        {"model": model, "split": split, "slice_seconds": seconds, "seed": seed, "subset": subset}
        | {"level": level, "pooling": pooling, "macro_f1": value, "weighted_f1": value}
        | {"accuracy": value, "n_tracks": 10 + seed, "n_answers": 100}
        for seed, value in enumerate(values)
        for subset in ("validation", "test")
    ]


def without_intervals(summary: pd.DataFrame) -> pd.DataFrame:
    columns = ["model", "split", "slice_seconds", "level", "pooling"]
    empty = summary[columns].head(0).assign(metric="", low=[], high=[], too_few=[])
    return with_intervals(summary, empty)


def test_summary_is_mean_deviation_and_best_over_seeds():
    rows = metrics("b", "album", 1, [0.2, 0.4, 0.3]) + metrics("a", "song", 1, [0.5])
    rows += metrics("b", "song", 1, [0.6, 0.7, 0.8]) + metrics("chance", "song", 1, [0.1])
    rows += metrics("b", "song", 1, [0.9, 0.9, 0.9], "song", "mean")
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
    shown = f1_table(without_intervals(summary))
    assert shown["Macro F1"].tolist()[1:3] == ["0.300 ± 0.100", "0.500"]
    assert shown["Best"].tolist()[1] == "0.400 (seed 1)"
    assert shown["Accuracy"].tolist()[2] == "0.500"


def test_systems_on_whole_songs_stand_among_the_models():
    rows = metrics("net", "song", 1, [0.5], "song", "mean")
    rows += metrics("net", "song", 3, [0.6], "song", "mean")
    rows += metrics("svm", "song", None, [0.7, 0.8], "song", "mean")
    rows += metrics("chance", "song", 1, [0.1], "song", "mean")
    summary = summarise_runs(pd.DataFrame(rows), ["net", "svm", "chance"], "song", "mean")
    shown = f1_table(without_intervals(summary))
    assert shown["Model"].tolist() == ["net", "svm", "chance", "net"]
    assert shown["Slice"].tolist() == ["1 s", "whole", "1 s", "3 s"]
    assert shown["Best"].tolist()[1] == "0.800 (seed 1)"


def test_intervals_join_their_cells_and_are_marked():
    rows = metrics("a", "song", 1, [0.5]) + metrics("a", "song", None, [0.5], "song", "mean")
    frame = pd.DataFrame(rows)
    intervals = pd.DataFrame(
        {
            "model": ["a"] * 3,
            "split": ["song"] * 3,
            "slice_seconds": [1, 1, None],
            "level": ["slice", "slice", "song"],
            "pooling": ["none", "none", "mean"],
            "metric": ["macro_f1", "accuracy", "macro_f1"],
            "low": [0.4, 0.1, 0.3],
            "high": [0.6, 0.8, 0.7],
            "too_few": [True, True, False],
        }
    )
    of_slices = f1_table(with_intervals(summarise_runs(frame, ["a"]), intervals))
    assert of_slices["Macro F1"].tolist() == ["0.500 (0.400 to 0.600 †)"]
    assert of_slices["Accuracy"].tolist() == ["0.500 (0.100 to 0.800 †)"]
    assert of_slices["Weighted F1"].tolist() == ["0.500"]
    of_songs = summarise_runs(frame, ["a"], "song", "mean")
    assert f1_table(with_intervals(of_songs, intervals))["Macro F1"].tolist() == [
        "0.500 (0.300 to 0.700)"
    ]


def test_slices_by_split_shows_models_of_several_lengths():
    rows = metrics("a", "song", 1, [0.5]) + metrics("b", "song", 1, [0.6])
    rows += metrics("b", "song", 3, [0.7]) + metrics("b", "album", 3, [0.4])
    rows += metrics("chance", "song", 3, [0.1])
    summary = summarise_runs(pd.DataFrame(rows), ["a", "b", "chance"])
    table = slices_by_split(at_several_lengths(without_intervals(summary)))
    assert table.columns.tolist() == ["Model", "Split", "1 s", "3 s"]
    assert table["Model"].tolist() == ["b", "b", "chance"]
    assert table["3 s"].tolist()[:2] == ["0.700", "0.400"]


def test_training_times_are_averaged_over_runs():
    rows = [
        {"model": "a", "slice_seconds": 1, "device": "cpu", "seconds": seconds, "epochs": 10}
        for seconds in (60, 120)
    ]
    [row] = training_times(pd.DataFrame(rows), ["a"]).to_dict("records")
    assert (row["runs"], row["minutes_mean"], row["seconds_per_epoch_mean"]) == (2, 1.5, 9.0)


def test_albums_are_listed_by_how_often_they_are_taken_for_one_artist():
    columns = ["artist", "album", "answered", "share"]
    rows = [
        # Two runs: in each another artist is first, and c is second in both.
        *(("a", "1", "a", 0.15), ("a", "1", "b", 0.45), ("a", "1", "c", 0.4)),
        *(("a", "1", "a", 0.15), ("a", "1", "d", 0.45), ("a", "1", "c", 0.4)),
        *(("b", "1", "b", 0.5), ("b", "1", "c", 0.5)),
        *(("b", "1", "b", 1.0),),
        *(("c", "1", "c", 1.0),),
    ]
    table = album_table(pd.DataFrame(rows, columns=columns))
    assert table["Artist"].tolist() == ["a", "b"]
    assert table["Most taken for"].tolist() == ["c", "c"]
    assert table["Right"].tolist() == ["15.0%", "75.0%"]
    assert table["Share"].tolist() == ["40.0%", "25.0%"]
    assert table["Runs"].tolist() == [2, 2]
    assert album_table(pd.DataFrame(rows[-1:], columns=columns)).empty
    nothing = album_table(pd.DataFrame(columns=columns).astype({"share": float}))
    assert list(nothing) == list(table) and nothing.empty


def test_published_values_stand_beside_what_was_measured_alike():
    published = read_table(ROOT / "resources/published_results.csv")
    rows = metrics("crnn", "song", 1, [0.6, 0.7, 0.8])
    rows += metrics("crnn", "song", 3, [0.9], "song", "vote")
    rows += metrics("crnn", "song", 3, [0.1], "song", "mean")
    table = side_by_side(published, pd.DataFrame(rows), {"crnn": 1e-3, "resnet50": 1e-4})
    assert "training hours" not in set(table["metric"])
    crnn = table[(table["model"] == "crnn") & (table["split"] == "song")]
    of_slices = crnn[(crnn["level"] == "slice") & (crnn["slice_seconds"] == 1)].iloc[0]
    assert (of_slices["value"], of_slices["metric"]) == (0.729, "weighted F1")
    assert of_slices["measured"] == pytest.approx(0.7)
    assert of_slices["measured_runs"] == 3
    of_songs = crnn[(crnn["level"] == "song") & (crnn["slice_seconds"] == 3)].iloc[0]
    assert (of_songs["value"], of_songs["measured"]) == (0.937, 0.9)
    assert table["measured"].notna().sum() == 2
    shown = published_table(table)
    assert shown["Measured"].tolist().count("–") == len(table) - 2
    # A row names the rate that its network was trained with here; no other does.
    assert (shown["Learning rate"] == "0.001").equals(table["measured"].notna())
    assert set(shown["Learning rate"]) == {"0.001", "–"}


def test_published_results_carry_their_corrections():
    published = read_table(ROOT / "resources/published_results.csv")
    assert not published["source"].str.contains("Zhang et al. \\(FGNL").any()
    fgnl = published[published["system"].str.contains("FGNL")]
    assert set(fgnl["source"]) == {"Kuo Wei & Lin AAAI 2021"}
    assert sorted(fgnl["value"]) == [0.55, 0.58, 0.73, 0.74, 0.83]
    assert {"genreMERT + LCA", "CRNN + domain adaptation (CAN)"} <= set(published["system"])
    known = {name for kind in KINDS for name in available(kind)} | {""}
    assert set(published["model"]) <= known
    assert (published["model"] != "").sum() == 34


def test_the_papers_training_hours_stand_beside_ours():
    published = read_table(ROOT / "resources/published_results.csv")
    models = ["inception_rnn", "resnet50", "resnet50_rnn", "crnn"]
    rows = [
        {"model": model, "slice_seconds": seconds, "device": "cuda", "seconds": 3600, "epochs": 9}
        for model in models
        for seconds in (1.0, 3.0)
    ]
    times = training_times(pd.DataFrame(rows), models)
    shown = training_time_table(with_published_hours(times, published))
    at_1s = shown[shown["Slice"] == "1 s"]
    assert at_1s["Published minutes"].tolist() == ["420", "540", "660", "–"]
    assert set(shown["Published minutes"][shown["Slice"] == "3 s"]) == {"–"}
    assert "Published minutes" not in training_time_table(times)


def test_markdown_escapes_what_would_break_a_table():
    text = markdown(pd.DataFrame({"Artist": ["a|b", "x\ny"], "F1": [0.5, math.nan]}))
    assert text.splitlines() == [
        "| Artist | F1 |",
        "| :--- | ---: |",
        "| a\\|b | 0.5 |",
        "| x y | – |",
    ]


def test_html_escapes_names_and_needs_nothing_from_elsewhere(tmp_path):
    table = pd.DataFrame({"Artist": ["<script>alert(1)</script>"], "F1": [0.5]})
    write_html(table, tmp_path / "t.html", "Title & more", "What it means")
    text = (tmp_path / "t.html").read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "http" not in text


def test_artists_stand_beside_guessing_at_the_shortest_slices():
    def row(model, seconds, level, pooling, f1):
        names = ("model", "slice_seconds", "level", "pooling", "f1")
        fixed = {"split": "song", "subset": "test", "artist": "a", "seed": 1, "n_answers": 8}
        return fixed | dict(zip(names, (model, seconds, level, pooling, f1), strict=True))

    slices = ("slice", "none")
    guessing = [row("chance", s, *slices, 0.1) for s in (1, 3)] + [
        row("chance", 1, "song", pooling, 0.2) for pooling in ("vote", "mean")
    ]
    runs = [row("net", s, *slices, s / 10) for s in (1, 3)] + [
        row("net", 1, "song", "mean", 0.9),
        row("kl", math.nan, "song", "vote", 0.7),
        row("kl", math.nan, "song", "mean", 0.8),
    ]
    models = ["net", "kl", "chance"]
    both = artist_table(pd.DataFrame(runs + guessing), models)
    assert both["f1_mean"].tolist() == [0.1, 0.8, 0.1, 0.3]
    assert both["model"].tolist() == ["net", "kl", "chance", "net"]
    songs_only = artist_table(pd.DataFrame(runs[3:] + guessing), models)
    assert songs_only["f1_mean"].tolist() == [0.8, 0.2]
