"""Table: whether two models differ on the same test songs."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.tables.captions import subset_shown
from artistid.tables.cells import DAGGER, by_row, interval, length
from artistid.tables.inputs import Inputs

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Paired tests between models"
CAPTION = (
    "Macro F1 of the first minus the second model on the same songs (songs pooled by mean "
    "log-probability), mean over the runs, with its 95 % interval; approximate randomisation, "
    "two-sided. Both resample or swap whole albums if a split keeps albums together, otherwise "
    "songs; each in all runs at once. An album is resampled only if its artist has several. p "
    "is corrected within each split and slice length for the number of pairs (Holm). The test is "
    "about these trained weights: it does not say that retrained models would differ. † fewer "
    "than seven songs of an artist were tested."
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return len(config["experiment"]["models"]) > 1


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    return subset_shown(inputs)


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per pair of models, split, slice length and level."""
    return inputs.read("pairs")


def show(pairs: "pd.DataFrame") -> "pd.DataFrame":
    """Return the tests of songs as they are printed."""
    import pandas as pd

    pairs = pairs[(pairs["level"] == "song") & (pairs["pooling"] == "mean")]
    marks = by_row(pairs, lambda row: f" {DAGGER}" if row["too_few"] else "")
    return pd.DataFrame(
        {
            "Split": pairs["split"],
            "Slice": pairs["slice_seconds"].map(length),
            "First": pairs["first"],
            "Second": pairs["second"],
            "Difference": pairs["difference"].map("{:+.3f}".format),
            "95 % interval": by_row(pairs, interval),
            "p": pairs["p"].map("{:.4f}".format),
            "p, corrected": pairs["p_corrected"].map("{:.4f}".format).astype(object) + marks,
            "Songs": pairs["songs"],
            "Swapped units": pairs["swapped_units"],
        }
    )
