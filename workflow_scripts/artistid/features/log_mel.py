"""Log-mel spectrograms, equal to librosa's, computed block by block.

The paper's section 3: STFT, HTK mel scale, decibels. Neither a recording nor its
spectrogram is ever in memory as a whole, so a three-hour track costs as little as a short one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from artistid.features.fft import rfft

AMIN = 1e-10  # the smallest power that the logarithm sees, as in librosa.power_to_db
BLOCK_FRAMES = 128  # STFT columns that are weighted at once
FFTS_AT_ONCE = 32  # of these columns; they stay in the processor's cache until they are power
BANDS_AT_ONCE = 8  # neighbours that are weighted together, over the bins that one of them has


@dataclass(frozen=True)
class LogMelParameters:
    """What defines a log-mel spectrogram (the paper, section 3, table of parameters).

    Attributes:
        sampling_rate: Hz, after resampling.
        n_fft: samples in an STFT window (Hann, centred).
        hop_length: samples from one frame to the next.
        n_mels: mel bands from 0 Hz to the Nyquist frequency, on the HTK scale.
        top_db: dB below the track's maximum at which the spectrogram is clipped.
    """

    sampling_rate: int = 16000
    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    top_db: float = 80.0

    def as_dict(self) -> dict[str, float]:
        """Return the parameters as plain types."""
        return asdict(self)


def mel_filters(parameters: LogMelParameters) -> NDArray[np.float32]:
    """Return librosa's triangular mel filters, shape (n_mels, 1 + n_fft // 2).

    HTK scale, m = 2595 log10(1 + f / 700) (the paper, section 3), each filter normalised to unit
    area as librosa does by default.
    """
    from librosa.filters import mel  # a second to import: only the job that makes the filters pays

    return mel(
        sr=parameters.sampling_rate,
        n_fft=parameters.n_fft,
        n_mels=parameters.n_mels,
        fmin=0.0,
        fmax=parameters.sampling_rate / 2,
        htk=True,
        dtype=np.float32,
    )


def band_centres(parameters: LogMelParameters) -> NDArray[np.float64]:
    """Return the centre of each mel band in Hz, shape (n_mels,).

    Evenly spaced on the HTK scale, m = 2595 log10(1 + f / 700) (the paper, section 3).
    """
    highest = 2595 * np.log10(1 + parameters.sampling_rate / 2 / 700)
    mels = np.linspace(0, highest, parameters.n_mels + 2)[1:-1]
    return 700 * (10 ** (mels / 2595) - 1)


def n_frames(n_samples: int, hop_length: int) -> int:
    """Return the number of STFT columns of a centred transform of `n_samples` samples."""
    return 1 + n_samples // hop_length


def log_mel_blocks(
    blocks: Iterable[NDArray[np.float32]],
    filters: NDArray[np.float32],
    parameters: LogMelParameters,
) -> Iterator[NDArray[np.float32]]:
    """Yield the log-mel spectrogram of a recording in dB re 1.0, a few frames at a time.

    Not clipped at `top_db`: that takes the maximum of the whole recording.

    Args:
        blocks: the recording's samples, mono, at the parameters' sampling rate, in pieces of any
            length.
        filters: what `mel_filters` returns, shape (n_mels, 1 + n_fft // 2).
        parameters: what to compute.

    Yields:
        Arrays of shape (at most BLOCK_FRAMES, n_mels), time-major.
    """
    groups = _band_groups(filters)
    for power in _power_spectra(blocks, parameters.n_fft, parameters.hop_length):
        mel = np.empty((len(power), len(filters)), np.float32)
        for bands, bins, weights in groups:
            np.matmul(power[:, bins], weights, out=mel[:, bands])
        yield 10 * np.log10(np.maximum(mel, np.float32(AMIN)))


def log_mel(
    blocks: Iterable[NDArray[np.float32]],
    filters: NDArray[np.float32],
    parameters: LogMelParameters,
) -> NDArray[np.float32]:
    """Return the whole log-mel spectrogram of a recording, in dB re 1.0.

    Equal to ``librosa.power_to_db(librosa.feature.melspectrogram(htk=True, ...), ref=1.0)``,
    transposed.

    Args:
        blocks: as in `log_mel_blocks`.
        filters: as in `log_mel_blocks`.
        parameters: what to compute.

    Returns:
        Array of shape (frames, n_mels), time-major, clipped at `top_db` below its own maximum.
    """
    decibels = np.concatenate(list(log_mel_blocks(blocks, filters, parameters)))
    return np.maximum(decibels, decibels.max() - np.float32(parameters.top_db))


def _band_groups(
    filters: NDArray[np.float32],
) -> list[tuple[slice, slice, NDArray[np.float32]]]:
    """Return groups of neighbouring bands: the bands, the bins that they touch, and the weights.

    A band touches few of the bins; a product with the whole matrix would take as long as the FFT.
    Weights have shape (bins, bands) of the group.
    """
    groups = []
    for first in range(0, len(filters), BANDS_AT_ONCE):
        bands = slice(first, first + BANDS_AT_ONCE)
        touched = np.flatnonzero(filters[bands].any(axis=0))
        # A band between two bins touches none: its group may be empty, and its power is then 0.
        bins = slice(touched[0], touched[-1] + 1) if len(touched) else slice(0, 0)
        groups.append((bands, bins, np.ascontiguousarray(filters[bands, bins].T)))
    return groups


def _power_spectra(
    blocks: Iterable[NDArray[np.float32]], n_fft: int, hop_length: int
) -> Iterator[NDArray[np.float32]]:
    """Yield the power of a centred STFT, shape (at most BLOCK_FRAMES, 1 + n_fft // 2).

    The next array takes the memory of the last: new memory would be cleared by the system first.
    """
    n = np.arange(n_fft)
    hann = (0.5 - 0.5 * np.cos(2 * np.pi * n / n_fft)).astype(np.float32)
    windowed = np.empty((FFTS_AT_ONCE, n_fft), np.float32)
    spectra = np.empty((FFTS_AT_ONCE, 1 + n_fft // 2), np.complex64)
    all_power = np.empty((BLOCK_FRAMES, 1 + n_fft // 2), np.float32)
    for windows in _windows(blocks, n_fft, hop_length):
        power = all_power[: len(windows)]
        for first in range(0, len(windows), FFTS_AT_ONCE):
            few = windows[first : first + FFTS_AT_ONCE]
            spectrum = spectra[: len(few)]
            rfft(np.multiply(few, hann, out=windowed[: len(few)]), out=spectrum)
            np.add(spectrum.real**2, spectrum.imag**2, out=power[first : first + len(few)])
        yield power


def _windows(
    blocks: Iterable[NDArray[np.float32]], n_fft: int, hop_length: int
) -> Iterator[NDArray[np.float32]]:
    """Yield a centred STFT's windows, shape (at most BLOCK_FRAMES, n_fft), zeros at both ends."""
    # librosa's centred transform has 1 + samples // hop_length columns: with n_fft // 2 zeros at
    # either end exactly that many whole windows fit (n_fft is even, as the schema asks).
    padding = np.zeros(n_fft // 2, np.float32)
    pending = padding
    for block in _followed_by(blocks, padding):
        pending = np.concatenate([pending, block])
        while (usable := (len(pending) - n_fft) // hop_length + 1) > 0:
            count = min(usable, BLOCK_FRAMES)
            span = pending[: (count - 1) * hop_length + n_fft]
            yield np.lib.stride_tricks.sliding_window_view(span, n_fft)[::hop_length]
            pending = pending[count * hop_length :]


def _followed_by(
    blocks: Iterable[NDArray[np.float32]], last: NDArray[np.float32]
) -> Iterator[NDArray[np.float32]]:
    yield from blocks
    yield last
