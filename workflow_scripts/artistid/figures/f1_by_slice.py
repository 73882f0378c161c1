"""Figure: macro F1 by slice length, model and split."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from artistid.figures.style import (
    COLUMN,
    GREY,
    LINE_HEIGHT,
    PALE,
    in_order,
    label,
    look_of,
    new_figure,
    styled,
    unreliable_bar,
    without_box,
)
from artistid.scoring.intervals import LEVEL, MIN_SONGS

if TYPE_CHECKING:
    import pandas as pd

CHANCE = "chance"
# Of the splits in their order. A point without a line must show its split too: every second
# split's markers are open.
_LINES = ("-", "--", "-.", (0, (1, 2, 5, 2)))
_SPREAD = 0.5  # how far the points at one slice length are drawn apart, of the way to the next


@styled()
def draw_f1_by_slice(table: "pd.DataFrame") -> Figure:
    """Draw macro F1 against slice length, a line for each model and split.

    Args:
        table: ``model``, ``split``, ``slice_seconds`` (0 or empty: the model hears whole songs),
            ``mean``, ``low``, ``high``, ``too_few`` (the interval is not to be relied on). Rows of
            the model ``chance`` are drawn as a dotted line.
    """
    table = table.assign(slice_seconds=table["slice_seconds"].fillna(0))
    lengths = sorted(set(table["slice_seconds"]), key=lambda seconds: seconds or np.inf)
    table["position"] = table["slice_seconds"].map(lengths.index)
    is_chance = table["model"] == CHANCE
    systems = table[~is_chance]
    looks = look_of(in_order(systems["model"]))
    styles = _styles(in_order(systems["split"]))
    handles = _legend(looks, styles, systems, is_chance.any())
    figure = new_figure(COLUMN, 2.3 + LINE_HEIGHT * (len(handles) // 2 + 2))
    axes = figure.subplots()
    series = systems.groupby(["model", "split"], sort=False)
    offsets = (np.arange(len(series)) - (len(series) - 1) / 2) * _SPREAD / max(len(series), 2)
    for offset, ((model, split), rows) in zip(offsets, series, strict=True):
        look = looks[model] | styles[split]
        _draw_series(axes, rows.sort_values("position"), offset, look)
    for _, rows in table[is_chance].groupby("split", sort=False):
        _draw_chance(axes, rows.sort_values("position"), len(lengths))
    axes.set_xticks(range(len(lengths)), [_length(seconds) for seconds in lengths])
    axes.set_xlim(-0.5, len(lengths) - 0.5)
    axes.set_ylim(0, 1.03)
    axes.set_xlabel("slice length (s)")
    axes.set_ylabel(f"macro F1 ({100 * LEVEL:g} % interval)")
    without_box(axes)
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
    return figure


def _styles(splits: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return line and marker of each split."""
    styles: dict[str, dict[str, Any]] = {}
    for number, split in enumerate(splits):
        styles[split] = {"linestyle": _LINES[number % len(_LINES)]}
        if number % 2:
            styles[split]["markerfacecolor"] = "white"
    return styles


def _draw_series(axes: Axes, rows: "pd.DataFrame", offset: float, look: dict[str, Any]) -> None:
    x = rows["position"] + offset
    axes.plot(x, rows["mean"], **look, linewidth=0.8, zorder=3)
    opacity = np.where(rows["too_few"], PALE, 1.0)
    # No error bars relative to the mean: a bootstrap interval need not hold it.
    axes.vlines(x, rows["low"], rows["high"], colors=look["color"], alpha=opacity, linewidth=1.2)


def _draw_chance(axes: Axes, rows: "pd.DataFrame", n_lengths: int) -> None:
    x = np.array([-0.5, *range(n_lengths), n_lengths - 0.5])
    y = np.interp(x, rows["position"], rows["mean"])
    axes.plot(x, y, linestyle=":", color=GREY, linewidth=1.0, zorder=1)


def _length(seconds: float) -> str:
    return f"{seconds:g}" if seconds else "whole\nsong"


def _legend(
    looks: dict[str, dict[str, Any]],
    styles: dict[str, dict[str, Any]],
    systems: "pd.DataFrame",
    has_chance: bool,
) -> list[Line2D]:
    """Return the models, and as many others: the two columns of the legend."""
    models = [
        Line2D([], [], **look, linestyle="none", label=label(model, 20))
        for model, look in looks.items()
    ]
    others = []
    for split, style in styles.items():
        grey: dict[str, Any] = {"color": GREY, "marker": "o"}
        others.append(Line2D([], [], **grey, **style, label=f"{label(split)} split"))
    if has_chance:
        others.append(Line2D([], [], color=GREY, linestyle=":", label="chance"))
    if systems["too_few"].any():
        others.append(unreliable_bar(MIN_SONGS))
    n_rows = max(len(models), len(others))
    return [*_padded(models, n_rows), *_padded(others, n_rows)]


def _padded(handles: list[Line2D], length: int) -> list[Line2D]:
    missing = length - len(handles)
    return handles + [Line2D([], [], linestyle="none", label=" ") for _ in range(missing)]
