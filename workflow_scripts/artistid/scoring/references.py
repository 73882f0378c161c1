"""The scores of guessing, and of always answering the most frequent artist."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artistid.scoring.pooling import (
    chance_scores,
    chance_top_k,
    majority_outcome,
    majority_top_k,
)
from artistid.scoring.scores import all_scores, confusion_counts

CHANCE, MAJORITY = "chance", "majority"


@dataclass(frozen=True)
class ToAnswer:
    """The tracks to answer and the training set of one training, counted in slices or in songs.

    Attributes:
        target: true class of each track, shape (tracks,).
        n_answers: answers of each track, shape (tracks,).
        train_answers: of each class in the training set, shape (classes,).
    """

    target: NDArray[np.integer]
    n_answers: NDArray[np.integer]
    train_answers: NDArray[np.integer]

    @property
    def support(self) -> NDArray[np.int64]:
        """Answers that should name each class, shape (classes,)."""
        n_classes = len(self.train_answers)
        return np.bincount(self.target, self.n_answers, n_classes).astype(np.int64)


@dataclass(frozen=True)
class ReferenceScores:
    """Scores of guessing, or of the majority class.

    Attributes:
        support: answers that should name each class, shape (classes,).
        values: macro F1, weighted F1, accuracy and each class' F1, shape (3 + classes,).
        top_k_accuracy: share of answers whose true class is among k that are named.
    """

    support: NDArray[np.integer]
    values: NDArray[np.float64]
    top_k_accuracy: float


def reference_scores(folds: Sequence[ToAnswer], k: int) -> dict[str, ReferenceScores]:
    """Return the scores of chance and of the majority class, on all folds together.

    The majority class is that of each fold's own training set.

    Args:
        folds: the same subset of each fold; a single one if the split has no folds.
        k: of the top-k accuracy.
    """
    supports = [fold.support for fold in folds]
    support = np.sum(supports, axis=0)
    n_classes = len(support)
    counts = sum(
        (
            confusion_counts(fold.target, majority_outcome(fold.n_answers, fold.train_answers))
            for fold in folds
        ),
        np.zeros((n_classes, n_classes)),
    )
    shares = [
        majority_top_k(own, fold.train_answers, k)
        for own, fold in zip(supports, folds, strict=True)
    ]
    top = float(np.average(shares, weights=[own.sum() for own in supports]))
    return {
        CHANCE: ReferenceScores(support, chance_scores(support), chance_top_k(n_classes, k)),
        MAJORITY: ReferenceScores(support, all_scores(counts), top),
    }
