"""The cache of log-mel spectrograms: one HDF5 file per album, one dataset per track.

Each dataset is float16 of shape (frames, n_mels), time-major, in dB re 1.0, behind a Fletcher-32
checksum: a flipped bit is an error when it is read, never a number.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from artistid.errors import InputError
from artistid.files import replacing

FORMAT = "artistid log-mel 1"
DTYPE = np.float16  # at most 1/32 dB away from the float32 value between -128 and 128 dB
CHUNK_FRAMES = 1024
LIBRARIES = ("h5py", "librosa", "numpy", "scipy", "soundfile", "soxr")


def write_album(
    path: Path,
    tracks: Iterable[tuple[Mapping[str, str], NDArray[np.float32]]],
    parameters: Mapping[str, Any],
) -> None:
    """Write an album's log-mel spectrograms.

    Args:
        path: the HDF5 file.
        tracks: pairs of a row of the album's listing and its log_mel, shape (frames, n_mels), dB.
        parameters: the log-mel parameters, kept as an attribute.
    """
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["format"] = FORMAT
        file.attrs["units"] = "dB re 1.0"
        file.attrs["axes"] = "frame, mel band"
        file.attrs["parameters"] = json.dumps(dict(parameters), sort_keys=True)
        file.attrs["versions"] = json.dumps({name: version(name) for name in LIBRARIES})
        for track, log_mel in tracks:
            dataset = file.create_dataset(
                track["track_id"],
                data=log_mel.astype(DTYPE),
                chunks=(min(CHUNK_FRAMES, len(log_mel)), log_mel.shape[1]),
                fletcher32=True,
            )
            dataset.attrs["source_sha256"] = track["sha256"]
            dataset.attrs["source_sampling_rate"] = int(track["sampling_rate"])
            dataset.attrs["source_duration"] = float(track["duration"])


def read_tracks(path: Path, track_ids: Iterable[str]) -> dict[str, NDArray[np.float16]]:
    """Read log-mel spectrograms of an album, each of shape (frames, n_mels), dB re 1.0.

    Raises:
        InputError: the file or a track is missing, damaged or not one of ours.
    """
    return _read(path, track_ids, lambda dataset: dataset[()])


def read_frame_counts(path: Path, track_ids: Iterable[str]) -> dict[str, int]:
    """Return the number of frames of tracks of an album, without reading the spectrograms.

    Raises:
        InputError: the file or a track is missing or not one of ours.
    """
    return _read(path, track_ids, len)


def _read(
    path: Path, track_ids: Iterable[str], read: Callable[[h5py.Dataset], Any]
) -> dict[str, Any]:
    with _opened(path) as file:
        try:
            return {track_id: read(file[track_id]) for track_id in track_ids}
        except KeyError as error:
            raise InputError(
                f"{path}: lacks a track ({error}); delete it, and it will be made again"
            ) from None
        except OSError as error:
            raise InputError(
                f"{path}: is damaged ({error}); delete it, and it will be made again"
            ) from None


def read_parameters(path: Path) -> dict[str, Any]:
    """Return the log-mel parameters that a cache was made with.

    Raises:
        InputError: the file is missing, damaged or not one of ours.
    """
    with _opened(path) as file:
        return json.loads(file.attrs["parameters"])


def _opened(path: Path) -> h5py.File:
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be opened as HDF5 ({error}); delete it, and it will be made again"
        ) from None
    if file.attrs.get("format") != FORMAT:
        file.close()
        raise InputError(f"{path}: is no log-mel cache of this version; delete it")
    return file
