"""Scores against scikit-learn, guessing against simulation."""

import numpy as np
import pytest
from scipy.special import gammaln
from sklearn.metrics import accuracy_score, f1_score

from artistid.errors import InputError
from artistid.runs import Run
from artistid.scoring.outcomes import Outcomes, read_outcomes, write_outcomes
from artistid.scoring.pooling import (
    artist_rows,
    chance_scores,
    count_answers,
    levels_of,
    majority_outcome,
    metrics_row,
)
from artistid.scoring.predictions import Predictions, read_predictions, write_predictions
from artistid.scoring.scores import (
    all_scores,
    confusion_counts,
    f1_per_class,
    named_scores,
    scores_of_sums,
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
    ours = named_scores(all_scores(confusion_counts(targets, outcome_of(predicted, n_classes))))
    labels = range(n_classes)
    for average in ("macro", "weighted"):
        expected = f1_score(targets, predicted, labels=labels, average=average, zero_division=0)
        assert ours[f"{average}_f1"] == pytest.approx(expected)
    assert ours["accuracy"] == pytest.approx(accuracy_score(targets, predicted))


def test_class_without_answers_counts_as_zero():
    counts = confusion_counts(np.array([0, 0, 1]), outcome_of(np.array([0, 0, 1]), 3))
    assert f1_per_class(counts).tolist() == [1.0, 1.0, 0.0]
    assert named_scores(all_scores(counts))["macro_f1"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("support", [[40, 10, 20, 30], [2] * 8, [3, 0, 1]])
def test_chance_is_what_guessing_scores_on_average(support):
    """16 answers and 8 artists: 0.110, not the 0.125 that the expected counts would score."""
    targets = np.repeat(np.arange(len(support)), support)
    expected = chance_scores(np.array(support))
    generator = np.random.default_rng(1)
    guesses = np.eye(len(support))[generator.integers(0, len(support), (20_000, len(targets)))]
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
            # One confident slice outvotes two unsure ones; the mean agrees.
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
    assert count_answers(given, "none").tolist() == [[1, 2, 0], [1, 2, 0], [2, 1, 0], [1, 0, 1]]
    assert count_answers(given, "vote").argmax(axis=1).tolist() == [0, 1, 0, 2]
    assert count_answers(given, "mean").argmax(axis=1).tolist() == [0, 0, 1, 2]
    assert count_answers(given, "vote").sum(axis=1).tolist() == [1, 1, 1, 1]


def test_a_threshold_of_exactly_half_is_not_above_it():
    given = predictions([(0, [0.5, 0.5, 1e-9]), (0, [1e-9, 0.3, 0.7])])
    assert count_answers(given, "vote").tolist() == [[0, 0, 1]]


def test_probabilities_that_underflow_still_decide():
    log_probability = np.array([[-900.0, -1000.0, 0.0], [0.0, -1000.0, -901.0]], np.float32)
    given = Predictions(log_probability, np.zeros(2, int), np.zeros(2, int), ["x"])
    assert count_answers(given, "mean").tolist() == [[1, 0, 0]]


def test_rows_carry_the_runs_axes_and_sizes():
    given = predictions([(0, [0.9, 0.1]), (0, [0.4, 0.6]), (1, [0.8, 0.2])])
    scored = {"model": "m", "seed": 1, "subset": "test", "level": "slice", "pooling": "none"}
    counts = confusion_counts(given.track_target, count_answers(given, "none"))
    row = metrics_row(scored, 2, counts.sum(axis=1), all_scores(counts), (3, 0.75))
    assert scored.items() <= row.items()
    assert (row["n_tracks"], row["n_answers"], row["accuracy"]) == (2, 3, pytest.approx(2 / 3))
    assert (row["top_k"], row["top_k_accuracy"]) == (3, 0.75)
    rows = artist_rows(scored, ["a", "b"], counts.sum(axis=1), all_scores(counts))
    assert [(row["artist"], row["n_answers"]) for row in rows] == [("a", 3), ("b", 0)]


def test_a_system_without_slices_has_no_slice_level():
    assert list(levels_of(Run("c", "e", "m", "song", "draw1", None, None, 1))) == [
        ("song", "vote"),
        ("song", "mean"),
    ]
    assert next(iter(levels_of(Run("c", "e", "m", "song", "draw1", 1.0, 31, 1)))) == (
        "slice",
        "none",
    )


def test_predictions_survive_a_round_trip(tmp_path):
    given = predictions([(0, [0.9, 0.1, 1e-30]), (1, [0.4, 0.5, 0.1]), (1, [0.2, 0.2, 0.6])])
    classes = ["NA", "Zoë", "\udcff"]
    run = Run("c", "e", "m", "song", "draw1", 1.0, 31, 1)
    for name in ("one.h5", "two.h5"):
        write_predictions(tmp_path / name, run, classes, {"test": given})
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
    read_run, read_classes, subsets = read_predictions(tmp_path / "one.h5")
    assert (read_run, read_classes) == (run, classes)
    assert np.array_equal(subsets["test"].log_probability, given.log_probability)
    assert subsets["test"].track_id == ["0", "1"]
    assert np.allclose(subsets["test"].probability.sum(axis=1), 1)


def test_outcomes_survive_a_round_trip(tmp_path):
    counts = {("slice", "none"): np.array([[1, 2]]), ("song", "mean"): np.array([[0, 1]])}
    run = Run("c", "e", "m", "song", "draw1", None, None, 1)
    given = Outcomes(run, ["a", "b"], ["t"], np.array([1]), counts, "validation")
    write_outcomes(tmp_path / "o.h5", given)
    found = read_outcomes(tmp_path / "o.h5")
    assert (found.run, found.classes, found.track_id) == (run, ["a", "b"], ["t"])
    assert found.subset == "validation"
    assert {key: value.tolist() for key, value in found.counts.items()} == {
        key: value.tolist() for key, value in counts.items()
    }
    (tmp_path / "x.h5").write_text("foreign")
    with pytest.raises(InputError, match=r"x\.h5: cannot be read"):
        read_outcomes(tmp_path / "x.h5")
