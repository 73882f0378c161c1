"""Reading recordings: anything that libsndfile decodes, as mono float32 blocks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from artistid.errors import InputError

BLOCK_SAMPLES = 1 << 18  # samples per channel decoded at once: 16 s at 16 kHz, 1 MB as float32
EXTENSIONS = frozenset(
    ".mp3 .mp2 .wav .wave .flac .ogg .oga .opus .aiff .aif .aifc .au .caf .w64 .rf64".split()
)


@dataclass(frozen=True)
class AudioFacts:
    """What decoding a recording from end to end showed.

    Attributes:
        n_samples: samples per channel that were decoded.
        sampling_rate: Hz, as stored.
        channels: number of channels.
    """

    n_samples: int
    sampling_rate: int
    channels: int

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.n_samples / self.sampling_rate


def decode_blocks(path: Path) -> Iterator[tuple[NDArray[np.float32], int]]:
    """Yield a recording's (samples, sampling rate) in blocks, samples of shape (n, channels).

    Raises:
        InputError: the file cannot be opened or decoded.
    """
    import soundfile

    try:
        with soundfile.SoundFile(os.fsencode(path)) as sound:  # a name need not be UTF-8
            while len(block := sound.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)):
                yield block, sound.samplerate
    except soundfile.LibsndfileError as error:
        raise InputError(f"{path}: cannot be decoded ({error.error_string})") from None


def decode_facts(path: Path) -> AudioFacts:
    """Decode a recording from end to end, keep nothing of it, and return what it is.

    Raises:
        InputError: the file cannot be decoded or holds no samples.
    """
    n_samples = sampling_rate = channels = 0
    for block, stored_rate in decode_blocks(path):
        n_samples += len(block)
        sampling_rate, channels = stored_rate, block.shape[1]
    if not n_samples:
        raise InputError(f"{path}: cannot be decoded (it holds no samples)")
    return AudioFacts(n_samples, sampling_rate, channels)


def mono_blocks(path: Path, sampling_rate: int) -> Iterator[NDArray[np.float32]]:
    """Yield a recording as mono blocks of shape (n,), resampled to `sampling_rate` Hz if needed.

    Channels are averaged. Resampling is soxr's high quality, which is also librosa's default.

    Raises:
        InputError: the file cannot be decoded.
    """
    resampler = None
    for block, stored_rate in decode_blocks(path):
        mono = block.mean(axis=1, dtype=np.float32)
        if stored_rate == sampling_rate:
            yield mono
            continue
        if resampler is None:
            import soxr

            resampler = soxr.ResampleStream(
                stored_rate, sampling_rate, 1, dtype="float32", quality="HQ"
            )
        yield resampler.resample_chunk(mono)
    if resampler is not None:
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)
