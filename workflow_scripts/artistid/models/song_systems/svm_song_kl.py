"""An SVM on the Kullback-Leibler divergence between songs (Mandel & Ellis 2005, ISMIR).

A song is the full-covariance Gaussian of its MFCCs; two songs are as far apart as the divergences
in both directions add up to. The kernel made of that is not positive definite. Its width, C and
what is done about negative eigenvalues (nothing, set to zero, or turned positive; Chen et al. 2009,
JMLR) are chosen on the validation songs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from artistid.models.classical.song_kernels import (
    CLIP,
    FLIP,
    NONE,
    DistanceSvm,
    SongSvm,
    symmetrised_kl,
)
from artistid.models.registry import register
from artistid.models.settings import Positive, Positives, schema

Spectra = Annotated[
    tuple[str, ...],
    schema(
        "A list of none, clip and flip, each once",
        type="array",
        minItems=1,
        uniqueItems=True,
        items=schema("none, clip or flip", enum=[NONE, CLIP, FLIP]),
    ),
]


@dataclass(frozen=True)
class Settings:
    """The Gaussians, and the grid that validation chooses from.

    Attributes:
        ridge: added to each variance, in units of the coefficient's variance over all training
            frames. A track of fewer than 21 frames, or one that is partly silent, has a singular
            covariance and no finite divergence from any other without it.
        gammas: of the kernel exp(-gamma * divergence), as multiples of 1 / median divergence
            between two training songs.
        costs: the SVM's C.
        spectra: some of ``none``, ``clip`` and ``flip``.
    """

    ridge: Positive = 1e-3
    gammas: Positives = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
    costs: Positives = (0.1, 1.0, 10.0, 100.0)
    spectra: Spectra = (NONE, CLIP, FLIP)


@register(Settings)
class SvmSongKl(SongSvm):
    """Nothing is drawn at random: the seed changes nothing."""

    def __init__(self, settings: Settings, n_classes: int, seed: int) -> None:
        self._ridge = settings.ridge
        super().__init__(DistanceSvm(settings.gammas, settings.costs, settings.spectra, n_classes))

    def _learn(
        self, means: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        self._centre = means.mean(axis=0)
        within = np.einsum("nii->i", covariances) / len(covariances)
        deviation = np.sqrt(within + means.var(axis=0))
        self._deviation = np.where(deviation > 0, deviation, 1.0)
        self._train = self._standardised(means, covariances)
        return symmetrised_kl(self._train, self._train)

    def _distances(
        self, means: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        return symmetrised_kl(self._standardised(means, covariances), self._train)

    def _standardised(
        self, means: NDArray[np.float64], covariances: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        # The divergence itself does not see the units: they give the ridge its meaning, and means
        # near zero keep the pairwise products from cancelling.
        scale = self._deviation[:, None] * self._deviation
        ridge = self._ridge * np.eye(len(self._deviation))
        return (means - self._centre) / self._deviation, covariances / scale + ridge

    def _own_state(self) -> dict[str, NDArray[Any]]:
        means, covariances = self._train
        own = {"centre": self._centre, "deviation": self._deviation}
        return own | {"train.means": means, "train.covariances": covariances}

    def _load_own_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._centre, self._deviation = arrays["centre"], arrays["deviation"]
        self._train = arrays["train.means"], arrays["train.covariances"]
