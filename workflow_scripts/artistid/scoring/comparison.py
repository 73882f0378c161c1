"""Comparing runs by their outcomes: intervals, paired tests, album effect, album confusions."""

import itertools
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from artistid.scoring.intervals import (
    Answers,
    Interval,
    difference_interval,
    has_too_few_songs,
    mean_intervals,
    pairwise_tests,
)
from artistid.scoring.outcomes import Outcomes
from artistid.scoring.scores import METRICS

# A cell of the tables: (model, split, slice seconds or None).
Cell = tuple[str, str, float | None]
Level = tuple[str, str]  # level and pooling
INTERVAL_COLUMNS = (
    *("model", "split", "slice_seconds", "level", "pooling"),
    *("metric", "artist", "mean", "low", "high", "too_few"),
)
EFFECT_COLUMNS = ("model", "slice_seconds", "level", "pooling", "mean", "low", "high", "too_few")
PAIR_COLUMNS = (
    *("split", "slice_seconds", "level", "pooling", "first", "second"),
    *("difference", "p", "p_corrected", "songs", "swapped_units", "too_few"),
)
ALBUM_COLUMNS = (
    *("model", "slice_seconds", "seed", "artist", "album", "songs", "slices"),
    *("answered", "share"),
)


def by_cell(outcomes: Iterable[Outcomes]) -> dict[Cell, list[Outcomes]]:
    """Return the runs of each cell, by seed."""
    cells = defaultdict(list)
    for outcome in sorted(outcomes, key=lambda outcome: outcome.run.seed):
        run = outcome.run
        cells[run.model, run.split, run.slice_seconds].append(outcome)
    return dict(cells)


def _tested(run: Outcomes, level: Level) -> Answers:
    return Answers(run.target, run.counts[level], run.track_id)


def _chance(*key: Any) -> np.random.Generator:
    """Return a generator of a cell's own, so that one more model changes no other's interval."""
    return np.random.default_rng(zlib.crc32(repr(key).encode()))


def interval_rows(cells: Mapping[Cell, Sequence[Outcomes]]) -> list[dict[str, Any]]:
    """Return each metric's mean with its interval, for each cell and level.

    The metric ``f1`` is that of one artist; the others are over all artists.
    """
    rows = []
    for (model, split, seconds), runs in cells.items():
        for level in runs[0].counts:
            tested = [_tested(run, level) for run in runs]
            intervals = mean_intervals(tested, _chance(model, split, seconds, level))
            axes = {"model": model, "split": split, "slice_seconds": seconds} | _level(level)
            scored = [(metric, "") for metric in METRICS]
            scored += [("f1", artist) for artist in runs[0].classes]
            for (metric, artist), interval in zip(scored, intervals, strict=True):
                rows.append(axes | {"metric": metric, "artist": artist} | _values(interval))
    return rows


def effect_rows(cells: Mapping[Cell, Sequence[Outcomes]]) -> list[dict[str, Any]]:
    """Return song-split minus album-split macro F1 with its interval, by model and level."""
    rows = []
    for (model, split, seconds), runs in cells.items():
        others = cells.get((model, "album", seconds))
        if split != "song" or not others:
            continue
        for level in runs[0].counts:
            interval = difference_interval(
                [_tested(run, level) for run in runs],
                [_tested(run, level) for run in others],
                _chance(model, seconds, level),
            )
            axes = {"model": model, "slice_seconds": seconds}
            rows.append(axes | _level(level) | _values(interval))
    return rows


def pair_rows(
    cells: Mapping[Cell, Sequence[Outcomes]],
    lengths: Sequence[float],
    unit_of: Mapping[str, Mapping[str, str]],
) -> list[dict[str, Any]]:
    """Return a paired test for each pair of models, corrected within split, slice length and level.

    Systems on whole songs join the song levels. Songs that one of the models could not answer,
    because they are shorter than its slices, are left out for all.

    Args:
        cells: runs by cell.
        lengths: slice lengths, in seconds, at which every model ran.
        unit_of: by split, what is swapped for each test track: its album's id where the split keeps
            albums together, else its own.
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
        for a, b, difference, p, corrected in pairwise_tests(tested, _chance(*axes.values())):
            values = {"first": a, "second": b, "difference": difference}
            rows.append(axes | values | {"p": p, "p_corrected": corrected} | facts)
    return rows


def _on_common_songs(
    models: Sequence[Sequence[Outcomes]], level: Level, unit_of: Mapping[str, str]
) -> Iterator[list[Answers]]:
    """Yield each model's runs, seed by seed on the songs that every model answered."""
    seeds = set.intersection(*({run.run.seed for run in runs} for runs in models))
    common = {
        seed: set.intersection(
            *({*run.track_id} for runs in models for run in runs if run.run.seed == seed)
        )
        for seed in seeds
    }
    for runs in models:
        tested = []
        for run in runs:
            if run.run.seed not in seeds:
                continue
            kept = [
                index for index, song in enumerate(run.track_id) if song in common[run.run.seed]
            ]
            songs = [run.track_id[index] for index in kept]
            units = [unit_of[song] for song in songs]
            tested.append(Answers(run.target[kept], run.counts[level][kept], songs, units))
        yield tested


def album_rows(
    cells: Mapping[Cell, Sequence[Outcomes]],
    album_of: Mapping[str, tuple[str, str]],
    level: Level,
) -> list[dict[str, Any]]:
    """Return, for each test album of the album split, the share of its answers by artist answered.

    The album's own artist has a row in any case, others where they were answered.

    Args:
        cells: runs by cell.
        album_of: artist and album of each track id.
        level: whose answers are counted.
    """
    rows = []
    for (model, split, seconds), runs in cells.items():
        if split != "album" or level not in runs[0].counts:
            continue
        for run in runs:
            seed = run.run.seed
            by_album = defaultdict(list)
            for index, track in enumerate(run.track_id):
                by_album[album_of[track]].append(index)
            for (artist, album), songs in sorted(by_album.items()):
                axes = {"model": model, "slice_seconds": seconds, "seed": seed}
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


def _values(interval: Interval) -> dict[str, Any]:
    return {
        "mean": interval.mean,
        "low": interval.low,
        "high": interval.high,
        "too_few": interval.too_few,
    }
