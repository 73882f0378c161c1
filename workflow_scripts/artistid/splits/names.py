"""Finding the track of the corpus that a name in somebody's list means."""

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from artistid.splits.mistakes import quoted

# Endings that a list's name may have in place of the recording's. No other dot ends a title.
ENDINGS = (".mp3", ".flac", ".wav", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".au", ".wma")
DEPTH = 3  # artist/album/track

Row = Mapping[str, str]


class NoMatchError(Exception):
    """A name means no track of the corpus, or more than one; says why and what to do."""


def normalised(name: str) -> str:
    """Return a name without what spellings differ in: case, underscores, spaces, Unicode form."""
    composed = unicodedata.normalize("NFC", name).casefold().replace("_", " ")
    return unicodedata.normalize("NFC", " ".join(composed.split()))


def parts_of(path: str) -> tuple[str, ...]:
    """Return artist, album and track of a path; folders above the artist are left out.

    Raises:
        NoMatchError: the path is absolute, leads out of the corpus, or is too short.
    """
    folders = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or path[1:3] in (":/", ":\\"):
        raise NoMatchError(
            "is an absolute path, outside the corpus; write <artist>/<album>/<track>"
        )
    if ".." in folders:
        raise NoMatchError("leads out of the corpus with `..`; write <artist>/<album>/<track>")
    if len(folders) < DEPTH:
        raise NoMatchError("is not a path in the corpus; write <artist>/<album>/<track>")
    return tuple(folders[-DEPTH:])


@dataclass(frozen=True)
class Corpus:
    """The usable tracks, by what a list may call them; `corpus_of` makes one.

    Attributes:
        by_id: each track by its id.
        by_path: each track by its exact path.
        by_parts: each track by artist, album and the name of its file, if that is unique.
        alike: tracks by the normalised parts of their path, with its ending and without.
        albums: normalised albums of each normalised artist.
    """

    by_id: Mapping[str, Row]
    by_path: Mapping[str, Row]
    by_parts: Mapping[tuple[str, ...], Row]
    alike: Mapping[tuple[str, ...], Sequence[Row]]
    albums: Mapping[str, set[str]]

    def with_id(self, track_id: str) -> Row:
        """Return the track of an id.

        Raises:
            NoMatchError: there is none.
        """
        if track_id not in self.by_id:
            raise NoMatchError(
                f"track_id {quoted(track_id)} is not a usable track of the corpus; write an id of "
                "corpus/usable.csv, or delete the line"
            )
        return self.by_id[track_id]

    def at_path(self, path: str) -> Row:
        """Return the track of a path: the exact one, else what its last three parts mean.

        Raises:
            NoMatchError: as `parts_of` and `at`.
        """
        exact = self.by_path.get(path)
        return self.at(parts_of(path)) if exact is None else exact

    def at(self, parts: Sequence[str]) -> Row:
        """Return the track that artist, album and track mean: exactly, else in another spelling.

        Raises:
            NoMatchError: none or several tracks fit.
        """
        if (exact := self.by_parts.get(tuple(parts))) is not None:
            return exact
        key = tuple(map(normalised, parts))
        fitting = self.alike.get(key) or self.alike.get((*key[:-1], _without_ending(key[-1]))) or []
        if not fitting:
            raise NoMatchError(f"is not a usable track of the corpus{self._why_not(parts, key)}")
        if len(fitting) > 1:
            paths = " and ".join(quoted(track["path"]) for track in fitting)
            raise NoMatchError(
                f"fits {len(fitting)} tracks, {paths}; write its exact path with its ending"
            )
        return fitting[0]

    def _why_not(self, parts: Sequence[str], key: Sequence[str]) -> str:
        remedy = "write its path in the corpus, or delete the line"
        if key[0] not in self.albums:
            return f", which has no artist {quoted(parts[0])}; {remedy}"
        if key[1] not in self.albums[key[0]]:
            return f", whose artist {quoted(parts[0])} has no album {quoted(parts[1])}; {remedy}"
        return f"; {remedy} (corpus/tracks.csv says why a recording cannot be used)"


def corpus_of(tracks: Iterable[Row]) -> Corpus:
    """Return the usable tracks, ready to be found by name."""
    by_id, by_path = {}, {}
    by_parts: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    alike: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    albums: dict[str, set[str]] = defaultdict(set)
    for track in tracks:
        # Tags may say other names than folders do, and a disc's folder is in neither.
        parts = (track["artist"], track["album"], track["path"].rpartition("/")[2])
        by_id[track["track_id"]] = by_path[track["path"]] = track
        by_parts[parts].append(track)
        *folders, name = map(normalised, parts)
        stem = name.rpartition(".")[0] or name
        for end in {name, stem}:
            alike[*folders, end].append(track)
        albums[folders[0]].add(folders[1])
    exact = {parts: tracks[0] for parts, tracks in by_parts.items() if len(tracks) == 1}
    return Corpus(by_id, by_path, exact, dict(alike), albums)


def _without_ending(name: str) -> str:
    ending = next((ending for ending in ENDINGS if name.endswith(ending)), "")
    return name.removesuffix(ending)
