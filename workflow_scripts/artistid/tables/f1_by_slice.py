"""Table: macro F1 by slice length and split, of the models that ran at several."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.experiment import has_several_lengths, has_slices
from artistid.tables.captions import GUESSING, how_scored
from artistid.tables.cells import length, score_and_interval
from artistid.tables.inputs import Inputs
from artistid.tables.reading import REFERENCES

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Slice-level macro F1 by slice length and split"
CAPTION = GUESSING


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return has_slices(config) and has_several_lengths(config)


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    return how_scored(inputs)


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per model, split and slice length, with intervals."""
    return at_several_lengths(inputs.summary("slice", "none"))


def at_several_lengths(summary: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows of the models that ran at more than one slice length, and of guessing."""
    trained = ~summary["model"].isin(REFERENCES)
    lengths = summary.groupby("model")["slice_seconds"].transform("nunique")
    followed = summary[trained & (lengths > 1)]
    same_lengths = summary["slice_seconds"].isin(followed["slice_seconds"])
    return summary[(trained & (lengths > 1)) | (~trained & same_lengths)]


def show(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return splits as rows and slice lengths as columns, as the paper's section 5."""
    shown = table.assign(cell=score_and_interval(table, "macro_f1"))
    by_length = shown.pivot(index=["model", "split"], columns="slice_seconds", values="cell")
    by_length.columns = [length(seconds) for seconds in by_length.columns]
    order = list(dict.fromkeys(zip(shown["model"], shown["split"], strict=True)))
    names = {"model": "Model", "split": "Split"}
    return by_length.reindex(order).reset_index().rename(columns=names)
