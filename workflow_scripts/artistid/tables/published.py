"""Table: published results beside measured ones, if the corpus is the one they are about."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.splits.subsets import TEST
from artistid.tables.inputs import DATASET, Inputs
from artistid.tables.published_results import side_by_side

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Published and measured results"
CAPTION = (
    "Published values have the metric, level, statistic and protocol of their sources; "
    "measured values are this run's at the same split, level, slice length and metric, with "
    "the number of runs and the learning rate that the network was trained with here (its "
    "authors trained the CRNN at 1e-3); a row for each model here that has the published "
    "architecture. A value from another corpus is not comparable, "
    "and its protocol says so."
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return True


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    if inputs.is_published and inputs.reported == TEST:
        return ""
    if inputs.is_published:
        return (
            f"The {inputs.reported} set was scored here, and published values are of test sets: "
            "nothing stands beside them. "
        )
    return f"This corpus is not {DATASET}: no published value applies. "


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return every published result with what was measured alike; nothing on another corpus."""
    published = inputs.read("published")
    published = published if inputs.is_published else published.head(0)
    metrics = inputs.read("metrics")
    metrics = metrics if inputs.reported == TEST else metrics.head(0)
    return side_by_side(published, metrics, inputs.learning_rates, inputs.architectures)


def show(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the comparison as it is printed."""
    import pandas as pd

    return pd.DataFrame(
        {
            "System": table["system"],
            "Model here": table["model_here"],
            "Source": table["source"] + table["year"].map(_year),
            "Split": table["split"],
            "Level": table["level"],
            "Slice": table["slice_seconds"].map(lambda s: "" if s != s else f"{s:g} s"),
            "Metric": table["metric"],
            "Statistic": table["statistic"] + table["runs"].map(_of_runs),
            "Published": table["value"].map("{:.3f}".format),
            "Measured": table["measured"].map(lambda v: "–" if v != v else f"{v:.3f}"),
            "Runs": table["measured_runs"],
            "Learning rate": table["learning_rate"].map(lambda v: "–" if v != v else f"{v:g}"),
            "Protocol of the published value": table["protocol"],
        }
    )


def _year(year: float) -> str:
    return "" if year != year else f", {year:.0f}"


def _of_runs(runs: float) -> str:
    return "" if runs != runs else f" of {runs:.0f}"
