"""Reading recordings as mono float32 blocks: what libsndfile decodes, and m4a where PyAV is."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Union

import numpy as np
from numpy.typing import NDArray

from artistid.corpus import m4a
from artistid.errors import InputError

if TYPE_CHECKING:
    import soundfile

BLOCK_SAMPLES = 1 << 18  # decoded at once, over all channels: 16 s of mono at 16 kHz, 1 MB
RATES = range(1000, 1_000_001)  # Hz; a header with another rate is damaged
# A float file may hold any number. Scaled to 16-bit integers, sound reaches 90 dB above full scale;
# far above that its power is infinite in float32.
LOUDEST = 1e10
_UNKNOWN = 1 << 53  # samples; libsndfile gives a larger number if it cannot tell
# Extensions of libsndfile's formats. What is planned without decoding need not import soundfile;
# a test compares the two. Its matrices (.mat) hold anything, and headerless files tell no rate.
FORMATS = {
    "AIFF": ".aiff .aif .aifc",
    "AU": ".au .snd",
    "AVR": ".avr",
    "CAF": ".caf",
    "FLAC": ".flac .fla",
    "HTK": ".htk",
    "IRCAM": ".ircam .sf",
    "MAT4": "",
    "MAT5": "",
    "MP3": ".mp3 .mp2 .mp1 .mpa .mpga",
    "MPC2K": ".snd",
    "NIST": ".nist .sph",
    "OGG": ".ogg .oga .opus",
    "PAF": ".paf",
    "PVF": ".pvf",
    "RAW": "",
    "RF64": ".rf64",
    "SD2": ".sd2",
    "SDS": ".sds",
    "SVX": ".svx .8svx .16sv .iff",
    "VOC": ".voc",
    "W64": ".w64",
    "WAV": ".wav .wave .bwf",
    "WAVEX": ".wav",
    "WVE": ".wve",
    "XI": ".xi",
}
DECODABLE = frozenset(" ".join(FORMATS.values()).split())
# Audio too: listed here so that it is named and not lost. What holds video as a rule (.mp4,
# .webm) does not count as audio.
UNSUPPORTED = frozenset(
    ".3ga .aa .aa3 .aax .ac3 .alac .amr .ape .at3 .awb .dff .dsf .dts .eac3 .gsm .m4p "
    ".mka .mlp .mp+ .mpc .mpp .ofr .ofs .oma .pcm .ra .raw .shn .spx .tak .thd .tta "
    ".vox .weba .wma .wv".split()
)
EXTENSIONS = DECODABLE | m4a.EXTENSIONS | UNSUPPORTED


Sound = Union["soundfile.SoundFile", m4a.Sound]


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
        """Seconds that the header announces and that are missing."""
        return max(0, self.announced - self.n_samples) / self.sampling_rate


def extension(name: str) -> str:
    """Return the ending of a file's name, in lower case and with its dot; empty without one."""
    _, dot, ending = name.rpartition(".")
    return f".{ending.lower()}" if dot else ""


def _why_not(path: Path, is_m4a: bool) -> str:
    """Return why a recording cannot be opened."""
    kind = extension(path.name)
    if is_m4a or kind in m4a.EXTENSIONS:
        if m4a.available():
            return "it holds no AAC or ALAC that FFmpeg can read"
        return f"{kind} needs PyAV: {m4a.HOW_TO_INSTALL}, or convert it to flac, wav or ogg"
    if kind in UNSUPPORTED:
        return f"{kind} is not supported by libsndfile: convert it to flac, wav or ogg"
    return "libsndfile cannot read it as audio"


@contextmanager
def _opened(path: Path) -> Iterator[Sound]:
    """Open a recording; its content says how."""
    import soundfile

    is_m4a = False
    with ExitStack() as stack:
        try:
            if is_m4a := m4a.is_m4a(path):
                if not m4a.available():
                    raise m4a.DamagedError
                sound: Sound = stack.enter_context(m4a.opened(path))
            else:  # a name need not be UTF-8
                sound = stack.enter_context(soundfile.SoundFile(os.fsencode(path)))
        # TypeError: soundfile requires a rate for files named .raw.
        except (soundfile.SoundFileError, m4a.DamagedError, OSError, RuntimeError, TypeError):
            sound = None
        # RAW: without a header, guessed from a name such as .au.
        if sound is None or sound.format == "RAW":
            raise InputError(f"{path}: cannot be decoded ({_why_not(path, is_m4a)})") from None
        if sound.samplerate not in RATES:
            raise InputError(
                f"{path}: cannot be decoded (its header says {sound.samplerate} samples a second)"
            )
        yield sound


def _blocks(path: Path, sound: Sound) -> Iterator[NDArray[np.float32]]:
    """Yield blocks of shape (n, channels), and say where a recording is bad."""
    import soundfile

    at_once = max(1, BLOCK_SAMPLES // sound.channels)
    n_samples = 0
    while True:
        try:
            block = sound.read(at_once, dtype="float32", always_2d=True)
        except (soundfile.SoundFileError, m4a.DamagedError):
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
    """Decode a recording from end to end without keeping it, and return its facts.

    Raises:
        InputError: the file cannot be decoded, holds no samples, or samples that are not finite
            sound
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


def stated_seconds(path: Path) -> float | None:
    """Return how long a recording is, by its header; None if the header does not say.

    Raises:
        InputError: the file cannot be opened as audio.
    """
    with _opened(path) as sound:
        return None if sound.frames > _UNKNOWN else sound.frames / sound.samplerate


def _mono(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean over the channels of a block of shape (n, channels)."""
    return block[:, 0] if block.shape[1] == 1 else block.mean(axis=1, dtype=np.float32)


def mono_blocks(path: Path, sampling_rate: int) -> Iterator[NDArray[np.float32]]:
    """Yield a recording as mono blocks of shape (n,), resampled to `sampling_rate` Hz if needed.

    Channels are averaged. Resampling is soxr's high quality, which is also librosa's default.

    Raises:
        InputError: the file cannot be decoded, or holds samples that are no sound.
    """
    with _opened(path) as sound:
        mono = (_mono(block) for block in _blocks(path, sound))
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
