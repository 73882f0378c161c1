"""Slice-level predictions of a run, from which every table can be computed again.

HDF5 with one group per subset: ``log_probability`` (slices, classes), ``target`` and ``track``
(slices,), ``track_id`` (tracks,). A slice's number within its track follows from its order. A
system without slices has one row per track.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from artistid.runs import Run
from artistid.storage.hdf5 import new_hdf5, open_hdf5

FORMAT = "artistid predictions 2"


@dataclass(frozen=True)
class Predictions:
    """Predictions for the slices of one subset.

    Attributes:
        log_probability: natural logarithm, shape (slices, classes), float32. The generative systems
            are so sure of themselves that their probabilities themselves would underflow.
        target: true class of each slice, shape (slices,).
        track: position in `track_id` of each slice's track, shape (slices,).
        track_id: the tracks' ids.
    """

    log_probability: NDArray[np.float32]
    target: NDArray[np.integer]
    track: NDArray[np.integer]
    track_id: list[str]

    @property
    def probability(self) -> NDArray[np.float32]:
        """Shape (slices, classes); a row sums to one."""
        return np.exp(self.log_probability)

    @property
    def track_target(self) -> NDArray[np.integer]:
        """True class of each track, shape (tracks,)."""
        targets = np.zeros(len(self.track_id), self.target.dtype)
        targets[self.track] = self.target
        return targets


def write_predictions(
    path: Path, run: Run, classes: list[str], subsets: Mapping[str, Predictions]
) -> None:
    """Write a run's predictions with the run's columns and the class names."""
    with new_hdf5(path) as file:
        file.attrs["format"] = FORMAT
        file.attrs["axes"] = json.dumps(run.columns, sort_keys=True)
        file.attrs["classes"] = json.dumps(classes)
        for subset, predictions in subsets.items():
            group = file.create_group(subset)
            _write(group, "log_probability", predictions.log_probability.astype(np.float32))
            _write(group, "target", predictions.target.astype(np.int32))
            _write(group, "track", predictions.track.astype(np.int32))
            _write(group, "track_id", np.array(predictions.track_id, dtype="S"))


def _write(group: h5py.Group, name: str, data: NDArray[Any]) -> None:
    group.create_dataset(
        name, data=data, chunks=True, compression="gzip", shuffle=True, fletcher32=True
    )


def read_predictions(path: Path) -> tuple[Run, list[str], dict[str, Predictions]]:
    """Return the run, its class names and its predictions by subset.

    Raises:
        InputError: the file is damaged or not one of ours.
    """
    with open_hdf5(path, FORMAT) as file:
        subsets = {
            subset: Predictions(
                group["log_probability"][()],
                group["target"][()],
                group["track"][()],
                [track_id.decode() for track_id in group["track_id"][()]],
            )
            for subset, group in file.items()
        }
        return Run(**json.loads(file.attrs["axes"])), json.loads(file.attrs["classes"]), subsets
