"""Reading recordings: anything that libsndfile decodes, as mono float32 blocks."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from artistid.errors import InputError

if TYPE_CHECKING:
    import soundfile

BLOCK_SAMPLES = 1 << 18  # decoded at once, over all channels: 16 s of mono at 16 kHz, 1 MB
RATES = range(1000, 1_000_001)  # Hz; a header that says otherwise is damaged
# A float file may hold any number. Scaled to 16-bit integers, sound reaches 90 dB above full scale;
# far above that its power is infinite in float32.
LOUDEST = 1e10
_UNKNOWN = 1 << 53  # samples; libsndfile gives a number beyond it where it cannot tell
EXTENSIONS = frozenset(
    ".mp3 .mp2 .wav .wave .flac .ogg .oga .opus .aiff .aif .aifc .au .caf .w64 .rf64".split()
)


@dataclass(frozen=True)
class AudioFacts:
    """What decoding a recording from end to end showed.

    Attributes:
        n_samples: samples per channel that were decoded.
        announced: samples per channel that the file's header leads to expect.
        sampling_rate: Hz, as stored.
        channels: number of channels.
        peak: largest magnitude of a sample; 1.0 is full scale.
    """

    n_samples: int
    announced: int
    sampling_rate: int
    channels: int
    peak: float

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.n_samples / self.sampling_rate

    @property
    def seconds_missing(self) -> float:
        """Seconds that the header leads to expect and that are not there."""
        return max(0, self.announced - self.n_samples) / self.sampling_rate


@contextmanager
def _opened(path: Path) -> Iterator["soundfile.SoundFile"]:
    import soundfile

    try:
        sound = soundfile.SoundFile(os.fsencode(path))  # a name need not be UTF-8
    except (soundfile.SoundFileError, OSError, RuntimeError):
        raise InputError(
            f"{path}: cannot be decoded (it is no audio that libsndfile can read)"
        ) from None
    with sound:
        if sound.samplerate not in RATES:
            raise InputError(
                f"{path}: cannot be decoded (its header says {sound.samplerate} samples a second)"
            )
        yield sound


def _blocks(path: Path, sound: "soundfile.SoundFile") -> Iterator[NDArray[np.float32]]:
    """Yield blocks of shape (n, channels), and say where a recording is bad."""
    import soundfile

    at_once = max(1, BLOCK_SAMPLES // sound.channels)
    n_samples = 0
    while True:
        try:
            block = sound.read(at_once, dtype="float32", always_2d=True)
        except soundfile.SoundFileError:
            first, last = n_samples / sound.samplerate, (n_samples + at_once) / sound.samplerate
            raise InputError(
                f"{path}: cannot be decoded (it is damaged between {first:.0f} and {last:.0f} s "
                "after its start)"
            ) from None
        if not len(block):
            return
        # Both comparisons are false for NaN.
        if not (block.max() <= LOUDEST and block.min() >= -LOUDEST):
            bad = ~(np.abs(block) <= LOUDEST)
            seconds = (n_samples + int(bad.any(axis=1).argmax())) / sound.samplerate
            raise InputError(
                f"{path}: cannot be used (it holds a sample of {block[bad][0]:g}, "
                f"{seconds:.3f} s after its start)"
            )
        n_samples += len(block)
        yield block


def decode_facts(path: Path) -> AudioFacts:
    """Decode a recording from end to end, keep nothing of it, and return what it is.

    Raises:
        InputError: the file cannot be decoded, holds no samples, or samples that are no sound
            (NaN, infinite or beyond all measure).
    """
    n_samples, peak = 0, 0.0
    with _opened(path) as sound:
        for block in _blocks(path, sound):
            n_samples += len(block)
            peak = max(peak, float(block.max()), -float(block.min()))
        if not n_samples:
            raise InputError(f"{path}: cannot be decoded (it holds no samples)")
        announced = n_samples if sound.frames > _UNKNOWN else sound.frames
        return AudioFacts(n_samples, announced, sound.samplerate, sound.channels, peak)


def mono_blocks(path: Path, sampling_rate: int) -> Iterator[NDArray[np.float32]]:
    """Yield a recording as mono blocks of shape (n,), resampled to `sampling_rate` Hz if needed.

    Channels are averaged. Resampling is soxr's high quality, which is also librosa's default.

    Raises:
        InputError: the file cannot be decoded, or holds samples that are no sound.
    """
    with _opened(path) as sound:
        mono = (block.mean(axis=1, dtype=np.float32) for block in _blocks(path, sound))
        if sound.samplerate == sampling_rate:
            yield from mono
            return
        import soxr

        resampler = soxr.ResampleStream(
            sound.samplerate, sampling_rate, 1, dtype="float32", quality="HQ"
        )
        for block in mono:
            yield resampler.resample_chunk(block)
        yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)
