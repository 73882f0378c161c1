"""The paper's tables, from the metrics of the runs that were asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistid.evaluation import METRICS
from artistid.files import write_text

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = ("majority", "chance")  # rows that no training made
_AXES = ["model", "split", "slice_seconds"]
_HEADINGS = {
    "model": "Model",
    "split": "Split",
    "slice_seconds": "Slice (s)",
    "macro_f1": "Macro F1",
    "weighted_f1": "Weighted F1",
    "accuracy": "Accuracy",
    "best": "Best macro F1",
    "seeds": "Seeds",
    "songs": "Songs",
    "slices": "Slices",
    "artist": "Artist",
    "f1": "F1",
    "runs": "Runs",
    "minutes": "Minutes",
    "seconds_per_epoch": "Seconds per epoch",
    "epochs": "Epochs",
    "device": "Device",
}


def read_table(path: str | Path) -> "pd.DataFrame":
    """Read one of our CSV files; an artist may be called ``NA``, numbers are numbers."""
    import pandas as pd

    return pd.read_csv(
        path,
        dtype={"artist": str, "corpus": str, "model": str},
        keep_default_na=False,
        na_values={"macro_f1_std": [""], "weighted_f1_std": [""], "accuracy_std": [""]},
        encoding_errors="surrogateescape",
    )


def concatenate(paths: Sequence[str | Path]) -> "pd.DataFrame":
    """Return the rows of CSV files of the same columns, one after the other."""
    import pandas as pd

    return pd.concat([read_table(path) for path in paths], ignore_index=True)


def summarise_runs(metrics: "pd.DataFrame", models: Sequence[str]) -> "pd.DataFrame":
    """Return one row per model, split and slice length: scores over the seeds, on the test set.

    Args:
        metrics: rows of runs, slice level, with their axes.
        models: the order of the rows.

    Returns:
        For each metric its mean and sample standard deviation (n - 1; empty for one seed), the best
        seed's macro F1, the number of seeds, and the mean number of songs and slices tested.
    """
    test = metrics[(metrics["subset"] == "test") & (metrics["level"] == "slice")]
    grouped = test.groupby(_AXES, sort=False)
    columns = {}
    for metric in METRICS:
        columns[f"{metric}_mean"] = grouped[metric].mean()
        columns[f"{metric}_std"] = grouped[metric].std(ddof=1)
    best = test.loc[grouped["macro_f1"].idxmax()].set_index(_AXES)
    columns |= {
        "macro_f1_best": best["macro_f1"],
        "best_seed": best["seed"],
        "seeds": grouped["seed"].nunique(),
        "songs_mean": grouped["n_tracks"].mean(),
        "slices_mean": grouped["n_slices"].mean(),
    }
    import pandas as pd

    table = pd.DataFrame(columns).reset_index()
    table["rank"] = table["model"].map({model: rank for rank, model in enumerate(models)})
    order = ["slice_seconds", "rank", "split"]
    return table.sort_values(order, key=_split_order).drop(columns="rank").reset_index(drop=True)


def _split_order(column: "pd.Series") -> "pd.Series":
    return column.map({"song": 0, "album": 1}) if column.name == "split" else column


def f1_table(summary: "pd.DataFrame") -> "pd.DataFrame":
    """Return a summary as it is printed: macro F1 first, mean ± standard deviation."""
    import pandas as pd

    shown: dict[str, Any] = {axis: summary[axis] for axis in _AXES}
    for metric in METRICS:
        shown[metric] = _mean_and_deviation(summary, metric)
        if metric == "macro_f1":
            shown["best"] = summary.apply(_best, axis=1)
    shown["seeds"] = summary["seeds"]
    for column in ("songs", "slices"):
        shown[column] = summary[f"{column}_mean"].map(_count)
    return pd.DataFrame(shown)


def _mean_and_deviation(summary: "pd.DataFrame", column: str, digits: int = 3) -> "pd.Series":
    def cell(row: "pd.Series") -> str:
        mean, deviation = row[f"{column}_mean"], row[f"{column}_std"]
        if deviation != deviation:  # a single seed has no deviation
            return f"{mean:.{digits}f}"
        return f"{mean:.{digits}f} ± {deviation:.{digits}f}"

    return summary.apply(cell, axis=1)


def _best(row: "pd.Series") -> str:
    return f"{row['macro_f1_best']:.3f} (seed {row['best_seed']})"


def _count(mean: float) -> str:
    return f"{mean:g}" if mean == round(mean) else f"{mean:.1f}"


def at_several_lengths(summary: "pd.DataFrame") -> "pd.DataFrame":
    """Return the rows of the models that ran at more than one slice length, and of guessing."""
    trained = ~summary["model"].isin(REFERENCES)
    lengths = summary.groupby("model")["slice_seconds"].transform("nunique")
    followed = summary[trained & (lengths > 1)]
    same_lengths = summary["slice_seconds"].isin(followed["slice_seconds"])
    return summary[(trained & (lengths > 1)) | (~trained & same_lengths)]


def slices_by_split(several: "pd.DataFrame") -> "pd.DataFrame":
    """Return macro F1 with splits as rows and slice lengths as columns, as the paper's section 5.

    Args:
        several: what `at_several_lengths` returns.
    """
    shown = several.assign(macro_f1=_mean_and_deviation(several, "macro_f1"))
    table = shown.pivot(index=["model", "split"], columns="slice_seconds", values="macro_f1")
    table.columns = [f"{seconds:g} s" for seconds in table.columns]
    order = list(dict.fromkeys(zip(shown["model"], shown["split"], strict=True)))
    return table.reindex(order).reset_index()


def training_times(timings: "pd.DataFrame", models: Sequence[str]) -> "pd.DataFrame":
    """Return the average time to train, per model and slice length, over splits and seeds.

    Args:
        timings: one row per run: axes, ``seconds`` of training, ``epochs`` trained, ``device``.
        models: the order of the rows.
    """
    import pandas as pd

    timings = timings.assign(seconds_per_epoch=timings["seconds"] / timings["epochs"])
    grouped = timings.groupby(["model", "slice_seconds", "device"], sort=False)
    table = pd.DataFrame(
        {
            "runs": grouped.size(),
            "minutes_mean": grouped["seconds"].mean() / 60,
            "minutes_std": grouped["seconds"].std(ddof=1) / 60,
            "seconds_per_epoch_mean": grouped["seconds_per_epoch"].mean(),
            "epochs_mean": grouped["epochs"].mean(),
        }
    ).reset_index()
    table["rank"] = table["model"].map({model: rank for rank, model in enumerate(models)})
    return table.sort_values(["slice_seconds", "rank"]).drop(columns="rank").reset_index(drop=True)


def training_time_table(times: "pd.DataFrame") -> "pd.DataFrame":
    """Return the training times as they are printed."""
    import pandas as pd

    return pd.DataFrame(
        {
            "model": times["model"],
            "slice_seconds": times["slice_seconds"],
            "minutes": _mean_and_deviation(times, "minutes", 2),
            "seconds_per_epoch": times["seconds_per_epoch_mean"].map("{:.2f}".format),
            "epochs": times["epochs_mean"].map(_count),
            "runs": times["runs"],
            "device": times["device"],
        }
    )


def artist_table(f1: "pd.DataFrame") -> "pd.DataFrame":
    """Return F1 per artist on the test set: mean and deviation over the seeds."""
    import pandas as pd

    test = f1[(f1["subset"] == "test") & (f1["level"] == "slice")]
    grouped = test.groupby([*_AXES, "artist"], sort=False)
    return pd.DataFrame(
        {
            "f1_mean": grouped["f1"].mean(),
            "f1_std": grouped["f1"].std(ddof=1),
            "seeds": grouped["seed"].nunique(),
            "slices_mean": grouped["n_slices"].mean(),
        }
    ).reset_index()


def artists_by_model(artists: "pd.DataFrame") -> "pd.DataFrame":
    """Return F1 per artist as it is printed: artists as rows, one column per model and split."""
    shown = artists.assign(f1=_mean_and_deviation(artists, "f1", 2))
    shown["cell"] = (
        shown["model"] + ", " + shown["split"] + ", " + shown["slice_seconds"].map("{:g} s".format)
    )
    order = list(dict.fromkeys(shown["cell"]))
    table = shown.pivot(index="artist", columns="cell", values="f1")
    return table[order].reset_index()


def write_csv(table: "pd.DataFrame", path: str | Path) -> None:
    """Write a table for machines."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def write_markdown(table: "pd.DataFrame", path: str | Path, title: str, caption: str) -> None:
    """Write a table for people: a title, the table, and what its numbers mean."""
    write_text(path, f"## {title}\n\n{markdown(table)}\n{caption}\n")


def markdown(table: "pd.DataFrame") -> str:
    """Return a table in Markdown; text to the left, everything else to the right."""
    headings = [_HEADINGS.get(column, column) for column in table.columns]
    left = [table[column].map(lambda value: _is_word(value)).all() for column in table.columns]
    rules = [":---" if is_left else "---:" for is_left in left]
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(row)} |\n" for row in [headings, rules, *rows])


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and not value[:1].isdigit()


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:g}"
    return str(value).replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
