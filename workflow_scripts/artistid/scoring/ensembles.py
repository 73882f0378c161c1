"""Ensembles: average the stored predictions of several runs, and add up their costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from artistid.errors import InputError
from artistid.runs import Run
from artistid.scoring.predictions import Predictions


def average(
    members: Iterable[tuple[Run, list[str], Mapping[str, Predictions]]], run: Run
) -> tuple[list[str], dict[str, Predictions]]:
    """Return the class names and the predictions of an ensemble, by subset.

    The probability of a class is the mean of the members' probabilities (Lakshminarayanan et al.
    2017, arXiv:1612.01474, section 2.4), as it is where packages answer together
    (`artistid.prediction.answers`).

    Args:
        members: run, class names and predictions by subset of each member, as `read_predictions`
            returns them. One member at a time is held in memory.
        run: the ensemble's; members differ from it in their model, and may in their seed.

    Raises:
        InputError: a member is of another cut or slice length, or two members differ in their
            artists, their subsets or their slices.
    """
    first_run: Run | None = None
    n_members = 0
    for member, own_classes, own in members:
        _require_same_grid(member, run)
        if first_run is None:
            first_run, classes, first = member, own_classes, own
            total = {s: part.log_probability.astype(np.float64) for s, part in own.items()}
        else:
            _require_same_answers(member, first_run, own_classes == classes, own, first)
            total = {s: np.logaddexp(total[s], part.log_probability) for s, part in own.items()}
        n_members += 1
    if first_run is None:
        raise InputError(f"{run.label}: has no members; name some in models.{run.model}.ensemble")
    means = {s: (total[s] - np.log(n_members)).astype(np.float32) for s in first}
    return classes, {s: replace(part, log_probability=means[s]) for s, part in first.items()}


def _require_same_grid(member: Run, run: Run) -> None:
    """Raise an error unless a member's run differs from the ensemble's in model and seed only."""
    columns = run.columns
    for column, value in member.columns.items():
        if column not in ("model", "seed") and value != columns[column]:
            raise InputError(
                f"{run.label}: cannot average {member.label}, whose {column} is {value!r} instead "
                f"of {columns[column]!r}; give runs of one cut and one slice length"
            )


def _require_same_answers(
    member: Run,
    first_run: Run,
    has_same_classes: bool,
    own: Mapping[str, Predictions],
    first: Mapping[str, Predictions],
) -> None:
    """Raise an error unless two members have probabilities of the same classes and slices."""
    wrong = "" if has_same_classes else "other artists"
    if list(own) != list(first):
        wrong = wrong or "other subsets"
    for subset in () if wrong else first:
        a, b = own[subset], first[subset]
        has_same_slices = (
            a.track_id == b.track_id
            and np.array_equal(a.track, b.track)
            and np.array_equal(a.target, b.target)
        )
        wrong = wrong or ("" if has_same_slices else f"other {subset} slices")
    if wrong:
        raise InputError(
            f"{member.label} predicts {wrong} than {first_run.label}, so they cannot be averaged; "
            "delete the predictions of both, and run the workflow again"
        )


def cost(timings: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return what an ensemble took, in the columns of a timing: its members' trainings together.

    Averaging itself takes a moment, and is left out. Epochs of different models do not add up.

    Args:
        timings: the row of each member's training, as text.

    Returns:
        ``seconds`` is the sum, ``peak_mb`` and ``gpu_peak_mb`` that of the largest training,
        ``started`` the first start and ``finished`` the last end.
    """

    def most(column: str) -> float | None:
        return max((float(row[column]) for row in timings if row[column]), default=None)

    return {
        "seconds": round(sum(float(row["seconds"]) for row in timings), 3),
        "epochs": None,
        "peak_mb": most("peak_mb"),
        "gpu_peak_mb": most("gpu_peak_mb"),
        "device": " and ".join(dict.fromkeys(row["device"] for row in timings)),
        "started": min(row["started"] for row in timings),
        "finished": max(row["finished"] for row in timings),
    }
