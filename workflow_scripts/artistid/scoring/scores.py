"""F1 over the artists and accuracy, from confusion counts."""

import numpy as np
from numpy.typing import NDArray

METRICS = ("macro_f1", "weighted_f1", "accuracy")

Counts = NDArray[np.floating | np.integer]


def confusion_counts(targets: NDArray[np.integer], outcome: Counts) -> Counts:
    """Return how often each class (row) was predicted as each class (column).

    Args:
        targets: true class of each track, shape (tracks,).
        outcome: answers of each track, shape (tracks, classes).
    """
    counts = np.zeros((outcome.shape[1],) * 2, outcome.dtype)
    np.add.at(counts, targets, outcome)
    return counts


def f1_per_class(counts: Counts) -> NDArray[np.float64]:
    """Return each class' F1, 2 TP / (true + predicted), from confusion counts.

    A class that neither occurs nor is predicted scores 0, as scikit-learn's ``zero_division=0``.
    """
    return all_scores(counts)[len(METRICS) :]


def all_scores(counts: Counts) -> NDArray[np.float64]:
    """Return macro F1, weighted F1, accuracy and each class' F1, shape (3 + classes,)."""
    return scores_of_sums(np.diag(counts), counts.sum(axis=0), counts.sum(axis=1))


def scores_of_sums(hits: Counts, predicted: Counts, support: Counts) -> NDArray[np.float64]:
    """Return the scores from each class' sums; leading axes are carried along.

    Macro F1 is the plain mean over all classes (the paper, section 5); weighted F1 weights each
    class by its share of the truth (Nasrullah & Zhao 2019).

    Args:
        hits: right answers, shape (..., classes).
        predicted: answers that name the class, shape (..., classes).
        support: answers that should, shape (..., classes).

    Returns:
        Macro F1, weighted F1, accuracy and each class' F1; shape (..., 3 + classes).
    """
    total = predicted + support
    f1 = np.divide(2.0 * hits, total, out=np.zeros(np.shape(hits)), where=total > 0)
    answers = support.sum(axis=-1)
    averages = (
        f1.mean(axis=-1),
        (f1 * support).sum(axis=-1) / answers,
        hits.sum(axis=-1) / answers,
    )
    return np.concatenate([np.stack(averages, axis=-1), f1], axis=-1)


def named_scores(values: NDArray[np.floating]) -> dict[str, float]:
    """Return the first three of all scores by name: macro F1, weighted F1 and accuracy."""
    return dict(zip(METRICS, values[: len(METRICS)].tolist(), strict=True))
