"""How numbers are printed in the cells of tables."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

DAGGER = "†"  # marks an interval of fewer than seven songs per artist


def score_and_interval(table: "pd.DataFrame", metric: str, digits: int = 3) -> "pd.Series":
    """Return ``mean ± deviation (low to high)`` as text; no brackets without an interval."""
    bounds = table.rename(columns={f"{metric}_low": "low", f"{metric}_high": "high"})
    intervals = by_row(bounds, lambda row: interval(row, digits))
    cells = mean_and_deviation(table, metric, digits)
    return cells.where(intervals == "–", cells + " (" + intervals + ")")


def mean_and_deviation(summary: "pd.DataFrame", column: str, digits: int = 3) -> "pd.Series":
    """Return ``mean ± deviation`` as text; the mean alone if there is one run."""

    def cell(row: Mapping[str, Any]) -> str:
        mean, deviation = row[f"{column}_mean"], row[f"{column}_std"]
        if deviation != deviation:  # a single run has no deviation
            return f"{mean:.{digits}f}"
        return f"{mean:.{digits}f} ± {deviation:.{digits}f}"

    return by_row(summary, cell)


def by_row(table: "pd.DataFrame", cell: Callable[[Mapping[str, Any]], str]) -> "pd.Series":
    """Return a column of text made from each row; also of a table without rows."""
    import pandas as pd

    return pd.Series([cell(row) for row in table.to_dict("records")], table.index, dtype=object)


def interval(row: Mapping[str, Any], digits: int = 3) -> str:
    """Return ``low to high`` as text, marked if there are too few songs."""
    if row["low"] != row["low"]:
        return "–"
    mark = f" {DAGGER}" if row["too_few"] else ""
    return f"{row['low']:.{digits}f} to {row['high']:.{digits}f}{mark}"


def length(seconds: float) -> str:
    """Return a slice length as text; none is a whole song."""
    return "whole" if seconds != seconds else f"{seconds:g} s"


def best_run(row: Mapping[str, Any]) -> str:
    """Return the highest macro F1 of a seed, and which seed, as text."""
    return f"{row['macro_f1_best']:.3f} (seed {row['best_seed']})"


def count(mean: float) -> str:
    """Return a mean number of things as text."""
    return f"{mean:g}" if mean == round(mean) else f"{mean:.1f}"


def or_dash(pattern: str) -> Callable[[float], str]:
    """Return a function that formats a number, and writes a dash if there is none."""
    return lambda value: "–" if value != value else pattern.format(value)
