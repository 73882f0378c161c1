"""The cache of log-mel spectrograms: one HDF5 file per album, one dataset per track.

Each dataset is float16 of shape (frames, n_mels), time-major, in dB re 1.0, behind a Fletcher-32
checksum: a flipped bit is an error when it is read, never a number.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from artistid.errors import InputError
from artistid.storage.files import read_rows, write_rows
from artistid.storage.hdf5 import new_hdf5

FORMAT = "artistid log-mel 1"
DTYPE = np.float16  # at most 1/32 dB away from the float32 value between -128 and 128 dB
CHUNK_FRAMES = 1024
CHUNKS_IN_MEMORY = 32  # 17 minutes in 17 MB
INDEX_COLUMNS = ("album_id", "n_tracks")
LIBRARIES = (
    "h5py",
    "numpy",
    "scipy",
    "soundfile",
    "soxr",
)  # named in a file that they had a part in


def write_album(
    path: Path,
    tracks: Iterable[tuple[Mapping[str, str], Iterable[NDArray[np.float32]]]],
    parameters: Mapping[str, Any],
) -> None:
    """Write an album's log-mel spectrograms, each clipped at `top_db` below its own maximum.

    Args:
        path: the HDF5 file.
        tracks: pairs of a row of the album's listing and blocks of its spectrogram, one after the
            other, each of shape (some frames, n_mels), dB; none is held longer than it takes to
            write it.
        parameters: the log-mel parameters, kept as an attribute.
    """
    with new_hdf5(path) as file:
        file.attrs["format"] = FORMAT
        file.attrs["units"] = "dB re 1.0"
        file.attrs["axes"] = "frame, mel band"
        file.attrs["parameters"] = json.dumps(dict(parameters), sort_keys=True)
        for track, blocks in tracks:
            dataset = _write_clipped(file, track["track_id"], blocks, parameters["top_db"])
            dataset.attrs["source_sha256"] = track["sha256"]
            dataset.attrs["source_sampling_rate"] = int(track["sampling_rate"])
            dataset.attrs["source_duration"] = float(track["duration"])
        file.attrs["versions"] = json.dumps(_loaded_versions())


def _loaded_versions() -> dict[str, str]:
    """Return the versions of the libraries that this process has loaded.

    Asked of the modules: `importlib.metadata` takes longer to import than most of them.
    """
    loaded = {name: sys.modules[name] for name in LIBRARIES if name in sys.modules}
    return {name: module.__version__ for name, module in loaded.items()}


def _write_clipped(
    file: h5py.File, name: str, blocks: Iterable[NDArray[np.float32]], top_db: float
) -> h5py.Dataset:
    """Write a spectrogram, clipped at `top_db` below its maximum, in bounded memory.

    The first 17 minutes are clipped before they are written. The rest of a longer recording is
    written 17 minutes at a time. If it raises the maximum, what was written is clipped again at the
    end. The result is the same as clipping first, because rounding to float16 preserves order.
    """
    at_once = CHUNKS_IN_MEMORY * CHUNK_FRAMES
    pieces = _joined(blocks, at_once)
    first_frames = next(pieces)  # even of no sound there is one frame
    maximum = first_frames.max()
    np.maximum(first_frames, maximum - np.float32(top_db), out=first_frames)
    dataset = file.create_dataset(
        name,
        data=first_frames.astype(DTYPE),
        maxshape=(None, first_frames.shape[1]),
        chunks=(min(CHUNK_FRAMES, len(first_frames)), first_frames.shape[1]),
        fletcher32=True,
    )
    minima = [first_frames.min()]
    for piece in pieces:
        maximum = max(maximum, piece.max())
        minima.append(piece.min())
        dataset.resize(len(dataset) + len(piece), axis=0)
        dataset[-len(piece) :] = piece.astype(DTYPE)
    floor = DTYPE(maximum - np.float32(top_db))
    for number, minimum in enumerate(minima):
        if DTYPE(minimum) < floor:
            written = slice(number * at_once, (number + 1) * at_once)
            dataset[written] = np.maximum(dataset[written], floor)
    return dataset


def _joined(blocks: Iterable[NDArray[np.float32]], n_frames: int) -> Iterator[NDArray[np.float32]]:
    """Yield the blocks' frames, `n_frames` at a time; the last may be fewer."""
    pending: list[NDArray[np.float32]] = []
    n_pending = 0
    for block in blocks:
        pending.append(block)
        n_pending += len(block)
        if n_pending >= n_frames:
            joined = np.concatenate(pending)
            whole = len(joined) // n_frames * n_frames
            for first in range(0, whole, n_frames):
                yield joined[first : first + n_frames]
            pending = [joined[whole:]] if whole < len(joined) else []
            n_pending = len(joined) - whole
    if pending:
        yield np.concatenate(pending)


def read_tracks(path: Path, track_ids: Iterable[str]) -> dict[str, NDArray[np.float16]]:
    """Read log-mel spectrograms of an album, each of shape (frames, n_mels), dB re 1.0.

    Raises:
        InputError: the file or a track is missing, damaged or not one of ours.
    """
    with _reading(path) as file:
        return {track_id: file[track_id][()] for track_id in track_ids}


def read_into(path: Path, arrays: Mapping[str, NDArray[np.float16]]) -> None:
    """Read log-mel spectrograms of an album into memory that is there already.

    Args:
        path: the HDF5 file.
        arrays: by track id, of the shapes that `read_shapes` returns, C-contiguous.

    Raises:
        InputError: the file or a track is missing, damaged or not one of ours.
    """
    with _reading(path) as file:
        for track_id, array in arrays.items():
            file[track_id].read_direct(array)


def read_shapes(path: Path, track_ids: Iterable[str] | None = None) -> dict[str, tuple[int, int]]:
    """Return frames and mel bands of tracks of an album, without reading the spectrograms.

    Args:
        path: the HDF5 file.
        track_ids: None for all, in the order of their ids.

    Raises:
        InputError: the file or a track is missing or not one of ours.
    """
    with _reading(path) as file:
        names = sorted(file) if track_ids is None else track_ids
        return {track_id: file[track_id].shape for track_id in names}


def read_frame_counts(path: Path, track_ids: Iterable[str]) -> dict[str, int]:
    """Return the number of frames of tracks of an album, without reading the spectrograms.

    Raises:
        InputError: the file or a track is missing or not one of ours.
    """
    return {track_id: shape[0] for track_id, shape in read_shapes(path, track_ids).items()}


@contextmanager
def _reading(path: Path) -> Iterator[h5py.File]:
    with _opened(path) as file:
        try:
            yield file
        except KeyError as error:
            raise InputError(
                f"{path}: lacks a track ({error}); delete it, and it will be recomputed"
            ) from None
        except OSError as error:
            raise InputError(
                f"{path}: is damaged ({error}); delete it, and it will be recomputed"
            ) from None


def read_parameters(path: Path) -> dict[str, Any]:
    """Return the log-mel parameters that a cache was made with.

    Raises:
        InputError: the file is missing, damaged or not one of ours.
    """
    with _opened(path) as file:
        return json.loads(file.attrs["parameters"])


def write_index(path: Path, caches: Iterable[Path]) -> None:
    """Write a table of caches, sorted by album: ``album_id`` and ``n_tracks``.

    Jobs that read the caches of all albums depend on this one file. Only the head of each cache is
    read: 10,000 take seconds, and their numbers of frames, dataset by dataset, would take minutes
    on a slow disk.

    Args:
        path: the CSV file.
        caches: ``<album_id>.h5`` each.

    Raises:
        InputError: a cache is missing, damaged or not one of ours.
    """
    rows = []
    for cache in sorted(caches, key=lambda cache: cache.name):
        with _opened(cache) as file:
            rows.append({"album_id": cache.stem, "n_tracks": len(file)})
    write_rows(path, rows, INDEX_COLUMNS)


def read_index(path: Path) -> list[str]:
    """Return the ids of the albums that an index names, sorted."""
    return [row["album_id"] for row in read_rows(path)]


def _opened(path: Path) -> h5py.File:
    try:
        file = h5py.File(path, "r")
    except FileNotFoundError:
        raise InputError(f"{path}: is missing; `snakemake ... features` makes it") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be opened as HDF5 ({error}); delete it, and it will be recomputed"
        ) from None
    if file.attrs.get("format") != FORMAT:
        file.close()
        raise InputError(f"{path}: is not a log-mel cache of this version; delete it")
    return file
