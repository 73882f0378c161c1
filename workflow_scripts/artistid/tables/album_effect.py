"""Table: what the song split adds to a score."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.tables.captions import INTERVALS
from artistid.tables.cells import by_row, interval, length
from artistid.tables.inputs import Inputs
from artistid.tables.reading import in_order

if TYPE_CHECKING:
    import pandas as pd

TITLE = "The album effect: song-split minus album-split macro F1"
CAPTION = (
    "What the song split adds to macro F1 because test songs share their albums with training "
    "songs. Test set, mean over the seeds. " + INTERVALS.replace(" (in brackets)", "")
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return len(config["experiment"]["splits"]) == 2


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per model, slice length and level."""
    return in_order(inputs.read("effects"), inputs.order)


def show(effects: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table as it is printed."""
    import pandas as pd

    return pd.DataFrame(
        {
            "Model": effects["model"],
            "Slice": effects["slice_seconds"].map(length),
            "Level": effects["level"].where(
                effects["pooling"] == "none", effects["level"] + " (" + effects["pooling"] + ")"
            ),
            "Song minus album": effects["mean"].map("{:+.3f}".format),
            "95 % interval": by_row(effects, interval),
        }
    )
