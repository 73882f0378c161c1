"""Everything computed from the predictions of one run: scores, outcomes, a row for each track.

Only the subsets that a report may look at are scored: with ``validation`` reported, nothing is
computed from the test set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.errors import InputError
from artistid.runs import COLUMNS as RUN_COLUMNS
from artistid.runs import Run
from artistid.scoring.outcomes import Outcomes
from artistid.scoring.pooling import (
    MEAN,
    VOTE,
    artist_rows,
    count_answers,
    levels_of,
    metrics_row,
    pooled,
    ranks,
    top_k_accuracy,
)
from artistid.scoring.predictions import Predictions
from artistid.scoring.scores import Counts, all_scores, confusion_counts
from artistid.splits.subsets import TEST, VALIDATION

_OF_TRACK = ("subset", "track_id", "artist", "n_slices", "answer", "answer_by_vote", "rank")


@dataclass(frozen=True)
class RunScores:
    """The scores of a run.

    Attributes:
        metrics: rows of METRICS_COLUMNS, one for each subset, level and pooling.
        artists: rows of ARTIST_COLUMNS, one for each of these and each artist.
        tracks: rows of `track_columns`, one for each subset and track.
        outcomes: of the reported subset.
    """

    metrics: list[dict[str, Any]]
    artists: list[dict[str, Any]]
    tracks: list[dict[str, Any]]
    outcomes: Outcomes


def scored_subsets(reported: str) -> tuple[str, ...]:
    """Return the subsets that are scored: the test set only if it is the reported subset.

    Raises:
        InputError: the subset is neither validation nor test.
    """
    if reported not in (VALIDATION, TEST):
        raise InputError(f"{reported!r} cannot be reported on; write {VALIDATION} or {TEST}")
    return (VALIDATION, TEST) if reported == TEST else (VALIDATION,)


def score_predictions(
    run: Run, classes: Sequence[str], subsets: Mapping[str, Predictions], reported: str, k: int
) -> RunScores:
    """Score the predictions of a run, at each level.

    Args:
        run: the run.
        classes: the artists, in the order of the class numbers.
        subsets: predictions by subset; only those of `scored_subsets` are used.
        reported: ``validation`` or ``test``.
        k: of the top-k accuracy, and how many answers each track's row names.
    """
    metrics, artists, tracks = [], [], []
    reported_counts: dict[tuple[str, str], Counts] = {}
    for subset in scored_subsets(reported):
        predictions = subsets[subset]
        targets = predictions.track_target
        for level, pooling in levels_of(run):
            outcome = count_answers(predictions, pooling)
            scored = run.columns | {"subset": subset, "level": level, "pooling": pooling}
            counts = confusion_counts(targets, outcome)
            support, values = counts.sum(axis=1), all_scores(counts)
            top = k, top_k_accuracy(predictions, pooling, k)
            metrics.append(metrics_row(scored, len(targets), support, values, top))
            artists += artist_rows(scored, classes, support, values)
            if subset == reported:
                reported_counts[level, pooling] = outcome
        tracks += track_rows(run, classes, subset, predictions, k)
    told = subsets[reported]
    outcomes = Outcomes(
        run, list(classes), told.track_id, told.track_target, reported_counts, reported
    )
    return RunScores(metrics, artists, tracks, outcomes)


def track_columns(n_classes: int, k: int) -> tuple[str, ...]:
    """Return the columns of `track_rows`; no more best answers than there are artists."""
    best = range(1, min(k, n_classes) + 1)
    of_best = [column for place in best for column in (f"top_{place}", f"p_{place}")]
    return (*RUN_COLUMNS, *_OF_TRACK, *of_best)


def track_rows(
    run: Run, classes: Sequence[str], subset: str, predictions: Predictions, k: int
) -> list[dict[str, Any]]:
    """Return the answers to the tracks of a subset, a row for each track.

    ``p_1``, ``p_2`` ... are the probabilities of the artists ``top_1``, ``top_2`` ...: the softmax
    of the mean log-probability of the slices. ``n_slices`` is empty for systems of whole songs.

    Args:
        run: the run.
        classes: the artists, in the order of the class numbers.
        subset: its name in the rows.
        predictions: of the subset.
        k: how many answers a row names.
    """
    summed, targets = pooled(predictions), predictions.track_target
    n_slices = np.bincount(predictions.track, minlength=len(targets))
    probability = _softmax(summed / n_slices[:, None])
    order = np.argsort(-summed, axis=1, kind="stable")[:, :k]
    voted = count_answers(predictions, VOTE).argmax(axis=1)
    answered = count_answers(predictions, MEAN).argmax(axis=1)
    rank = ranks(summed, targets)
    rows = []
    for index, track_id in enumerate(predictions.track_id):
        row = run.columns | {
            "subset": subset,
            "track_id": track_id,
            "artist": classes[targets[index]],
            "n_slices": int(n_slices[index]) if run.slice_frames else None,
            "answer": classes[answered[index]],
            "answer_by_vote": classes[voted[index]],
            "rank": int(rank[index]),
        }
        for place, label in enumerate(order[index], start=1):
            row |= {f"top_{place}": classes[label], f"p_{place}": float(probability[index, label])}
        rows.append(row)
    return rows


def _softmax(logits: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return probabilities that sum to one in each row, shape (rows, classes)."""
    exponential = np.exp(logits - logits.max(axis=1, keepdims=True))
    probability: NDArray[np.floating] = exponential / exponential.sum(axis=1, keepdims=True)
    return probability
