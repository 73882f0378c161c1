"""Choice of the network that is also trained on longer slices (the paper's second step).

The paper (section 5) ran every network at 1 s and the best of them at 3 s and 6 s. The best is the
one with the highest mean slice-level macro F1 on validation over all runs. Test sets are not used.
"""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from artistid.splits.subsets import VALIDATION

COLUMNS = ("model", "validation_macro_f1", "runs", "is_chosen")


def choose(metrics: Sequence[Mapping[str, str]], networks: Sequence[str]) -> list[dict[str, Any]]:
    """Return one row per network, with its mean validation score and whether it is chosen.

    Args:
        metrics: rows of the runs' metrics, as text.
        networks: in the order of the configuration, which breaks ties.
    """
    rows: list[dict[str, Any]] = []
    for network in networks:
        found = [
            float(row["macro_f1"])
            for row in metrics
            if row["model"] == network and row["subset"] == VALIDATION and row["level"] == "slice"
        ]
        rows.append({"model": network, "validation_macro_f1": fmean(found), "runs": len(found)})
    best = max(rows, key=lambda row: row["validation_macro_f1"])  # the first of several best
    return [row | {"is_chosen": row is best} for row in rows]


def explain(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the choice with its reason, for people and for `read_choice`."""
    best = next(row for row in rows if row["is_chosen"])
    scores = {row["model"]: round(row["validation_macro_f1"], 4) for row in rows}
    return {
        "model": best["model"],
        "reason": (
            "the highest mean slice-level macro F1 on validation over "
            f"{best['runs']} runs (splits, their cuts, slice lengths and seeds); ties go to the "
            "first in experiment.models"
        ),
        "validation_macro_f1": scores,
    }


def read_choice(path: str | os.PathLike[str]) -> str:
    """Return the chosen network's name."""
    return str(json.loads(Path(path).read_text(encoding="utf-8"))["model"])
