"""Predictions of a classical system: slice by slice, and calibrated on validation."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from artistid.features.slices import slice_starts
from artistid.models.classical.calibration import fit_temperature, log_softmax
from artistid.scoring.predictions import Predictions
from artistid.splits.subsets import VALIDATION
from artistid.storage.tensors import write_tensors

FORMAT = "artistid system 1"


class System(Protocol):
    """What every trained classical system offers."""

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Return what it has learnt, as arrays by name."""


class FrameSystem(Protocol):
    """What a classical system on frames offers (see `artistid.models.frame_systems`)."""

    def slice_scores(
        self, mfcc: NDArray[np.floating], starts: NDArray[np.int64], slice_frames: int
    ) -> NDArray[np.floating]:
        """Return the scores of a track's slices, shape (slices, classes)."""


def predict_slices(
    system: FrameSystem,
    track_ids: Sequence[str],
    targets: Sequence[int] | NDArray[np.integer],
    mfccs: Sequence[NDArray[np.floating]],
    slice_frames: int,
) -> tuple[Predictions | None, list[str]]:
    """Return the scores of every slice, not yet calibrated, and the tracks that have none.

    Args:
        system: trained.
        track_ids: of the tracks.
        targets: class of each track, shape (tracks,).
        mfccs: of each track, shape (frames, 20).
        slice_frames: frames in a slice.

    Returns:
        The predictions, None if no track is as long as one slice; and the ids of the tracks that
        are shorter.
    """
    scores: list[NDArray[np.floating]] = []
    kept: list[str] = []
    slice_targets: list[int] = []
    tracks: list[int] = []
    too_short: list[str] = []
    for track_id, target, mfcc in zip(track_ids, targets, mfccs, strict=True):
        starts = np.array(slice_starts(len(mfcc), slice_frames), np.int64)
        if not len(starts):
            too_short.append(track_id)
            continue
        scores.append(system.slice_scores(mfcc, starts, slice_frames))
        slice_targets += [target] * len(starts)
        tracks += [len(kept)] * len(starts)
        kept.append(track_id)
    if not scores:
        return None, too_short
    stacked = np.concatenate(scores)
    return Predictions(stacked, np.array(slice_targets), np.array(tracks), kept), too_short


def calibrated(raw: Mapping[str, Predictions]) -> tuple[dict[str, Predictions], float]:
    """Return predictions as log-probabilities, and the temperature that validation chose for them.

    Decision values are not probabilities, and likelihoods that take frames for independent are far
    too sure. One temperature changes no answer, only whether it is sure enough for the vote of a
    song (Guo et al. 2017, arXiv:1706.04599).

    Args:
        raw: by subset, predictions whose `log_probability` holds scores.
    """
    validation = raw[VALIDATION]
    temperature = fit_temperature(validation.log_probability, validation.target)
    predictions = {}
    for subset, part in raw.items():
        log_probability = log_softmax(part.log_probability, temperature).astype(np.float32)
        predictions[subset] = replace(part, log_probability=log_probability)
    return predictions, float(temperature)


def save_system(path: Path, system: System, description: Mapping[str, Any]) -> None:
    """Write a trained classical system, with all that is needed to use it again.

    Args:
        path: the safetensors file.
        system: trained.
        description: ``model``, ``settings``, ``classes``, ``log_mel`` (parameters),
            ``slice_frames`` (None for whole songs) and ``temperature``; plain types.
    """
    write_tensors(path, system.state(), dict(description) | {"format": FORMAT})
