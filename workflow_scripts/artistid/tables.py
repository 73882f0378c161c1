"""The tables, from the metrics of the runs that were asked for and from their comparison."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistid.scores import METRICS

if TYPE_CHECKING:
    import pandas as pd

REFERENCES = ("majority", "chance")  # rows that no training made
DAGGER = "†"  # marks an interval of fewer than seven songs per artist
_AXES = ["model", "split", "slice_seconds"]
_TEXT = (
    "corpus model split level pooling subset artist album answered first second system source "
    "features metric statistic protocol device"
).split()


def read_table(path: str | Path) -> "pd.DataFrame":
    """Read one of our CSV files; names are text (an artist may be called ``NA``)."""
    import pandas as pd

    header = pd.read_csv(path, nrows=0, encoding_errors="surrogateescape").columns
    numbers = [column for column in header if column not in _TEXT]
    return pd.read_csv(
        path,
        dtype={column: str for column in header if column in _TEXT},
        keep_default_na=False,
        na_values={column: [""] for column in numbers},
        encoding_errors="surrogateescape",
    )


def concatenated(tables: Sequence["pd.DataFrame"]) -> "pd.DataFrame":
    """Return the rows of tables of the same columns, one after the other."""
    import pandas as pd

    return pd.concat(tables, ignore_index=True)


def summarise_runs(
    metrics: "pd.DataFrame", models: Sequence[str], level: str = "slice", pooling: str = "none"
) -> "pd.DataFrame":
    """Return one row per model, split and slice length: scores over the seeds, on the test set.

    Args:
        metrics: rows of runs, with their axes.
        models: the order of the rows.
        level: ``slice`` or ``song``.
        pooling: how slices became songs.

    Returns:
        For each metric its mean and sample standard deviation (n - 1; empty for one seed), the best
        seed's macro F1, the number of seeds, and the mean number of songs and answers tested.
    """
    import pandas as pd

    asked = (metrics["subset"] == "test") & (metrics["level"] == level)
    test = metrics[asked & (metrics["pooling"] == pooling)]
    grouped = test.groupby(_AXES, sort=False, dropna=False)
    columns = {}
    for metric in METRICS:
        columns[f"{metric}_mean"] = grouped[metric].mean()
        columns[f"{metric}_std"] = grouped[metric].std(ddof=1)
    best_rows = grouped["macro_f1"].idxmax()
    columns |= {
        "macro_f1_best": grouped["macro_f1"].max(),
        "best_seed": best_rows.map(test["seed"]),
        "seeds": grouped["seed"].nunique(),
        "songs_mean": grouped["n_tracks"].mean(),
        "answers_mean": grouped["n_answers"].mean(),
    }
    table = pd.DataFrame(columns).reset_index()
    return in_order(table, models).assign(level=level, pooling=pooling)


def in_order(table: "pd.DataFrame", models: Sequence[str]) -> "pd.DataFrame":
    """Return rows by slice length (whole songs last but for guessing), model and split."""
    rank = {model: number for number, model in enumerate(models)}
    keys = table.assign(
        _length=table["slice_seconds"].fillna(0),
        _rank=table["model"].map(rank),
        _split=table["split"].map({"song": 0, "album": 1}) if "split" in table else 0,
    )
    # Systems on whole songs stand among the models of the first slice length.
    first = table["slice_seconds"].min()
    keys["_length"] = keys["_length"].where(keys["_length"] > 0, first)
    order = keys.sort_values(["_length", "_rank", "_split"], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def with_intervals(
    summary: "pd.DataFrame", intervals: "pd.DataFrame", metrics: Sequence[str] = METRICS
) -> "pd.DataFrame":
    """Return a summary with its intervals: ``<metric>_low``, ``<metric>_high`` and ``too_few``.

    Args:
        summary: rows with axes, level and pooling, for the metric ``f1`` also ``artist``.
        intervals: rows with the same, ``metric``, ``low``, ``high`` and ``too_few``.
        metrics: whose intervals are joined.
    """
    keys = [*_AXES, "level", "pooling"] + (["artist"] if "artist" in summary else [])
    for metric in metrics:
        own = intervals[intervals["metric"] == metric]
        bounds = {"low": f"{metric}_low", "high": f"{metric}_high"}
        joined = own[[*keys, "low", "high"]].rename(columns=bounds)
        summary = summary.merge(joined, on=keys, how="left")
    of_cells = intervals[[*keys, "too_few"]].drop_duplicates(keys)
    return summary.merge(of_cells, on=keys, how="left")


def f1_table(summary: "pd.DataFrame", answers: str = "Slices") -> "pd.DataFrame":
    """Return a summary as it is printed: mean ± standard deviation (interval), macro F1 first.

    Args:
        summary: what `with_intervals` returns.
        answers: heading of the number of answers; empty for none.
    """
    import pandas as pd

    shown: dict[str, Any] = {
        "Model": summary["model"],
        "Split": summary["split"],
        "Slice": summary["slice_seconds"].map(length),
        "Macro F1": score_and_interval(summary, "macro_f1"),
        "Best": by_row(summary, _best),
        "Weighted F1": score_and_interval(summary, "weighted_f1"),
        "Accuracy": score_and_interval(summary, "accuracy"),
        "Seeds": summary["seeds"],
        "Songs": summary["songs_mean"].map(_count),
    }
    if answers:
        shown[answers] = summary["answers_mean"].map(_count)
    return pd.DataFrame(shown)


def song_table(by_mean: "pd.DataFrame", by_vote: "pd.DataFrame") -> "pd.DataFrame":
    """Return song-level scores as they are printed, both ways of pooling side by side."""
    shown = f1_table(by_mean, answers="").rename(columns={"Macro F1": "Macro F1, mean"})
    vote = f1_table(by_vote, answers="")["Macro F1"]
    shown.insert(shown.columns.get_loc("Macro F1, mean") + 1, "Macro F1, vote", vote)
    return shown


def score_and_interval(table: "pd.DataFrame", metric: str, digits: int = 3) -> "pd.Series":
    """Return ``mean ± deviation (low to high)`` as text; without brackets where none is known."""
    bounds = table.rename(columns={f"{metric}_low": "low", f"{metric}_high": "high"})
    intervals = by_row(bounds, lambda row: interval(row, digits))
    cells = mean_and_deviation(table, metric, digits)
    return cells.where(intervals == "–", cells + " (" + intervals + ")")


def mean_and_deviation(summary: "pd.DataFrame", column: str, digits: int = 3) -> "pd.Series":
    """Return ``mean ± deviation`` as text; the mean alone where there is one seed."""

    def cell(row: Mapping[str, Any]) -> str:
        mean, deviation = row[f"{column}_mean"], row[f"{column}_std"]
        if deviation != deviation:  # a single seed has no deviation
            return f"{mean:.{digits}f}"
        return f"{mean:.{digits}f} ± {deviation:.{digits}f}"

    return by_row(summary, cell)


def by_row(table: "pd.DataFrame", cell: Callable[[Mapping[str, Any]], str]) -> "pd.Series":
    """Return a column of text made from each row; also of a table without rows."""
    import pandas as pd

    return pd.Series([cell(row) for row in table.to_dict("records")], table.index, dtype=object)


def interval(row: Mapping[str, Any], digits: int = 3) -> str:
    """Return ``low to high`` as text, marked where there are too few songs."""
    if row["low"] != row["low"]:
        return "–"
    mark = f" {DAGGER}" if row["too_few"] else ""
    return f"{row['low']:.{digits}f} to {row['high']:.{digits}f}{mark}"


def length(seconds: float) -> str:
    """Return a slice length as text; none is a whole song."""
    return "whole" if seconds != seconds else f"{seconds:g} s"


def _best(row: Mapping[str, Any]) -> str:
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
        several: what `at_several_lengths` returns of a summary with intervals.
    """
    shown = several.assign(cell=score_and_interval(several, "macro_f1"))
    table = shown.pivot(index=["model", "split"], columns="slice_seconds", values="cell")
    table.columns = [length(seconds) for seconds in table.columns]
    order = list(dict.fromkeys(zip(shown["model"], shown["split"], strict=True)))
    return table.reindex(order).reset_index().rename(columns={"model": "Model", "split": "Split"})


def training_times(timings: "pd.DataFrame", models: Sequence[str]) -> "pd.DataFrame":
    """Return the average time to train, per model and slice length, over splits and seeds.

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


def training_time_table(times: "pd.DataFrame") -> "pd.DataFrame":
    """Return the training times as they are printed.

    Args:
        times: what `training_times` returns; with ``published_hours``, these stand beside them.
    """
    import pandas as pd

    shown = pd.DataFrame(
        {
            "Model": times["model"],
            "Slice": times["slice_seconds"].map(length),
            "Minutes": mean_and_deviation(times, "minutes", 2),
            "Seconds per epoch": times["seconds_per_epoch_mean"].map(_or_dash("{:.2f}")),
            "Epochs": times["epochs_mean"].map(_or_dash("{:.3g}")),
            "Runs": times["runs"],
            "Device": times["device"],
        }
    )
    if "published_hours" in times:
        minutes = 60 * times["published_hours"]
        shown.insert(3, "Published minutes", minutes.map(_or_dash("{:g}")))
    return shown


def _or_dash(pattern: str) -> Callable[[float], str]:
    return lambda value: "–" if value != value else pattern.format(value)


def artist_table(f1: "pd.DataFrame", models: Sequence[str]) -> "pd.DataFrame":
    """Return F1 per artist on the test set: mean and deviation over the seeds.

    At the slice level; for systems on whole songs, and for guessing where all are, at the song
    level. Guessing is shown at the shortest slices.
    """
    import pandas as pd

    guessed = f1["model"].isin(REFERENCES)
    has_slices = (~guessed & (f1["level"] == "slice")).any()
    by_mean = f1["pooling"] == "mean"
    at_level = (f1["level"] == "slice") | (f1["slice_seconds"].isna() & by_mean)
    shortest = f1["slice_seconds"] == f1["slice_seconds"].min()
    guessed_at_level = shortest & ((f1["level"] == "slice") if has_slices else by_mean)
    shown = at_level.where(~guessed, guessed_at_level)
    test = f1[(f1["subset"] == "test") & shown]
    keys = [*_AXES, "level", "pooling", "artist"]
    grouped = test.groupby(keys, sort=False, dropna=False)
    table = pd.DataFrame(
        {
            "f1_mean": grouped["f1"].mean(),
            "f1_std": grouped["f1"].std(ddof=1),
            "seeds": grouped["seed"].nunique(),
            "answers_mean": grouped["n_answers"].mean(),
        }
    ).reset_index()
    return in_order(table, models)


def artists_by_model(artists: "pd.DataFrame") -> "pd.DataFrame":
    """Return F1 per artist as it is printed: artists as rows, one column per model and split.

    Args:
        artists: what `with_intervals` returns of an `artist_table`.
    """
    names = artists["model"] + ", " + artists["split"]
    several = artists.groupby("model")["slice_seconds"].transform("nunique") > 1
    names = names.where(~several, names + ", " + artists["slice_seconds"].map(length))
    shown = artists.assign(cell=score_and_interval(artists, "f1", 2), column=names)
    table = shown.pivot(index="artist", columns="column", values="cell")
    return table[list(dict.fromkeys(names))].reset_index().rename(columns={"artist": "Artist"})


def effect_table(effects: "pd.DataFrame") -> "pd.DataFrame":
    """Return the album effect as it is printed."""
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


def pair_table(pairs: "pd.DataFrame") -> "pd.DataFrame":
    """Return the paired tests as they are printed."""
    import pandas as pd

    marks = by_row(pairs, lambda row: f" {DAGGER}" if row["too_few"] else "")
    return pd.DataFrame(
        {
            "Split": pairs["split"],
            "Slice": pairs["slice_seconds"].map(length),
            "First": pairs["first"],
            "Second": pairs["second"],
            "Difference": pairs["difference"].map("{:+.3f}".format),
            "p": pairs["p"].map("{:.4f}".format),
            "p, corrected": pairs["p_corrected"].map("{:.4f}".format).astype(object) + marks,
            "Songs": pairs["songs"],
            "Swapped units": pairs["swapped_units"],
        }
    )


def album_table(albums: "pd.DataFrame", at_most: int = 40) -> "pd.DataFrame":
    """Return the albums that are most often taken for one other artist, over models and seeds.

    Args:
        albums: one row per run, test album and artist answered, with the share of the answers.
        at_most: rows.
    """
    import pandas as pd

    album = ["artist", "album"]
    is_right = albums["answered"] == albums["artist"]
    right = albums[is_right].groupby(album)["share"]  # a row of each run
    # A run that never answered an artist has no row of it, and counts as 0.
    taken = albums[~is_right].groupby([*album, "answered"])["share"].sum()
    strongest = taken.sort_values(ascending=False, kind="stable").reset_index("answered")
    strongest = strongest[~strongest.index.duplicated()]
    table = pd.DataFrame(
        {
            "Right": right.mean(),
            "Most taken for": strongest["answered"],
            "Share": strongest["share"] / right.size(),
            "Runs": right.size(),
        }
    ).dropna()
    table = table.sort_values("Share", ascending=False, kind="stable").head(at_most).reset_index()
    for column in ("Right", "Share"):
        table[column] = table[column].map("{:.1%}".format)
    return table.rename(columns={"artist": "Artist", "album": "Album"})
