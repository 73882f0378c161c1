"""A survey of a folder of music: what the scan will find, from headers and tags alone.

Nothing is decoded, so it takes seconds where the scan takes minutes; what only decoding shows, such
as damage in the middle of a file, the scan will say.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artistid.corpus.audio import stated_seconds
from artistid.corpus.folder import Recording, list_recordings
from artistid.corpus.listings import EMPTY, EXCLUDED, OK, TOO_SHORT
from artistid.corpus.scan import MIN_SECONDS, columns_of, mark_duplicates, unreadable, verdict
from artistid.corpus.tags import is_various, tagged
from artistid.errors import InputError
from artistid.storage.files import sha256_of_file

FOLDERS, TAGS = "folders", "tags"
THREADS = 4
BYTES_PER_SECOND = 16_000  # of a bare AAC stream at 128 kbit/s: its header states no length

Row = dict[str, Any]


@dataclass(frozen=True)
class Survey:
    """What a folder of music holds.

    Attributes:
        audio_dir: the folder.
        names: ``folders`` or ``tags``: what says artist and album.
        named: by each of the two, how many recordings it names.
        recordings: all of them, sorted by path, by the names that are taken.
        rows: the same as rows of ``tracks.csv``, as far as headers tell.
        compilations: first-level folders of compilations, which are left out by name.
        others: what else the folder holds.
    """

    audio_dir: Path
    names: str
    named: dict[str, int]
    recordings: Sequence[Recording]
    rows: Sequence[Row]
    compilations: Sequence[str]
    others: Sequence[str]


def survey(
    audio_dir: Path, names: str | None = None, looked_at: Callable[[str], Any] = str
) -> Survey:
    """Look at a folder of music.

    Args:
        audio_dir: the folder.
        names: what says artist and album; None for what does for more of the recordings, folders
            where both do.
        looked_at: is told the path of each recording.

    Raises:
        InputError: the folder cannot be read, or holds no recording.
    """
    in_folders, others = list_recordings(audio_dir)
    if not in_folders:
        raise InputError(
            f"{audio_dir}: contains no audio file; name the folder above the artists' folders"
        )
    by_names: dict[str, Sequence[Recording]] = {
        FOLDERS: in_folders,
        TAGS: tagged(audio_dir, in_folders, THREADS),
    }
    named = {
        name: sum(recording.is_placed or _is_left_out(recording) for recording in recordings)
        for name, recordings in by_names.items()
    }
    names = names or max(named, key=lambda name: named[name])  # the first of equals
    recordings = by_names[names]
    firsts = {recording.filed_under[0] for recording in recordings} if names == FOLDERS else set()
    compilations = sorted(filter(is_various, firsts))

    def examined(recording: Recording) -> Row:
        looked_at(recording.path)
        return _examine(audio_dir, recording, compilations)

    with ThreadPoolExecutor(THREADS) as pool:
        rows = sorted(pool.map(examined, recordings), key=lambda row: row["track_id"])
    _mark_copies(audio_dir, rows)
    return Survey(audio_dir, names, named, recordings, rows, compilations, others)


def _is_left_out(recording: Recording) -> bool:
    return not recording.is_placed and recording.why_not_placed[0] == EXCLUDED


def _examine(audio_dir: Path, recording: Recording, compilations: Sequence[str]) -> Row:
    path = audio_dir / recording.path
    row: Row = columns_of(recording) | {"duration": 0.0}
    if (folder := recording.filed_under[0]) in compilations:
        return row | verdict(EXCLUDED, f"folder {folder!r} holds compilations")
    if not recording.is_placed:
        return row | verdict(*recording.why_not_placed)
    try:
        row["bytes"] = path.stat().st_size
        if not row["bytes"]:
            return row | verdict(EMPTY, "the file has no bytes")
        seconds = stated_seconds(path)
    except (OSError, InputError) as error:
        return row | unreadable(path, error)
    row["duration"] = row["bytes"] / BYTES_PER_SECOND if seconds is None else seconds
    if row["duration"] < MIN_SECONDS:
        return row | verdict(TOO_SHORT, f"shorter than {MIN_SECONDS:g} s")
    return row | verdict(OK, "")


def _mark_copies(audio_dir: Path, rows: Sequence[Row]) -> None:
    """Mark files of the same bytes; only those of the same size are read."""
    used = [row for row in rows if row["status"] == OK]
    of_size = Counter(row["bytes"] for row in used)
    for row in used:
        is_alone = of_size[row["bytes"]] == 1
        row["sha256"] = row["path"] if is_alone else sha256_of_file(audio_dir / row["path"])
    mark_duplicates(rows)
