"""Our CSV files as tables, in the order in which people read them."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = ("majority", "chance")  # rows that no training made
_TEXT = (
    "corpus experiment model split cut split_by_track split_by_album level pooling subset "
    "resampled track_id artist album answer answer_by_vote answered first second system source "
    "features metric statistic protocol device"
).split()
_BEST_ANSWER = re.compile(r"top_\d+")
_FIRST_SPLITS = ("song", "album")  # the paper's


def read_table(path: str | Path) -> "pd.DataFrame":
    """Read one of our CSV files; names are text (an artist may be called ``NA``)."""
    import pandas as pd

    header = pd.read_csv(path, nrows=0, encoding_errors="surrogateescape").columns
    numbers = [column for column in header if not _is_text(column)]
    return pd.read_csv(
        path,
        dtype={column: str for column in header if _is_text(column)},
        keep_default_na=False,
        na_values={column: [""] for column in numbers},
        encoding_errors="surrogateescape",
    )


def _is_text(column: str) -> bool:
    return column in _TEXT or _BEST_ANSWER.fullmatch(column) is not None


def concatenated(tables: Sequence["pd.DataFrame"]) -> "pd.DataFrame":
    """Return the rows of tables of the same columns, one after the other."""
    import pandas as pd

    return pd.concat(tables, ignore_index=True)


def in_order(
    table: "pd.DataFrame", models: Sequence[str], splits: Sequence[str] = ()
) -> "pd.DataFrame":
    """Return rows by slice length (whole songs last but for guessing), model and split.

    Args:
        table: with ``model``, ``slice_seconds`` and, of what there is for each split, ``split``.
        models: in their order.
        splits: in the order of the experiment, which follows the song and the album split; others
            come last as they are.
    """
    order_of_splits = dict.fromkeys([*_FIRST_SPLITS, *splits, *table.get("split", ())])
    rank_of_split = {split: number for number, split in enumerate(order_of_splits)}
    rank = {model: number for number, model in enumerate(models)}
    keys = table.assign(
        _length=table["slice_seconds"].fillna(0),
        _rank=table["model"].map(rank),
        _split=table["split"].map(rank_of_split) if "split" in table else 0,
    )
    # Systems on whole songs appear among the models of the first slice length.
    first = table["slice_seconds"].min()
    keys["_length"] = keys["_length"].where(keys["_length"] > 0, first)
    order = keys.sort_values(["_length", "_rank", "_split"], kind="stable").index
    return table.loc[order].reset_index(drop=True)
