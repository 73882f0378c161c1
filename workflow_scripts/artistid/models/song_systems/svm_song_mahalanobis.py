"""An SVM on the Mahalanobis distance between songs' MFCC statistics (Mandel & Ellis 2005, ISMIR).

A song is the mean of its MFCCs and the upper triangle of their covariance, 230 numbers for 20
coefficients. Their covariance over the training songs, which the distance needs inverted, is
singular with fewer songs than numbers and badly conditioned with somewhat more. We take the shrunk
estimate of Ledoit & Wolf (2004) on standardised numbers, which is invertible for any count of
songs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf
from sklearn.preprocessing import StandardScaler

from artistid.models.classical.song_kernels import NONE, DistanceSvm, mahalanobis_squared, moments
from artistid.models.registry import register
from artistid.models.settings import Positives


@dataclass(frozen=True)
class Settings:
    """The grid that validation chooses from.

    Attributes:
        gammas: of the kernel exp(-gamma * squared distance), as multiples of 1 / median squared
            distance between two training songs.
        costs: the SVM's C.
    """

    gammas: Positives = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
    costs: Positives = (0.1, 1.0, 10.0, 100.0)


@register(Settings)
class SvmSongMahalanobis:
    """Nothing is drawn at random: the seed changes nothing."""

    def __init__(self, settings: Settings, n_classes: int, seed: int) -> None:
        # This kernel is positive definite: its spectrum needs no correction.
        self._svm = DistanceSvm(settings.gammas, settings.costs, (NONE,), n_classes)

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
        features = song_features(*moments(train))
        self._scaler = StandardScaler().fit(features)
        self._train = self._scaler.transform(features)
        self._precision = LedoitWolf().fit(self._train).precision_
        self._svm.fit(
            mahalanobis_squared(self._train, self._train, self._precision),
            train_targets,
            self._distances(*moments(validation)),
            validation_targets,
        )

    def track_scores(self, mfccs: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
        """Return decision values, shape (tracks, classes)."""
        return self.score_moments(*moments(mfccs))

    def score_moments(
        self, means: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return decision values, (tracks, classes), of (tracks, 20) and (tracks, 20, 20)."""
        return self._svm.scores(self._distances(means, covariances))

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the parameters: standardisation, the training songs, precision, and the SVM."""
        own = {"scaler.mean": self._scaler.mean_, "scaler.scale": self._scaler.scale_}
        own |= {"train": self._train, "precision": self._precision}
        return own | {f"svm.{name}": array for name, array in self._svm.state().items()}

    def load_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError: an array is missing.
        """
        self._scaler = StandardScaler()
        self._scaler.mean_, self._scaler.scale_ = arrays["scaler.mean"], arrays["scaler.scale"]
        self._train, self._precision = arrays["train"], arrays["precision"]
        self._svm.load_state({name.removeprefix("svm."): array for name, array in arrays.items()})

    def _distances(
        self, means: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        points = self._scaler.transform(song_features(means, covariances))
        return mahalanobis_squared(points, self._train, self._precision)


def song_features(
    means: NDArray[np.float64], covariances: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each track's mean and the upper triangle of its covariance, shape (tracks, 230)."""
    first, second = np.triu_indices(means.shape[1])
    return np.concatenate([means, covariances[:, first, second]], axis=1)
