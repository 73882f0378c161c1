"""Outcomes of a run: small files from which intervals, tests and figures are computed.

They cover the reported subset, which is the test set unless the configuration says otherwise.

HDF5 with ``target`` and ``track_id`` (tracks,) and, for each level and pooling, a data set
``<level>_<pooling>`` (tracks, classes) that counts how often a track's answers named each class.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.runs import Run
from artistid.storage.hdf5 import new_hdf5, open_hdf5

FORMAT = "artistid outcomes 2"


@dataclass(frozen=True)
class Outcomes:
    """Outcomes of one run on one subset.

    Attributes:
        run: the run.
        classes: the artists, in the order of the class numbers.
        track_id: the tracks' ids.
        target: true class of each track, shape (tracks,).
        counts: by (level, pooling), answers of each track, shape (tracks, classes).
        subset: the subset that the tracks are from.
    """

    run: Run
    classes: list[str]
    track_id: list[str]
    target: NDArray[np.integer]
    counts: dict[tuple[str, str], NDArray[np.floating | np.integer]]
    subset: str


def write_outcomes(path: Path, outcomes: Outcomes) -> None:
    """Write the outcomes of a run."""
    with new_hdf5(path) as file:
        file.attrs["format"] = FORMAT
        file.attrs["axes"] = json.dumps(outcomes.run.columns, sort_keys=True)
        file.attrs["classes"] = json.dumps(outcomes.classes)
        file.attrs["subset"] = outcomes.subset
        file["track_id"] = np.array(outcomes.track_id, dtype="S")
        file["target"] = outcomes.target
        for (level, pooling), counts in outcomes.counts.items():
            file[f"{level}_{pooling}"] = counts


def read_outcomes(path: Path) -> Outcomes:
    """Return the outcomes of a run.

    Raises:
        InputError: the file is damaged or not one of ours.
    """
    with open_hdf5(path, FORMAT) as file:
        return Outcomes(
            Run(**json.loads(file.attrs["axes"])),
            json.loads(file.attrs["classes"]),
            [track_id.decode() for track_id in file["track_id"][()]],
            file["target"][()],
            {_level(name): file[name][()] for name in _counted(file)},
            file.attrs["subset"],
        )


def _counted(file: Mapping[str, Any]) -> list[str]:
    return [name for name in file if name not in ("track_id", "target")]


def _level(name: str) -> tuple[str, str]:
    level, pooling = name.split("_")
    return level, pooling
