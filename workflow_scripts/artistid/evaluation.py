"""Scores of predictions: F1 over the artists, accuracy, and what guessing would score."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

METRICS = ("macro_f1", "weighted_f1", "accuracy")


def confusion_counts(
    targets: NDArray[np.integer], predicted: NDArray[np.integer], n_classes: int
) -> NDArray[np.int64]:
    """Return how often each class (row) was taken for each class (column)."""
    counts = np.bincount(targets * n_classes + predicted, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes)


def f1_per_class(counts: NDArray[np.floating | np.integer]) -> NDArray[np.float64]:
    """Return each class' F1, 2 TP / (true + predicted), from confusion counts.

    A class that neither occurs nor is predicted scores 0, as scikit-learn's ``zero_division=0``.
    """
    hits = np.diag(counts)
    total = counts.sum(axis=0) + counts.sum(axis=1)
    return np.divide(2.0 * hits, total, out=np.zeros(len(counts)), where=total > 0)


def scores(counts: NDArray[np.floating | np.integer]) -> dict[str, float]:
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


def chance_counts(targets: NDArray[np.integer], n_classes: int) -> NDArray[np.float64]:
    """Return the expected confusion counts of guessing every artist equally often."""
    support = np.bincount(targets, minlength=n_classes)
    return np.repeat(support[:, None] / n_classes, n_classes, axis=1)


def majority_counts(
    targets: NDArray[np.integer], train_targets: NDArray[np.integer], n_classes: int
) -> NDArray[np.int64]:
    """Return the confusion counts of always answering the training set's most frequent artist."""
    answer = np.bincount(train_targets, minlength=n_classes).argmax()
    return confusion_counts(targets, np.full_like(targets, answer), n_classes)


def metrics_rows(
    axes: Mapping[str, Any],
    counts_by_subset: Mapping[str, NDArray[np.floating | np.integer]],
    n_tracks_by_subset: Mapping[str, int],
) -> list[dict[str, Any]]:
    """Return one row of scores per subset, each with the run's own axes.

    Args:
        axes: corpus, model, split, slice_seconds, slice_frames and seed of the run.
        counts_by_subset: confusion counts over slices.
        n_tracks_by_subset: tracks that have at least one slice.
    """
    return [
        dict(axes)
        | {"subset": subset, "level": "slice"}
        | scores(counts)
        | {"n_tracks": n_tracks_by_subset[subset], "n_slices": round(float(counts.sum()))}
        for subset, counts in counts_by_subset.items()
    ]


def f1_per_artist_rows(
    axes: Mapping[str, Any],
    classes: Sequence[str],
    counts_by_subset: Mapping[str, NDArray[np.floating | np.integer]],
) -> list[dict[str, Any]]:
    """Return one row per subset and artist: F1 and the number of slices."""
    rows = []
    for subset, counts in counts_by_subset.items():
        for artist, f1, support in zip(
            classes, f1_per_class(counts), counts.sum(axis=1), strict=True
        ):
            rows.append(
                dict(axes)
                | {"subset": subset, "level": "slice", "artist": artist, "f1": float(f1)}
                | {"n_slices": round(float(support))}
            )
    return rows


AXES = ("corpus", "model", "split", "slice_seconds", "slice_frames", "seed")
METRICS_COLUMNS = (*AXES, "subset", "level", *METRICS, "n_tracks", "n_slices")
ARTIST_COLUMNS = (*AXES, "subset", "level", "artist", "f1", "n_slices")
