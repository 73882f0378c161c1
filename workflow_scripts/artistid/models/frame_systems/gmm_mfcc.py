"""A Gaussian mixture per artist on MFCC frames (Mandel & Ellis 2005, ISMIR).

The generative system that the authors compare their song-level SVMs with. Ours are the size of the
mixtures, full covariances and how many frames they are trained on; whole tracks are scored.
"""

from dataclasses import dataclass
from typing import Literal

from sklearn.mixture import GaussianMixture

from artistid.models.classical.gaussians import ArtistDensities
from artistid.models.costs import SystemCost
from artistid.models.registry import register
from artistid.models.settings import Count, FramesPerTrack, Positive

COST = SystemCost(columns={"n_components": 3})


@dataclass(frozen=True)
class Settings:
    """The mixtures.

    Attributes:
        n_components: Gaussians in an artist's mixture.
        covariance_type: ``full``, ``tied``, ``diag`` or ``spherical``, as scikit-learn names them.
        reg_covar: added to the variances, dB squared. Digital silence gives identical frames; with
            a tiny floor one component would shrink onto them, and the few silent frames of a track
            would decide its artist. The floor of 1 is small against the variances of music.
        max_iter: most steps of expectation maximisation.
        tolerance: training ends once a step gains less, nats per frame.
        frames_per_track: drawn at random from each training track; None takes all. A thousand of
            each track is tens of thousands per artist, for about 230 numbers per component.
    """

    n_components: Count = 20
    covariance_type: Literal["full", "tied", "diag", "spherical"] = "full"
    reg_covar: Positive = 1.0
    max_iter: Count = 100
    tolerance: Positive = 1e-3
    frames_per_track: FramesPerTrack = 1000


@register(Settings)
class GmmMfcc(ArtistDensities):
    """Trained by expectation maximisation, started from k-means."""

    def __init__(self, settings: Settings, n_classes: int, seed: int) -> None:
        mixture = GaussianMixture(
            settings.n_components,
            covariance_type=settings.covariance_type,
            tol=settings.tolerance,
            reg_covar=settings.reg_covar,
            max_iter=settings.max_iter,
            random_state=seed,
        )
        super().__init__(mixture, settings.frames_per_track, n_classes, seed)
