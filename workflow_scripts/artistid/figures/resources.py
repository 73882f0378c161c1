"""Figure: time and memory of each run."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from artistid.figures.style import (
    COLOURS,
    COLUMN,
    PAGE,
    in_order,
    label,
    new_figure,
    styled,
    without_box,
)

if TYPE_CHECKING:
    import pandas as pd

MAX_LINEAR_SPREAD = 20  # the largest over the smallest value from which on an axis is logarithmic
_FEW_TICKS = 200  # spread below which powers of ten alone are too few ticks
_IN_MINUTES = 600  # seconds of the longest training from which on times are in minutes
# Columns of the runs: divided by how much, and the label of their axis.
_QUANTITIES = {
    "seconds": (1, "training (s)"),
    "peak_mb": (1000, "memory (GB)"),
    "gpu_peak_mb": (1000, "GPU memory (GB)"),
}


@styled()
def draw_resources(runs: "pd.DataFrame") -> Figure:
    """Draw time and memory of every run, and each model's median.

    Args:
        runs: a row for each run: ``model``, ``slice_seconds``, ``seconds`` of training, ``peak_mb``
            and ``gpu_peak_mb`` (empty without a GPU); the model of the first row is drawn on top.
    """
    names = _names(runs)
    models = in_order(names)
    shown = [column for column in _QUANTITIES if runs[column].notna().any()]
    width = COLUMN if len(shown) == 2 else PAGE
    figure = new_figure(width, 0.95 + 0.22 * len(models))
    panels = figure.subplots(1, len(shown), sharey=True)
    for axes, column in zip(panels, shown, strict=True):
        divisor, text = _QUANTITIES[column]
        if column == "seconds" and runs[column].max() > _IN_MINUTES:
            divisor, text = 60, "training (min)"
        quantity = runs[column] / divisor
        for row, model in enumerate(models):
            values = quantity[names == model]
            dots = axes.plot(values, np.full(len(values), row), "o", **_DOT, label="run")
            middle = axes.plot(values.median(), row, "|", **_MEDIAN, label="median")
        _scale(axes, quantity)
        axes.set_xlabel(text)
        axes.tick_params(axis="y", length=0)
        without_box(axes)
    panels[0].set_yticks(range(len(models)), [label(model, 20) for model in models])
    panels[0].set_ylim(len(models) - 0.5, -0.5)
    figure.legend(handles=[*dots, *middle], loc="outside lower center", ncols=2)
    return figure


def _names(runs: "pd.DataFrame") -> "pd.Series":
    """Return each run's model, with the length of its slices if a model has several."""
    several = runs.groupby("model")["slice_seconds"].transform("nunique") > 1
    return runs["model"].where(~several, runs["model"] + runs["slice_seconds"].map(" {:g}s".format))


_DOT = {"markersize": 3.5, "color": COLOURS[5], "markeredgecolor": "white", "markeredgewidth": 0.3}
_MEDIAN = {"markersize": 9, "color": COLOURS[6], "markeredgewidth": 1.2}


def _scale(axes: Axes, values: "pd.Series") -> None:
    low, high = values.min(), values.max()
    if not (low > 0 and high / low > MAX_LINEAR_SPREAD):
        axes.set_xlim(0, 1.1 * high if high > 0 else 1)
        return
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(
        LogLocator(subs=(1, 3) if high / low < _FEW_TICKS else (1,), numticks=5)
    )
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
