"""Table: song-level scores of all runs, slices pooled in two ways."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.tables.captions import BEST, GUESSING, SIZES, TOP_K, how_scored
from artistid.tables.inputs import Inputs
from artistid.tables.reading import concatenated
from artistid.tables.summaries import f1_table

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Song-level F1 by model and split"
CAPTION = (
    "A song's slices are pooled by their mean log-probability (mean; best, weighted F1 and "
    "accuracy are of this one) or by the baseline's majority vote of the slices with probability "
    "above 0.5, or of all if there are none (vote). " + SIZES + BEST + TOP_K + GUESSING
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return True


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    return how_scored(inputs)


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per model, split, slice length and way of pooling, with intervals."""
    return concatenated([inputs.summary("song", "mean"), inputs.summary("song", "vote")])


def show(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table as it is printed, both ways of pooling side by side."""
    by_mean, by_vote = (
        table[table["pooling"] == pooling].reset_index(drop=True) for pooling in ("mean", "vote")
    )
    shown = f1_table(by_mean, answers="").rename(columns={"Macro F1": "Macro F1, mean"})
    vote = f1_table(by_vote, answers="")["Macro F1"]
    shown.insert(shown.columns.get_loc("Macro F1, mean") + 1, "Macro F1, vote", vote)
    return shown
