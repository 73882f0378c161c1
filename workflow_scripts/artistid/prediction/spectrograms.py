"""The log-mel spectrogram of a file of any length, in bounded memory.

Its values are those of the workflow's cache: rounded to float16, and clipped below the maximum of
the whole recording, which is known only at its end. So the frames wait in a temporary file.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from artistid.corpus.audio import mono_blocks
from artistid.errors import InputError
from artistid.features.log_mel import LogMelParameters, log_mel_blocks

DTYPE = np.dtype(np.float16)  # the cache's
IN_MEMORY = 32 << 20  # bytes: an hour; only longer spectrograms go to the disk
BLOCK_FRAMES = 4096


class Spectrogram:
    """A log-mel spectrogram, dB re 1.0, read in pieces.

    Attributes:
        n_frames: its length.
        frame_seconds: from one frame to the next.
    """

    def __init__(
        self, file: IO[bytes], n_frames: int, n_mels: int, floor: np.float32, frame_seconds: float
    ) -> None:
        self._file = file
        self._n_mels = n_mels
        self._floor = DTYPE.type(floor)
        self.n_frames = n_frames
        self.frame_seconds = frame_seconds

    def frames(self, first: int, count: int) -> NDArray[np.float16]:
        """Return `count` frames from `first` on, as many as there are; shape (frames, n_mels)."""
        row = self._n_mels * DTYPE.itemsize
        self._file.seek(first * row)
        stored = np.frombuffer(self._file.read(count * row), DTYPE)
        return np.maximum(stored, self._floor).reshape(-1, self._n_mels)

    def blocks(self) -> Iterator[NDArray[np.float16]]:
        """Yield all frames, in pieces of shape (at most BLOCK_FRAMES, n_mels)."""
        for first in range(0, self.n_frames, BLOCK_FRAMES):
            yield self.frames(first, BLOCK_FRAMES)


@contextmanager
def spectrogram_of(
    path: Path, filters: NDArray[np.float32], parameters: LogMelParameters
) -> Iterator[Spectrogram]:
    """Decode a recording and yield its spectrogram, which is gone after the block.

    Raises:
        InputError: the file cannot be decoded, or there is no room for the frames.
    """
    with tempfile.SpooledTemporaryFile(IN_MEMORY, prefix="artistid-") as file:
        blocks = log_mel_blocks(mono_blocks(path, parameters.sampling_rate), filters, parameters)
        try:
            n_frames, maximum = _spool(blocks, file)
        except OSError as error:
            raise InputError(
                f"{path}: its spectrogram cannot be stored in {tempfile.gettempdir()} "
                f"({error.strerror}); make room there, or set TMPDIR to another folder"
            ) from None
        floor = maximum - np.float32(parameters.top_db)
        frame_seconds = parameters.hop_length / parameters.sampling_rate
        yield Spectrogram(file, n_frames, parameters.n_mels, floor, frame_seconds)


def _spool(blocks: Iterator[NDArray[np.float32]], file: IO[bytes]) -> tuple[int, np.float32]:
    """Write blocks of frames to a file; return how many frames they are, and the maximum."""
    n_frames, maximum = 0, np.float32(-np.inf)
    for block in blocks:
        file.write(block.astype(DTYPE).tobytes())
        n_frames += len(block)
        maximum = max(maximum, block.max())
    return n_frames, maximum
