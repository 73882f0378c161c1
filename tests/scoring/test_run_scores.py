"""What is computed of one run's predictions: scores, rows of tracks, and nothing unasked."""

import math
from dataclasses import replace

import h5py
import numpy as np
import pytest
from sklearn.metrics import top_k_accuracy_score

from artistid.errors import InputError
from artistid.runs import Run
from artistid.scoring.outcomes import read_outcomes, write_outcomes
from artistid.scoring.pooling import (
    METRICS_COLUMNS,
    chance_top_k,
    count_answers,
    majority_top_k,
    ranks,
    top_k_accuracy,
)
from artistid.scoring.predictions import Predictions, read_predictions, write_predictions
from artistid.scoring.references import ToAnswer, reference_scores
from artistid.scoring.run_scores import score_predictions, scored_subsets, track_columns
from artistid.storage.files import read_rows, write_rows

RUN = Run("c", "e", "m", "song", "draw1", 1.0, 31, 1)
CLASSES = ["Zoë", "NA", "\udcff", "d"]


def predictions(seed: int = 0, n_tracks: int = 30) -> Predictions:
    generator = np.random.default_rng(seed)
    track = np.repeat(np.arange(n_tracks), generator.integers(1, 6, n_tracks))
    target = track % len(CLASSES)
    logits = generator.normal(size=(len(track), len(CLASSES)))
    logits[np.arange(len(track)), target] += 0.7
    log_probability = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    ids = [f"t{number:02}" for number in range(n_tracks)]
    return Predictions(log_probability.astype(np.float32), target, track, ids)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_accuracy_equals_scikit_learns(k):
    given = predictions()
    labels = range(len(CLASSES))
    expected = top_k_accuracy_score(given.target, given.log_probability, k=k, labels=labels)
    assert top_k_accuracy(given, "none", k) == pytest.approx(expected)
    mean = np.array(
        [given.log_probability[given.track == track].mean(axis=0) for track in range(30)]
    )
    expected = top_k_accuracy_score(given.track_target, mean, k=k, labels=labels)
    assert top_k_accuracy(given, "mean", k) == pytest.approx(expected)
    assert top_k_accuracy(given, "vote", k) is None


def test_top_1_is_accuracy_also_of_equals_and_top_n_is_all():
    given = replace(predictions(), log_probability=np.zeros((len(predictions().track), 4), "f4"))
    for level in ("none", "mean"):
        outcome = count_answers(given, level)
        right = outcome[np.arange(30), given.track_target].sum() / outcome.sum()
        assert top_k_accuracy(given, level, 1) == pytest.approx(right)
        assert top_k_accuracy(given, level, 4) == top_k_accuracy(given, level, 9) == 1
    assert ranks(np.array([[5.0, 7, 7, 1]] * 4), np.arange(4)).tolist() == [3, 1, 2, 4]


def test_guessing_and_the_most_frequent_name_k_artists():
    assert [chance_top_k(4, k) for k in (1, 3, 9)] == [0.25, 0.75, 1]
    support, train = np.array([1, 2, 3, 4]), np.array([5, 9, 5, 1])
    assert [majority_top_k(support, train, k) for k in (1, 2, 3, 9)] == [0.2, 0.3, 0.6, 1]


def test_references_of_folds_answer_with_each_folds_own_majority():
    folds = [
        ToAnswer(np.array([0, 1]), np.array([2, 2]), np.array([9, 1, 1])),
        ToAnswer(np.array([1, 2]), np.array([3, 1]), np.array([1, 1, 9])),
    ]
    scores = reference_scores(folds, 1)
    assert scores["majority"].support.tolist() == [2, 5, 1]
    assert scores["majority"].values[2] == pytest.approx((2 + 1) / 8)
    assert scores["majority"].top_k_accuracy == pytest.approx((2 + 1) / 8)
    assert scores["chance"].values[2] == pytest.approx(1 / 3)
    assert reference_scores(folds, 2)["chance"].top_k_accuracy == pytest.approx(2 / 3)


def test_each_track_has_a_row_that_says_what_was_answered():
    given = predictions()
    scores = score_predictions(RUN, CLASSES, {"test": given, "validation": given}, "test", 3)
    rows = [row for row in scores.tracks if row["subset"] == "test"]
    assert [row["track_id"] for row in rows] == given.track_id
    assert all(tuple(row) == track_columns(4, 3) for row in rows)
    for track, row in enumerate(rows):
        own = given.log_probability[given.track == track].astype(float)
        mean = np.exp(own.mean(axis=0))
        best = np.argsort(-mean)
        assert row["n_slices"] == len(own)
        assert row["artist"] == CLASSES[track % 4]
        assert [row[f"top_{n}"] for n in (1, 2, 3)] == [CLASSES[label] for label in best[:3]]
        assert row["p_1"] == pytest.approx(mean[best[0]] / mean.sum(), rel=1e-5)
        assert row["answer"] == row["top_1"]
        assert best[row["rank"] - 1] == track % 4
    voted = count_answers(given, "vote").argmax(axis=1)
    assert [row["answer_by_vote"] for row in rows] == [CLASSES[label] for label in voted]
    [accuracy] = [
        row["top_k_accuracy"]
        for row in scores.metrics
        if (row["subset"], row["pooling"]) == ("test", "mean")
    ]
    assert accuracy == pytest.approx(np.mean([row["rank"] <= 3 for row in rows]))


def test_a_system_on_whole_songs_has_no_slices_to_count_and_two_artists_no_third_best():
    two = Predictions(np.log([[0.9, 0.1]]).astype("f4"), np.array([1]), np.array([0]), ["t"])
    run = replace(RUN, slice_seconds=None, slice_frames=None)
    scores = score_predictions(run, ["a", "b"], {"validation": two}, "validation", 3)
    [row] = scores.tracks
    assert (row["n_slices"], row["rank"], row["p_2"]) == (None, 2, pytest.approx(0.1))
    assert "top_3" not in row
    assert [own["top_k_accuracy"] for own in scores.metrics] == [None, 1]


def scored_files(folder, source, reported):
    """The files that scoring a file of predictions makes."""
    folder.mkdir()
    run, classes, subsets = read_predictions(source, scored_subsets(reported))
    scores = score_predictions(run, classes, subsets, reported, 3)
    write_rows(folder / "metrics.csv", scores.metrics, METRICS_COLUMNS)
    write_rows(folder / "tracks.csv", scores.tracks, track_columns(len(classes), 3))
    write_outcomes(folder / "outcomes.h5", scores.outcomes)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_report_on_validation_is_the_same_whatever_was_answered_to_the_test_set(tmp_path):
    subsets = {"validation": predictions(1), "test": predictions(2)}
    write_predictions(tmp_path / "sound.h5", RUN, CLASSES, subsets)
    poison = replace(
        subsets["test"], log_probability=np.full_like(subsets["test"].log_probability, np.nan)
    )
    write_predictions(tmp_path / "poisoned.h5", RUN, CLASSES, subsets | {"test": poison})
    with h5py.File(tmp_path / "poisoned.h5", "a") as file:
        del file["test/target"]  # not even read
    sound = scored_files(tmp_path / "a", tmp_path / "sound.h5", "validation")
    poisoned = scored_files(tmp_path / "b", tmp_path / "poisoned.h5", "validation")
    assert sound == poisoned
    for name in ("metrics.csv", "tracks.csv"):
        assert {row["subset"] for row in read_rows(tmp_path / "b" / name)} == {"validation"}
    assert read_outcomes(tmp_path / "b" / "outcomes.h5").subset == "validation"
    # Else what was answered to the test set is in every file.
    subsets["test"] = predictions(3)
    write_predictions(tmp_path / "other.h5", RUN, CLASSES, subsets)
    first = scored_files(tmp_path / "c", tmp_path / "sound.h5", "test")
    second = scored_files(tmp_path / "d", tmp_path / "other.h5", "test")
    assert all(first[name] != second[name] for name in first)
    assert read_outcomes(tmp_path / "c" / "outcomes.h5").subset == "test"


def test_training_data_cannot_be_reported_on():
    with pytest.raises(InputError, match="'train' cannot be reported on"):
        scored_subsets("train")


def test_a_file_of_an_older_version_is_refused_in_a_line_that_says_so(tmp_path):
    write_predictions(tmp_path / "p.h5", RUN, CLASSES, {"test": predictions()})
    with h5py.File(tmp_path / "p.h5", "a") as file:
        file.attrs["format"] = "artistid predictions 2"
    with pytest.raises(
        InputError, match=r"p\.h5: .* another version .* 2'; this one .* 3'"
    ) as error:
        read_predictions(tmp_path / "p.h5")
    assert "\n" not in str(error.value)
    with h5py.File(tmp_path / "p.h5", "a") as file:
        file.attrs["format"] = "artistid log-mel 1"
    with pytest.raises(InputError, match="is not in the format 'artistid predictions 3'"):
        read_predictions(tmp_path / "p.h5")


def test_numbers_of_a_track_are_probabilities():
    scores = score_predictions(RUN, CLASSES, {"validation": predictions()}, "validation", 4)
    for row in scores.tracks:
        best = [row[f"p_{place}"] for place in range(1, 5)]
        assert math.isclose(sum(best), 1)
        assert best == sorted(best, reverse=True)
