"""Figure: what each run took, in time and memory."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from artistid.figures.style import (
    COLOURS,
    COLUMN,
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
_QUANTITIES = {"minutes": "run time (min)", "gigabytes": "memory (GB)"}


@styled()
def draw_resources(table: "pd.DataFrame") -> Figure:
    """Draw time and memory of every run, and each model's median.

    Args:
        table: a row for each run: ``model``, ``minutes``, ``gigabytes``; the model of the first row
            is drawn on top.
    """
    models = in_order(table["model"])
    figure = new_figure(COLUMN, 0.95 + 0.22 * len(models))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (column, text) in zip(panels, _QUANTITIES.items(), strict=True):
        for row, model in enumerate(models):
            values = table.loc[table["model"] == model, column]
            runs = axes.plot(values, np.full(len(values), row), "o", **_DOT, label="run")
            middle = axes.plot(values.median(), row, "|", **_MEDIAN, label="median")
        _scale(axes, table[column])
        axes.set_xlabel(text)
        axes.tick_params(axis="y", length=0)
        without_box(axes)
    panels[0].set_yticks(range(len(models)), [label(model, 20) for model in models])
    panels[0].set_ylim(len(models) - 0.5, -0.5)
    figure.legend(handles=[*runs, *middle], loc="outside lower center", ncols=2)
    return figure


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
