"""Reading m4a and AAC, which libsndfile cannot: FFmpeg's decoders, by PyAV if it is installed.

PyAV is optional (`pip install --editable '.[m4a]'`). FFmpeg drops the samples that an AAC encoder
puts before the music; those behind it are dropped here, by the length that the container states.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXTENSIONS = frozenset(".m4a .m4b .m4r .aac .adts".split())
HOW_TO_INSTALL = "run `pip install --editable '.[m4a]'` in the workflow's folder"
UNKNOWN_LENGTH = 1 << 62  # samples: a bare AAC stream states no length
_FULL_SCALE = {"u1": 1 << 7, "i2": 1 << 15, "i4": 1 << 31}  # ALAC decodes to integers


class DamagedError(Exception):
    """What comes next in a recording cannot be decoded."""


def available() -> bool:
    """Return whether PyAV is installed."""
    return find_spec("av") is not None


def is_m4a(path: Path) -> bool:
    """Return whether a file begins as an MPEG-4 container, or as a bare AAC stream (ADTS).

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(10)
        if head[:3] == b"ID3" and len(head) == 10:  # a tag of as many bytes, seven bits in each
            first, second, third, fourth = head[6:]
            stream.seek(first << 21 | second << 14 | third << 7 | fourth, os.SEEK_CUR)
            head = stream.read(10)
    # ADTS begins with 12 set bits; mp3 does, too, but has other bits for its layer.
    return head[4:8] == b"ftyp" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xF6 == 0xF0)


class Sound:
    """A recording that is being decoded, with the interface of `soundfile.SoundFile`.

    Attributes:
        samplerate: Hz.
        channels: number of channels.
        frames: samples per channel that the container states.
        format: what it is called.
    """

    format = "M4A"

    def __init__(self, container: Any, stream: Any) -> None:
        self._blocks = _decoded(container, stream)
        self._first = next(self._blocks, None)
        # High-efficiency AAC has twice the rate that its stream states, or stereo instead of mono.
        known = stream.codec_context if self._first is None else self._first
        self.samplerate, self.channels = int(known.rate), int(known.layout.nb_channels)
        self.frames = UNKNOWN_LENGTH
        if stream.duration is not None and "mp4" in container.format.name.split(","):
            self.frames = round(stream.duration * stream.time_base * self.samplerate)
        self._left = self.frames
        self._pending: list[NDArray[np.float32]] = []

    def read(self, frames: int, dtype: str = "float32", always_2d: bool = True) -> NDArray[Any]:
        """Return the next samples, at most `frames` of them, as float32 of shape (n, channels).

        Raises:
            DamagedError: they cannot be decoded.
        """
        wanted = min(frames, self._left)
        while sum(map(len, self._pending)) < wanted and (frame := self._next()) is not None:
            if (frame.rate, frame.layout.nb_channels) != (self.samplerate, self.channels):
                raise DamagedError
            self._pending.append(_samples(frame, self.channels))
        joined = np.concatenate([np.zeros((0, self.channels), np.float32), *self._pending])
        self._pending = [joined[wanted:]]
        self._left -= len(joined[:wanted])
        return joined[:wanted]

    def _next(self) -> Any:
        first, self._first = self._first, None
        return next(self._blocks, None) if first is None else first


@contextmanager
def opened(path: Path) -> Iterator[Sound]:
    """Open a recording for `Sound.read`.

    Raises:
        DamagedError: there is no audio in it that FFmpeg can read.
        OSError: the file cannot be read.
    """
    import av

    # By an open file: a name need not be UTF-8, and FFmpeg would take some for addresses.
    with path.open("rb") as file:
        try:
            container = av.open(file)
        except (av.error.FFmpegError, UnicodeDecodeError):
            raise DamagedError from None
        with container:
            streams = container.streams.audio
            if not streams or streams[0].codec_context is None:  # such as what is encrypted
                raise DamagedError
            yield Sound(container, streams[0])


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Yield a stream's decoded frames, up to where the file was cut off."""
    import av

    try:
        for packet in container.demux(stream):
            if packet.is_corrupt:  # the file ends within it
                return
            yield from packet.decode()
    except av.error.FFmpegError:
        raise DamagedError from None


def _samples(frame: Any, channels: int) -> NDArray[np.float32]:
    """Return a frame's samples as float32 of shape (n, channels), full scale 1.0."""
    values = frame.to_ndarray()
    values = values.T if frame.format.is_planar else values.reshape(-1, channels)
    kind = values.dtype.str[1:]
    if kind == "u1":
        values = values.astype(np.int16) - 128
    scale = np.float32(1 / _FULL_SCALE.get(kind, 1))
    return np.ascontiguousarray(values.astype(np.float32) * scale)
