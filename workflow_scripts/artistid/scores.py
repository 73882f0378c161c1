"""F1 over the artists and accuracy, from confusion counts."""

import numpy as np
from numpy.typing import NDArray

METRICS = ("macro_f1", "weighted_f1", "accuracy")

Counts = NDArray[np.floating | np.integer]


def confusion_counts(targets: NDArray[np.integer], outcome: Counts) -> Counts:
    """Return how often each class (row) was taken for each class (column).

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
    hits = np.diag(counts)
    total = counts.sum(axis=0) + counts.sum(axis=1)
    return np.divide(2.0 * hits, total, out=np.zeros(len(counts)), where=total > 0)


def scores(counts: Counts) -> dict[str, float]:
    """Return macro F1, weighted F1 and accuracy from confusion counts.

    Macro F1 is the plain mean over all classes (the paper, section 5); weighted F1 weights each
    class by its share of the truth (Nasrullah & Zhao 2019).
    """
    f1 = f1_per_class(counts)
    support = counts.sum(axis=1)
    return {
        "macro_f1": float(f1.mean()),
        "weighted_f1": float((f1 * support).sum() / support.sum()),
        "accuracy": float(np.trace(counts) / support.sum()),
    }
