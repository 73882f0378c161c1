"""Table: how well models distinguish artists of the training set from unknown ones."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.experiment import has_unknown_artists
from artistid.scoring.open_set_metrics import (
    ACCURACY,
    AUROC,
    KNOWN_RIGHT,
    KNOWN_RIGHT_IF_ALL,
    METRICS,
    UNKNOWN_REJECTED,
)
from artistid.tables.captions import intervals, subset_shown
from artistid.tables.cells import count, length, score_and_interval
from artistid.tables.inputs import Inputs
from artistid.tables.reading import in_order

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Known and unknown artists"
CAPTION = (
    "A song is rejected as unknown if the probability of its most probable artist is below a "
    "threshold, which was chosen on each run's validation set, with other unknown artists than "
    "the test set's. AUROC: share of pairs of a song by a known and one by an unknown artist of "
    "which the known one has the higher probability; 0.5 is chance. Known: share of songs by known "
    "artists that are named right (in brackets without the threshold). Unknown: share of songs by "
    "unknown artists that are rejected. Accuracy: the mean of both; 0.5 if everything is "
    "rejected. The intervals account for other unknown artists only as far as runs leave out "
    "different ones."
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return has_unknown_artists(config)


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    return subset_shown(inputs) + "Mean ± standard deviation over runs. " + intervals(inputs)


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per model, split and slice length, with intervals."""
    import pandas as pd

    rows = inputs.read("open_sets")
    facts = ["known_songs", "unknown_songs", "threshold", "runs", "too_few", "resampled"]
    keys = ["model", "split", "slice_seconds"]
    table = rows.drop_duplicates(keys)[[*keys, *facts]].reset_index(drop=True)
    for metric in METRICS:
        own = rows[rows["metric"] == metric].reset_index(drop=True)
        values = own[["mean", "std", "low", "high"]].add_prefix(f"{metric}_")
        table = pd.concat([table, values], axis=1)  # rows of all metrics have one order
    return in_order(table, inputs.models, inputs.splits)


def show(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table as it is printed."""
    import pandas as pd

    shares = {metric: table[f"{metric}_mean"].map("{:.3f}".format) for metric in METRICS}
    known, if_all = shares[KNOWN_RIGHT], shares[KNOWN_RIGHT_IF_ALL]
    return pd.DataFrame(
        {
            "Model": table["model"],
            "Split": table["split"],
            "Slice": table["slice_seconds"].map(length),
            "AUROC": score_and_interval(table, AUROC),
            "Accuracy": score_and_interval(table, ACCURACY),
            "Known": known + " (" + if_all + ")",
            "Unknown": shares[UNKNOWN_REJECTED],
            "Threshold": table["threshold"].map("{:.3f}".format),
            "Songs": table["known_songs"].map(count) + " + " + table["unknown_songs"].map(count),
            "Runs": table["runs"],
        }
    )
