"""An SVM on the Mahalanobis distance between songs' MFCC statistics (Mandel & Ellis 2005, ISMIR).

A song is the mean of its MFCCs and the upper triangle of their covariance, 230 numbers for 20
coefficients. Their covariance over the training songs, which the distance needs inverted, is
singular with fewer songs than numbers and badly conditioned with somewhat more. We take the shrunk
estimate of Ledoit & Wolf (2004) on standardised numbers, which is invertible for any count of
songs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.covariance import LedoitWolf
from sklearn.preprocessing import StandardScaler

from artistid.models.classical.song_kernels import NONE, DistanceSvm, SongSvm, mahalanobis_squared
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
class SvmSongMahalanobis(SongSvm):
    """Nothing is drawn at random: the seed changes nothing."""

    def __init__(self, settings: Settings, n_classes: int, seed: int) -> None:
        # This kernel is positive definite: its spectrum needs no correction.
        super().__init__(DistanceSvm(settings.gammas, settings.costs, (NONE,), n_classes))

    def _learn(
        self, means: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        features = song_features(means, covariances)
        self._scaler = StandardScaler().fit(features)
        self._train = self._scaler.transform(features)
        self._precision = LedoitWolf().fit(self._train).precision_
        return mahalanobis_squared(self._train, self._train, self._precision)

    def _distances(
        self, means: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        points = self._scaler.transform(song_features(means, covariances))
        return mahalanobis_squared(points, self._train, self._precision)

    def _own_state(self) -> dict[str, NDArray[Any]]:
        standardisation = {"scaler.mean": self._scaler.mean_, "scaler.scale": self._scaler.scale_}
        return standardisation | {"train": self._train, "precision": self._precision}

    def _load_own_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._scaler = StandardScaler()
        self._scaler.mean_, self._scaler.scale_ = arrays["scaler.mean"], arrays["scaler.scale"]
        self._train, self._precision = arrays["train"], arrays["precision"]


def song_features(
    means: NDArray[np.float64], covariances: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each track's mean and the upper triangle of its covariance, shape (tracks, 230)."""
    first, second = np.triu_indices(means.shape[1])
    return np.concatenate([means, covariances[:, first, second]], axis=1)
