"""How reliable the probabilities of songs are, and a temperature that improves them.

A song's scores are the mean of its slices' log-probabilities, and its probabilities are the softmax
of scores / temperature. Each training has one temperature, fitted on its validation songs. It does
not change any answer (Guo et al. 2017, arXiv:1706.04599, section 4.2).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from artistid.models.classical.calibration import cross_entropy, log_softmax
from artistid.scoring.pooling import pooled
from artistid.scoring.predictions import Predictions

# If every validation song is named correctly, the cross-entropy falls with the temperature, down to
# a temperature of 0. So its logarithm has a prior: normal, mean 0 (a temperature of 1), with this
# standard deviation. The prior is one term of the loss and each song another, so many songs
# overrule it. docs/unknown_artists.md compares deviations.
PRIOR_DEVIATION = 0.5
FURTHEST = 5.0  # bound of the search for the logarithm, in both directions
N_BINS = 10  # of the reliability diagram, equally wide


@dataclass(frozen=True)
class Songs:
    """The scores that a model gives to some songs.

    Attributes:
        scores: mean log-probabilities of each song's slices, shape (songs, classes).
        target: true class of each song, -1 if its artist has no class, shape (songs,).
        track_id: the songs' ids.
    """

    scores: NDArray[np.float64]
    target: NDArray[np.integer]
    track_id: list[str]

    def log_probability(self, temperature: float = 1.0) -> NDArray[np.float64]:
        """Return normalised log-probabilities, shape (songs, classes)."""
        return log_softmax(self.scores, temperature)

    def confidence(self, temperature: float = 1.0) -> NDArray[np.float64]:
        """Return the probability of each song's most probable artist, shape (songs,)."""
        confidence: NDArray[np.float64] = np.exp(self.log_probability(temperature).max(axis=1))
        return confidence

    def cross_entropy(self, temperature: float = 1.0) -> float:
        """Return the mean negative log-probability of the songs' artists, in nats."""
        return cross_entropy(self.scores, self.target, temperature)

    @property
    def is_right(self) -> NDArray[np.bool_]:
        """Whether the most probable artist is the true one, shape (songs,)."""
        is_right: NDArray[np.bool_] = self.scores.argmax(axis=1) == self.target
        return is_right


def songs_of(predictions: Predictions) -> Songs:
    """Return the songs of a subset's predictions."""
    n_slices = np.bincount(predictions.track, minlength=len(predictions.track_id))
    scores = pooled(predictions) / n_slices[:, None]
    return Songs(scores, predictions.track_target, predictions.track_id)


def fit_song_temperature(songs: Songs, deviation: float = PRIOR_DEVIATION) -> float:
    """Return the most probable temperature, given the validation songs and the prior.

    It minimises the sum of the songs' negative log-probabilities and of (log temperature)² /
    (2 deviation²), the negative logarithm of the prior up to a constant.

    Args:
        songs: validation songs, by artists of the training set.
        deviation: standard deviation of the prior.
    """

    def loss(log_temperature: float) -> float:
        mean = songs.cross_entropy(float(np.exp(log_temperature)))
        return len(songs.target) * mean + log_temperature**2 / (2 * deviation**2)

    # The cross-entropy is convex in 1/T, so it has a single minimum in log T.
    found = minimize_scalar(loss, bounds=(-FURTHEST, FURTHEST), method="bounded")
    return float(np.exp(found.x))


@dataclass(frozen=True)
class Reliability:
    """How often answers of similar probability are right; one value for each non-empty bin.

    Attributes:
        confidence: mean probability of the answers.
        accuracy: share of the answers that are right.
        songs: number of answers.
    """

    confidence: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    songs: NDArray[np.int64]

    @property
    def expected_error(self) -> float:
        """The expected calibration error (Guo et al. 2017, equation 3)."""
        gap = np.abs(self.accuracy - self.confidence)
        return float(np.average(gap, weights=self.songs))


def reliability(
    confidence: NDArray[np.floating], is_right: NDArray[np.bool_], n_bins: int = N_BINS
) -> Reliability:
    """Return how often answers are right, by their probability, in bins of equal width.

    Args:
        confidence: probability of each answer, shape (songs,).
        is_right: whether it is right, shape (songs,).
        n_bins: number of bins from 0 to 1; an edge belongs to the bin above it, 1 to the last.
    """
    bins = np.minimum((np.asarray(confidence) * n_bins).astype(np.int64), n_bins - 1)
    songs = np.bincount(bins, minlength=n_bins)
    has_songs = songs > 0
    sums = (np.bincount(bins, values, n_bins)[has_songs] for values in (confidence, is_right))
    mean_confidence, accuracy = (values / songs[has_songs] for values in sums)
    return Reliability(mean_confidence, accuracy, songs[has_songs])
