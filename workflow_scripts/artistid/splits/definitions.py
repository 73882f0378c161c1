"""Splits as the configuration defines them: what kind, of what units, and which cuts.

Whoever depends on a split asks its definition, never its name. Planning imports this module, so it
loads nothing heavy.
"""

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from artistid.errors import InputError, shortened
from artistid.splits.subsets import (
    ALBUM,
    SUBSETS,
    TEST,
    TRAIN,
    UNIT_COLUMNS,
    UNITS,
    VALIDATION,
)

RANDOM, FOLDS, MANIFEST = "random", "folds", "manifest"
LIST = "list"  # the cut of a user's list
MIN_UNITS = 3  # one for each subset
DRAWN = (VALIDATION, TEST)  # the subsets that a random split draws; the rest trains
UNKNOWN_ARTISTS = "unknown_artists"
MIN_UNKNOWN_ARTISTS = 2  # one for validation, one for test
MIN_KNOWN_ARTISTS = 2
_CUT = re.compile(r"(?:draw(\d+)|list)(?:-fold(\d+))?")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # a folder of the results is called so

# Paths of a user's list: one CSV file, or a file for each subset.
Files = str | Mapping[str, str]


@dataclass(frozen=True)
class Split(ABC):
    """One definition of a split.

    Attributes:
        name: what the configuration calls it.
        by: ``track`` or ``album``: the unit that is kept together.
    """

    name: str
    by: str

    kind: ClassVar[str]
    draws: ClassVar[bool] = True  # whether the workflow draws it, and nobody hands it over

    @property
    def keeps_albums(self) -> bool:
        """Whether all tracks of an album are in one subset."""
        return self.by == ALBUM

    @property
    def unit_column(self) -> str:
        """The column that identifies the units of draws and of paired tests."""
        return UNIT_COLUMNS[self.by]

    @property
    def units(self) -> str:
        """What people call the units: ``usable tracks``, ``albums``."""
        return UNITS[self.by]

    @property
    def min_units(self) -> int:
        """Units that each artist of the corpus needs; 0 if that is not known beforehand."""
        return MIN_UNITS

    @property
    def reason_for_min_units(self) -> str:
        """Why each artist needs that many."""
        return "one for each subset"

    @property
    def subsets(self) -> tuple[str, ...]:
        """The subsets that there are."""
        return SUBSETS

    @property
    def required(self) -> tuple[str, ...]:
        """The subsets of which every artist of the corpus needs a track."""
        return SUBSETS

    @property
    def n_folds(self) -> int:
        """Number of folds; 0 if the split has none."""
        return 0

    @property
    def may_have_unknown_artists(self) -> bool:
        """Whether artists that are not trained on may be in the other subsets."""
        return False

    @abstractmethod
    def cut_of_seed(self, seed: int) -> str:
        """Return the cut that is scored for a seed; with folds, all of them together."""

    def parts(self, cut: str) -> list[str]:
        """Return the cuts that are trained for one that is scored: its folds, or itself."""
        return [f"{cut}-fold{fold}" for fold in range(1, self.n_folds + 1)] or [cut]

    def draw_number(self, cut: str) -> int:
        """Return the number that a cut is drawn with; 0 for a list, which is not drawn."""
        return int(_numbers(cut)[0] or 0)

    def fold_number(self, cut: str) -> int | None:
        """Return the fold that a cut is, counted from 1; None for one that is not a fold."""
        fold = _numbers(cut)[1]
        return int(fold) if fold else None

    def varies(self, seeds: Iterable[int]) -> bool:
        """Return whether some of the seeds have different cuts."""
        return len({self.cut_of_seed(seed) for seed in seeds}) > 1

    @abstractmethod
    def plain(self) -> dict[str, Any]:
        """Return the definition as plain types, without its name and without defaults.

        Two spellings of one definition are equal here.
        """


@dataclass(frozen=True)
class _DrawnSplit(Split):
    """A split that the workflow draws.

    Attributes:
        draw: number that all seeds draw with; None if each seed draws with its own.
    """

    draw: int | None = None

    def cut_of_seed(self, seed: int) -> str:
        return f"draw{seed if self.draw is None else self.draw}"

    def plain(self) -> dict[str, Any]:
        drawn = {} if self.draw is None else {"draw": self.draw}
        return {"kind": self.kind, "by": self.by} | drawn


@dataclass(frozen=True)
class RandomSplit(_DrawnSplit):
    """Units drawn at random per artist.

    Attributes:
        shares: by track, the share of an artist's tracks in each subset.
        albums: by album, an artist's albums in validation and test; the rest trains.
        unknown_artists: how many artists are left out of training; one half of them is in
            validation, the other in test.
    """

    kind: ClassVar[str] = RANDOM
    shares: Mapping[str, float] = field(default_factory=dict, hash=False)
    albums: Mapping[str, int] = field(default_factory=dict, hash=False)
    unknown_artists: int = 0

    @property
    def required(self) -> tuple[str, ...]:
        return () if self.unknown_artists else super().required

    @property
    def may_have_unknown_artists(self) -> bool:
        return self.unknown_artists > 0

    @property
    def min_units(self) -> int:
        return sum(self.albums.values()) + 1 if self.keeps_albums else MIN_UNITS

    @property
    def reason_for_min_units(self) -> str:
        if self.min_units == MIN_UNITS:
            return super().reason_for_min_units
        drawn = " and ".join(f"{self.albums[subset]} for {subset}" for subset in DRAWN)
        return f"{drawn}, and one to train on"

    def lack_of_artists(self, n_artists: int) -> str:
        """Return what is wrong if so many artists leave fewer than two that are trained on."""
        most = n_artists - MIN_KNOWN_ARTISTS
        if not self.unknown_artists or self.unknown_artists <= most:
            return ""
        way = f"write {most} or fewer" if most >= MIN_UNKNOWN_ARTISTS else "leave the key out"
        return (
            f"splits.{self.name}.{UNKNOWN_ARTISTS}: {self.unknown_artists} of {n_artists} artists "
            f"are left out of training, and {MIN_KNOWN_ARTISTS} must remain; {way}, or add "
            "artists"
        )

    def plain(self) -> dict[str, Any]:
        own = {"albums": dict(self.albums)} if self.keeps_albums else {"shares": dict(self.shares)}
        unknown = {"unknown_artists": self.unknown_artists} if self.unknown_artists else {}
        return super().plain() | own | unknown


@dataclass(frozen=True)
class FoldsSplit(_DrawnSplit):
    """Every unit is tested once: a fold tests, the next one validates, the others train.

    Attributes:
        folds: how many.
        allow_fewer: whether an artist may have fewer units than folds, `MIN_UNITS` at least.
    """

    kind: ClassVar[str] = FOLDS
    folds: int = MIN_UNITS
    allow_fewer: bool = False

    @property
    def n_folds(self) -> int:
        return self.folds

    @property
    def min_units(self) -> int:
        return MIN_UNITS if self.allow_fewer else self.folds

    @property
    def reason_for_min_units(self) -> str:
        if self.allow_fewer:
            return super().reason_for_min_units
        return f"one for each fold (`allow_fewer: true` lets {MIN_UNITS} do)"

    @property
    def required(self) -> tuple[str, ...]:
        return (TRAIN,) if self.allow_fewer else SUBSETS

    def plain(self) -> dict[str, Any]:
        fewer = {"allow_fewer": True} if self.allow_fewer else {}
        return super().plain() | {"folds": self.folds} | fewer


@dataclass(frozen=True)
class ManifestSplit(Split):
    """A user's list, which the workflow reads and never writes.

    Attributes:
        files: for each fold (or the one list, without folds) a CSV file, or a file per subset.
        has_folds: whether the lists are folds.
        own_subsets: the subsets that there are.
        unknown_artists: whether artists that are not trained on may be in the other subsets.
    """

    kind: ClassVar[str] = MANIFEST
    draws: ClassVar[bool] = False
    files: tuple[Files, ...] = field(default=(), hash=False)
    has_folds: bool = False
    own_subsets: tuple[str, ...] = SUBSETS
    unknown_artists: bool = False

    @property
    def n_folds(self) -> int:
        return len(self.files) if self.has_folds else 0

    @property
    def min_units(self) -> int:
        return 0  # the list says who is where, and is checked when it is read

    @property
    def subsets(self) -> tuple[str, ...]:
        return self.own_subsets

    @property
    def required(self) -> tuple[str, ...]:
        return () if self.unknown_artists else (TRAIN,)

    @property
    def may_have_unknown_artists(self) -> bool:
        return self.unknown_artists

    def cut_of_seed(self, seed: int) -> str:
        return LIST

    def files_of(self, cut: str) -> Files:
        """Return the files of a list that is trained on."""
        return self.files[(self.fold_number(cut) or 1) - 1]

    def plain(self) -> dict[str, Any]:
        files = [f if isinstance(f, str) else dict(f) for f in self.files]
        plain = {"kind": self.kind, "by": self.by, "files": files if self.has_folds else files[0]}
        if self.own_subsets != SUBSETS:
            plain["subsets"] = list(self.own_subsets)
        return plain | ({"unknown_artists": True} if self.unknown_artists else {})


def _numbers(cut: str) -> tuple[str | None, str | None]:
    found = _CUT.fullmatch(cut)
    if found is None:
        raise ValueError(f"{cut!r} is not a cut of a split")
    return found[1], found[2]


def definition(name: str, given: Mapping[str, Any]) -> Split:
    """Return the split that a mapping of the configuration defines.

    Args:
        name: of the split.
        given: the mapping; a key whose value is null counts as absent.

    Raises:
        InputError: names ``splits.<name>`` and the key, what is wrong and what to do.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            f"splits: {_quoted(name)} is not a valid name of a split; use letters, digits, "
            "_ and -, and begin with a letter or digit"
        )
    if not isinstance(given, Mapping):
        raise InputError(f"splits.{name}: is {_quoted(given)}; write a mapping of kind, by, ...")
    keys = _Keys(name, {key: value for key, value in given.items() if value is not None})
    kind = keys.one_of("kind", tuple(_READERS))
    by = keys.one_of("by", tuple(UNIT_COLUMNS))
    return _READERS[kind](keys, by)


def definitions(config: Mapping[str, Any]) -> dict[str, Split]:
    """Return the definition of each split of the experiment, in its order.

    Raises:
        InputError: names the split that is not defined, or what is wrong with a definition.
    """
    known = config["splits"]
    for name in config["experiment"]["splits"]:
        if name not in known:
            raise InputError(
                f"experiment.splits: {_quoted(name)} is not defined; define it in `splits`, or "
                f"write one of those that are: {', '.join(known)}"
            )
    return {name: definition(name, known[name]) for name in config["experiment"]["splits"]}


@dataclass(frozen=True)
class _Keys:
    """The keys of one definition, without those that are null; reading one checks its value."""

    name: str
    given: Mapping[str, Any]

    def wrong(self, key: str, problem: str) -> InputError:
        """Return the error that names a key."""
        return InputError(f"splits.{self.name}.{key}: {problem}")

    def allow(self, kind: str, *keys: str) -> None:
        """Stop at the keys that such a split does not have."""
        for key in self.given:
            if key not in ("kind", "by", *keys):
                raise self.wrong(
                    key,
                    f"does not apply to a {kind}; if it comes from config.yaml, which Snakemake "
                    f"merges key by key, write `{key}: null` or rename your split",
                )

    def needed(self, key: str, what: str) -> Any:
        """Return the value of a required key."""
        if key not in self.given:
            raise self.wrong(key, f"is missing; write {what}")
        return self.given[key]

    def one_of(self, key: str, values: tuple[str, ...]) -> str:
        """Return the value of a key that must be one of a few words."""
        value = self.needed(key, " or ".join(values))
        if not isinstance(value, str) or value not in values:
            raise self.wrong(key, f"is {_quoted(value)}; write {' or '.join(values)}")
        return value

    def count(self, key: str, value: Any, at_least: int) -> int:
        """Return a value that must be a whole number."""
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise self.wrong(key, f"is {_quoted(value)}; write a whole number, {at_least} or more")
        return value

    def flag(self, key: str) -> bool:
        """Return a value that is true or false; false if there is none."""
        value = self.given.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(key, f"is {_quoted(value)}; write true or false")
        return value

    def draw(self) -> int | None:
        """Return the number that all seeds draw with, if there is one."""
        return self.count("draw", self.given["draw"], 0) if "draw" in self.given else None

    def of_subsets(self, key: str, subsets: tuple[str, ...], what: str) -> Mapping[str, Any]:
        """Return a key's mapping, which must have a value for each of the subsets."""
        hint = f"a mapping of {' and '.join(subsets)} to {what}"
        return self.for_each(key, self.needed(key, hint), subsets, hint)

    def for_each(
        self, key: str, value: Any, subsets: tuple[str, ...], hint: str
    ) -> Mapping[str, Any]:
        """Return a mapping that must have a value for each of the subsets, in their order."""
        if not isinstance(value, Mapping):
            raise self.wrong(key, f"is {_quoted(value)}; write {hint}")
        own = {subset: each for subset, each in value.items() if each is not None}
        for subset in own:
            if subset not in subsets:
                raise self.wrong(f"{key}.{subset}", f"is not allowed here; write {hint}")
        for subset in subsets:
            if subset not in own:
                raise self.wrong(f"{key}.{subset}", f"is missing; write {hint}")
        return {subset: own[subset] for subset in subsets}


def _random(keys: _Keys, by: str) -> Split:
    own = "albums" if by == ALBUM else "shares"
    keys.allow(f"random split by {by}", own, "draw", UNKNOWN_ARTISTS)
    unknown = keys.given.get(UNKNOWN_ARTISTS, 0)
    if UNKNOWN_ARTISTS in keys.given:
        unknown = keys.count(UNKNOWN_ARTISTS, unknown, MIN_UNKNOWN_ARTISTS)
    if by == ALBUM:
        given = keys.of_subsets("albums", DRAWN, "their numbers of albums")
        albums = {s: keys.count(f"albums.{s}", number, 1) for s, number in given.items()}
        return RandomSplit(keys.name, by, keys.draw(), albums=albums, unknown_artists=unknown)
    return RandomSplit(keys.name, by, keys.draw(), _shares(keys), unknown_artists=unknown)


def _shares(keys: _Keys) -> dict[str, float]:
    shares = {}
    for subset, share in keys.of_subsets("shares", SUBSETS, "their shares").items():
        is_number = isinstance(share, int | float) and not isinstance(share, bool)
        if not (is_number and 0 < share < 1):
            problem = f"is {_quoted(share)}; write a share between 0 and 1"
            raise keys.wrong(f"shares.{subset}", problem)
        shares[subset] = float(share)
    total = sum(shares.values())
    if not math.isclose(total, 1, abs_tol=1e-6):
        raise keys.wrong("shares", f"sum to {total:g}; write shares that sum to 1")
    return shares


def _folds(keys: _Keys, by: str) -> Split:
    keys.allow("folds split", "folds", "allow_fewer", "draw")
    folds = keys.count("folds", keys.needed("folds", "how many, 3 or more"), MIN_UNITS)
    return FoldsSplit(keys.name, by, keys.draw(), folds, keys.flag("allow_fewer"))


def _manifest(keys: _Keys, by: str) -> Split:
    keys.allow("manifest split", "files", "subsets", UNKNOWN_ARTISTS)
    subsets, given = _subsets(keys), keys.needed("files", _FILES)
    has_folds = isinstance(given, list)
    lists = given if has_folds else [given]
    if not lists:
        raise keys.wrong("files", f"is an empty list; write {_FILES}")
    unknown = keys.flag(UNKNOWN_ARTISTS)
    if has_folds and unknown:
        raise keys.wrong(
            UNKNOWN_ARTISTS,
            "is not for folds, which must train on the same artists; write false, or one list",
        )
    names = [f"files[{fold}]" for fold in range(1, len(lists) + 1)] if has_folds else ["files"]
    files = tuple(_files(keys, *each, subsets) for each in zip(names, lists, strict=True))
    return ManifestSplit(keys.name, by, files, has_folds, subsets, unknown)


_FILES = (
    "the path of a CSV file, a mapping of subsets to paths of .list or .json files, or a list of "
    "either, one for each fold"
)


def _subsets(keys: _Keys) -> tuple[str, ...]:
    given = keys.given.get("subsets", list(SUBSETS))
    ways = f"{[*SUBSETS]} or {[TRAIN, VALIDATION]}".replace("'", "")
    words = set(given) if isinstance(given, list) and all(isinstance(s, str) for s in given) else {}
    if not {TRAIN, VALIDATION} <= set(words) <= set(SUBSETS) or len(words) != len(given):
        raise keys.wrong("subsets", f"is {_quoted(given)}; write {ways}")
    return tuple(subset for subset in SUBSETS if subset in words)


def _files(keys: _Keys, key: str, given: Any, subsets: tuple[str, ...]) -> Files:
    if isinstance(given, str) and given:
        if not given.lower().endswith(".csv"):
            raise keys.wrong(
                key,
                f"{_quoted(given)} does not end in .csv, so it does not say the subset of each "
                "track; write a mapping of subsets to paths",
            )
        return given
    hint = f"a mapping of {' and '.join(subsets)} to paths, or the path of a CSV file"
    paths = keys.for_each(key, given, subsets, hint)
    for subset, path in paths.items():
        if not isinstance(path, str) or not path:
            problem = f"is {_quoted(path)}; write the path of a file"
            raise keys.wrong(f"{key}.{subset}", problem)
        if path.lower().endswith(".csv"):
            raise keys.wrong(
                f"{key}.{subset}",
                f"{_quoted(path)} is a CSV file, which says the subset in a column; write "
                "its path alone, with all subsets in it",
            )
    return paths


def _quoted(value: Any) -> str:
    return shortened(repr(value))


_READERS = {RANDOM: _random, FOLDS: _folds, MANIFEST: _manifest}
