"""Spectrograms of many tracks in one array: in memory, or mapped from a file on the machine's disk.

The file is a cache of the mel caches, in a separate folder per user: written once by the first
training that needs it, and read through the kernel's page cache by all trainings on this machine.
A change of the mel caches gives it another name. It can be deleted at any time: trainings that run
keep what they have mapped.
"""

import hashlib
import json
import logging
import os
import shutil
import stat
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from artistid.errors import InputError
from artistid.features.mel_cache import DTYPE, read_into, read_shapes
from artistid.storage.files import atomic_write, write_json
from artistid.storage.locks import exclusive_lock

log = logging.getLogger(__name__)

FORMAT = "artistid spectrograms 1"
KEY = "training_data.folder"  # names the folder in the configuration
MEGA = 1e6


class Place(NamedTuple):
    """Where a track's spectrogram is in an array, and the SHA-256 of its shape and values."""

    first: int
    n_frames: int
    sha256: str


@dataclass(frozen=True)
class Spectrograms:
    """Spectrograms of tracks.

    Attributes:
        log_mel: frames of all tracks, one after the other, shape (frames, n_mels), dB; read-only
            where it is mapped.
        places: of the tracks, by id.
    """

    log_mel: NDArray[np.float16]
    places: Mapping[str, Place]


def read_spectrograms(
    cache_folder: Path, albums: Mapping[str, str], shapes: Mapping[str, tuple[int, int]]
) -> Spectrograms:
    """Read tracks into memory, each straight into its place: nothing is held twice.

    Args:
        cache_folder: where the albums' caches are, ``<album_id>.h5``.
        albums: album of each track, by track id, in their order in the file.
        shapes: what the caches' headers say of these tracks (and maybe of others).

    Raises:
        InputError: a cache is missing or damaged, or has other mel bands than the others.
    """
    firsts, n_frames, n_mels = _layout(albums, shapes)
    log_mel = np.empty((n_frames, n_mels), DTYPE)
    by_album: dict[str, dict[str, NDArray[np.float16]]] = defaultdict(dict)
    for track_id, first in firsts.items():
        by_album[albums[track_id]][track_id] = log_mel[first : first + shapes[track_id][0]]
    digests: dict[str, str] = {}
    for album_id, arrays in sorted(by_album.items()):
        read_into(cache_folder / f"{album_id}.h5", arrays)
        digests |= {track_id: _sha256(array) for track_id, array in arrays.items()}
    places = {
        track_id: Place(first, shapes[track_id][0], digests[track_id])
        for track_id, first in firsts.items()
    }
    return Spectrograms(log_mel, places)


def map_spectrograms(
    cache_folder: Path, album_ids: Sequence[str], folder: str | None
) -> Spectrograms:
    """Map all tracks of the albums from a file on this machine, written if it does not exist.

    Args:
        cache_folder: where the albums' caches are, ``<album_id>.h5``.
        album_ids: the albums, each once.
        folder: on this machine's own disk; None for the one for temporary files.

    Raises:
        InputError: a cache is missing or damaged, or the folder does not do.
    """
    parent = Path(folder or tempfile.gettempdir())
    own = _own_folder(parent)
    corpus, content = _names(cache_folder, album_ids)
    array, index = (own / f"{corpus}-{content}.{suffix}" for suffix in ("npy", "json"))
    held = "another training is writing the spectrograms to this machine's disk"
    with exclusive_lock(own / "lock", held):
        if not (array.exists() and index.exists()):
            _remove_superseded(own, corpus)
            log.info("writing the spectrograms of %d albums to %s", len(album_ids), array)
            places = _write(array, cache_folder, album_ids)
            write_json(index, places)  # last: where it is, all of the array is
        log_mel = np.load(array, mmap_mode="r", allow_pickle=False)
        places = json.loads(index.read_text())
    log.info("%.0f MB of spectrograms are mapped from %s", log_mel.nbytes / MEGA, array)
    return Spectrograms(log_mel, {track_id: Place(*place) for track_id, place in places.items()})


def _layout(
    track_ids: Iterable[str], shapes: Mapping[str, tuple[int, int]]
) -> tuple[dict[str, int], int, int]:
    """Return the first frame of each track, the frames of all, and their mel bands.

    Raises:
        InputError: tracks have different mel bands.
    """
    firsts: dict[str, int] = {}
    n_frames, n_mels = 0, 0
    for track_id in track_ids:
        firsts[track_id] = n_frames
        n_mels = n_mels or shapes[track_id][1]
        if shapes[track_id][1] != n_mels:
            raise InputError(
                f"the log-mel cache of {track_id} has {shapes[track_id][1]} mel bands, and others "
                f"have {n_mels}; delete it, and it will be recomputed"
            )
        n_frames += shapes[track_id][0]
    return firsts, n_frames, n_mels


def _sha256(log_mel: NDArray[np.float16]) -> str:
    digest = hashlib.sha256(str(log_mel.shape).encode())
    digest.update(log_mel.data)
    return digest.hexdigest()


def _own_folder(parent: Path) -> Path:
    """Return a folder that only this user can reach, created if it does not exist.

    In a folder that all users share, another one could have made what bears the name: then the
    next name is taken. A file that somebody else can truncate would kill the jobs that map it.

    Raises:
        InputError: it cannot be made.
    """
    try:
        for number in range(100):
            folder = parent / f"artistid-spectrograms-{os.getuid()}{f'.{number}' * (number > 0)}"
            try:
                folder.mkdir(0o700)
            except FileExistsError:
                facts = folder.lstat()
                private = stat.S_ISDIR(facts.st_mode) and not facts.st_mode & 0o077
                if not private or facts.st_uid != os.getuid():
                    continue
            return folder
    except OSError as error:
        raise InputError(
            f"{parent}: spectrograms cannot be stored there ({error.strerror}); name a folder on "
            f"this machine's own disk in {KEY}"
        ) from error
    raise InputError(
        f"{parent}: the folder names in it are taken by other users; name another folder in {KEY}"
    )


def _names(cache_folder: Path, album_ids: Sequence[str]) -> tuple[str, str]:
    """Return what stands for the corpus, and for what its mel caches hold, in the file's name.

    A recomputed cache has another time; what the mel parameters, the recordings or the
    code of the extraction change is a recomputed cache.

    Raises:
        InputError: a cache is missing.
    """
    corpus = str(cache_folder.resolve())
    content: list[object] = [FORMAT]
    for album_id in sorted(album_ids):
        path = cache_folder / f"{album_id}.h5"
        try:
            facts = path.stat()
        except FileNotFoundError:
            read_shapes(path)  # says what is missing, and what makes it
            raise
        content.append((album_id, facts.st_size, facts.st_mtime_ns))
    return _short_sha256(corpus), _short_sha256(json.dumps(content))


def _short_sha256(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:20]


def _remove_superseded(own: Path, corpus: str) -> None:
    """Remove what this corpus had before, and what a process that was killed had begun.

    Who has mapped a file keeps it until it ends.
    """
    for path in (*own.glob(f"{corpus}-*"), *own.glob(".*.part")):
        log.info("removing %s, which is outdated", path)
        path.unlink(missing_ok=True)


def _write(array: Path, cache_folder: Path, album_ids: Sequence[str]) -> dict[str, Place]:
    """Write the albums' spectrograms as one array; return the tracks' places."""
    paths = {album_id: cache_folder / f"{album_id}.h5" for album_id in sorted(album_ids)}
    by_album = {path: read_shapes(path) for path in paths.values()}
    shapes = {track_id: shape for album in by_album.values() for track_id, shape in album.items()}
    firsts, n_frames, n_mels = _layout(shapes, shapes)
    _check_room(array.parent, n_frames * n_mels * np.dtype(DTYPE).itemsize)
    header = {"descr": npy.dtype_to_descr(np.dtype(DTYPE)), "fortran_order": False}
    places = {}
    with atomic_write(array) as temporary, temporary.open("wb") as stream:
        npy.write_array_header_1_0(stream, header | {"shape": (n_frames, n_mels)})
        for path, album in by_album.items():
            for track_id, shape in album.items():
                log_mel = np.empty(shape, DTYPE)
                read_into(path, {track_id: log_mel})
                stream.write(log_mel.data)
                places[track_id] = Place(firsts[track_id], shape[0], _sha256(log_mel))
    return places


def _check_room(own: Path, n_bytes: int) -> None:
    """Make sure that a file of `n_bytes` fits onto the disk.

    Raises:
        InputError: names the folder, the key, and what is needed.
    """
    free = shutil.disk_usage(own).free
    if free < n_bytes:
        raise InputError(
            f"{own}: {n_bytes / MEGA:.0f} MB of spectrograms do not fit onto this disk, which has "
            f"{free / MEGA:.0f} MB left; make room (you may delete spectrograms of "
            f"other corpora there), name a folder on another disk of this machine in {KEY}, or "
            "raise training_data.memory_mb"
        )
