"""Scores over the seeds of each cell, with their intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from artistid.runs import CELL_COLUMNS
from artistid.scoring.scores import METRICS
from artistid.tables.cells import best_run, by_row, count, length, score_and_interval
from artistid.tables.reading import in_order

if TYPE_CHECKING:
    import pandas as pd


def summarise_runs(
    metrics: "pd.DataFrame", models: Sequence[str], level: str = "slice", pooling: str = "none"
) -> "pd.DataFrame":
    """Return one row per model, split and slice length: scores over the seeds, on the test set.

    Args:
        metrics: rows of runs, with their axes.
        models: the order of the rows.
        level: ``slice`` or ``song``.
        pooling: how slices became songs.

    Returns:
        For each metric its mean and sample standard deviation (n - 1; empty for one seed), the best
        seed's macro F1, the number of seeds, and the mean number of songs and answers tested.
    """
    import pandas as pd

    asked = (metrics["subset"] == "test") & (metrics["level"] == level)
    test = metrics[asked & (metrics["pooling"] == pooling)]
    grouped = test.groupby(list(CELL_COLUMNS), sort=False, dropna=False)
    columns = {}
    for metric in METRICS:
        columns[f"{metric}_mean"] = grouped[metric].mean()
        columns[f"{metric}_std"] = grouped[metric].std(ddof=1)
    best_rows = grouped["macro_f1"].idxmax()
    columns |= {
        "macro_f1_best": grouped["macro_f1"].max(),
        "best_seed": best_rows.map(test["seed"]),
        "seeds": grouped["seed"].nunique(),
        "songs_mean": grouped["n_tracks"].mean(),
        "answers_mean": grouped["n_answers"].mean(),
    }
    table = pd.DataFrame(columns).reset_index()
    return in_order(table, models).assign(level=level, pooling=pooling)


def with_intervals(
    summary: "pd.DataFrame", intervals: "pd.DataFrame", metrics: Sequence[str] = METRICS
) -> "pd.DataFrame":
    """Return a summary with its intervals: ``<metric>_low``, ``<metric>_high`` and ``too_few``.

    Args:
        summary: rows with axes, level and pooling, for the metric ``f1`` also ``artist``.
        intervals: rows with the same, ``metric``, ``low``, ``high`` and ``too_few``.
        metrics: whose intervals are joined.
    """
    keys = [*CELL_COLUMNS, "level", "pooling"] + (["artist"] if "artist" in summary else [])
    for metric in metrics:
        own = intervals[intervals["metric"] == metric]
        bounds = {"low": f"{metric}_low", "high": f"{metric}_high"}
        joined = own[[*keys, "low", "high"]].rename(columns=bounds)
        summary = summary.merge(joined, on=keys, how="left")
    of_cells = intervals[[*keys, "too_few"]].drop_duplicates(keys)
    return summary.merge(of_cells, on=keys, how="left")


def f1_table(summary: "pd.DataFrame", answers: str = "Slices") -> "pd.DataFrame":
    """Return a summary as it is printed: mean ± standard deviation (interval), macro F1 first.

    Args:
        summary: what `with_intervals` returns.
        answers: heading of the number of answers; empty for none.
    """
    import pandas as pd

    shown: dict[str, Any] = {
        "Model": summary["model"],
        "Split": summary["split"],
        "Slice": summary["slice_seconds"].map(length),
        "Macro F1": score_and_interval(summary, "macro_f1"),
        "Best": by_row(summary, best_run),
        "Weighted F1": score_and_interval(summary, "weighted_f1"),
        "Accuracy": score_and_interval(summary, "accuracy"),
        "Seeds": summary["seeds"],
        "Songs": summary["songs_mean"].map(count),
    }
    if answers:
        shown[answers] = summary["answers_mean"].map(count)
    return pd.DataFrame(shown)
