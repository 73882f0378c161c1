"""Table: F1 of each artist, by model and split."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from artistid.runs import CELL_COLUMNS
from artistid.tables.captions import GUESSING, how_scored
from artistid.tables.cells import length, score_and_interval
from artistid.tables.inputs import Inputs
from artistid.tables.reading import REFERENCES, in_order
from artistid.tables.summaries import with_intervals

if TYPE_CHECKING:
    import pandas as pd

TITLE = "F1 by artist"
CAPTION = (
    "Slice level, or song level for systems on whole songs. An artist's interval rests on "
    "few songs and covers less than 95 % (docs/statistics.md). " + GUESSING
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return True


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    return how_scored(inputs)


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per artist, model, split and slice length, with intervals."""
    by_artist = artist_table(inputs.read("artists"), inputs.order, inputs.reported, inputs.splits)
    return with_intervals(by_artist, inputs.read("intervals"), ["f1"])


def artist_table(
    f1: "pd.DataFrame", models: Sequence[str], subset: str = "test", splits: Sequence[str] = ()
) -> "pd.DataFrame":
    """Return F1 per artist on a subset: mean and deviation over the runs of each cell.

    At the slice level; for systems on whole songs, and for guessing where all are, at the song
    level. Guessing is shown at the shortest slices.
    """
    import pandas as pd

    guessed = f1["model"].isin(REFERENCES)
    has_slices = (~guessed & (f1["level"] == "slice")).any()
    by_mean = f1["pooling"] == "mean"
    at_level = (f1["level"] == "slice") | (f1["slice_seconds"].isna() & by_mean)
    shortest = f1["slice_seconds"] == f1["slice_seconds"].min()
    guessed_at_level = shortest & ((f1["level"] == "slice") if has_slices else by_mean)
    shown = at_level.where(~guessed, guessed_at_level)
    scored = f1[(f1["subset"] == subset) & shown]
    keys = [*CELL_COLUMNS, "level", "pooling", "artist"]
    grouped = scored.groupby(keys, sort=False, dropna=False)
    table = pd.DataFrame(
        {
            "f1_mean": grouped["f1"].mean(),
            "f1_std": grouped["f1"].std(ddof=1),
            "seeds": grouped["seed"].nunique(),
            "answers_mean": grouped["n_answers"].mean(),
        }
    ).reset_index()
    return in_order(table, models, splits)


def show(artists: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table as it is printed: artists as rows, one column per model and split."""
    names = artists["model"] + ", " + artists["split"]
    several = artists.groupby("model")["slice_seconds"].transform("nunique") > 1
    names = names.where(~several, names + ", " + artists["slice_seconds"].map(length))
    shown = artists.assign(cell=score_and_interval(artists, "f1", 2), column=names)
    table = shown.pivot(index="artist", columns="column", values="cell")
    return table[list(dict.fromkeys(names))].reset_index().rename(columns={"artist": "Artist"})
