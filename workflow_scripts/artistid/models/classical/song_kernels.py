"""Distances between songs, and an SVM on a kernel made of them (Mandel & Ellis 2005, ISMIR)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import combinations, product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.metrics import f1_score
from sklearn.svm import SVC

from artistid.errors import InputError
from artistid.models.classical.calibration import per_class

_SVM = "svm."  # before the names of the SVM's arrays
NONE, CLIP, FLIP = "none", "clip", "flip"
_NEGATIVE_BECOMES = {NONE: 1.0, CLIP: 0.0, FLIP: -1.0}  # factor on a negative eigenvalue


def moments(
    mfccs: Sequence[NDArray[np.floating]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean (tracks, 20) and covariance (tracks, 20, 20) of each track's frames.

    The covariance is the maximum-likelihood one: of a single frame it is 0, not undefined.
    """
    means = np.stack([track.mean(axis=0, dtype=np.float64) for track in mfccs])
    covariances = [np.cov(track.astype(np.float64), rowvar=False, bias=True) for track in mfccs]
    return means, np.stack(covariances)


def moments_of_blocks(
    blocks: Callable[[], Iterable[NDArray[np.floating]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what `moments` does of one track, (1, 20) and (1, 20, 20), without holding it whole.

    Args:
        blocks: returns the track's frames from the first on, in pieces of shape (some frames, 20);
            it is called twice, because a covariance about the mean loses no digits.
    """
    n_frames, mean = 0, np.zeros(0)
    for block in blocks():
        total = block.sum(axis=0, dtype=np.float64)
        mean = mean + total if n_frames else total
        n_frames += len(block)
    mean = mean / n_frames
    covariance = np.zeros((len(mean), len(mean)))
    for block in blocks():
        centred = block.astype(np.float64) - mean
        covariance += centred.T @ centred
    return mean[None], covariance[None] / n_frames


def mahalanobis_squared(
    rows: NDArray[np.float64], columns: NDArray[np.float64], precision: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return squared Mahalanobis distances between all pairs, shape (rows, columns).

    Args:
        rows: points, shape (rows, features).
        columns: points, shape (columns, features).
        precision: inverse of a covariance, shape (features, features), positive definite.
    """
    root = np.linalg.cholesky(precision)
    return cdist(rows @ root, columns @ root, "sqeuclidean")


def symmetrised_kl(
    rows: tuple[NDArray[np.float64], NDArray[np.float64]],
    columns: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return KL(p||q) + KL(q||p) between all pairs of Gaussians, shape (rows, columns), in nats.

    Args:
        rows: means (rows, d) and covariances (rows, d, d), positive definite.
        columns: means (columns, d) and covariances (columns, d, d), positive definite.
    """
    # The logarithms of the determinants cancel in the sum of both directions.
    twice = _kl_without_determinants(rows, columns) + _kl_without_determinants(columns, rows).T
    return np.maximum(twice / 2 - rows[0].shape[1], 0)


def _kl_without_determinants(
    left: tuple[NDArray[np.float64], NDArray[np.float64]],
    right: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Return tr(Q (C + dd')) for all pairs, Q a right precision, C a left covariance.

    With d the difference of the means: the trace and the quadratic form of KL(left || right), from
    three products of matrices instead of a loop over the pairs.
    """
    (means, covariances), (right_means, right_covariances) = left, right
    precisions = np.linalg.inv(right_covariances)
    second_moments = covariances + means[:, :, None] * means[:, None, :]
    weighted = np.einsum("nij,nj->ni", precisions, right_means)
    constant = (weighted * right_means).sum(axis=1)
    pairs = second_moments.reshape(len(means), -1) @ precisions.reshape(len(precisions), -1).T
    return pairs - 2 * means @ weighted.T + constant


def spectrum_correction(kernel: NDArray[np.float64], spectrum: str) -> NDArray[np.float64]:
    """Return P, shape (n, n), so that kernel @ P has the corrected spectrum.

    Rows between other songs and the training songs are corrected as ``rows @ P``, the same linear
    map that the training songs went through (Chen et al. 2009, JMLR 10, 747-776).

    Args:
        kernel: between the training songs, symmetric, shape (n, n).
        spectrum: ``none``; ``clip`` sets negative eigenvalues to 0; ``flip`` to their absolute
            value.

    Raises:
        InputError: no such correction.
    """
    if spectrum not in _NEGATIVE_BECOMES:
        known = ", ".join(_NEGATIVE_BECOMES)
        raise InputError(f"spectra: unknown correction {spectrum!r}; there are: {known}")
    if spectrum == NONE:
        return np.eye(len(kernel))
    values, vectors = np.linalg.eigh(kernel)
    # Zero eigenvalues come out as slightly negative ones: those are rounding, and stay.
    rounding = len(values) * np.finfo(np.float64).eps * np.abs(values).max()
    factors = np.where(values < -rounding, _NEGATIVE_BECOMES[spectrum], 1.0)
    return (vectors * factors) @ vectors.T


class DistanceSvm:
    """An SVM with the kernel exp(-gamma * distance), chosen on the validation songs.

    The best macro F1 wins, the first in the grid's order of several; the order is gammas, then
    spectra, then costs. A gamma is given as a multiple of 1 / median distance between two training
    songs: distances depend on how long and how alike the songs are, and so the same grid spans the
    same range of kernel values on any corpus.
    """

    def __init__(
        self,
        gammas: Sequence[float],
        costs: Sequence[float],
        spectra: Sequence[str],
        n_classes: int,
    ) -> None:
        self._grid = (tuple(gammas), tuple(spectra), tuple(costs))
        self._n_classes = n_classes
        self.chosen: dict[str, Any] = {}
        self._loaded: dict[str, NDArray[Any]] | None = None

    def fit(
        self,
        train: NDArray[np.float64],
        train_targets: NDArray[np.integer],
        validation: NDArray[np.float64],
        validation_targets: NDArray[np.integer],
    ) -> None:
        """Learn from the training songs with every point of the grid and keep the best.

        Args:
            train: distances between training songs, shape (n, n).
            train_targets: shape (n,).
            validation: distances to the training songs, shape (validation songs, n).
            validation_targets: shape (validation songs,).
        """
        gammas, spectra, costs = self._grid
        median = float(np.median(train[np.triu_indices(len(train), 1)])) or 1.0
        best = -1.0
        for multiple, spectrum in product(gammas, spectra):
            gamma = float(multiple) / median
            kernel, rows = np.exp(-gamma * train), np.exp(-gamma * validation)
            correction = spectrum_correction(kernel, spectrum)
            kernel, rows = kernel @ correction, rows @ correction
            for cost in costs:
                svm = SVC(C=float(cost), kernel="precomputed", decision_function_shape="ovr")
                svm.fit(kernel, train_targets)
                f1 = self._macro_f1(svm, rows, validation_targets)
                if f1 > best:
                    best = f1
                    self._svm, self._correction = svm, correction
                    self.chosen = {
                        "gamma": gamma,
                        "gamma_times_median": float(multiple),
                        "cost": float(cost),
                        "spectrum": spectrum,
                        "validation_macro_f1": f1,
                    }

    def scores(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return decision values (songs, classes) from distances to the training songs."""
        if self._loaded is not None:
            rows = np.exp(-self._loaded["gamma"] * distances)
            pairs = rows @ self._loaded["weights"] + self._loaded["intercepts"]
            return _one_against_rest(pairs, self._n_classes)
        rows = np.exp(-self.chosen["gamma"] * distances) @ self._correction
        return per_class(self._svm.decision_function(rows), self._n_classes)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the learnt parameters: gamma, and a linear machine on the kernel for each pair.

        The weights, shape (training songs, pairs), hold the correction of the spectrum.
        """
        weights, intercepts = _machines_of_pairs(self._svm, len(self._correction))
        return {
            "gamma": np.array([self.chosen["gamma"]]),
            "weights": self._correction @ weights,
            "intercepts": intercepts,
        }

    def load_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError: an array is missing.
        """
        self._loaded = {name: arrays[name] for name in ("gamma", "weights", "intercepts")}

    def _macro_f1(self, svm: SVC, rows: NDArray[np.float64], targets: NDArray[np.integer]) -> float:
        # Answers are taken from the decision values, as they are when songs are scored: libsvm's
        # own vote can differ from them.
        answers = per_class(svm.decision_function(rows), self._n_classes).argmax(axis=1)
        labels = range(self._n_classes)
        return float(f1_score(targets, answers, labels=labels, average="macro", zero_division=0))


class SongSvm(ABC):
    """A classical system on whole songs: `DistanceSvm` on some distance between songs' moments.

    A system says what it learns from the training songs (`_learn`), how far songs are from them
    (`_distances`), and keeps both as arrays (`_own_state`, `_load_own_state`).
    """

    def __init__(self, svm: DistanceSvm) -> None:
        self._svm = svm

    @property
    def chosen(self) -> dict[str, Any]:
        """What validation chose."""
        return self._svm.chosen

    def fit(
        self,
        train: Sequence[NDArray[np.floating]],
        train_targets: NDArray[np.integer],
        validation: Sequence[NDArray[np.floating]],
        validation_targets: NDArray[np.integer],
    ) -> None:
        """Learn from tracks of shape (frames, 20); choose the kernel on the validation tracks."""
        between = self._learn(*moments(train))
        to_validation = self._distances(*moments(validation))
        self._svm.fit(between, train_targets, to_validation, validation_targets)

    def track_scores(self, mfccs: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
        """Return decision values, shape (tracks, classes)."""
        return self.score_moments(*moments(mfccs))

    def score_moments(
        self, means: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return decision values, (tracks, classes), of (tracks, 20) and (tracks, 20, 20)."""
        return self._svm.scores(self._distances(means, covariances))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what was learnt: the system's own arrays, and those of the SVM."""
        svm = {f"{_SVM}{name}": array for name, array in self._svm.state().items()}
        return self._own_state() | svm

    def load_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError: an array is missing.
        """
        self._load_own_state(arrays)
        self._svm.load_state({name.removeprefix(_SVM): array for name, array in arrays.items()})

    @abstractmethod
    def _learn(
        self, means: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Learn from the moments of n training songs; return the distances between them (n, n)."""

    @abstractmethod
    def _distances(
        self, means: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return distances (songs, n) to the training songs."""

    @abstractmethod
    def _own_state(self) -> dict[str, NDArray[Any]]:
        """Return what `_learn` learnt."""

    @abstractmethod
    def _load_own_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `_own_state` returned."""


def _machines_of_pairs(svm: SVC, n_songs: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return an SVM's decision functions on a kernel's rows: weights (songs, pairs), intercepts.

    libsvm keeps for each support vector a coefficient against every other class: that against class
    j is in row j of `dual_coef_`, of which the vector's own class is left out.
    """
    class_of = np.repeat(np.arange(len(svm.n_support_)), svm.n_support_)
    pairs = list(combinations(range(len(svm.n_support_)), 2))
    weights = np.zeros((n_songs, len(pairs)))
    for column, (first, second) in enumerate(pairs):
        for own, row in ((first, second - 1), (second, first)):
            vectors = class_of == own
            weights[svm.support_[vectors], column] = svm.dual_coef_[row, vectors]
    return weights, np.array(svm.intercept_, np.float64)


def _one_against_rest(pairs: NDArray[np.float64], n_classes: int) -> NDArray[np.float64]:
    """Return decision values by class (songs, classes) from those of pairs (songs, pairs).

    scikit-learn's: the number of pairs that a class wins, and of ties the sum of its margins, which
    is squeezed to less than half a win. Of two classes the margin itself.
    """
    if n_classes == 2:
        return per_class(pairs[:, 0], n_classes)
    wins, margins = np.zeros((len(pairs), n_classes)), np.zeros((len(pairs), n_classes))
    for column, (first, second) in enumerate(combinations(range(n_classes), 2)):
        margin = pairs[:, column]
        margins[:, first] += margin
        margins[:, second] -= margin
        wins[:, first] += margin >= 0
        wins[:, second] += margin < 0
    return wins + margins / (3 * (np.abs(margins) + 1))
