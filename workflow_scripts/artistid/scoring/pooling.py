"""Scores of predictions: pooling slices to songs, F1 over the artists, and what guessing scores.

Everything is computed from outcomes: how often each track's answers named each artist. At the
slice level a track has as many answers as slices, at the song level one. Scores, intervals and
tests all follow from outcomes, shape (tracks, classes), and the tracks' true classes.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.runs import COLUMNS as RUN_COLUMNS
from artistid.runs import Run
from artistid.scoring.predictions import Predictions
from artistid.scoring.scores import METRICS, Counts, named_scores

SLICE, SONG = "slice", "song"
NO_POOLING, VOTE, MEAN = "none", "vote", "mean"
# What is scored: answers per slice, and two ways to one answer per song.
LEVELS = ((SLICE, NO_POOLING), (SONG, VOTE), (SONG, MEAN))
# The one of each level that figures show, and tests compare.
MAIN_POOLING = {SLICE: NO_POOLING, SONG: MEAN}
VOTE_THRESHOLD = 0.5

SCORED = (*RUN_COLUMNS, "subset", "level", "pooling")
METRICS_COLUMNS = (*SCORED, *METRICS, "top_k", "top_k_accuracy", "n_tracks", "n_answers")
ARTIST_COLUMNS = (*SCORED, "artist", "f1", "n_answers")


def count_answers(predictions: Predictions, pooling: str) -> NDArray[np.int64]:
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
        return _one_each(pooled(predictions).argmax(axis=1), shape)
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


def pooled(predictions: Predictions) -> NDArray[np.float64]:
    """Return the sum of each track's log-probabilities, shape (tracks, classes).

    Its order of the classes is that of their mean.
    """
    shape = len(predictions.track_id), predictions.log_probability.shape[1]
    return _sum_by_track(predictions.track, predictions.log_probability, shape)


def ranks(scores: NDArray[np.floating], targets: NDArray[np.integer]) -> NDArray[np.int64]:
    """Return the rank of the true class in each row, from 1 on; of equals the first class leads.

    Args:
        scores: higher is better, shape (rows, classes).
        targets: true class of each row, shape (rows,).
    """
    own = scores[np.arange(len(targets)), targets][:, None]
    stands_before = np.arange(scores.shape[1]) < targets[:, None]
    better: NDArray[np.bool_] = (scores > own) | ((scores == own) & stands_before)
    rank: NDArray[np.int64] = 1 + better.sum(axis=1)
    return rank


def top_k_accuracy(predictions: Predictions, pooling: str, k: int) -> float | None:
    """Return the share of answers with the true class among the k best; None for votes.

    Args:
        predictions: of one subset.
        pooling: ``none`` for slices, ``mean`` for songs by mean log-probability. A vote ranks
            nothing.
        k: how many classes an answer may name.
    """
    if pooling == VOTE:
        return None
    if pooling == NO_POOLING:
        ranked = ranks(predictions.log_probability, predictions.target)
    else:
        ranked = ranks(pooled(predictions), predictions.track_target)
    return float(np.mean(ranked <= k))


def chance_top_k(n_classes: int, k: int) -> float:
    """Return the expected share of answers with the true class among k guessed ones."""
    return min(k, n_classes) / n_classes


def majority_top_k(
    support: NDArray[np.integer], train_answers: NDArray[np.integer], k: int
) -> float:
    """Return the share of answers of the k artists most frequent in training.

    Args:
        support: answers that should name each class, shape (classes,).
        train_answers: slices (or songs) of each class in the training set, shape (classes,).
        k: how many classes an answer may name.
    """
    most_frequent = np.argsort(-train_answers, kind="stable")[:k]
    return float(support[most_frequent].sum() / support.sum())


def chance_scores(support: NDArray[np.integer]) -> NDArray[np.float64]:
    """Return the expected scores of guessing, each answer alone, every artist equally often.

    A class is named P times of N, a binomial number; of these P n / N are right on average, where
    n answers should name it. Its F1, 2 P n / N / (P + n), is averaged over P. The mean over few
    answers is lower than what the expected counts would score.

    Args:
        support: answers that should name each class, shape (classes,).

    Returns:
        Macro F1, weighted F1, accuracy and each class' F1; shape (3 + classes,).
    """
    named, probability = _times_named(int(support.sum()), len(support))
    right_share = support[:, None] / support.sum()
    total = named + support[:, None]
    f1 = np.divide(2 * named * right_share, total, out=np.zeros(total.shape), where=total > 0)
    of_class = f1 @ probability
    weighted = of_class @ support / support.sum()
    return np.array([of_class.mean(), weighted, 1 / len(support), *of_class])


def _times_named(n_answers: int, n_classes: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return how often guessing may name a class, and how probable each is (binomial).

    Numbers beyond ten standard deviations, less probable than 1e-15, are left out: there may be
    millions of answers.
    """
    mean = n_answers / n_classes
    reach = 10 * np.sqrt(mean * (1 - 1 / n_classes)) + 20
    named = np.arange(max(0, int(mean - reach)), min(n_answers, int(mean + reach)) + 1)
    # Each number's probability from that of the one before it, and 1 for their sum.
    ratio = (n_answers - named[:-1]) / (named[1:] * (n_classes - 1))
    log_probability = np.concatenate([[0.0], np.cumsum(np.log(ratio))])
    probability = np.exp(log_probability - log_probability.max())
    return named, probability / probability.sum()


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


def levels_of(run: Run) -> Iterator[tuple[str, str]]:
    """Yield the levels at which a run is scored: a system without slices has no slice level."""
    return ((level, pooling) for level, pooling in LEVELS if level == SONG or run.slice_frames)


def metrics_row(
    scored: Mapping[str, Any],
    n_tracks: int,
    support: Counts,
    values: NDArray[np.floating],
    top: tuple[int, float | None],
) -> dict[str, Any]:
    """Return the scores of one run on one subset at one level.

    Args:
        scored: the run's columns, subset, level and pooling.
        n_tracks: tracks answered.
        support: answers that should name each class, shape (classes,).
        values: macro F1, weighted F1, accuracy and each class' F1, shape (3 + classes,).
        top: k and top-k accuracy.
    """
    top_k = dict(zip(("top_k", "top_k_accuracy"), top, strict=True))
    size = {"n_tracks": n_tracks, "n_answers": round(float(support.sum()))}
    return dict(scored) | named_scores(values) | top_k | size


def artist_rows(
    scored: Mapping[str, Any],
    classes: Sequence[str],
    support: Counts,
    values: NDArray[np.floating],
) -> list[dict[str, Any]]:
    """Return F1 and number of answers for each artist, one row each; arguments as above."""
    return [
        dict(scored) | {"artist": artist, "f1": float(f1), "n_answers": round(float(n_answers))}
        for artist, n_answers, f1 in zip(classes, support, values[len(METRICS) :], strict=True)
    ]
