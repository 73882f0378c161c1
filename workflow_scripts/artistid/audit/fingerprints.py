"""Fingerprints of recordings: a frame of the log-mel spectrogram becomes 32 bits.

Haitsma & Kalker, "A highly robust audio fingerprinting system", ISMIR 2002: the bits are the signs
of how the level difference of neighbouring bands changes with time. A level that changes, or
changes slowly (a fade), takes no part. Other than in the paper, a bit counts only if the change
is clear, so that silence and an encoder's rounding are not evidence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistid.features.log_mel import LogMelParameters, band_centres
from artistid.features.mel_cache import read_parameters, read_tracks

N_BITS = 32  # of a frame, as in the paper
LOWEST, HIGHEST = 200.0, 3500.0  # Hz: what every encoder and sampling rate keeps
SMOOTHING = 0.256  # seconds: much longer than a lag of half a frame, 16 ms
STEP = 0.128  # seconds between the two levels that are compared
CLEAR_DB = 0.5  # a smaller change is not evidence
BLOCK = 1.024  # seconds of the stretches of which the worst quarter decides
MIN_CLEAR = 0.25  # share of clear bits below which a stretch is not evidence

Counts = tuple[NDArray[np.int64], NDArray[np.int64]]


class Fingerprinter:
    """Makes the fingerprints of log-mel spectrograms of some parameters."""

    def __init__(self, parameters: LogMelParameters) -> None:
        self.frames_per_second = parameters.sampling_rate / parameters.hop_length
        self.smoothing = self.frames(SMOOTHING)
        self.step = self.frames(STEP)
        self.block = self.frames(BLOCK)
        hz = band_centres(parameters)
        bands = np.flatnonzero((hz >= LOWEST) & (hz <= HIGHEST))
        self.bands = slice(bands[0], bands[-1] + 1)
        weights = np.zeros((len(bands), N_BITS + 1), np.float32)
        for column, rows in enumerate(np.array_split(np.arange(len(bands)), N_BITS + 1)):
            weights[rows, column] = 1 / len(rows)
        # From bit to bit all over the spectrum: the highest bits alone are a word too.
        order = [int(f"{bit:05b}"[::-1], 2) for bit in range(N_BITS)]
        self.differences = np.ascontiguousarray(np.diff(weights, axis=1)[:, order])

    def frames(self, seconds: float) -> int:
        """Return the nearest number of frames, at least one."""
        return max(1, round(seconds * self.frames_per_second))

    def __call__(
        self, log_mel: NDArray[np.floating]
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """Return the bits of a recording, and which of them are clear, each of shape (frames,).

        There are a few frames less than in the spectrogram, and none if it is too short.

        Args:
            log_mel: shape (frames, n_mels), dB.
        """
        length = len(log_mel) - self.smoothing - self.step + 1
        if length <= 0:
            return np.zeros(0, np.uint32), np.zeros(0, np.uint32)
        slopes = log_mel[:, self.bands].astype(np.float32) @ self.differences
        # float64: the sum over a long recording is large against a frame's share of it.
        total = np.zeros((len(slopes) + 1, N_BITS))
        np.cumsum(slopes, axis=0, out=total[1:])
        smooth = (total[self.smoothing :] - total[: -self.smoothing]) / self.smoothing
        changes = smooth[self.step :] - smooth[: -self.step]
        return _packed(changes > 0), _packed(np.abs(changes) > CLEAR_DB)


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint32]:
    return np.packbits(bits, axis=1, bitorder="little").view("<u4")[:, 0]


@dataclass(frozen=True)
class Fingerprints:
    """The fingerprints of recordings, one after the other.

    Attributes:
        bits: shape (frames,).
        clear: which of the bits are clear, shape (frames,).
        ends: frame after the last of each recording, shape (recordings,).
        maker: what made them.
    """

    bits: NDArray[np.uint32]
    clear: NDArray[np.uint32]
    ends: NDArray[np.int64]
    maker: Fingerprinter

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Frames of each recording."""
        return np.diff(self.ends, prepend=0)

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """First frame of each recording."""
        return self.ends - self.lengths

    def seconds_of_sound(self) -> NDArray[np.float64]:
        """Return how many seconds of each recording are evidence, shape (recordings,)."""
        frames = [
            evidence_of(count_bits(self.clear[start:end], self.maker.block))[1].sum()
            for start, end in zip(self.starts, self.ends, strict=True)
        ]
        return np.array(frames) / self.maker.frames_per_second


def fingerprints_of(
    log_mels: Iterable[NDArray[np.floating]], parameters: LogMelParameters
) -> Fingerprints:
    """Return the fingerprints of log-mel spectrograms (frames, n_mels), read one by one."""
    maker = Fingerprinter(parameters)
    made = [maker(log_mel) for log_mel in log_mels]
    empty = [np.zeros(0, np.uint32)]
    return Fingerprints(
        np.concatenate(empty + [bits for bits, _ in made]),
        np.concatenate(empty + [clear for _, clear in made]),
        np.cumsum([len(bits) for bits, _ in made], dtype=np.int64),
        maker,
    )


def read_fingerprints(tracks: Iterable[Mapping[str, str]], cache_folder: Path) -> Fingerprints:
    """Return the fingerprints of tracks, in their order, from the albums' caches.

    An album is held at a time; of the whole corpus only the fingerprints, 8 bytes per frame.

    Args:
        tracks: rows with `track_id` and `album_id`; tracks of an album are adjacent.
        cache_folder: where the albums' caches are, ``<album_id>.h5``.

    Raises:
        InputError: a cache is missing or damaged.
    """
    by_album: dict[str, list[str]] = {}
    for track in tracks:
        by_album.setdefault(track["album_id"], []).append(track["track_id"])
    paths = {cache_folder / f"{album_id}.h5": ids for album_id, ids in by_album.items()}
    parameters = LogMelParameters(**read_parameters(next(iter(paths))))
    log_mels = (mel for path, ids in paths.items() for mel in read_tracks(path, ids).values())
    return fingerprints_of(log_mels, parameters)


def count_bits(words: NDArray[np.uint32], block: int) -> Counts:
    """Return the set bits and the frames of each stretch; the last takes what is left over."""
    if not len(words):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    starts = np.arange(max(1, len(words) // block)) * block
    frames = np.full(len(starts), block)
    frames[-1] = len(words) - starts[-1]
    return np.add.reduceat(np.bitwise_count(words), starts, dtype=np.int64), frames


def is_evidence(counts: Counts) -> NDArray[np.bool_]:
    """Return which stretches have enough clear bits to say something."""
    return counts[0] >= MIN_CLEAR * N_BITS * counts[1]


def evidence_of(counts: Counts) -> Counts:
    """Return clear bits and frames of the stretches that are evidence."""
    kept = is_evidence(counts)
    return counts[0][kept], counts[1][kept]
