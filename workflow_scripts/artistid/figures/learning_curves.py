"""Figure: losses and validation F1 while the networks of one model were trained."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from artistid.figures.style import (
    COLOURS,
    COLUMN,
    GREY,
    label,
    new_figure,
    styled,
    without_box,
)

if TYPE_CHECKING:
    import pandas as pd


@styled()
def draw_learning_curves(histories: Mapping[str, Sequence["pd.DataFrame"]], title: str) -> Figure:
    """Draw cross-entropy and macro F1 by epoch, one line per run.

    Args:
        histories: by split, a table for each seed: ``epoch``, ``train_loss`` and
            ``validation_loss`` (nats), ``validation_macro_f1``.
        title: what was trained, above the figure.
    """
    figure = new_figure(COLUMN, 3.9)
    upper, lower = figure.subplots(2, 1, sharex=True)
    for number, runs in enumerate(histories.values()):
        colour = COLOURS[number % len(COLOURS)]
        for run in runs:
            upper.plot(run["epoch"], run["train_loss"], "--", color=colour, linewidth=0.7)
            _draw_with_best(upper, run, "validation_loss", colour)
            _draw_with_best(lower, run, "validation_macro_f1", colour)
    upper.set_ylabel("cross-entropy (nats)")
    lower.set_ylabel("validation macro F1")
    lower.set_xlabel("epoch")
    lower.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (upper, lower):
        axes.set_ylim(bottom=0)
        without_box(axes)
    figure.align_ylabels()
    figure.suptitle(label(title, 52))
    figure.legend(handles=_legend(list(histories)), loc="outside lower center", ncols=2)
    return figure


def _draw_with_best(axes: Axes, run: "pd.DataFrame", column: str, colour: str) -> None:
    axes.plot(run["epoch"], run[column], "-", color=colour, linewidth=0.7)
    best = run.loc[run["validation_loss"].idxmin()]
    axes.plot(best["epoch"], best[column], **_best_marker(colour), zorder=3)


def _best_marker(colour: str) -> dict[str, Any]:
    return {
        "marker": "o",
        "linestyle": "none",
        "markerfacecolor": "white",
        "markeredgecolor": colour,
    }


def _legend(splits: Sequence[str]) -> list[Line2D]:
    return [
        *(
            Line2D([], [], color=COLOURS[number % len(COLOURS)], label=f"{label(split)} split")
            for number, split in enumerate(splits)
        ),
        Line2D([], [], color=GREY, linestyle="--", linewidth=0.7, label="training"),
        Line2D([], [], color=GREY, linewidth=0.7, label="validation"),
        Line2D([], [], label="lowest validation loss", **_best_marker(GREY)),
    ]
