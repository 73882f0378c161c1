"""Table: slice-level scores at the first slice lengths, by model and split."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.experiment import has_slices
from artistid.tables.captions import BEST, GUESSING, SIZES, TOP_K, how_scored
from artistid.tables.inputs import Inputs
from artistid.tables.summaries import f1_table

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Slice-level F1 by model and split"
CAPTION = (
    "Macro F1 (the unweighted mean over artists) is the paper's metric; weighted F1 is the "
    "baseline's. " + SIZES + BEST + TOP_K + GUESSING
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return has_slices(config)


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    return how_scored(inputs)


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per model, split and slice length, with intervals."""
    of_slices = inputs.summary("slice", "none")
    return of_slices[of_slices["slice_seconds"].isin(inputs.first_seconds)]


def show(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table as it is printed."""
    return f1_table(table)
