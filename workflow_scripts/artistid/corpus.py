"""A corpus: a folder of recordings, listed, checked, and given safe ids.

``<audio_dir>/<artist>/<album>/<track>.<ext>``. Names may hold any character that a file system
takes; everything after the scan goes by ids of lower-case letters, digits, ``-`` and ``_``.
"""

import hashlib
import os
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artistid.audio import EXTENSIONS, AudioFacts, decode_facts, extension
from artistid.errors import InputError
from artistid.files import sha256_of_file, write_rows

OK, EMPTY, UNDECODABLE = "ok", "empty", "undecodable"
TOO_SHORT, MISPLACED, DUPLICATE = "too_short", "misplaced", "duplicate"
MIN_SECONDS = 1.0
# A leading dot hides `.git` and `._1.mp3`, not `.38 Special`, `. . .` or `...Baby One More Time`.
_HIDDEN = re.compile(r"\.(?![\d\s.])")
# What systems put beside music, and do not hide by a dot.
SYSTEM_FOLDERS = frozenset(
    {
        "#recycle",
        "#snapshot",
        "$RECYCLE.BIN",
        "@Recycle",
        "@eaDir",
        "System Volume Information",
        "__MACOSX",
        "lost+found",
    }
)
# Named as the audio beside them, and none: what macOS and network drives know of a file.
_COMPANIONS = re.compile(r"\._.*|\.AppleDouble|\.@__thumb", re.DOTALL)

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


@dataclass(frozen=True)
class Recording:
    """An audio file of a corpus: its path relative to the corpus' folder, with ``/`` between."""

    path: str

    @property
    def parts(self) -> list[str]:
        return self.path.split("/")

    @property
    def is_placed(self) -> bool:
        """Whether the file lies where recordings belong: artist/album/track."""
        return len(self.parts) == 3

    @property
    def artist(self) -> str:
        return self.parts[0] if self.is_placed else ""

    @property
    def album(self) -> str:
        return self.parts[1] if self.is_placed else ""

    @property
    def album_id(self) -> str:
        return safe_id(self.parts[:2]) if self.is_placed else ""

    @property
    def track_id(self) -> str:
        return safe_id(self.parts)


def safe_id(parts: Sequence[str]) -> str:
    """Return an id for a path: a readable part, and a digest of the exact bytes.

    Names that differ only in case or Unicode normalisation get different ids, and the id of one
    recording does not depend on the others.
    """
    digest = hashlib.sha256(os.fsencode("/".join(parts))).hexdigest()[:10]
    return "-".join([*(_slug(part) for part in parts), digest])


def _slug(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_name.lower()).strip("_")[:24] or "x"


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is passed over.

    A name is hidden if it begins with a dot that no digit, space or further dot follows, or if it
    is one of `SYSTEM_FOLDERS`.
    """
    return bool(_HIDDEN.match(name)) or name in SYSTEM_FOLDERS


def list_recordings(audio_dir: Path) -> tuple[list[Recording], list[str]]:
    """Find a folder's audio files, sorted by path, and what else was passed over.

    Hidden files and folders (`is_hidden`) are passed over. Links to folders are followed down to
    the albums and no further, so that a loop of links ends.

    Returns:
        The recordings (misplaced ones included), and the relative paths of hidden files and
        folders and of files that are not audio.

    Raises:
        InputError: the folder does not exist, is no folder, or cannot be read.
    """
    recordings, others = [], []
    for path in _walk(audio_dir, depth=0):
        relative = path.relative_to(audio_dir).as_posix()
        if _is_audio(path.name):
            recordings.append(Recording(relative))
        else:
            others.append(relative)
    return sorted(recordings, key=lambda recording: os.fsencode(recording.path)), sorted(others)


def _is_audio(name: str) -> bool:
    return extension(name) in EXTENSIONS and not is_hidden(name)


def _walk(folder: Path, depth: int) -> Iterator[Path]:
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be read as a folder ({error.strerror}); corpus.audio_dir has to "
            "name a readable folder of <artist>/<album>/<track> recordings"
        ) from None
    for entry in entries:
        if is_hidden(entry.name):
            yield folder / entry.name
            continue
        try:
            is_folder = entry.is_dir(follow_symlinks=depth < 2)
        except OSError:  # a link to itself: its path is listed, and decoding will say why not
            is_folder = False
        if is_folder:
            yield from _walk(folder / entry.name, depth + 1)
        elif entry.is_symlink() or entry.is_file():
            yield folder / entry.name


def audio_passed_over(audio_dir: Path, others: Iterable[str]) -> dict[str, str]:
    """Look for audio in what was passed over: it may be music that a person misses.

    Args:
        audio_dir: the corpus' folder.
        others: what `list_recordings` passed over.

    Returns:
        Relative path to the reason, of hidden files and folders and of links to folders.
    """
    reasons = {}
    for other in others:
        path = audio_dir / other
        if is_hidden(path.name):
            reason = "hidden, and there is audio in it; rename it if that is music"
        elif _is_folder(path):
            reason = "a link that is not followed, to a folder with audio; put the folder here"
        else:
            continue
        if not _COMPANIONS.fullmatch(path.name) and _holds_audio(path):
            reasons[other] = reason
    return reasons


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # a link to where one may not look
        return False


def _holds_audio(path: Path) -> bool:
    """Whether a file, or any file in a folder, is called like audio."""
    if _is_folder(path):
        names = (name for _, _, files in os.walk(path) for name in files)
    else:
        names = iter([path.name])
    return any(extension(name) in EXTENSIONS and not _COMPANIONS.fullmatch(name) for name in names)


@dataclass(frozen=True)
class FolderState:
    """What a folder of recordings holds, told without reading one of them.

    Attributes:
        fingerprint: digest of the recordings by path, size and time of change: where it is the
            same, the scan need not look again.
        n_recordings: recordings, whatever their state.
        n_bytes: their size.
    """

    fingerprint: str
    n_recordings: int
    n_bytes: int


def folder_state(audio_dir: Path) -> FolderState:
    """Look at a folder of recordings.

    Raises:
        InputError: as `list_recordings`.
    """
    digest, n_bytes = hashlib.sha256(), 0
    recordings, _ = list_recordings(audio_dir)
    for recording in recordings:
        try:
            status = (audio_dir / recording.path).stat()
            line = f"{recording.path}\0{status.st_size}\0{status.st_mtime_ns}\n"
            n_bytes += status.st_size
        except OSError:  # a link to nowhere: the scan will name it
            line = f"{recording.path}\n"
        digest.update(os.fsencode(line))
    return FolderState(digest.hexdigest(), len(recordings), n_bytes)


def scan(audio_dir: Path, recordings: Iterable[Recording], threads: int) -> list[dict[str, Any]]:
    """Decode every recording once and return the rows of ``tracks.csv``, sorted by track id.

    Args:
        audio_dir: the corpus' folder.
        recordings: what `list_recordings` found.
        threads: recordings decoded at the same time.
    """
    with ThreadPoolExecutor(threads) as pool:
        rows = pool.map(lambda recording: _examine(audio_dir, recording), recordings)
        return _without_duplicates(sorted(rows, key=lambda row: row["track_id"]))


def _without_duplicates(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Keep the first of several files of the same bytes, lest one be trained and tested on."""
    first_of: dict[str, str] = {}
    for row in rows:
        if row["status"] == OK:
            first = first_of.setdefault(row["sha256"], row["path"])
            if first != row["path"]:
                row |= _verdict(DUPLICATE, f"the same bytes as {first}")
    return rows


def _examine(audio_dir: Path, recording: Recording) -> dict[str, Any]:
    path = audio_dir / recording.path
    row = {
        "track_id": recording.track_id,
        "album_id": recording.album_id,
        "artist": recording.artist,
        "album": recording.album,
        "path": recording.path,
    }
    if not recording.is_placed:
        return row | _verdict(MISPLACED, "not at <artist>/<album>/<track>: move it there")
    try:
        row |= {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}
        if not row["bytes"]:
            return row | _verdict(EMPTY, "the file has no bytes")
        facts = decode_facts(path)
    except OSError as error:
        return row | _verdict(UNDECODABLE, f"cannot be read ({error.strerror})")
    except InputError as error:
        return row | _verdict(UNDECODABLE, str(error).removeprefix(f"{path}: "))
    row |= {
        "duration": round(facts.duration, 6),
        "sampling_rate": facts.sampling_rate,
        "channels": facts.channels,
    }
    if facts.duration < MIN_SECONDS:
        return row | _verdict(TOO_SHORT, f"shorter than {MIN_SECONDS:g} s")
    return row | _verdict(OK, "") | {"remark": _remark(facts)}


def _remark(facts: AudioFacts) -> str:
    """Return what a person should know of a recording that is used nevertheless."""
    remarks = []
    if facts.seconds_missing > max(MIN_SECONDS, 0.01 * facts.duration):
        announced = facts.duration + facts.seconds_missing
        remarks.append(f"ends after {facts.duration:.1f} s of {announced:.1f} s: cut short?")
    if facts.peak == 0:
        remarks.append("digital silence from end to end")
    return "; ".join(remarks)


def _verdict(status: str, reason: str) -> dict[str, str]:
    return {"status": status, "reason": reason}


def usable(tracks: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the tracks whose status is ok."""
    return [track for track in tracks if track["status"] == OK]


def check_bad_share(tracks: Sequence[Mapping[str, Any]], max_bad_share: float) -> None:
    """Stop when nothing is usable, or when more than `max_bad_share` of the files are not.

    Raises:
        InputError: names the share, the first bad files and the configuration key.
    """
    if not tracks:
        raise InputError(
            "corpus.audio_dir: no audio file was found; recordings have to lie at "
            "<audio_dir>/<artist>/<album>/<track>.<ext>"
        )
    bad = [track for track in tracks if track["status"] not in (OK, DUPLICATE)]
    share = len(bad) / len(tracks)
    if share > max_bad_share or len(bad) == len(tracks):
        raise InputError(
            f"{len(bad)} of {len(tracks)} recordings ({share:.1%}) cannot be used, more than "
            f"corpus.max_bad_share ({max_bad_share:.1%}) allows: {_by_reason(bad)}; fix, convert "
            "or remove them, or raise corpus.max_bad_share"
        )


def _by_reason(bad: Sequence[Mapping[str, Any]]) -> str:
    """Name the first of the tracks with each of the three most frequent reasons."""
    alike = defaultdict(list)
    for track in bad:
        alike[track["reason"]].append(track["path"])
    first = sorted(alike.items(), key=lambda item: -len(item[1]))[:3]
    named = [
        f"{paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''} ({reason})"
        for reason, paths in first
    ]
    others = len(bad) - sum(len(paths) for _, paths in first)
    return "; ".join(named) + (f"; and {others} for other reasons" if others else "")


def write_tracks(path: Path, tracks: Sequence[Mapping[str, Any]]) -> None:
    """Write ``tracks.csv``."""
    write_rows(path, tracks, TRACK_COLUMNS)


def write_usable(path: Path, tracks: Iterable[Mapping[str, Any]]) -> None:
    """Write ``usable.csv``: which tracks there are to draw from, and nothing else.

    The splits depend on it. So a recording that is encoded anew draws nothing anew, nor does a
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


def describe(
    tracks: Sequence[Mapping[str, Any]],
    others: Sequence[str],
    expected: Mapping[str, int] | None,
    passed_over: Mapping[str, str],
) -> str:
    """Return the scan's summary for people: counts, what was left out, what was expected.

    Args:
        tracks: rows of ``tracks.csv``.
        others: what else the folder holds.
        expected: ``artists``, ``albums_per_artist`` and ``tracks`` that the corpus should have.
        passed_over: what `audio_passed_over` found among the others.
    """
    used = usable(tracks)
    albums = {(track["artist"], track["album"]) for track in used}
    artists = Counter(artist for artist, _ in albums)
    hours = sum(track["duration"] for track in used) / 3600
    lines = [
        f"{len(used)} tracks of {len(artists)} artists on {len(albums)} albums, {hours:.2f} hours"
    ]
    for status, count in sorted(Counter(track["status"] for track in tracks).items()):
        if status != OK:
            lines.append(f"left out: {count} {status}")
    for track in tracks:
        if track["status"] != OK:
            lines.append(f"  {track['path']}: {track['reason']}")
    lines += _without_recordings(tracks)
    if remarkable := [track for track in used if track.get("remark")]:
        lines.append(f"used, but worth a look: {len(remarkable)}")
        lines += [f"  {track['path']}: {track['remark']}" for track in remarkable]
    rates = Counter(track["sampling_rate"] for track in used)
    if len(rates) > 1:
        counts = ", ".join(f"{rate} Hz ({count} tracks)" for rate, count in sorted(rates.items()))
        lines.append(f"stored at {counts}")
    if passed_over:
        lines.append(f"passed over, with audio in it: {len(passed_over)}")
        lines += [f"  {path}: {reason}" for path, reason in sorted(passed_over.items())]
    lines += _ignored(tracks, others)
    if expected:
        lines += _differences(len(used), artists, expected)
    return "\n".join(lines) + "\n"


def _without_recordings(tracks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for every artist and album of which nothing can be used."""
    placed = [track for track in tracks if track["artist"]]
    used = usable(placed)
    artists = {track["artist"] for track in placed} - {track["artist"] for track in used}
    albums = {(track["artist"], track["album"]) for track in placed}
    albums -= {(track["artist"], track["album"]) for track in used}
    lines = [f"no usable recording of artist {artist}" for artist in sorted(artists)]
    return lines + [
        f"no usable recording on album {artist}/{album}"
        for artist, album in sorted(albums)
        if artist not in artists
    ]


def _ignored(tracks: Iterable[Mapping[str, Any]], others: Iterable[str]) -> list[str]:
    """Return what was passed over, by kind, and the folders that hold nothing else."""
    hidden, rest = [], []
    for other in others:
        (hidden if is_hidden(other.rpartition("/")[2]) else rest).append(other)
    with_audio = {track["path"].partition("/")[0] for track in tracks}
    lines = [
        f"no audio in folder {folder}"
        for folder in sorted({path.partition("/")[0] for path in rest if "/" in path} - with_audio)
    ]
    if hidden:
        lines.append(f"ignored: {len(hidden)} hidden, such as {hidden[0]}")
    if rest:
        kinds = Counter(_kind(path.rpartition("/")[2]) for path in rest)
        by_count = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        counts = ", ".join(f"{count} {kind}" for kind, count in by_count)
        lines.append(f"ignored: {len(rest)} not audio ({counts}), such as {rest[0]}")
    return lines


def _kind(name: str) -> str:
    kind = extension(name)
    return kind if re.fullmatch(r"\.[a-z0-9]{1,8}", kind) else "without an extension"


def _differences(
    n_tracks: int, albums_of: Mapping[str, int], expected: Mapping[str, int]
) -> list[str]:
    lines = []
    if len(albums_of) != expected["artists"]:
        lines.append(f"{len(albums_of)} artists, not {expected['artists']}")
    for artist, count in sorted(albums_of.items()):
        if count != expected["albums_per_artist"]:
            lines.append(f"{artist}: {count} albums, not {expected['albums_per_artist']}")
    if n_tracks != expected["tracks"]:
        lines.append(f"{n_tracks} usable tracks, not {expected['tracks']}")
    return [f"expected otherwise: {line}" for line in lines] or ["as corpus.expect says"]
