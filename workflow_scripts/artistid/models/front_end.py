"""Front ends: normalise log-mel spectrograms, so that a network sees less of the production.

The front end is a setting of a model. It is saved with the model, because predictions need it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

TRACK = "track"
_EPSILON = 1e-5


@dataclass(frozen=True)
class FrontEnd:
    """How spectrograms are normalised; by default they are not.

    Attributes:
        subtracts_mean: whether the mean of each mel band over time is subtracted, which removes
            the tone curve of a recording (cepstral mean subtraction: Atal 1974).
        window_frames: frames over which the mean is taken; None for the whole track.
        relaxed: weight of the whole slice in relaxed instance frequency-wise normalisation (lambda
            in Kim et al., arXiv:2206.12513); None for no such normalisation.
    """

    subtracts_mean: bool = False
    window_frames: int | None = None
    relaxed: float | None = None

    def n_windows(self, n_frames: int) -> int:
        """Return the number of windows of a track. The last one includes the remaining frames."""
        return max(1, n_frames // self.window_frames) if self.window_frames else 1

    def normalised(self, slices: "Tensor") -> "Tensor":
        """Return a network's input for standardised slices (batch, 1, n_mels, frames).

        Relaxed instance frequency-wise normalisation is the weighted mean of two normalisations:
        of each band over time, and of the slice as a whole, which keeps differences between bands.
        """
        if self.relaxed is None:
            return slices
        by_band, whole = _normalised(slices, (3,)), _normalised(slices, (1, 2, 3))
        return self.relaxed * whole + (1 - self.relaxed) * by_band


def _normalised(slices: "Tensor", over: tuple[int, ...]) -> "Tensor":
    centred = slices - slices.mean(dim=over, keepdim=True)
    return centred / ((centred**2).mean(dim=over, keepdim=True) + _EPSILON).sqrt()


def front_end_of(settings: Mapping[str, Any], frames_per_second: float) -> FrontEnd:
    """Return the front end of a model's settings.

    Args:
        settings: ``subtract_mean`` (``track``, a number of seconds, or None) and
            ``relaxed_normalisation`` (a share, or None).
        frames_per_second: of the spectrograms.
    """
    over: Any = settings.get("subtract_mean")
    in_windows = over is not None and over != TRACK
    return FrontEnd(
        subtracts_mean=over is not None,
        window_frames=max(1, round(float(over) * frames_per_second)) if in_windows else None,
        relaxed=settings.get("relaxed_normalisation"),
    )


def band_means(
    blocks: Iterable[NDArray[np.floating]], n_frames: int, front_end: FrontEnd
) -> NDArray[np.float32]:
    """Return the mean of each mel band in each window of a track, dB, shape (windows, n_mels).

    Args:
        blocks: the track's spectrogram in pieces of shape (some frames, n_mels).
        n_frames: of all of them.
        front_end: defines the windows.
    """
    n_windows = front_end.n_windows(n_frames)
    windows = window_of(np.arange(n_frames), n_windows, front_end)
    sums: Any = [0.0] * n_windows
    first = 0
    for block in blocks:
        of_block = windows[first : first + len(block)]
        for window in np.unique(of_block):
            sums[window] = sums[window] + block[of_block == window].sum(axis=0, dtype=np.float64)
        first += len(block)
    counts = np.bincount(windows, minlength=n_windows)
    return (np.stack(sums) / counts[:, None]).astype(np.float32)


def window_of(frames: Any, n_windows: Any, front_end: FrontEnd) -> Any:
    """Return the window that contains each frame of a track.

    A slice uses the means of the window in which it starts.

    Args:
        frames: counted from the track's start, an array or a tensor.
        n_windows: of the track, a number, or an array or a tensor like `frames`.
        front_end: defines the windows.
    """
    if front_end.window_frames is None:
        return frames * 0
    windows = frames // front_end.window_frames
    return windows - (windows - n_windows + 1) * (windows >= n_windows)
