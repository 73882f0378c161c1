"""Scores of predictions: pooling slices to songs, F1 over the artists, and what guessing scores.

Everything is computed from outcomes: how often each track's answers named each artist. At the
slice level a track has as many answers as slices, at the song level one. Scores, intervals and
tests all follow from outcomes, shape (tracks, classes), and the tracks' true classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.predictions import Predictions
from artistid.scores import METRICS, Counts, confusion_counts, f1_per_class, scores

SLICE, SONG = "slice", "song"
NO_POOLING, VOTE, MEAN = "none", "vote", "mean"
# What is scored: answers per slice, and two ways to one answer per song.
LEVELS = ((SLICE, NO_POOLING), (SONG, VOTE), (SONG, MEAN))
VOTE_THRESHOLD = 0.5

AXES = ("corpus", "model", "split", "slice_seconds", "slice_frames", "seed")
SCORED = (*AXES, "subset", "level", "pooling")
METRICS_COLUMNS = (*SCORED, *METRICS, "n_tracks", "n_answers")
ARTIST_COLUMNS = (*SCORED, "artist", "f1", "n_answers")


def outcomes(predictions: Predictions, pooling: str) -> NDArray[np.int64]:
    """Return how often each track's answers named each class, shape (tracks, classes).

    Args:
        predictions: of one subset.
        pooling: ``none`` counts slices; ``vote`` is the majority of the slices whose probability is
            above 0.5, else of all (Nasrullah & Zhao 2019), a tie goes to the class with the higher
            summed probability; ``mean`` takes the highest mean log-probability.
    """
    log_probability, track = predictions.log_probability, predictions.track
    shape = len(predictions.track_id), log_probability.shape[1]
    answers = log_probability.argmax(axis=1)
    if pooling == NO_POOLING:
        return _count(track, answers, shape)
    if pooling == MEAN:
        return _one_each(_sum_by_track(track, log_probability, shape).argmax(axis=1), shape)
    is_sure = log_probability.max(axis=1) > np.log(VOTE_THRESHOLD)
    votes = _count(track[is_sure], answers[is_sure], shape)
    undecided = votes.sum(axis=1) == 0
    votes[undecided] = _count(track, answers, shape)[undecided]
    summed = _sum_by_track(track, predictions.probability, shape)
    tie_break = summed / (summed.sum(axis=1, keepdims=True) + 1)  # below one vote
    return _one_each((votes + tie_break).argmax(axis=1), shape)


def _count(
    track: NDArray[np.integer], answers: NDArray[np.integer], shape: tuple[int, int]
) -> NDArray[np.int64]:
    flat = np.bincount(track * shape[1] + answers, minlength=shape[0] * shape[1])
    return flat.reshape(shape)


def _one_each(answers: NDArray[np.integer], shape: tuple[int, int]) -> NDArray[np.int64]:
    return _count(np.arange(shape[0]), answers, shape)


def _sum_by_track(
    track: NDArray[np.integer], values: NDArray[np.floating], shape: tuple[int, int]
) -> NDArray[np.float64]:
    sums = np.zeros(shape)
    np.add.at(sums, track, values)
    return sums


def chance_outcome(n_answers: NDArray[np.integer], n_classes: int) -> NDArray[np.float64]:
    """Return the expected outcome of guessing every artist equally often.

    Args:
        n_answers: answers of each track, shape (tracks,).
        n_classes: number of artists.
    """
    return np.repeat(n_answers[:, None] / n_classes, n_classes, axis=1)


def majority_outcome(
    n_answers: NDArray[np.integer], train_answers: NDArray[np.integer]
) -> NDArray[np.int64]:
    """Return the outcome of always answering the training set's most frequent artist.

    Args:
        n_answers: answers of each track, shape (tracks,).
        train_answers: slices (or songs) of each class in the training set, shape (classes,).
    """
    outcome = np.zeros((len(n_answers), len(train_answers)), np.int64)
    outcome[:, train_answers.argmax()] = n_answers
    return outcome


def levels_of(axes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the levels at which a run is scored: a system without slices has no slice level."""
    return ((level, pooling) for level, pooling in LEVELS if level == SONG or axes["slice_frames"])


def metrics_row(
    scored: Mapping[str, Any], targets: NDArray[np.integer], outcome: Counts
) -> dict[str, Any]:
    """Return the scores of one run on one subset at one level.

    Args:
        scored: the run's axes, subset, level and pooling.
        targets: true class of each track, shape (tracks,).
        outcome: answers of each track, shape (tracks, classes).
    """
    size = {"n_tracks": len(targets), "n_answers": round(float(outcome.sum()))}
    return dict(scored) | scores(confusion_counts(targets, outcome)) | size


def artist_rows(
    scored: Mapping[str, Any], classes: Sequence[str], targets: NDArray[np.integer], outcome: Counts
) -> list[dict[str, Any]]:
    """Return F1 and number of answers for each artist, one row each."""
    counts = confusion_counts(targets, outcome)
    return [
        dict(scored) | {"artist": artist, "f1": float(f1), "n_answers": round(float(support))}
        for artist, f1, support in zip(
            classes, f1_per_class(counts), counts.sum(axis=1), strict=True
        )
    ]
