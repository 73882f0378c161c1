"""Known and unknown artists: the threshold that validation chooses, and how well it does."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from artistid.scoring.calibration import Songs
from artistid.scoring.comparison import generator_of
from artistid.scoring.intervals import mean_intervals
from artistid.scoring.open_set import (
    OPEN_SET_COLUMNS,
    OpenSet,
    choose_threshold,
    open_set,
    open_set_rows,
)
from artistid.scoring.open_set_metrics import METRICS


def songs(confidence, right, prefix: str = "k") -> Songs:
    """Songs of two artists with given probabilities of the answer."""
    confidence = np.asarray(confidence, float)
    scores = np.log(np.stack([confidence, 1 - confidence], axis=1))
    target = np.where(right, 0, 1) if np.ndim(right) or right >= 0 else np.full(len(scores), -1)
    return Songs(scores, target, [f"{prefix}{number}" for number in range(len(scores))])


def judged(seed: int, threshold: float = 0.7) -> OpenSet:
    """Songs of five known and two unknown artists, eight each, with equal probabilities."""
    generator = np.random.default_rng(seed)
    target = np.repeat(np.arange(7), 8)
    is_unknown = target >= 5
    confidence = np.round(generator.beta(np.where(is_unknown, 3, 6), 2), 1)
    is_right = ~is_unknown & (generator.random(56) < 0.8)
    ids = [f"{seed}-{number}" for number in range(56)]
    return OpenSet(target, confidence, is_unknown, is_right, threshold, ids)


def test_scores_are_those_of_their_definitions():
    given = judged(1)
    scores = dict(zip(METRICS, given.scores(), strict=True))
    assert len(set(given.confidence)) < 10, "there are equal ones"
    assert scores["auroc"] == pytest.approx(roc_auc_score(~given.is_unknown, given.confidence))
    known, rejected = ~given.is_unknown, given.confidence < 0.7
    right = np.mean(given.is_right[known] & ~rejected[known])
    assert scores["known_right"] == pytest.approx(right)
    assert scores["unknown_rejected"] == pytest.approx(np.mean(rejected[~known]))
    assert scores["accuracy"] == pytest.approx((right + np.mean(rejected[~known])) / 2)
    assert scores["known_right_without_threshold"] == pytest.approx(np.mean(given.is_right[known]))


def test_weights_count_songs_several_times():
    given = judged(2)
    times = np.random.default_rng(0).integers(0, 3, 56)
    again = replace(
        given,
        target=np.repeat(given.target, times),
        confidence=np.repeat(given.confidence, times),
        is_unknown=np.repeat(given.is_unknown, times),
        is_right=np.repeat(given.is_right, times),
        songs=(),
    )
    weights = np.stack([times, np.ones(56)]).astype(float)
    found = given.weighted_scores(weights)
    assert found[0] == pytest.approx(again.scores())
    assert found[1] == pytest.approx(given.scores())


def test_threshold_has_the_highest_accuracy_and_is_the_lowest_of_these():
    for seed in range(20):
        generator = np.random.default_rng(seed)
        known = songs(np.round(0.5 + generator.random(30) / 2.1, 2), generator.random(30) < 0.8)
        unknown = songs(np.round(0.5 + generator.random(15) / 3, 2), -1, "u")
        found = choose_threshold(known, unknown, 1.0)

        def accuracy(threshold, known=known, unknown=unknown):
            right = np.mean(known.is_right & (known.confidence() >= threshold))
            return right + np.mean(unknown.confidence() < threshold)

        grid = np.arange(0, 0.99, 0.0025)
        best = max(map(accuracy, grid))
        assert accuracy(found) == pytest.approx(best)
        everything = np.concatenate([known.confidence(), unknown.confidence()])
        rejecting_fewer = [
            low for low in grid if np.sum(everything < low) < sum(everything < found)
        ]
        assert all(accuracy(lower) < best - 1e-9 for lower in rejecting_fewer)


def test_threshold_lies_midway_and_rejects_nothing_where_that_is_best():
    known, unknown = songs([0.9, 0.8], [True, True]), songs([0.6, 0.55], -1, "u")
    assert choose_threshold(known, unknown, 1.0) == pytest.approx(0.7)
    # A temperature moves probabilities, and the threshold with them.
    assert choose_threshold(known, unknown, 0.5) > 0.75
    assert choose_threshold(songs([0.6], [True]), songs([0.9, 0.8], -1, "u"), 1.0) == 0


def test_each_artist_is_resampled_by_itself_and_albums_where_they_are_kept():
    known, unknown = songs([0.9, 0.8, 0.7], [1, 1, 0]), songs([0.6, 0.7], -1, "u")
    artist_of = {"k0": "a", "k1": "a", "k2": "b", "u0": "y", "u1": "x"}
    unit_of = {track: f"album of {track}" for track in artist_of}
    found = open_set(known, unknown, 1.0, 0.65, artist_of, unit_of)
    assert found.target.tolist() == [0, 0, 1, 3, 2]  # x and y after the classes
    assert found.is_unknown.tolist() == [False] * 3 + [True] * 2
    assert found.is_right.tolist() == [True, True, False, False, False]
    assert found.clusters[0] == "album of k0"
    assert found.songs == ["k0", "k1", "k2", "u0", "u1"]


def test_rows_hold_means_and_intervals_of_each_cell():
    cells = {("crnn", "song", 1.0): [judged(1), judged(2)], ("gmm", "song", 1.0): [judged(3)]}
    rows = open_set_rows(cells, generator_of)
    assert [row["metric"] for row in rows] == [*METRICS, *METRICS]
    assert all(row.keys() == set(OPEN_SET_COLUMNS) for row in rows)
    first = rows[0]
    both = [judged(1).scores()[0], judged(2).scores()[0]]
    assert first["mean"] == pytest.approx(np.mean(both))
    assert first["std"] == pytest.approx(np.std(both, ddof=1))
    assert first["low"] < first["mean"] < first["high"]
    assert (first["known_songs"], first["unknown_songs"], first["runs"]) == (40, 16, 2)
    assert rows[5]["std"] is None
    assert open_set_rows({("gmm", "song", 1.0): [judged(3)]}, generator_of) == rows[5:]
    alone = mean_intervals([judged(3)], generator_of("gmm", "song", 1.0, "open set"))
    assert rows[5]["low"] == alone[0].low
