"""One full-covariance Gaussian per artist on MFCC frames (Ellis 2007, ISMIR).

A slice or track goes to the artist under whose Gaussian its frames have the highest summed
log-likelihood. Nothing is sampled: a Gaussian costs one pass over the frames.
"""

from dataclasses import dataclass

from sklearn.mixture import GaussianMixture

from artistid.models.classical.gaussians import ArtistDensities
from artistid.models.registry import register
from artistid.models.settings import FramesPerTrack, Positive


@dataclass(frozen=True)
class Settings:
    """The Gaussians.

    Attributes:
        reg_covar: added to the variances, dB squared; a thousandth keeps an artist whose frames
            span fewer than 20 dimensions usable and is far below what music varies by.
        frames_per_track: drawn at random from each training track; None takes all.
    """

    reg_covar: Positive = 1e-3
    frames_per_track: FramesPerTrack = None


@register(Settings)
class GaussianMfcc(ArtistDensities):
    """A Gaussian is a mixture of one component."""

    def __init__(self, settings: Settings, n_classes: int, seed: int) -> None:
        # One component owns every frame from the start: k-means would be wasted on it.
        gaussian = GaussianMixture(
            1, reg_covar=settings.reg_covar, init_params="random", random_state=seed
        )
        super().__init__(gaussian, settings.frames_per_track, n_classes, seed)
