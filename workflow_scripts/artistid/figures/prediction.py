"""Figure: what a model says of one recording over time, under what it hears."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from artistid.features.log_mel import LogMelParameters, band_centres
from artistid.figures.log_mel_gallery import tick_frequencies
from artistid.figures.style import COLOURS, GREY, PAGE, label, new_figure, styled, without_box
from artistid.prediction.answers import Answer
from artistid.prediction.spectrograms import Spectrogram

N_COLUMNS = 1500  # of the picture; a longer recording shows the maximum of what a column holds
N_STEPS = 400  # of the curves; of more slices successive ones are drawn as their mean
N_ARTISTS = 6  # drawn by name, the rest as one


@styled()
def draw_prediction(
    answer: Answer, spectrogram: Spectrogram, parameters: LogMelParameters
) -> Figure:
    """Draw the artists' probabilities, slice by slice, under the log-mel spectrogram.

    Args:
        answer: to the recording.
        spectrogram: of the recording.
        parameters: of the spectrogram.
    """
    figure = new_figure(PAGE, 3.6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1))
    _draw_log_mel(above, spectrogram, parameters)
    _draw_probabilities(below, answer)
    above.set_title(label(answer.path.name, 80))
    below.set_xlim(0, answer.seconds)
    figure.legend(
        *below.get_legend_handles_labels(), loc="outside right center", title="artist (whole track)"
    )
    return figure


def _draw_log_mel(axes: Axes, spectrogram: Spectrogram, parameters: LogMelParameters) -> None:
    decibels = shrunk(spectrogram, N_COLUMNS)
    hz_of_band = band_centres(parameters)
    axes.imshow(
        decibels.T,
        origin="lower",
        aspect="auto",
        cmap="viridis",
        extent=(
            0,
            spectrogram.n_frames * spectrogram.frame_seconds,
            -0.5,
            len(hz_of_band) - 0.5,
        ),
    )
    tick_frequencies(axes, hz_of_band)
    axes.set_ylabel("frequency (kHz)")


def _draw_probabilities(axes: Axes, answer: Answer) -> None:
    order = np.argsort(-answer.log_probability, kind="stable")
    probability = np.exp(answer.log_probability)
    length = answer.slice_seconds
    if length is None:  # one answer for the whole recording
        over_time, edges = probability[None], np.array([0, answer.seconds])
    else:
        firsts = np.arange(0, len(answer.starts), -(-len(answer.starts) // N_STEPS))
        summed = np.add.reduceat(np.exp(answer.over_time), firsts, axis=0)
        over_time = summed / np.diff(np.append(firsts, len(answer.starts)))[:, None]
        edges = np.append(answer.starts[firsts], answer.starts[-1] + length)
    # One rest is an artist as well as several.
    named = order if len(order) == N_ARTISTS + 1 else order[:N_ARTISTS]
    for number, k in enumerate(named):
        axes.stairs(
            over_time[:, k],
            edges,
            baseline=None,
            color=COLOURS[number % len(COLOURS)],
            label=f"{label(answer.classes[k])} {probability[k]:.2f}",
        )
    rest = order[len(named) :]
    if len(rest):
        axes.stairs(
            over_time[:, rest].sum(axis=1),
            edges,
            baseline=None,
            color=GREY,
            linestyle=":",
            label=f"{len(rest)} others {probability[rest].sum():.2f}",
        )
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("probability")
    axes.set_xlabel("time (s)")
    without_box(axes)


def shrunk(spectrogram: Spectrogram, n_columns: int) -> NDArray[np.float32]:
    """Return the maxima of successive frames, shape (at most `n_columns`, n_mels), a block each."""
    each = max(1, -(-spectrogram.n_frames // n_columns))
    columns = [
        spectrogram.frames(first, each).max(axis=0)
        for first in range(0, spectrogram.n_frames, each)
    ]
    return np.stack(columns).astype(np.float32)
