"""Figure: how much of the score was the album, not the artist."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from artistid.figures.style import (
    COLOURS,
    COLUMN,
    GREY,
    PALE,
    label,
    new_figure,
    styled,
    unreliable_bar,
    without_box,
)
from artistid.scoring.intervals import LEVEL, MIN_SONGS

if TYPE_CHECKING:
    import pandas as pd


@styled()
def draw_album_effect(table: "pd.DataFrame") -> Figure:
    """Draw what macro F1 loses from the song split to the album split, a row for each model.

    Args:
        table: ``model``, ``mean``, ``low``, ``high`` (of song split minus album split), ``too_few``
            (the interval is not to be relied on); the first row is drawn on top.
    """
    has_pale = bool(table["too_few"].any())
    figure = new_figure(COLUMN, 0.75 + 0.22 * len(table) + (0.35 if has_pale else 0))
    axes = figure.subplots()
    rows = np.arange(len(table))
    opacity = np.where(table["too_few"], PALE, 1.0)
    axes.axvline(0, color=GREY, linewidth=0.8)
    axes.hlines(rows, table["low"], table["high"], colors=COLOURS[0], alpha=opacity, linewidth=1.5)
    axes.plot(table["mean"], rows, "o", color=COLOURS[0])
    axes.set_yticks(rows, [label(model) for model in table["model"]])
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"macro F1, split by track −\nsplit by album ({100 * LEVEL:g} % interval)")
    without_box(axes)
    axes.spines["left"].set_visible(False)
    if has_pale:
        figure.legend(handles=[unreliable_bar(MIN_SONGS)], loc="outside lower center")
    return figure
