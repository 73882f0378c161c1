"""The scores of music21's corpus by artist, as lists of notes, each tune once."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from artistid.errors import InputError

# A piece repeats a tune if the tune has more than this share of the piece's runs of intervals.
_SAME_TUNE = 0.25
_RUN = 6  # intervals
_EXCERPTS = 8  # of a movement, at most
_LONGEST_REST = 1.0  # quarter notes in which no part sounds


@dataclass(frozen=True)
class Note:
    """A note: part number from 0, start and length in quarter notes, MIDI pitch."""

    part: int
    start: float
    length: float
    pitch: int


@dataclass(frozen=True)
class Piece:
    """A tune, a movement or an excerpt of one.

    Attributes:
        path: the file.
        title: for people.
        work: pieces of one work belong on one album, because they may share music.
        tune: number of the tune in an ABC file, from 0.
        excerpt: number of the excerpt, from 0; excerpts follow each other.
    """

    path: Path
    title: str
    work: str
    tune: int | None = None
    excerpt: int = 0


def _scores(pattern: str) -> Callable[[Path], list[Piece]]:
    """Return a function that lists scores: each is a piece and a work."""

    def listed(root: Path) -> list[Piece]:
        # The corpus keeps older versions of a few scores.
        paths = [path for path in root.glob(pattern) if not path.stem.endswith(("_old", "_bak"))]
        return [Piece(path, path.stem, path.stem) for path in sorted(paths)]

    return listed


def _masses(root: Path) -> list[Piece]:
    """Return movements of Palestrina's masses; the files name the mass."""
    pieces = []
    for path in sorted(root.glob("palestrina/*.krn")):
        mass = re.search(r"^!!!OPR:\s*(.*)", path.read_text("latin-1"), re.MULTILINE)
        if mass:
            pieces.append(Piece(path, f"{mass[1].strip()}: {path.stem}", mass[1].strip()))
    return pieces


def _quartets(root: Path) -> list[Piece]:
    """Return excerpts of Beethoven's quartets, which are one file, or one a movement."""
    pieces = []
    for path in sorted(root.glob("beethoven/**/*.mxl")):
        name = path.relative_to(root / "beethoven").with_suffix("")
        for excerpt in range(_EXCERPTS):
            title = f"{name}, excerpt {excerpt + 1}"
            pieces.append(Piece(path, title, name.parts[0], excerpt=excerpt))
    return pieces


def _tunes(pattern: str) -> Callable[[Path], list[Piece]]:
    """Return a function that lists the tunes of ABC files; tunes of one title are one work."""

    def listed(root: Path) -> list[Piece]:
        pieces = []
        for path in sorted(root.glob(pattern)):
            for number, text in enumerate(_abc_tunes(path)):
                title = re.search(r"^T:\s*(.*)", text, re.MULTILINE)
                if title:
                    name = title[1].strip()
                    pieces.append(Piece(path, name, re.sub(r"\W", "", name.lower()), tune=number))
        return pieces

    return listed


def _abc_tunes(path: Path) -> list[str]:
    return re.split(r"(?m)^(?=X:)", path.read_text("utf-8", errors="replace"))[1:]


# By artist: what lists the pieces in a corpus' folder, and the quarter notes of a beat.
ARTISTS: dict[str, tuple[Callable[[Path], list[Piece]], float]] = {
    "Palestrina": (_masses, 2.0),
    "Bach": (_scores("bach/bwv*.mxl"), 1.0),
    "Ryan's Mammoth Collection": (_tunes("ryansMammoth/*.abc"), 1.0),
    "Trecento": (_scores("trecento/*.xml"), 1.0),
    "Han Chinese songs": (_tunes("essenFolksong/han[12].abc"), 1.0),
    "Beethoven quartets": (_quartets, 1.0),
    "Old German songs": (_tunes("essenFolksong/altdeu*.abc"), 2.0),
    "Monteverdi": (_scores("monteverdi/madrigal.*.mxl"), 1.0),
    "O'Neill's Music of Ireland": (_tunes("oneills1850/*.abc"), 1.0),
    "Lorraine songs": (_tunes("essenFolksong/lot.abc"), 1.0),
}


@lru_cache(maxsize=4)
def _notes_of(path: Path, tune: int | None) -> tuple[Note, ...]:
    """Return a score's notes by start, ties joined; without grace notes and chord symbols."""
    from music21 import converter, harmony

    if tune is None:
        score = converter.parse(path, forceSource=True)  # else it reads a pickle
    else:
        score = converter.parseData(_abc_tunes(path)[tune], format="abc")
    notes: list[Note] = []
    for number, part in enumerate(score.parts):
        held: dict[int, int] = {}  # pitch -> place in `notes` of a note that a tie may prolong
        for element in part.flatten().notes:
            length = float(element.quarterLength)
            if isinstance(element, harmony.ChordSymbol) or not length:
                continue
            for single in getattr(element, "notes", (element,)):
                if not hasattr(single, "pitch"):
                    continue
                pitch, tie = single.pitch.midi, single.tie
                if tie is not None and tie.type != "start" and pitch in held:
                    first = notes[held[pitch]]
                    end = float(element.offset) + length
                    notes[held[pitch]] = Note(number, first.start, end - first.start, pitch)
                else:
                    held[pitch] = len(notes)
                    notes.append(Note(number, float(element.offset), length, pitch))
    return tuple(sorted(notes, key=lambda note: (note.start, note.part, note.pitch)))


def without_silence(notes: Iterable[Note]) -> list[Note]:
    """Return notes, which are in the order of their starts, from 0 and with rests shortened.

    A rest of all parts becomes a quarter note long.
    """
    moved: list[Note] = []
    shift, latest_start = 0.0, 0.0  # the first note starts at 0
    for note in notes:
        shift += max(0.0, note.start - shift - latest_start)
        moved.append(replace(note, start=note.start - shift))
        latest_start = max(latest_start, moved[-1].start + note.length + _LONGEST_REST)
    return moved


def excerpt_of(piece: Piece, quarters: float) -> list[Note]:
    """Return a piece's notes from 0, at most `quarters` long; none if the excerpt does not exist.

    A first excerpt may be shorter, later ones are whole.
    """
    notes = without_silence(_notes_of(piece.path, piece.tune))
    start, end = piece.excerpt * quarters, (piece.excerpt + 1) * quarters
    if piece.excerpt and end_of(notes) < end:
        return []
    return without_silence(note for note in notes if start <= note.start < end)


def end_of(notes: Iterable[Note]) -> float:
    """Return where the last note ends, in quarter notes; 0 without notes."""
    return max((note.start + note.length for note in notes), default=0.0)


def melody_runs(notes: list[Note]) -> set[Hashable]:
    """Return the runs of intervals of the highest notes, which transposition does not change."""
    highest: dict[float, int] = {}
    for note in notes:
        highest[note.start] = max(note.pitch, highest.get(note.start, 0))
    line = [highest[start] for start in sorted(highest)]
    intervals = [after - before for before, after in pairwise(line)]
    return {tuple(intervals[at : at + _RUN]) for at in range(len(intervals) - _RUN + 1)}


class Tunes:
    """The tunes that are on albums already."""

    def __init__(self) -> None:
        self.holders: dict[Hashable, list[Hashable]] = defaultdict(list)

    def has(self, runs: set[Hashable]) -> bool:
        """Return whether a single earlier tune shares many of its runs with these."""
        shared = Counter(tune for run in runs for tune in self.holders.get(run, ()))
        return any(count > _SAME_TUNE * len(runs) for count in shared.values())

    def add(self, tune: Hashable, runs: set[Hashable]) -> None:
        """Remember a tune."""
        for run in runs:
            self.holders[run].append(tune)


class Shelf:
    """An artist's pieces in a drawn order, each taken once, and a work on one album only."""

    def __init__(self, pieces: list[Piece], tunes: Tunes, generator: np.random.Generator) -> None:
        works: dict[str, list[Piece]] = {}
        for piece in pieces:
            works.setdefault(piece.work, []).append(piece)
        names = list(works)
        order = [names[index] for index in generator.permutation(len(names))]
        self.pieces = (
            works[name][index]
            for name in order
            for index in generator.permutation(len(works[name]))
        )
        self.tunes = tunes
        self.closed: set[str] = set()  # works on albums that are complete
        self.open: set[str] = set()

    def close_album(self) -> None:
        """Give what is left of this album's works to no other album."""
        self.closed |= self.open
        self.open = set()

    def take(self, quarters: float) -> tuple[list[str], list[Note]]:
        """Return the titles and notes of a track that lasts `quarters` quarter notes.

        Short tunes follow each other after a quarter's rest.

        Raises:
            InputError: too few pieces are left.
        """
        titles: list[str] = []
        notes: list[Note] = []
        filled = 0.0
        for piece in self.pieces:
            if piece.work in self.closed:
                continue
            found = excerpt_of(piece, quarters)
            runs = melody_runs(found)
            if not runs or self.tunes.has(runs):
                continue
            self.tunes.add(piece, runs)
            self.open.add(piece.work)
            titles.append(piece.title)
            notes += [replace(note, start=note.start + filled) for note in found]
            filled = end_of(notes) + 1
            if filled > quarters:
                return titles, [note for note in notes if note.start < quarters]
        raise InputError(
            f"too few pieces are left after {titles or sorted(self.closed)[-1:]}: lower --albums, "
            "--tracks or --seconds"
        )
