"""Scores over the runs of each cell, with their intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from artistid.runs import CELL_COLUMNS
from artistid.scoring.scores import METRICS
from artistid.tables.cells import best_run, by_row, count, length, or_dash, score_and_interval
from artistid.tables.reading import in_order

if TYPE_CHECKING:
    import pandas as pd


def summarise_runs(
    metrics: "pd.DataFrame",
    models: Sequence[str],
    level: str = "slice",
    pooling: str = "none",
    subset: str = "test",
    splits: Sequence[str] = (),
) -> "pd.DataFrame":
    """Return one row per model, split and slice length: scores over cuts and seeds, on a subset.

    Args:
        metrics: rows of runs, with their axes.
        models: the order of the rows.
        level: ``slice`` or ``song``.
        pooling: how slices became songs.
        subset: the reported one.
        splits: the order of the rows of a model, after the song and the album split.

    Returns:
        For each metric its mean and sample standard deviation (n - 1; empty for one run), the best
        seed's macro F1, k and the mean top-k accuracy, the numbers of seeds and runs, and the mean
        number of songs and answers tested.
    """
    import pandas as pd

    asked = (metrics["subset"] == subset) & (metrics["level"] == level)
    scored = metrics[asked & (metrics["pooling"] == pooling)]
    grouped = scored.groupby(list(CELL_COLUMNS), sort=False, dropna=False)
    columns = {}
    for metric in METRICS:
        columns[f"{metric}_mean"] = grouped[metric].mean()
        columns[f"{metric}_std"] = grouped[metric].std(ddof=1)
    best_rows = grouped["macro_f1"].idxmax()
    columns |= {
        "macro_f1_best": grouped["macro_f1"].max(),
        "best_seed": best_rows.map(scored["seed"]),
        "top_k": grouped["top_k"].first(),
        "top_k_accuracy_mean": grouped["top_k_accuracy"].mean(),
        "seeds": grouped["seed"].nunique(),
        "runs": grouped.size(),
        "songs_mean": grouped["n_tracks"].mean(),
        "answers_mean": grouped["n_answers"].mean(),
    }
    table = pd.DataFrame(columns).reset_index()
    return in_order(table, models, splits).assign(level=level, pooling=pooling)


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
        _top_k(summary): summary["top_k_accuracy_mean"].map(or_dash("{:.3f}")),
        "Seeds": summary["seeds"],
        "Songs": summary["songs_mean"].map(count),
    }
    if answers:
        shown[answers] = summary["answers_mean"].map(count)
    return pd.DataFrame(shown)


def _top_k(summary: "pd.DataFrame") -> str:
    """Return the heading of the top-k accuracy, with k from the data."""
    k = "k" if summary.empty else f"{summary['top_k'].iloc[0]:.0f}"
    return f"Top-{k} accuracy"
