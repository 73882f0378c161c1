"""Slice-level predictions of a run, from which every table can be recomputed.

HDF5 with one group per subset: ``log_probability`` (slices, classes), ``target`` and ``track``
(slices,), ``track_id`` (tracks,). A slice's number within its track follows from its order. A
system without slices has one row per track. Tracks of artists that are not trained on are in the
groups ``unknown_validation`` and ``unknown_test``, with -1 for their target.

The predictions of a run's folds are joined here into those of the run that is scored.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from artistid.errors import InputError, shortened
from artistid.runs import Run
from artistid.splits.subsets import TEST
from artistid.storage.hdf5 import new_hdf5, open_hdf5

FORMAT = "artistid predictions 3"
_FOLD = re.compile(r"(?P<cut>.+)-fold(?P<number>\d+)")


@dataclass(frozen=True)
class Predictions:
    """Predictions for the slices of one subset.

    Attributes:
        log_probability: natural logarithm, shape (slices, classes), float32. The generative systems
            are so certain that the probabilities themselves would underflow.
        target: true class of each slice, -1 if its artist has no class, shape (slices,).
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


def read_predictions(
    path: Path, only: Sequence[str] | None = None, if_there: Sequence[str] = ()
) -> tuple[Run, list[str], dict[str, Predictions]]:
    """Return the run, its class names and its predictions by subset.

    Args:
        path: the file.
        only: subsets to read; all by default.
        if_there: further subsets to read, which may be missing.

    Raises:
        InputError: the file is damaged, not one of ours, or lacks a subset.
    """
    with open_hdf5(path, FORMAT) as file:
        for subset in only or ():
            if subset not in file:
                raise InputError(
                    f"{path}: has no predictions of the {subset} subset; add one to the "
                    "split, or report on another subset"
                )
        subsets = {
            subset: Predictions(
                group["log_probability"][()],
                group["target"][()],
                group["track"][()],
                [track_id.decode() for track_id in group["track_id"][()]],
            )
            for subset, group in file.items()
            if only is None or subset in only or subset in if_there
        }
        return Run(**json.loads(file.attrs["axes"])), json.loads(file.attrs["classes"]), subsets


def cut_of_all_folds(cut: str) -> str:
    """Return the cut that a fold is part of: ``draw1`` for ``draw1-fold3``, and for itself."""
    found = _FOLD.fullmatch(cut)
    return found["cut"] if found else cut


def require_one_cut(runs: Iterable[Run]) -> None:
    """Make sure that runs are of one cut of one split, so that their predictions may be joined.

    On different cuts, a track that one run tests may be in the training set of another.

    Raises:
        InputError: names two runs of different cuts.
    """
    first, *others = runs
    for run in others:
        if (run.corpus, run.split, run.cut) != (first.corpus, first.split, first.cut):
            raise InputError(
                f"the predictions of {run.label} ({run.corpus}) and of {first.label} "
                f"({first.corpus}) are of different cuts and cannot be joined; join runs of one "
                "corpus, split and cut"
            )


def join_folds(
    parts: Sequence[tuple[Run, list[str], Mapping[str, Predictions]]], run: Run
) -> tuple[Run, list[str], dict[str, Predictions]]:
    """Return the predictions of a run's folds as those of the whole run, tracks sorted by id.

    Args:
        parts: run, class names and predictions by subset of each fold, as `read_predictions` gives
            them; for a split without folds a single run, which is returned unchanged.
        run: the whole run, with the cut ``draw1`` for ``draw1-fold1`` and so on.

    Raises:
        InputError: a part differs from the run in more than its fold, a fold is missing, the
            folds' artists or subsets differ, or two folds predict the same track.
    """
    parts = sorted(parts, key=lambda part: _fold_number(part[0].cut))
    runs = [part for part, _, _ in parts]
    require_one_cut([run, *(replace(part, cut=cut_of_all_folds(part.cut)) for part in runs)])
    _require_folds_of(run, runs)
    _, classes, first = parts[0]
    if runs == [run]:
        return run, classes, dict(first)
    for part, own_classes, subsets in parts[1:]:
        _require_equal(part, runs[0], "artists", own_classes, classes)
        _require_equal(part, runs[0], "subsets", list(subsets), list(first))
    joined = {
        subset: _joined([subsets[subset] for _, _, subsets in parts], run.label, subset == TEST)
        for subset in first
    }
    return run, classes, joined


def _fold_number(cut: str) -> int:
    found = _FOLD.fullmatch(cut)
    return int(found["number"]) if found else 0


def _require_folds_of(run: Run, parts: Sequence[Run]) -> None:
    """Raise an error unless the parts are the run itself, or its folds from 1 on, once each."""
    for part in parts:
        columns = run.columns
        differing = [
            f"{column} {value!r} instead of {columns[column]!r}"
            for column, value in part.columns.items()
            if column != "cut" and value != columns[column]
        ]
        if differing:
            raise InputError(
                f"the predictions of {part.label} are not a fold of {run.label}: "
                f"{', '.join(differing)}; give the folds of one run"
            )
    numbers = [_fold_number(part.cut) for part in parts]
    if numbers != [0] and numbers != list(range(1, len(parts) + 1)):
        raise InputError(
            f"{run.label}: the predictions are of the cuts "
            f"{', '.join(part.cut for part in parts)}; give each fold once, from the first on"
        )


def _require_equal(part: Run, first: Run, what: str, own: list[str], others: list[str]) -> None:
    if own != others:
        differing = sorted({*own} ^ {*others})
        raise InputError(
            f"{part.label} has other {what} than {first.label}: "
            f"{shortened(', '.join(map(repr, differing)))}; let every fold have the same {what}"
        )


def _joined(parts: Sequence[Predictions], name: str, is_test: bool) -> Predictions:
    """Return the predictions of all parts, tracks sorted by id, slices in their order.

    The folds of a user's list may validate a track several times: it then counts for each fold.

    Args:
        parts: predictions of one subset, with the same classes.
        name: name of the whole run, for the error.
        is_test: whether the subset is the test set, in which each track may be once.
    """
    ids = [track_id for part in parts for track_id in part.track_id]
    repeated = [track_id for track_id, times in Counter(ids).items() if times > 1]
    if is_test and repeated:
        raise InputError(
            f"{name}: tracks that more than one fold tests: {len(repeated)}, such as "
            f"{repeated[0]!r}; test each track in one fold"
        )
    order = sorted(range(len(ids)), key=ids.__getitem__)
    position = np.empty(len(ids), np.int64)
    position[order] = np.arange(len(ids))
    offsets = np.cumsum([0, *(len(part.track_id) for part in parts[:-1])])
    track = position[
        np.concatenate([part.track + offset for part, offset in zip(parts, offsets, strict=True)])
    ]
    slices = np.argsort(track, kind="stable")
    return Predictions(
        np.concatenate([part.log_probability for part in parts])[slices],
        np.concatenate([part.target for part in parts])[slices],
        track[slices],
        [ids[index] for index in order],
    )
