"""Figure: how often answers to songs are right, by their probability."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from artistid.figures.style import (
    COLOURS,
    GREY,
    MARKERS,
    PAGE,
    in_order,
    label,
    new_figure,
    styled,
    without_box,
)
from artistid.scoring.calibrated_runs import CalibratedRun, reliability_of
from artistid.scoring.calibration import Reliability
from artistid.scoring.comparison import by_cell

BEFORE, AFTER = "as predicted", "with a fitted temperature"
_LOOKS: dict[str, dict[str, Any]] = {
    BEFORE: {"color": COLOURS[1], "marker": MARKERS[1], "linestyle": "--"},
    AFTER: {"color": COLOURS[0], "marker": MARKERS[0], "linestyle": "-"},
}
_LARGEST = 7.0  # marker of a bin with all songs, pt; the area is proportional to the share of songs


@dataclass(frozen=True)
class Panel:
    """The songs of all runs of a model on a split.

    Attributes:
        row: name of the row: the model, with its slice length if there are several.
        column: name of the column: the split.
        before: reliability as predicted.
        after: with a temperature.
    """

    row: str
    column: str
    before: Reliability
    after: Reliability


def panels_of(runs: Iterable[CalibratedRun]) -> list[Panel]:
    """Return a panel for each model, slice length and split, with the songs of all its runs.

    Args:
        runs: in the order of the panels; each has its own temperature.
    """
    cells = by_cell(runs)
    lengths: dict[str, set[float | None]] = {}
    for model, _, seconds in cells:
        lengths.setdefault(model, set()).add(seconds)
    return [
        Panel(
            f"{model}, {seconds:g} s" if len(lengths[model]) > 1 else model,
            split,
            reliability_of(own, is_calibrated=False),
            reliability_of(own, is_calibrated=True),
        )
        for (model, split, seconds), own in cells.items()
    ]


@styled()
def draw_reliability(panels: Sequence[Panel]) -> Figure:
    """Draw a reliability diagram for each model (row) and split (column).

    Args:
        panels: one for each model and split that has runs.
    """
    rows = in_order([panel.row for panel in panels])
    columns = in_order([panel.column for panel in panels])
    figure = new_figure(PAGE * min(1, 0.5 * len(columns)), 1.9 * len(rows) + 0.7)
    grid = figure.subplots(len(rows), len(columns), sharex=True, sharey=True, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for panel in panels:
        axes = grid[rows.index(panel.row), columns.index(panel.column)]
        axes.set_axis_on()
        _draw_panel(axes, {BEFORE: panel.before, AFTER: panel.after})
        axes.set_title(f"{label(panel.row, 30)}\n{label(panel.column)} split")
    figure.supxlabel("probability of the answer")
    figure.supylabel("share of right answers")
    handles = [Line2D([], [], **look, label=name) for name, look in _LOOKS.items()]
    figure.legend(handles=handles, loc="outside upper center", ncols=2)
    return figure


def _draw_panel(axes: Axes, curves: Mapping[str, Reliability]) -> None:
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.6, linestyle=":")
    for name, curve in curves.items():
        look = _LOOKS[name]
        axes.plot(
            curve.confidence, curve.accuracy, color=look["color"], linestyle=look["linestyle"]
        )
        share = curve.songs / curve.songs.sum()
        axes.scatter(
            curve.confidence,
            curve.accuracy,
            s=np.maximum(_LARGEST**2 * share, 2),
            color=look["color"],
            marker=look["marker"],
        )
    errors = " → ".join(f"{curve.expected_error:.3f}" for curve in curves.values())
    axes.text(0.03, 0.97, f"ECE {errors}", va="top", transform=axes.transAxes)
    axes.set_xlim(0, 1.03)
    axes.set_ylim(-0.03, 1.2)
    axes.set_xticks([0, 0.5, 1])
    axes.set_yticks([0, 0.5, 1])
    without_box(axes)
