"""Table: how reliable the probabilities of songs are, without and with a temperature."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.experiment import has_unknown_artists
from artistid.tables.captions import subset_shown
from artistid.tables.cells import length
from artistid.tables.inputs import Inputs
from artistid.tables.reading import in_order

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Calibration of songs"
CAPTION = (
    "Songs by known artists, of all runs together: as predicted → with the temperature that "
    "was fitted on each run's validation set. ECE: expected calibration error, in bins of 0.1; "
    "with few songs it is above 0, however good the probabilities are. NLL: mean negative "
    "log-probability of the songs' artists, in nats."
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return has_unknown_artists(config)


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    return subset_shown(inputs)


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per model, split and slice length."""
    return in_order(inputs.read("calibration"), inputs.models, inputs.splits)


def show(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table as it is printed."""
    import pandas as pd

    shown = {"Model": table["model"], "Split": table["split"]}
    shown["Slice"] = table["slice_seconds"].map(length)
    for name, key in (("ECE", "ece"), ("NLL", "nll")):
        before, after = (
            table[f"{key}_{when}"].map("{:.3f}".format) for when in ("before", "after")
        )
        shown[name] = before + " → " + after
    low, high = (table[f"temperature_{end}"].map("{:.2f}".format) for end in ("low", "high"))
    shown["Temperature"] = low + " to " + high
    return pd.DataFrame(shown | {"Songs": table["songs"], "Runs": table["runs"]})
