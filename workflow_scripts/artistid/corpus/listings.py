"""What the scan writes for later jobs: ``tracks.csv``, ``usable.csv`` and the albums' listings."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from artistid.storage.files import write_rows

OK, EMPTY, UNDECODABLE = "ok", "empty", "undecodable"
TOO_SHORT, MISPLACED, DUPLICATE = "too_short", "misplaced", "duplicate"
UNTAGGED = "untagged"  # where tags say artist and album, and do not
EXCLUDED = (
    "excluded"  # on purpose: by name, as an artist with too few albums or tracks, or a compilation
)
TRACK_COLUMNS = (
    "track_id",
    "album_id",
    "artist",
    "album",
    "path",
    "duration",
    "sampling_rate",
    "channels",
    "bytes",
    "sha256",
    "status",
    "reason",
    "remark",
)
USABLE_COLUMNS = ("track_id", "album_id", "artist", "album", "path")
ALBUM_COLUMNS = ("track_id", "artist", "album", "path", "duration", "sampling_rate", "sha256")


def usable(tracks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the tracks whose status is ok."""
    return [track for track in tracks if track["status"] == OK]


def write_tracks(path: Path, tracks: Sequence[Mapping[str, Any]]) -> None:
    """Write ``tracks.csv``."""
    write_rows(path, tracks, TRACK_COLUMNS)


def write_usable(path: Path, tracks: Iterable[Mapping[str, Any]]) -> None:
    """Write ``usable.csv``: the tracks to draw from, and nothing else.

    The splits depend on it. So a re-encoded recording does not redraw any split, nor does a
    broken file that is added and left out.
    """
    rows = [{column: track[column] for column in USABLE_COLUMNS} for track in usable(tracks)]
    write_rows(path, rows, USABLE_COLUMNS)


def write_album_listings(folder: Path, tracks: Iterable[Mapping[str, Any]]) -> None:
    """Write one listing per album, ``<album_id>.csv``, of its usable tracks.

    A listing is all that an album's feature extraction needs to know, so that it runs again when,
    and only when, its own recordings changed.
    """
    albums = defaultdict(list)
    for track in usable(tracks):
        albums[track["album_id"]].append({column: track[column] for column in ALBUM_COLUMNS})
    for album_id, rows in albums.items():
        write_rows(folder / f"{album_id}.csv", rows, ALBUM_COLUMNS)
