"""MFCC frames for the classical systems: made, sampled for training, scored and put into slices.

Twenty coefficients, the zeroth included: loudness counts, as in the spectrogram that the networks
see.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import scipy.fft
from numpy.typing import ArrayLike, NDArray

N_COEFFICIENTS = 20
CHUNK_FRAMES = 8192  # frames scored at once: 500 features of 8 bytes each are 33 MB


def mfcc(log_mel: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return a track's MFCCs, shape (frames, 20).

    The orthonormal DCT-II of each frame, its first 20 coefficients, as ``librosa.feature.mfcc``
    makes them from a log-mel spectrogram.

    Args:
        log_mel: dB, shape (frames, n_mels), any floating-point type.
    """
    # The transform is made in the type of its argument, and float16 would be too coarse for it.
    cepstrum = scipy.fft.dct(log_mel.astype(np.float32), type=2, axis=1, norm="ortho")
    return np.ascontiguousarray(cepstrum[:, :N_COEFFICIENTS])


def sample_frames(
    n_frames: int, at_most: int | None, generator: np.random.Generator
) -> NDArray[np.intp]:
    """Return the numbers of the frames to take from a track, ascending and without repetition.

    Args:
        n_frames: frames of the track.
        at_most: how many to draw; None, or no fewer than there are, takes them all.
        generator: draws them.
    """
    if at_most is None or at_most >= n_frames:
        return np.arange(n_frames)
    return np.sort(generator.choice(n_frames, at_most, replace=False))


def sampled_tracks(
    mfccs: Sequence[NDArray[np.floating]], at_most: int | None, seed: int
) -> Iterator[NDArray[np.floating]]:
    """Yield each track's frames for training, shape (at most `at_most`, 20).

    Every track has its own generator, so the length of one does not change what is drawn from
    another.

    Args:
        mfccs: tracks, each of shape (frames, 20).
        at_most: frames taken from a track; None takes all.
        seed: the same seed draws the same frames.
    """
    for position, track in enumerate(mfccs):
        yield track[sample_frames(len(track), at_most, np.random.default_rng([seed, position]))]


def scored_in_chunks(
    score: Callable[[NDArray[np.floating]], NDArray[np.floating]], frames: NDArray[np.floating]
) -> NDArray[np.float64]:
    """Return the scores of all frames, shape (frames, ...), scoring a bounded number at a time.

    Args:
        score: maps (some frames, 20) to (some frames, ...).
        frames: shape (frames, 20), at least one.
    """
    firsts = range(0, len(frames), CHUNK_FRAMES)
    chunks = [score(frames[first : first + CHUNK_FRAMES]) for first in firsts]
    return np.concatenate(chunks).astype(np.float64, copy=False)


def in_slices(
    frame_scores: NDArray[np.float64], starts: ArrayLike, slice_frames: int
) -> NDArray[np.float64]:
    """Return the frames' scores slice by slice, shape (slices, slice_frames, classes).

    Args:
        frame_scores: shape (frames, classes).
        starts: first frame of each slice.
        slice_frames: frames in a slice.

    Raises:
        IndexError: a slice extends beyond the last frame.
    """
    return frame_scores[np.asarray(starts, np.intp)[:, None] + np.arange(slice_frames)]
