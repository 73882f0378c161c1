"""Table: the experiments of one corpus side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from artistid.errors import InputError
from artistid.splits.subsets import TEST, VALIDATION
from artistid.tables.captions import SCORED, cuts_and_seeds
from artistid.tables.cells import length, score_and_interval
from artistid.tables.reading import REFERENCES, concatenated
from artistid.tables.summaries import summarise_runs, with_intervals

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Experiments on this corpus"
CAPTION = (
    "Macro F1 of slices, and of songs pooled by mean log-probability. "
    + SCORED
    + "Values are mean ± sample standard deviation over the runs, whose cuts and seeds are "
    "counted, with 95 % intervals in brackets (docs/statistics.md). Do not compare scores on a "
    "validation set with scores on a test set: weights and follow-up were chosen on validation."
)
_SHOWN = (("slice", "none"), ("song", "mean"))


def build(experiments: Sequence[tuple["pd.DataFrame", "pd.DataFrame"]]) -> "pd.DataFrame":
    """Return a row per experiment, model, split, slice length and level.

    Args:
        experiments: rows of all runs, and of all intervals, of each experiment.

    Raises:
        InputError: rows of one experiment are given twice, or together with those of another.
    """
    found: dict[str, pd.DataFrame] = {}
    for metrics, intervals in experiments:
        names = metrics["experiment"].unique().tolist()
        if len(names) != 1 or names[0] in found:
            held = ", ".join(map(repr, names)) or "no experiment"
            raise InputError(
                f"all_metrics.csv: has rows of {held}, and should have those of one experiment "
                "that is in no other file; make the tables again"
            )
        found[names[0]] = _of_experiment(metrics, intervals).assign(experiment=names[0])
    table = concatenated(list(found.values()))
    return table[["experiment", *table.columns.drop("experiment")]]


def _of_experiment(metrics: "pd.DataFrame", intervals: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows of one experiment."""
    # The test set has rows only if it is reported.
    subset = TEST if (metrics["subset"] == TEST).any() else VALIDATION
    names = metrics["model"].unique().tolist()
    models = [*(name for name in names if name not in REFERENCES), *REFERENCES]
    splits = metrics["split"].unique().tolist()
    summaries = [
        summarise_runs(metrics, models, level, pooling, subset, splits) for level, pooling in _SHOWN
    ]
    summary = concatenated([summary for summary in summaries if len(summary)])
    table = with_intervals(summary, intervals, ["macro_f1"])
    counts = cuts_and_seeds(metrics)
    table["cuts"] = table["split"].map({split: cuts for split, (cuts, _, _) in counts.items()})
    scores = [f"macro_f1_{what}" for what in ("mean", "std", "low", "high")]
    axes = ["model", "split", "slice_seconds", "level", "pooling"]
    return table[[*axes, *scores, "too_few", "runs", "cuts", "seeds"]].assign(subset=subset)


def show(table: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table as it is printed."""
    import pandas as pd

    return pd.DataFrame(
        {
            "Experiment": table["experiment"],
            "Model": table["model"],
            "Split": table["split"],
            "Slice": table["slice_seconds"].map(length),
            "Level": table["level"],
            "Macro F1": score_and_interval(table, "macro_f1"),
            "Runs": table["runs"],
            "Cuts": table["cuts"],
            "Seeds": table["seeds"],
            "Subset": table["subset"],
        }
    )
