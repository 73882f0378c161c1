"""A folder of recordings: what it holds, and safe ids for it.

``<audio_dir>/<artist>/<album>/<track>.<ext>``, with a folder for each disc of an album or without,
or anywhere in the folder where tags say artist and album. Names may hold any character that a file
system takes; everything after the scan goes by ids of lower-case letters, digits, ``-`` and ``_``.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from artistid.corpus import m4a
from artistid.corpus.audio import EXTENSIONS, extension
from artistid.corpus.discs import is_disc
from artistid.corpus.listings import MISPLACED
from artistid.errors import InputError

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


@dataclass(frozen=True)
class Recording:
    """An audio file of a corpus: its path relative to the corpus' folder, with ``/`` between.

    Its artist and album are those of its folders; `artistid.corpus.tags.TaggedRecording` has those
    of its tags.
    """

    path: str

    @property
    def parts(self) -> list[str]:
        return self.path.split("/")

    @property
    def is_placed(self) -> bool:
        """Whether the file is where recordings belong: artist/album/track, or on a disc of it."""
        return len(self.parts) == 3 or self.is_on_disc

    @property
    def is_on_disc(self) -> bool:
        """Whether the file is in a disc's folder inside its album's: artist/album/disc/track."""
        return len(self.parts) == 4 and is_disc(self.parts[2])

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

    @property
    def filed_under(self) -> tuple[str, str]:
        """The artist, and the album as ``artist/album``; empty without one, misplaced or not."""
        artist, album = self.parts[:1], self.parts[:2]
        depth = len(self.parts)
        return "/".join(artist * (depth > 1)), "/".join(album * (depth > 2))

    @property
    def why_not_placed(self) -> tuple[str, str]:
        """The status of a recording that is not placed, and the reason."""
        return MISPLACED, "not at <artist>/<album>/<track>: move it there"


def safe_id(parts: Sequence[str], readable: Sequence[str] | None = None) -> str:
    """Return an id for a path: a readable part, and a digest of the exact bytes.

    Names that differ only in case or Unicode normalisation get different ids, and the id of one
    recording does not depend on the others.

    Args:
        parts: of the path.
        readable: those that the readable part has, all by default.
    """
    digest = hashlib.sha256(os.fsencode("/".join(parts))).hexdigest()[:10]
    return "-".join([*(_slug(part) for part in readable or parts), digest])


def _slug(name: str) -> str:
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "_", ascii_name.lower()).strip("_")[:24] or "x"


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is skipped.

    A name is hidden if it begins with a dot that no digit, space or further dot follows, or if it
    is one of `SYSTEM_FOLDERS`.
    """
    return bool(_HIDDEN.match(name)) or name in SYSTEM_FOLDERS


def list_recordings(audio_dir: Path) -> tuple[list[Recording], list[str]]:
    """Find a folder's audio files, sorted by path, and everything else that was skipped.

    Hidden files and folders (`is_hidden`) are skipped. Links to folders are followed down to
    the albums and no further, so that a loop of links ends.

    Returns:
        The recordings (misplaced ones included), and the relative paths of hidden files and
        folders and of files that are not audio.

    Raises:
        InputError: the folder does not exist, is not a folder, or cannot be read.
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
            f"{folder}: cannot be read as a folder ({error.strerror}); corpus.audio_dir "
            "must name a readable folder of <artist>/<album>/<track> recordings"
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
    """Look for audio in skipped files: a person may miss this music.

    Args:
        audio_dir: the corpus' folder.
        others: what `list_recordings` skipped.

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
    except OSError:  # a link to a place without read permission
        return False


def _holds_audio(path: Path) -> bool:
    """Whether a file, or any file in a folder, is called like audio."""
    names: Iterable[str] = [path.name]
    if _is_folder(path):
        names = (name for _, _, files in os.walk(path) for name in files)
    return any(extension(name) in EXTENSIONS and not _COMPANIONS.fullmatch(name) for name in names)


@dataclass(frozen=True)
class FolderState:
    """What a folder of recordings contains, without reading any of them.

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
    if m4a.available() and any(extension(r.path) in m4a.EXTENSIONS for r in recordings):
        digest.update(b"PyAV")  # files that were undecodable before its installation may not be now
    return FolderState(digest.hexdigest(), len(recordings), n_bytes)
