"""Our CSV files as tables, in the order in which people read them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = ("majority", "chance")  # rows that no training made
_TEXT = (
    "corpus model split level pooling subset artist album answered first second system source "
    "features metric statistic protocol device"
).split()


def read_table(path: str | Path) -> "pd.DataFrame":
    """Read one of our CSV files; names are text (an artist may be called ``NA``)."""
    import pandas as pd

    header = pd.read_csv(path, nrows=0, encoding_errors="surrogateescape").columns
    numbers = [column for column in header if column not in _TEXT]
    return pd.read_csv(
        path,
        dtype={column: str for column in header if column in _TEXT},
        keep_default_na=False,
        na_values={column: [""] for column in numbers},
        encoding_errors="surrogateescape",
    )


def concatenated(tables: Sequence["pd.DataFrame"]) -> "pd.DataFrame":
    """Return the rows of tables of the same columns, one after the other."""
    import pandas as pd

    return pd.concat(tables, ignore_index=True)


def in_order(table: "pd.DataFrame", models: Sequence[str]) -> "pd.DataFrame":
    """Return rows by slice length (whole songs last but for guessing), model and split."""
    rank = {model: number for number, model in enumerate(models)}
    keys = table.assign(
        _length=table["slice_seconds"].fillna(0),
        _rank=table["model"].map(rank),
        _split=table["split"].map({"song": 0, "album": 1}) if "split" in table else 0,
    )
    # Systems on whole songs stand among the models of the first slice length.
    first = table["slice_seconds"].min()
    keys["_length"] = keys["_length"].where(keys["_length"] > 0, first)
    order = keys.sort_values(["_length", "_rank", "_split"], kind="stable").index
    return table.loc[order].reset_index(drop=True)
