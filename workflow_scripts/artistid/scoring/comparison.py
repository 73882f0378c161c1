"""Comparing runs by their outcomes: intervals, paired tests, album effect, album confusions."""

import itertools
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Protocol, TypeVar

import numpy as np

from artistid.runs import Run
from artistid.scoring.intervals import (
    Answers,
    difference_interval,
    has_too_few_songs,
    mean_intervals,
    paired_interval,
    pairwise_tests,
)
from artistid.scoring.outcomes import Outcomes
from artistid.scoring.scores import METRICS

# A cell of the tables: (model, split, slice seconds or None).
Cell = tuple[str, str, float | None]
Level = tuple[str, str]  # level and pooling
INTERVAL_COLUMNS = (
    *("model", "split", "slice_seconds", "level", "pooling"),
    *("metric", "artist", "mean", "low", "high", "too_few", "resampled"),
)
EFFECT_COLUMNS = (
    *("model", "slice_seconds", "split_by_track", "split_by_album", "level", "pooling"),
    *("mean", "low", "high", "too_few"),
)
PAIR_COLUMNS = (
    *("split", "slice_seconds", "level", "pooling", "first", "second"),
    *("difference", "low", "high", "p", "p_corrected", "songs", "swapped_units", "too_few"),
)
ALBUM_COLUMNS = (
    *("model", "split", "slice_seconds", "cut", "seed", "artist", "album", "songs", "slices"),
    *("answered", "share"),
)
# By split, the unit in which each track is resampled and swapped: the id of its album where the
# split keeps albums together, else its own.
UnitOf = Mapping[str, Mapping[str, str]]


def units_of(tracks: Sequence[Mapping[str, str]], keeps_albums: Mapping[str, bool]) -> UnitOf:
    """Return by split the unit in which each track is resampled and swapped.

    Args:
        tracks: rows of ``usable.csv``.
        keeps_albums: by split, whether it keeps albums together.
    """
    ids = {
        keeps: {track["track_id"]: track["album_id" if keeps else "track_id"] for track in tracks}
        for keeps in set(keeps_albums.values())
    }
    return {split: ids[keeps] for split, keeps in keeps_albums.items()}


class OfRun(Protocol):
    """An object that belongs to a run."""

    @property
    def run(self) -> Run:
        """The run."""


_OfRun = TypeVar("_OfRun", bound=OfRun)


def by_cell(items: Iterable[_OfRun]) -> dict[Cell, list[_OfRun]]:
    """Group objects by the cell of their run, ordered by seed and cut."""
    cells = defaultdict(list)
    for item in sorted(items, key=lambda item: (item.run.seed, item.run.cut)):
        cells[item.run.model, item.run.split, item.run.slice_seconds].append(item)
    return dict(cells)


def _tested(runs: Sequence[Outcomes], level: Level, unit_of: UnitOf) -> list[Answers]:
    return [
        Answers(
            run.target,
            run.counts[level],
            run.track_id,
            [unit_of[run.run.split][track] for track in run.track_id],
        )
        for run in runs
    ]


def generator_of(*key: Any) -> np.random.Generator:
    """Return a generator of a cell's own, so that one more model changes no other's interval."""
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def interval_rows(
    cells: Mapping[Cell, Sequence[Outcomes]], unit_of: UnitOf
) -> list[dict[str, Any]]:
    """Return each metric's mean with its interval, for each cell and level.

    The metric ``f1`` is that of one artist; the others are over all artists. ``resampled`` is
    ``albums`` if some artist has several of them in a test set, else ``songs``.
    """
    rows = []
    for (model, split, seconds), runs in cells.items():
        for level in runs[0].counts:
            tested = _tested(runs, level, unit_of)
            intervals = mean_intervals(tested, generator_of(model, split, seconds, level))
            axes = {"model": model, "split": split, "slice_seconds": seconds} | _level(level)
            has_albums = any(run.resamples_clusters() for run in tested)
            resampled = {"resampled": "albums" if has_albums else "songs"}
            scored = [(metric, "") for metric in METRICS]
            scored += [("f1", artist) for artist in runs[0].classes]
            for (metric, artist), interval in zip(scored, intervals, strict=True):
                of_score = {"metric": metric, "artist": artist}
                rows.append(axes | of_score | asdict(interval) | resampled)
    return rows


def effect_rows(
    cells: Mapping[Cell, Sequence[Outcomes]], unit_of: UnitOf, keeps_albums: Mapping[str, bool]
) -> list[dict[str, Any]]:
    """Return what a split by track adds to macro F1, with its interval, by model and level.

    Each split by track is compared with each split that keeps albums together.

    Args:
        cells: runs by cell.
        unit_of: by split, the unit in which each track is resampled.
        keeps_albums: by split, whether it keeps albums together.
    """
    rows = []
    by_album = [split for split in dict.fromkeys(cell[1] for cell in cells) if keeps_albums[split]]
    for (model, split, seconds), runs in cells.items():
        if keeps_albums[split]:
            continue
        for other in by_album:
            others = cells.get((model, other, seconds), [])
            for level in runs[0].counts if others else ():
                interval = difference_interval(
                    _tested(runs, level, unit_of),
                    _tested(others, level, unit_of),
                    generator_of(model, seconds, level),
                )
                axes = {"model": model, "slice_seconds": seconds}
                splits = {"split_by_track": split, "split_by_album": other}
                rows.append(axes | splits | _level(level) | asdict(interval))
    return rows


def pair_rows(
    cells: Mapping[Cell, Sequence[Outcomes]],
    lengths: Sequence[float],
    unit_of: UnitOf,
) -> list[dict[str, Any]]:
    """Return a paired test for each pair of models, corrected within split, slice length and level.

    ``low`` and ``high`` are the ends of the difference's 95 % interval.

    Systems on whole songs join the song levels. Songs that one of the models could not answer,
    because they are shorter than its slices, are left out for all.

    Args:
        cells: runs by cell.
        lengths: slice lengths, in seconds, at which every model ran.
        unit_of: by split, the unit in which each track is swapped.
    """
    rows = []
    levels = sorted({level for runs in cells.values() for level in runs[0].counts})
    splits = dict.fromkeys(split for _, split, _ in cells)
    for split, seconds, level in itertools.product(splits, lengths, levels):
        runs = {
            model: own
            for (model, cell_split, cell_seconds), own in cells.items()
            if cell_split == split and cell_seconds in (seconds, None) and level in own[0].counts
        }
        if len(runs) < 2:
            continue
        on_common = _on_common_songs(list(runs.values()), level, unit_of[split])
        tested = dict(zip(runs, on_common, strict=True))
        axes = {"split": split, "slice_seconds": seconds} | _level(level)
        first = next(iter(tested.values()))
        facts = {
            "songs": len({song for run in first for song in run.songs}),
            "swapped_units": len({unit for run in first for unit in run.units()}),
            "too_few": has_too_few_songs(first),
        }
        for a, b, difference, p, corrected in pairwise_tests(tested, generator_of(*axes.values())):
            # Each pair has a separate generator, so adding a model does not change other intervals.
            chance = generator_of(*axes.values(), a, b)
            interval = paired_interval(tested[a], tested[b], chance)
            values = {"first": a, "second": b, "difference": difference}
            values |= {"low": interval.low, "high": interval.high}
            rows.append(axes | values | {"p": p, "p_corrected": corrected} | facts)
    return rows


def _on_common_songs(
    models: Sequence[Sequence[Outcomes]], level: Level, unit_of: Mapping[str, str]
) -> Iterator[list[Answers]]:
    """Yield each model's runs, one seed and cut after the other, on what every model answered."""
    paired = _by_pairing(models)
    pairings = sorted(set.intersection(*({*runs} for runs in paired)))
    common = {
        pairing: set.intersection(*({*runs[pairing].track_id} for runs in paired))
        for pairing in pairings
    }
    for runs in paired:
        tested = []
        for pairing in pairings:
            run = runs[pairing]
            kept = [index for index, song in enumerate(run.track_id) if song in common[pairing]]
            songs = [run.track_id[index] for index in kept]
            units = [unit_of[song] for song in songs]
            tested.append(Answers(run.target[kept], run.counts[level][kept], songs, units))
        yield tested


def _by_pairing(models: Sequence[Sequence[Outcomes]]) -> list[dict[tuple[int, str], Outcomes]]:
    """Return each model's runs by seed and cut, which two runs that are compared have in common.

    An ensemble over seeds has one run of a cut, which is compared with every seed's run of the
    others. Without this, all models would be compared on that one seed.
    """
    found = [{(one.run.seed, one.run.cut): one for one in runs} for runs in models]
    pairings = {pairing for own in found for pairing in own}
    for own in found:
        n_runs = Counter(cut for _, cut in own)
        of_cut = {cut: one for (_, cut), one in own.items() if n_runs[cut] == 1}
        missing = [pairing for pairing in pairings if pairing not in own and pairing[1] in of_cut]
        own |= {pairing: of_cut[pairing[1]] for pairing in missing}
    return found


def album_rows(
    cells: Mapping[Cell, Sequence[Outcomes]],
    album_of: Mapping[str, tuple[str, str]],
    level: Level,
    keeps_albums: Mapping[str, bool],
) -> list[dict[str, Any]]:
    """Return, for each tested album, the share of its answers by artist answered.

    Of the splits that keep albums together. The album's own artist has a row in any case, others
    where they were answered.

    Args:
        cells: runs by cell.
        album_of: artist and album of each track id.
        level: whose answers are counted.
        keeps_albums: by split, whether it keeps albums together.
    """
    rows = []
    for (model, split, seconds), runs in cells.items():
        if not keeps_albums[split] or level not in runs[0].counts:
            continue
        for run in runs:
            by_album = defaultdict(list)
            for index, track in enumerate(run.track_id):
                by_album[album_of[track]].append(index)
            for (artist, album), songs in sorted(by_album.items()):
                axes = {"model": model, "split": split, "slice_seconds": seconds}
                axes |= {"cut": run.run.cut, "seed": run.run.seed}
                names = {"artist": artist, "album": album, "songs": len(songs)}
                counts = run.counts[level][songs].sum(axis=0)
                names["slices"] = int(counts.sum())
                rows += [
                    axes | names | {"answered": answered, "share": float(count / counts.sum())}
                    for answered, count in zip(run.classes, counts, strict=True)
                    if count or answered == artist
                ]
    return rows


def _level(level: Level) -> dict[str, str]:
    return {"level": level[0], "pooling": level[1]}
