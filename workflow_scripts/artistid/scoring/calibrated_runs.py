"""Runs with what was chosen on validation: a temperature, and a threshold for "unknown"."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artistid.runs import CELL_COLUMNS, Run
from artistid.scoring.calibration import (
    Reliability,
    Songs,
    fit_song_temperature,
    reliability,
    songs_of,
)
from artistid.scoring.comparison import Cell
from artistid.scoring.open_set import OpenSet, choose_threshold, open_set
from artistid.scoring.predictions import Predictions, read_predictions
from artistid.scoring.run_scores import scored_subsets
from artistid.splits.subsets import UNKNOWN, VALIDATION

CALIBRATION_COLUMNS = (
    *(*CELL_COLUMNS, "subset", "runs", "songs", "temperature_low", "temperature_high"),
    *("ece_before", "ece_after", "nll_before", "nll_after"),
)


@dataclass(frozen=True)
class Calibration:
    """What was chosen on the validation set of a training.

    Attributes:
        temperature: divides a song's scores.
        threshold: below this probability the answer is "unknown"; None if validation has no
            unknown artists.
    """

    temperature: float
    threshold: float | None


@dataclass(frozen=True)
class CalibratedRun:
    """A training, its calibration, and the songs on which it is scored.

    Attributes:
        run: the training; if the split has folds, that of one fold.
        calibration: chosen on validation.
        known: songs of the reported subset by artists of the training set.
        unknown: songs of the reported subset by other artists; None if there are none.
    """

    run: Run
    calibration: Calibration
    known: Songs
    unknown: Songs | None


def calibration_of(subsets: Mapping[str, Predictions]) -> Calibration:
    """Choose the temperature and the threshold of a training on its validation songs.

    Args:
        subsets: predictions by subset; only validation and its unknown artists are used.
    """
    known = songs_of(subsets[VALIDATION])
    temperature = fit_song_temperature(known)
    unknown = subsets.get(UNKNOWN[VALIDATION])
    if unknown is None:
        return Calibration(temperature, None)
    return Calibration(temperature, choose_threshold(known, songs_of(unknown), temperature))


def read_calibrated(path: Path, reported: str) -> CalibratedRun:
    """Return a training with its calibration.

    Args:
        path: file of its predictions.
        reported: the subset on which it is scored; the test set is only read if it is this subset.

    Raises:
        InputError: the file is damaged, not one of ours, or lacks a subset.
    """
    subsets = scored_subsets(reported)
    run, _, found = read_predictions(path, subsets, [UNKNOWN[subset] for subset in subsets])
    unknown = found.get(UNKNOWN[reported])
    return CalibratedRun(
        run,
        calibration_of(found),
        songs_of(found[reported]),
        None if unknown is None else songs_of(unknown),
    )


def chosen_for_unknown(path: Path) -> dict[str, float] | None:
    """Return a training's temperature and threshold; None if validation has no unknown artists.

    Args:
        path: file of its predictions.
    """
    _, _, found = read_predictions(path, [VALIDATION], [UNKNOWN[VALIDATION]])
    chosen = calibration_of(found)
    return None if chosen.threshold is None else asdict(chosen)


def reliability_of(runs: Sequence[CalibratedRun], is_calibrated: bool) -> Reliability:
    """Return the reliability of the songs of several trainings together.

    Args:
        runs: each with its own temperature.
        is_calibrated: whether the scores are divided by it.
    """
    confidence = [
        one.known.confidence(one.calibration.temperature if is_calibrated else 1.0) for one in runs
    ]
    is_right = [one.known.is_right for one in runs]
    return reliability(np.concatenate(confidence), np.concatenate(is_right))


def calibration_rows(
    cells: Mapping[Cell, Sequence[CalibratedRun]], reported: str
) -> list[dict[str, Any]]:
    """Return a row of CALIBRATION_COLUMNS for each cell: errors before and after calibration."""
    rows = []
    for (model, split, seconds), runs in cells.items():
        temperatures = [one.calibration.temperature for one in runs]
        songs = [len(one.known.target) for one in runs]
        row: dict[str, Any] = {"model": model, "split": split, "slice_seconds": seconds}
        row |= {"subset": reported, "runs": len(runs), "songs": sum(songs)}
        row |= {"temperature_low": min(temperatures), "temperature_high": max(temperatures)}
        for when, used in (("before", [1.0] * len(runs)), ("after", temperatures)):
            losses = [one.known.cross_entropy(t) for one, t in zip(runs, used, strict=True)]
            row[f"ece_{when}"] = reliability_of(runs, when == "after").expected_error
            row[f"nll_{when}"] = float(np.average(losses, weights=songs))
        rows.append(row)
    return rows


def open_sets(
    cells: Mapping[Cell, Sequence[CalibratedRun]],
    artist_of: Mapping[str, str],
    unit_of: Mapping[str, Mapping[str, str]],
) -> dict[Cell, list[OpenSet]]:
    """Return the runs of each cell that has unknown artists, to be scored and resampled.

    Args:
        cells: trainings by cell.
        artist_of: artist of each track id.
        unit_of: by split, the unit of resampling of each track id.
    """
    return {
        cell: judged
        for cell, runs in cells.items()
        if (
            judged := [
                open_set(
                    one.known,
                    one.unknown,
                    one.calibration.temperature,
                    one.calibration.threshold,
                    artist_of,
                    unit_of[one.run.split],
                )
                for one in runs
                if one.unknown is not None and one.calibration.threshold is not None
            ]
        )
    }
