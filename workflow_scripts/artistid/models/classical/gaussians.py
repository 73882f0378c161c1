"""One density per artist over MFCC frames: what the two generative systems share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone
from sklearn.mixture import GaussianMixture

from artistid.errors import ArtistError
from artistid.features.mfcc import in_slices, sampled_tracks, scored_in_chunks

# What a mixture needs to score a frame.
_LEARNT = ("weights_", "means_", "precisions_cholesky_")


class ArtistDensities:
    """A Gaussian mixture for each artist, learned from that artist's frames alone."""

    def __init__(
        self, mixture: GaussianMixture, frames_per_track: int | None, n_classes: int, seed: int
    ) -> None:
        self._densities = [clone(mixture) for _ in range(n_classes)]
        self._frames_per_track = frames_per_track
        self._seed = seed

    def fit(self, mfccs: Sequence[NDArray[np.floating]], targets: NDArray[np.integer]) -> None:
        """Learn from tracks of shape (frames, 20) and their classes, shape (tracks,).

        Raises:
            ArtistError: an artist has fewer frames than a mixture has components, or than two.
        """
        # Sampled before they are sorted by artist, so that a track's position is the caller's.
        sampled = list(sampled_tracks(mfccs, self._frames_per_track, self._seed))
        for label, density in enumerate(self._densities):
            own = [track for track, target in zip(sampled, targets, strict=True) if target == label]
            frames = np.concatenate(own).astype(np.float64)
            needed = max(2, density.n_components)
            if len(frames) < needed:
                raise ArtistError(
                    label,
                    f"{len(frames)} frames are drawn for training, and {needed} are needed; raise "
                    "frames_per_track, lower n_components, or leave the model out",
                )
            density.fit(frames)

    def slice_scores(
        self, mfcc: NDArray[np.floating], starts: ArrayLike, slice_frames: int
    ) -> NDArray[np.float64]:
        """Return each slice's log-likelihood under each artist, (slices, classes), in nats.

        Frames count as independent: a slice's log-likelihood is the sum of its frames'.

        Args:
            mfcc: one track, shape (frames, 20).
            starts: first frame of each slice.
            slice_frames: frames in a slice.
        """
        frame_scores = scored_in_chunks(self._log_likelihoods, mfcc)
        return in_slices(frame_scores, starts, slice_frames).sum(axis=1)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return weights, means and Cholesky factors of the precisions by artist.

        Each has the artists as its first axis; the others are scikit-learn's.
        """
        return {name: np.stack([getattr(d, name) for d in self._densities]) for name in _LEARNT}

    def load_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError: an array is missing.
            ValueError: the arrays are of another number of artists.
        """
        for name in _LEARNT:
            for density, own in zip(self._densities, arrays[name], strict=True):
                setattr(density, name, own)

    def _log_likelihoods(self, frames: NDArray[np.floating]) -> NDArray[np.float64]:
        frames = frames.astype(np.float64)
        return np.stack([density.score_samples(frames) for density in self._densities], axis=1)
