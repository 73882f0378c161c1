"""From scores to probabilities: temperature scaling (Guo et al. 2017, arXiv:1706.04599)."""

import numpy as np
import scipy.special
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

# Bounds in units of the scores' own spread. A hundred times the spread is as good as guessing;
# beyond it answers would be lost when log-probabilities are stored in 32 bits.
TEMPERATURES = (1e-3, 1e2)


def log_softmax(scores: NDArray[np.floating], temperature: float = 1.0) -> NDArray[np.float64]:
    """Return log-probabilities, same shape as `scores`: the softmax of scores / temperature.

    Args:
        scores: any real numbers, shape (n, classes).
        temperature: above 1 makes the answer less certain, below 1 more.
    """
    return scipy.special.log_softmax(np.asarray(scores, np.float64) / temperature, axis=-1)


def cross_entropy(
    scores: NDArray[np.floating], targets: NDArray[np.integer], temperature: float = 1.0
) -> float:
    """Return the mean negative log-probability of the true classes, in nats.

    Args:
        scores: shape (n, classes).
        targets: true class of each row, shape (n,).
        temperature: divides the scores.
    """
    return -float(log_softmax(scores, temperature)[np.arange(len(targets)), targets].mean())


def fit_temperature(scores: NDArray[np.floating], targets: NDArray[np.integer]) -> float:
    """Return the temperature of least cross-entropy on held-out scores.

    Never worse than a temperature of 1. It divides all scores alike: the highest stays so.

    Args:
        scores: of the validation set, shape (n, classes).
        targets: true class of each row, shape (n,).
    """
    # The cross-entropy is convex in 1/T, hence has one valley in log T; there a bounded search
    # treats sums over many frames and mean margins alike.
    scores = np.asarray(scores, np.float64)
    spread = float((scores.max(axis=1, keepdims=True) - scores).mean()) or 1.0
    found = minimize_scalar(
        lambda log_temperature: cross_entropy(scores, targets, np.exp(log_temperature)),
        bounds=tuple(np.log(np.array(TEMPERATURES) * spread)),
        method="bounded",
    )
    candidates = (float(np.exp(found.x)), 1.0)
    return min(candidates, key=lambda temperature: cross_entropy(scores, targets, temperature))


def per_class(decision_values: NDArray[np.floating], n_classes: int) -> NDArray[np.float64]:
    """Return one decision value per class, shape (n, classes).

    scikit-learn gives two classes a single value, positive for the second one.

    Args:
        decision_values: what a ``decision_function`` returned, shape (n,) or (n, classes).
        n_classes: number of artists.

    Raises:
        ValueError: the classifier has learned from another number of classes.
    """
    values = np.asarray(decision_values, np.float64)
    if values.ndim == 1:
        values = np.stack([-values, values], axis=1)
    if values.shape[1] != n_classes:
        raise ValueError(f"{values.shape[1]} classes were in the training set, not {n_classes}")
    return values
