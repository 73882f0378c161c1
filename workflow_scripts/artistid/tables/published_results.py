"""Published results beside measured ones, if the corpus is the one that they are about."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

HOURS = "training hours"
_METRICS = {"macro F1": "macro_f1", "weighted F1": "weighted_f1", "accuracy": "accuracy"}
# How each published system pooled its slices or frames to a song.
_POOLING = {"crnn": "vote"}


def side_by_side(
    published: "pd.DataFrame",
    metrics: "pd.DataFrame",
    learning_rates: Mapping[str, float],
    architectures: Mapping[str, str],
) -> "pd.DataFrame":
    """Return every published result with what we measured at the same split, level and metric.

    A published mean is shown next to our mean over the seeds, with its number of runs; beside that
    of each model here that has the published architecture. A result without a counterpart of ours
    keeps an empty cell: nothing replaces it.

    Args:
        published: rows of ``resources/published_results.csv``.
        metrics: rows of all runs.
        learning_rates: what each network was trained with here; its authors' may have been another.
        architectures: of each model here.
    """
    table = _beside_each_model(published[published["metric"] != HOURS], architectures)
    measured = [_measured(row, metrics) for row in table.to_dict("records")]
    table["measured"] = [value for value, _ in measured]
    table["measured_runs"] = [runs for _, runs in measured]
    table["measured"] = table["measured"].astype(float)
    has_run = table["measured_runs"] > 0
    table["learning_rate"] = table["model_here"].where(has_run).map(learning_rates).astype(float)
    return table


def _beside_each_model(
    published: "pd.DataFrame", architectures: Mapping[str, str]
) -> "pd.DataFrame":
    """Return the published rows, repeated for each model here of the same architecture."""
    import pandas as pd

    models = pd.DataFrame(
        {"model": architectures.values(), "model_here": architectures.keys()}, dtype=object
    )
    return published.merge(models, how="left", on="model").fillna({"model_here": ""})


def _measured(row: Mapping[str, Any], metrics: "pd.DataFrame") -> tuple[float | None, int]:
    metric = _METRICS.get(row["metric"])
    if not row["model_here"] or metric is None:
        return None, 0
    pooling = "none" if row["level"] == "slice" else _POOLING.get(row["model"], "mean")
    asked = {"model": row["model_here"], "split": row["split"], "subset": "test"}
    asked |= {"level": row["level"], "pooling": pooling}
    found = metrics
    for column, value in asked.items():
        found = found[found[column] == value]
    seconds = row["slice_seconds"]
    if seconds == seconds:  # frame-based systems state no slice length
        found = found[found["slice_seconds"] == seconds]
    elif len(found):
        shortest = found["slice_seconds"].min()
        found = found[(found["slice_seconds"] == shortest) | found["slice_seconds"].isna()]
    if not len(found):
        return None, 0
    value = found[metric].max() if row["statistic"] == "best" else found[metric].mean()
    return float(value), len(found)


def with_published_hours(times: "pd.DataFrame", published: "pd.DataFrame") -> "pd.DataFrame":
    """Return training times with the paper's beside them, in ``published_hours``.

    The paper does not say of which slice length its times are: they are shown beside a model's
    shortest slices, at which it trained every network.

    Args:
        times: what `artistid.tables.training_time.training_times` returns.
        published: rows of ``resources/published_results.csv``.
    """
    hours = published[published["metric"] == HOURS].set_index("model")["value"]
    shortest = times.groupby("model")["slice_seconds"].transform("min")
    is_shortest = times["slice_seconds"] == shortest
    return times.assign(published_hours=times["model"].map(hours).where(is_shortest))
