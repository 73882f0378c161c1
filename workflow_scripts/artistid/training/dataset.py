"""The slices of a split's subset, gathered from the mel caches."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.errors import InputError
from artistid.features.mel_cache import (
    DTYPE,
    read_frame_counts,
    read_index,
    read_shapes,
    read_tracks,
)
from artistid.features.slices import slice_starts
from artistid.models.front_end import FrontEnd, band_means, window_of
from artistid.splits.mistakes import counted
from artistid.splits.subsets import TRAIN, UNKNOWN
from artistid.training.spectrograms import MEGA, Spectrograms, map_spectrograms, read_spectrograms

NO_CLASS = -1  # target of tracks by artists without training tracks
_SUBSET_OF_UNKNOWN = {name: subset for subset, name in UNKNOWN.items()}


@dataclass(frozen=True)
class SliceSet:
    """Slices of one subset, as positions in its tracks' frames.

    Attributes:
        log_mel: frames of all tracks, one after the other, shape (frames, n_mels), dB; where it is
            mapped, of all tracks of the corpus, and read-only.
        starts: first frame of each slice in `log_mel`, shape (slices,).
        targets: class of each slice, or NO_CLASS, shape (slices,).
        tracks: position in `track_ids` of each slice's track, shape (slices,).
        track_ids: the tracks that have a slice, sorted.
        too_short: ids of the tracks that have none, because they are shorter than one slice.
        slice_frames: frames in a slice.
        track_starts: first frame of each track in `log_mel`, shape (tracks,).
        track_frames: frames of each track, shape (tracks,).
        sha256: of the tracks' spectrograms, in memory or mapped; empty for what was not read.
    """

    log_mel: NDArray[np.float16]
    starts: NDArray[np.int64]
    targets: NDArray[np.int64]
    tracks: NDArray[np.int64]
    track_ids: list[str]
    too_short: list[str]
    slice_frames: int
    track_starts: NDArray[np.int64]
    track_frames: NDArray[np.int64]
    sha256: str = ""

    def __len__(self) -> int:
        return len(self.starts)

    def describe(self) -> str:
        """Return the numbers of slices and tracks, and name the tracks that have no slice."""
        return describe_slices(len(self), len(self.track_ids), self.too_short)


def describe_slices(n_slices: int, n_tracks: int, too_short: Sequence[str]) -> str:
    """Return the numbers of slices and of tracks that have one, and name those that have none."""
    text = f"{n_slices} slices of {n_tracks} tracks"
    if too_short:
        text += (
            f"; {len(too_short)} tracks are shorter than one slice and are left out: "
            + ", ".join(too_short)
        )
    return text


def without_a_slice(classes: Sequence[str], targets: NDArray[np.integer]) -> list[str]:
    """Return the artists of which a subset has no slice.

    They are not learnt (or not tested), and their F1 is 0. Subsets of unknown artists lack none.

    Args:
        classes: the artists by class number.
        targets: class of each slice of the subset.
    """
    seen = set(np.unique(targets).tolist())
    if NO_CLASS in seen:
        return []
    return [artist for number, artist in enumerate(classes) if number not in seen]


def class_names(manifest: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the artists of a split's training set, in the order of their class numbers."""
    return sorted({row["artist"] for row in manifest if row["subset"] == TRAIN})


def describe_unknown(manifest: Sequence[Mapping[str, str]], subset: str) -> str:
    """Count a subset's tracks by artists without training tracks, and name these artists.

    They have no class, so they are in separate subsets (`UNKNOWN`). Empty if there are none.
    """
    known = set(class_names(manifest))
    counts = Counter(row["artist"] for row in manifest if row["subset"] == subset)
    unknown = {artist: n for artist, n in sorted(counts.items()) if artist not in known}
    if not unknown:
        return ""
    named = ", ".join(f"{artist!r} ({n})" for artist, n in unknown.items())
    return (
        f"{subset}: {counted(sum(unknown.values()), 'track')} by "
        f"{counted(len(unknown), 'artist')} without training tracks, predicted separately: {named}"
    )


def load_subsets(
    manifest: Sequence[Mapping[str, str]],
    subsets: Iterable[str],
    index: Path,
    slice_frames: int,
    memory_mb: float,
    folder: str | None,
) -> dict[str, SliceSet]:
    """Return the slices of subsets: in memory up to a limit, above it in a mapped file.

    Args:
        manifest: rows of a split manifest.
        subsets: names of subsets.
        index: the index of the albums' caches, beside them.
        slice_frames: frames in a slice.
        memory_mb: of all subsets' spectrograms together, at most, in memory.
        folder: where the file is kept; None for the machine's folder for temporary files.

    Raises:
        InputError: a cache is missing or damaged, a subset has no track as long as one slice, or
            the folder does not do.
    """
    subsets, cache_folder = list(subsets), index.parent
    rows = [row for subset in subsets for row in _rows_of(manifest, subset)]
    shapes = _by_album(rows, cache_folder, read_shapes)
    n_bytes = sum(map(math.prod, shapes.values())) * np.dtype(DTYPE).itemsize
    mapped = None
    if n_bytes > memory_mb * MEGA:
        mapped = map_spectrograms(cache_folder, read_index(index), folder)
    return {
        subset: load_slices(manifest, subset, cache_folder, slice_frames, mapped)
        for subset in subsets
    }


def load_slices(
    manifest: Sequence[Mapping[str, str]],
    subset: str,
    cache_folder: Path,
    slice_frames: int,
    mapped: Spectrograms | None = None,
) -> SliceSet:
    """Cut the tracks of a subset into slices.

    Args:
        manifest: rows of a split manifest.
        subset: ``train``, ``validation`` or ``test``, without its tracks by artists that are not
            trained on (`describe_unknown` names them); or one of `UNKNOWN`, which are these.
        cache_folder: where the albums' caches are, ``<album_id>.h5``.
        slice_frames: frames in a slice.
        mapped: the corpus' spectrograms; None reads the subset's into memory.

    Raises:
        InputError: a cache is missing or damaged, or no track is as long as one slice.
    """
    rows = _rows_of(manifest, subset)
    if mapped is None:
        shapes = _by_album(rows, cache_folder, read_shapes)
        n_frames = {track_id: shape[0] for track_id, shape in shapes.items()}
    else:
        n_frames = {track_id: place.n_frames for track_id, place in mapped.places.items()}
    kept = {row["track_id"]: row for row in rows if n_frames[row["track_id"]] >= slice_frames}
    if not kept:
        raise NoSliceError(subset, slice_frames)
    if mapped is None:
        albums = {track_id: row["album_id"] for track_id, row in kept.items()}
        spectrograms = read_spectrograms(cache_folder, albums, shapes)
    else:
        spectrograms = mapped
    places = [spectrograms.places[track_id] for track_id in kept]
    starts = [
        place.first + np.array(slice_starts(place.n_frames, slice_frames)) for place in places
    ]
    numbers = {artist: number for number, artist in enumerate(class_names(manifest))}
    per_track = [len(firsts) for firsts in starts]
    return SliceSet(
        spectrograms.log_mel,
        np.concatenate(starts),
        np.repeat([numbers.get(row["artist"], NO_CLASS) for row in kept.values()], per_track),
        np.repeat(np.arange(len(kept)), per_track),
        list(kept),
        [row["track_id"] for row in rows if row["track_id"] not in kept],
        slice_frames,
        np.array([place.first for place in places]),
        np.array([place.n_frames for place in places]),
        hashlib.sha256(" ".join(place.sha256 for place in places).encode()).hexdigest(),
    )


class NoSliceError(InputError):
    """A subset has no track that is long enough for one slice."""

    def __init__(self, subset: str, slice_frames: int) -> None:
        super().__init__(
            f"no {subset} track is as long as one slice of {slice_frames} frames; shorten "
            "experiment.slice_seconds"
        )


def slices_per_track(
    manifest: Sequence[Mapping[str, str]],
    subset: str,
    cache_folder: Path,
    slice_frames: int,
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Return ids, classes and numbers of slices of a subset's tracks, without their spectrograms.

    The same as in `load_slices`: sorted by id, tracks shorter than one slice left out.

    Raises:
        InputError: a cache is missing or damaged, or no track is as long as one slice.
    """
    classes = {artist: index for index, artist in enumerate(class_names(manifest))}
    rows = _rows_of(manifest, subset)
    n_frames = _by_album(rows, cache_folder, read_frame_counts)
    counts = {track: len(slice_starts(n, slice_frames)) for track, n in n_frames.items()}
    kept = [row for row in rows if counts[row["track_id"]]]
    if not kept:
        raise NoSliceError(subset, slice_frames)
    return (
        [row["track_id"] for row in kept],
        np.array([classes[row["artist"]] for row in kept], np.int64),
        np.array([counts[row["track_id"]] for row in kept], np.int64),
    )


def load_tracks(
    manifest: Sequence[Mapping[str, str]], subset: str, cache_folder: Path
) -> tuple[list[str], NDArray[np.int64], list[NDArray[np.float16]]]:
    """Return ids, classes and log-mel spectrograms (frames, n_mels) of a subset's tracks.

    Those of `UNKNOWN` have NO_CLASS.

    Raises:
        InputError: a cache is missing or damaged.
    """
    classes = {artist: index for index, artist in enumerate(class_names(manifest))}
    rows = _rows_of(manifest, subset)
    spectrograms = _by_album(rows, cache_folder, read_tracks)
    return (
        [row["track_id"] for row in rows],
        np.array([classes.get(row["artist"], NO_CLASS) for row in rows], np.int64),
        [spectrograms[row["track_id"]] for row in rows],
    )


def _rows_of(manifest: Sequence[Mapping[str, str]], subset: str) -> list[Mapping[str, str]]:
    """Return the rows of a subset, sorted by track id.

    They are of artists that are trained on; those of `UNKNOWN` are of the others.
    """
    known, is_known = set(class_names(manifest)), subset not in _SUBSET_OF_UNKNOWN
    own = _SUBSET_OF_UNKNOWN.get(subset, subset)
    rows = (
        row for row in manifest if row["subset"] == own and (row["artist"] in known) == is_known
    )
    return sorted(rows, key=lambda row: row["track_id"])


def _by_album(
    rows: Iterable[Mapping[str, str]],
    cache_folder: Path,
    read: Callable[[Path, list[str]], dict[str, Any]],
) -> dict[str, Any]:
    """Return what `read` finds in the albums' caches, by track id."""
    by_album = defaultdict(list)
    for row in rows:
        by_album[row["album_id"]].append(row["track_id"])
    found: dict[str, Any] = {}
    for album_id, track_ids in sorted(by_album.items()):
        found |= read(cache_folder / f"{album_id}.h5", track_ids)
    return found


@dataclass(frozen=True)
class SubtractedMeans:
    """What a front end subtracts from the slices of a subset.

    Attributes:
        values: the means of each window of each track, dB, shape (windows of all tracks, n_mels).
        first_windows: position of each track's first window in `values`, shape (tracks,).
        n_windows: windows of each track, shape (tracks,).
        front_end: defines the windows.
    """

    values: Any  # arrays, or in a `BatchLoader` tensors
    first_windows: Any
    n_windows: Any
    front_end: FrontEnd

    def places(self, frames: Any, tracks: Any) -> Any:
        """Return the positions in `values` of what is subtracted from slices.

        Args:
            frames: the slices' first frames, counted from the start of their tracks.
            tracks: the slices' tracks.
        """
        windows = window_of(frames, self.n_windows[tracks], self.front_end)
        return self.first_windows[tracks] + windows


def subtracted_means(slices: SliceSet, front_end: FrontEnd) -> SubtractedMeans | None:
    """Return what a front end subtracts from a subset; None if it subtracts nothing."""
    if not front_end.subtracts_mean:
        return None
    values = [
        band_means([slices.log_mel[first : first + n_frames]], n_frames, front_end)
        for first, n_frames in zip(slices.track_starts, slices.track_frames, strict=True)
    ]
    n_windows = np.array([len(of_track) for of_track in values])
    first_windows = n_windows.cumsum() - n_windows
    return SubtractedMeans(np.concatenate(values), first_windows, n_windows, front_end)


def band_statistics(
    slices: SliceSet, means: SubtractedMeans | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return mean and standard deviation per mel band over the slices' frames, each (n_mels,).

    Computed on the training set and applied to every subset. A band that never changes gets a
    deviation of 1 dB. With `means`, the statistics are those of the frames after the subtraction.
    """
    if means:
        frames_into_track = slices.starts - slices.track_starts[slices.tracks]
        places = means.places(frames_into_track, slices.tracks)
    total = np.zeros(slices.log_mel.shape[1])
    squares = np.zeros_like(total)
    for number, start in enumerate(slices.starts):
        frames = slices.log_mel[start : start + slices.slice_frames].astype(np.float64)
        if means:
            frames -= means.values[places[number]]
        total += frames.sum(axis=0)
        squares += (frames**2).sum(axis=0)
    count = len(slices) * slices.slice_frames
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    deviation[deviation < 1e-3] = 1.0
    return mean.astype(np.float32), deviation.astype(np.float32)
