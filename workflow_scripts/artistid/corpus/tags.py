"""Artist and album of recordings by their tags, where folders do not say them (corpus.names)."""

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from artistid.corpus.discs import without_disc
from artistid.corpus.folder import Recording, safe_id
from artistid.corpus.listings import EXCLUDED, UNTAGGED

# What a tag is called in ID3 (mp3, wav, aiff), in MPEG-4, and in Vorbis comments (flac, ogg, opus).
_KEYS = {
    "artist": ("TPE1", "\xa9ART", "artist"),
    "album_artist": ("TPE2", "aART", "albumartist", "album artist"),
    "album": ("TALB", "\xa9alb", "album"),
    "compilation": ("TCMP", "cpil", "compilation"),
}
# What programs call the artist of a record that has many.
VARIOUS = frozenset(
    "various artists|various artist|various|va|v.a.|v/a|compilations|compilation".split("|")
)
_GUEST = re.compile(r"\s+[(\[]?(?:feat|ft|featuring)\b\.?\s.*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Tags:
    """What a recording's tags say, as they say it; empty text for what they do not."""

    artist: str = ""
    album_artist: str = ""
    album: str = ""
    compilation: bool = False


@dataclass(frozen=True)
class TaggedRecording(Recording):
    """An audio file of a corpus whose tags say its artist and album."""

    tags: Tags

    @property
    def artist(self) -> str:
        """The album's artist, else the track's, without guests; empty on a compilation."""
        return "" if self.is_compilation else without_guests(self.named_artist)

    @property
    def album(self) -> str:
        """The album, all of its discs."""
        return without_disc(self.tags.album)

    @property
    def named_artist(self) -> str:
        """The artist as the tags have it."""
        return self.tags.album_artist or self.tags.artist

    @property
    def is_placed(self) -> bool:
        """Whether the tags say an artist and an album."""
        return bool(self.artist and self.album)

    @property
    def album_id(self) -> str:
        # A name may hold a slash; none holds a zero byte.
        parts = [name.replace("/", "\0") for name in (self.artist, self.album)]
        return safe_id(parts) if self.is_placed else ""

    @property
    def track_id(self) -> str:
        return safe_id(self.parts, readable=self.parts[-3:])

    @property
    def filed_under(self) -> tuple[str, str]:
        return self.artist, f"{self.artist}/{self.album}" if self.is_placed else ""

    @property
    def is_compilation(self) -> bool:
        """Whether the recording is on a record of various artists."""
        if self.tags.album_artist:
            return is_various(self.tags.album_artist)
        return self.tags.compilation or is_various(self.tags.artist)

    @property
    def has_guest(self) -> bool:
        """Whether the name of the artist is shorter than the tags have it."""
        return self.is_placed and self.artist != self.named_artist

    @property
    def is_on_disc(self) -> bool:
        return self.is_placed and self.album != self.tags.album

    @property
    def why_not_placed(self) -> tuple[str, str]:
        if self.is_compilation:
            said = f"artist {self.named_artist!r}" if is_various(self.named_artist) else "tagged"
            return EXCLUDED, f"album {self.album!r} is a compilation ({said})"
        lacking = " and ".join(
            f"no {what} tag" for what, value in (("artist", self.artist), ("album", self.album))
            if not value
        )  # fmt: skip
        return UNTAGGED, f"{lacking}: write it with a tag editor"


def is_various(artist: str) -> bool:
    """Return whether a name is not an artist's, but means that there are several artists."""
    return artist.casefold().strip() in VARIOUS


def without_guests(artist: str) -> str:
    """Return the main artist: the part before "feat.", "ft." or "featuring"."""
    return _GUEST.sub("", artist)


def tagged(audio_dir: Path, recordings: Iterable[Recording], threads: int) -> list[Recording]:
    """Return the recordings with their tags, read from the files."""
    recordings = list(recordings)
    with ThreadPoolExecutor(threads) as pool:
        tags = pool.map(lambda recording: read_tags(audio_dir / recording.path), recordings)
        return [TaggedRecording(r.path, found) for r, found in zip(recordings, tags, strict=True)]


def read_tags(path: Path) -> Tags:
    """Return what a recording's tags say; nothing where they cannot be read.

    Of several artists in one tag the first is taken.
    """
    import mutagen

    try:
        with path.open("rb") as file:  # a name need not be UTF-8
            found = mutagen.File(file)
    # A damaged file may raise anything in mutagen: the scan says what is wrong with the file.
    except Exception:
        return Tags()
    tags: Any = found.tags if found is not None else None
    if not tags:
        return Tags()
    said = {name: _first(tags, keys) for name, keys in _KEYS.items()}
    compilation = said.pop("compilation") not in ("", "0", "False")
    return Tags(compilation=compilation, **said)


def _first(tags: Mapping[str, Any], keys: Iterable[str]) -> str:
    """Return the first value of the first of some tags that has one."""
    for key in keys:
        try:
            value = tags[key]
        except (KeyError, ValueError):  # ValueError: no key of this kind of tags
            continue
        values = getattr(value, "text", value)
        values = values if isinstance(values, list) else [values]
        if values and (text := _clean(str(values[0]))):
            return text
    return ""


def _clean(text: str) -> str:
    """Return a name on one line, its accents composed, without what no file can hold."""
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\0", " ")
    return " ".join(unicodedata.normalize("NFC", text).split())


def spelt_alike(names: Iterable[str]) -> list[list[str]]:
    """Return names that differ only in case, accents, spaces and punctuation, and may be one."""
    alike: dict[str, list[str]] = {}
    for name in sorted(set(names), key=os.fsencode):
        letters = unicodedata.normalize("NFKD", name).casefold()
        key = "".join(letter for letter in letters if letter.isalnum())
        alike.setdefault(key or name, []).append(name)
    return [spelt for spelt in alike.values() if len(spelt) > 1]
