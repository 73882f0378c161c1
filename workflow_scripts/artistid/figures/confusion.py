"""Figure: which artists were mistaken for which."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from artistid.figures.style import (
    COLUMN,
    FONT_SIZE,
    PAGE,
    contrasting,
    label,
    label_width,
    new_figure,
    styled,
)

MOST_WITH_NUMBERS = 12  # classes up to which each cell says its share
_CELL = 0.24, 0.6  # sides of a cell with numbers: smallest and largest, in


@styled()
def draw_confusion(
    counts: NDArray[np.floating | np.integer], classes: Sequence[str], title: str, unit: str
) -> Figure:
    """Draw a confusion matrix: each row's answers as shares, and how many there are at its right.

    Args:
        counts: answers by true (rows) and predicted (columns) class, shape (classes, classes).
        classes: the artists, in the order of the rows.
        title: what was tested, above the figure.
        unit: what is counted, ``slices`` or ``songs``.
    """
    names = [label(artist, 22) for artist in classes]
    has_numbers = len(names) <= MOST_WITH_NUMBERS
    width, side = _size(names, has_numbers)
    figure = new_figure(width, side + label_width(names) + 0.7, "compressed")
    axes = figure.subplots()
    totals = counts.sum(axis=1)
    share = 100 * np.divide(
        counts, totals[:, None], out=np.zeros(counts.shape), where=totals[:, None] > 0
    )
    image = axes.imshow(share, cmap="viridis", vmin=0, vmax=100, interpolation="nearest")
    if has_numbers:
        _write_shares(axes, image, share)
    else:
        figure.colorbar(image, ax=axes, label=f"share of the artist's {unit} (%)", shrink=0.7)
    # Fifty names must still fit beside their rows.
    size = min(FONT_SIZE, 0.95 * 72 * side / len(names))
    positions = range(len(names))
    axes.set_xticks(positions, names, rotation=90, fontsize=size)
    axes.set_yticks(positions, names, fontsize=size)
    axes.set_xlabel("predicted artist")
    axes.set_ylabel("true artist")
    right = axes.secondary_yaxis("right")
    right.set_yticks(positions, [f"{total:,.0f}" for total in totals], fontsize=size)
    right.set_ylabel(f"{unit} of the true artist")
    for scale in (axes, right):
        scale.tick_params(length=0, pad=2)
    figure.suptitle(label(title, 48 if width == COLUMN else 100))
    if has_numbers:
        axes.set_title(f"% of the artist's {unit}", color="#333333")
    return figure


def _size(names: Sequence[str], has_numbers: bool) -> tuple[float, float]:
    """Return the width of the figure and about the side of the matrix, in inches."""
    beside = label_width(names) + (0.8 if has_numbers else 1.6)
    smallest, largest = _CELL
    is_small = has_numbers and (COLUMN - beside) / len(names) >= smallest
    width = COLUMN if is_small else PAGE
    side = width - beside
    return width, min(side, largest * len(names)) if has_numbers else side


def _write_shares(axes: Axes, image: AxesImage, share: NDArray[np.floating]) -> None:
    """Write each cell's share, in %; cells without an answer stay empty."""
    for (row, column), percent in np.ndenumerate(share):
        if percent > 0:
            text = f"{percent:.0f}" if percent >= 0.5 else "<1"
            colour = contrasting(image.to_rgba(percent))
            axes.text(column, row, text, ha="center", va="center", color=colour)
