"""What a corpus excludes: by name, and artists with too few albums or tracks."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from artistid.corpus.folder import Recording
from artistid.corpus.listings import EXCLUDED, usable
from artistid.errors import InputError

AT_MOST = 5  # names in one message


@dataclass(frozen=True)
class Exclusion:
    """Artists and albums that are left out by name.

    Attributes:
        artists: names of artists' folders, or of artists in tags.
        albums: albums, as ``artist/album``.
    """

    artists: frozenset[str] = frozenset()
    albums: frozenset[str] = frozenset()

    def reason(self, recording: Recording) -> str:
        """Return why a recording is left out; empty if it is not."""
        artist, album = recording.filed_under
        if artist in self.artists:
            return f"artist {artist!r} is in corpus.exclude.artists"
        return f"album {album!r} is in corpus.exclude.albums" if album in self.albums else ""


def exclusion(exclude: Mapping[str, Sequence[str]], recordings: Iterable[Recording]) -> Exclusion:
    """Find what ``corpus.exclude`` names among the recordings.

    A name means the folder, or the artist in tags, of exactly that name. Where there is none, it
    also matches names that are encoded differently and read the same (Unicode's NFC): a typed name
    has the accents of the keyboard, and the folder those of the system that made it.

    Args:
        exclude: lists of ``artists`` and of ``albums``, the latter as ``artist/album``.
        recordings: what `list_recordings` found.

    Raises:
        InputError: names that fit nothing, with those that are close.
    """
    filed = [recording.filed_under for recording in recordings]
    known = {
        "artists": {artist for artist, _ in filed} - {""},
        "albums": {album for _, album in filed} - {""},
    }
    found = {key: _fitting(exclude.get(key, ()), names) for key, names in known.items()}
    unknown = [
        f"corpus.exclude.{key}: {_not_there(name, known[key])}"
        for key, fitting in found.items()
        for name, folders in fitting.items()
        if not folders
    ]
    if unknown:
        more = f"; and {len(unknown) - AT_MOST} more names" if len(unknown) > AT_MOST else ""
        raise InputError("; ".join(unknown[:AT_MOST]) + more)
    artists, albums = (
        frozenset(folder for folders in fitting.values() for folder in folders)
        for fitting in found.values()
    )
    return Exclusion(artists, albums)


def _fitting(names: Iterable[str], folders: Collection[str]) -> dict[str, list[str]]:
    """Return the folders that each name means."""
    alike = defaultdict(list)
    for folder in folders:
        alike[unicodedata.normalize("NFC", folder)].append(folder)
    return {
        name: [name] if name in folders else alike.get(unicodedata.normalize("NFC", name), [])
        for name in names
    }


def _not_there(name: str, folders: Iterable[str]) -> str:
    by_lower_case = {folder.lower(): folder for folder in sorted(folders)}
    close = get_close_matches(name.lower(), by_lower_case, cutoff=0.7)
    advice = "write " + " or ".join(repr(by_lower_case[match]) for match in close)
    return f"no recording is filed under {name!r}; {advice if close else 'correct or remove it'}"


def small_artists(
    tracks: Iterable[Mapping[str, Any]], min_albums: int, min_tracks: int
) -> dict[str, str]:
    """Return the artists with too few usable albums or tracks, and what they have.

    Args:
        tracks: rows of ``tracks.csv``, copies marked.
        min_albums: albums with a usable track that an artist needs.
        min_tracks: usable tracks that an artist needs.
    """
    used = usable(tracks)
    n_tracks = Counter(track["artist"] for track in used)
    n_albums = Counter(artist for artist, _ in {(t["artist"], t["album_id"]) for t in used})
    reasons = {}
    for artist, count in sorted(n_tracks.items()):
        lacks = [
            f"{has} {unit[:-1] if has == 1 else unit}, corpus.min_{unit} requires {least}"
            for has, unit, least in (
                (n_albums[artist], "albums", min_albums),
                (count, "tracks", min_tracks),
            )
            if has < least
        ]
        if lacks:
            reasons[artist] = f"artist {artist!r} has " + " and ".join(lacks)
    return reasons


def check_remaining(tracks: Sequence[Mapping[str, Any]]) -> None:
    """Stop if exclusions leave fewer than two artists.

    Raises:
        InputError: names the keys and how many artists remain.
    """
    left_out = [track for track in tracks if track["status"] == EXCLUDED]
    remaining = sorted({track["artist"] for track in usable(tracks)})
    if left_out and len(remaining) < 2:
        artists = {track["artist"] or track["path"].partition("/")[0] for track in left_out}
        artists -= set(remaining)
        named = f"1 artist, {remaining[0]!r}" if remaining else "no artist"
        raise InputError(
            f"corpus.exclude, corpus.min_albums and corpus.min_tracks leave {named}, and leave out "
            f"{len(artists)}: at least two are needed; exclude fewer, or lower the minimums"
        )
