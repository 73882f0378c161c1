"""Figure: what the networks see, three seconds of one track per artist."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from artistid.figures.style import COLUMN, PAGE, label, new_figure, styled

SECONDS = 3
_COLUMNS = 5
_ROW_HEIGHT = 1.15  # in
_KILOHERTZ = (0.5, 1, 2, 4, 8, 16)


@styled()
def draw_log_mels(
    examples: Sequence[tuple[str, NDArray[np.floating]]],
    frame_rate: float,
    hz_of_band: NDArray[np.floating],
) -> Figure:
    """Draw log-mel spectrograms side by side, on one scale of colours.

    Args:
        examples: pairs of an artist and a log-mel spectrogram, shape (frames, n_mels), in dB re
            1.0; its first three seconds are shown.
        frame_rate: frames per second.
        hz_of_band: centre frequency of each mel band, ascending, shape (n_mels,).
    """
    shown = [(artist, _beginning(decibels, frame_rate)) for artist, decibels in examples]
    low = min(decibels.min() for _, decibels in shown)
    high = max(decibels.max() for _, decibels in shown)
    n_columns = min(_COLUMNS, len(shown))
    n_rows = -(-len(shown) // n_columns)
    figure = new_figure(PAGE if n_columns > 2 else COLUMN, _ROW_HEIGHT * n_rows + 0.5)
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    for number, axes in enumerate(grid.flat):
        if number >= len(shown):
            axes.remove()
            continue
        artist, decibels = shown[number]
        image = axes.imshow(
            decibels.T,
            origin="lower",
            aspect="auto",
            cmap="viridis",
            vmin=low,
            vmax=high,
            extent=(0, len(decibels) / frame_rate, -0.5, len(hz_of_band) - 0.5),
        )
        axes.set_title(label(artist, 16), pad=3)
        tick_frequencies(axes, hz_of_band)
        axes.set_xlim(0, SECONDS)
        axes.set_xticks(range(SECONDS + 1))
        axes.tick_params(
            labelleft=number % n_columns == 0, labelbottom=number + n_columns >= len(shown)
        )
    figure.supxlabel("time (s)")
    figure.supylabel("frequency (kHz)")
    there = grid.flat[: len(shown)]
    figure.colorbar(image, ax=list(there), label="power (dB re 1)", aspect=30, pad=0.01)
    return figure


def _beginning(decibels: NDArray[np.floating], frame_rate: float) -> NDArray[np.float32]:
    # What is cached is float16, too coarse for matplotlib's arithmetic on images.
    return decibels[: round(SECONDS * frame_rate)].astype(np.float32)


def tick_frequencies(axes: Axes, hz_of_band: NDArray[np.floating]) -> None:
    """Label an axis of mel bands with round frequencies, kHz.

    Args:
        axes: their y axis counts bands from 0.
        hz_of_band: centre frequency of each band, ascending.
    """
    low, high = hz_of_band[[0, -1]] / 1000
    # The centre of the last band is slightly below the highest frequency.
    ticks = [kilohertz for kilohertz in _KILOHERTZ if low <= kilohertz <= high * 1.05]
    bands = np.interp(np.multiply(ticks, 1000), hz_of_band, np.arange(len(hz_of_band)))
    axes.set_yticks(bands, [f"{kilohertz:g}" for kilohertz in ticks])
