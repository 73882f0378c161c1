"""Table: how long trainings took."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from artistid.experiment import ENSEMBLE
from artistid.tables.cells import length, mean_and_deviation, or_dash
from artistid.tables.inputs import Inputs
from artistid.tables.published_results import with_published_hours
from artistid.tables.reading import in_order

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Average training time"
CAPTION = (
    "Wall-clock time of training (for networks including validation), mean ± sample standard "
    "deviation over splits, their cuts (of which each fold is one) and seeds, on the machine that "
    "ran it."
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return True


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    has_ensembles = ENSEMBLE in inputs.architectures.values()
    of_ensembles = "Of an ensemble: its members' trainings together. " if has_ensembles else ""
    if not inputs.is_published:
        return of_ensembles
    return of_ensembles + (
        "Published: the paper's averages, on its own machine (4 cores, 16 GB of memory, a GPU "
        "of 13 GB); it does not say of which slice length. "
    )


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per model, slice length and device; on artist20 with the paper's times."""
    times = training_times(inputs.read("timing"), inputs.order)
    return with_published_hours(times, inputs.read("published")) if inputs.is_published else times


def training_times(timings: "pd.DataFrame", models: Sequence[str]) -> "pd.DataFrame":
    """Return the average time to train, per model and slice length, over cuts and seeds.

    Args:
        timings: one row per run: axes, ``seconds`` of training, ``epochs`` trained, ``device``.
        models: the order of the rows.
    """
    import pandas as pd

    timings = timings.assign(seconds_per_epoch=timings["seconds"] / timings["epochs"])
    grouped = timings.groupby(["model", "slice_seconds", "device"], sort=False, dropna=False)
    table = pd.DataFrame(
        {
            "runs": grouped.size(),
            "minutes_mean": grouped["seconds"].mean() / 60,
            "minutes_std": grouped["seconds"].std(ddof=1) / 60,
            "seconds_per_epoch_mean": grouped["seconds_per_epoch"].mean(),
            "epochs_mean": grouped["epochs"].mean(),
        }
    ).reset_index()
    return in_order(table, models)


def show(times: "pd.DataFrame") -> "pd.DataFrame":
    """Return the training times as they are printed.

    Args:
        times: what `training_times` returns; with ``published_hours``, these are shown beside them.
    """
    import pandas as pd

    shown = pd.DataFrame(
        {
            "Model": times["model"],
            "Slice": times["slice_seconds"].map(length),
            "Minutes": mean_and_deviation(times, "minutes", 2),
            "Seconds per epoch": times["seconds_per_epoch_mean"].map(or_dash("{:.2f}")),
            "Epochs": times["epochs_mean"].map(or_dash("{:.3g}")),
            "Runs": times["runs"],
            "Device": times["device"],
        }
    )
    if "published_hours" in times:
        minutes = 60 * times["published_hours"]
        shown.insert(3, "Published minutes", minutes.map(or_dash("{:g}")))
    return shown
