"""Sentences that several captions share; some depend on the runs that a table shows."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from artistid.tables.reading import REFERENCES

if TYPE_CHECKING:
    import pandas as pd

    from artistid.tables.inputs import Inputs

SCORED = "Scored with the weights of the lowest validation loss. "
SIZES = "Songs and slices: the mean number tested per run. "
BEST = (
    "Best: the highest score of any run, as published tables report it; it does not estimate "
    "performance. "
)
TOP_K = "Top-k accuracy: share of answers whose true artist is among the k most probable. "
GUESSING = (
    "Chance is the expected score of answers drawn at random, every artist equally likely; "
    "majority always answers the training set's most frequent artist."
)
_TOO_FEW = "† Fewer than seven songs of some artist were tested: do not rely on the interval. "


def subset_shown(inputs: "Inputs") -> str:
    """Return which subset a table shows."""
    return f"{inputs.reported.capitalize()} set. "


def how_scored(inputs: "Inputs") -> str:
    """Return which subset a table shows, what its deviation is over and what its intervals are."""
    metrics = inputs.read("metrics")
    return subset_shown(inputs) + SCORED + deviation(metrics, inputs.folds) + intervals(inputs)


def deviation(metrics: "pd.DataFrame", folds: Mapping[str, int]) -> str:
    """Return what the mean and the deviation of a cell are computed over, by split.

    Args:
        metrics: rows of runs.
        folds: number of folds by split; 0 or missing without folds.
    """
    counts = cuts_and_seeds(metrics)
    told = _by_text(counts, lambda split: _repeats(*counts[split]) + _of_folds(folds, split))
    single = ", ".join(over_seeds(metrics))
    of_single = f"An average over seeds has one run for each cut ({single}). " if single else ""
    return f"Values are mean ± sample standard deviation ({told}). {of_single}" if told else ""


def over_seeds(metrics: "pd.DataFrame") -> list[str]:
    """Return the models that have fewer seeds than others on a split: ensembles over seeds."""
    seeds = metrics.groupby(["split", "model"], sort=False)["seed"].nunique()
    fewer = seeds[seeds < seeds.groupby("split").transform("max")]
    return list(dict.fromkeys(fewer.index.get_level_values("model")))


def cuts_and_seeds(metrics: "pd.DataFrame") -> dict[str, tuple[int, int, int]]:
    """Return by split the numbers of distinct cuts, of distinct seeds, and of pairs of both."""
    trained = metrics[~metrics["model"].isin(REFERENCES)]
    return {
        split: (
            own["cut"].nunique(),
            own["seed"].nunique(),
            len(own[["cut", "seed"]].drop_duplicates()),
        )
        for split, own in trained.groupby("split", sort=False)
    }


def _repeats(cuts: int, seeds: int, runs: int) -> str:
    if runs == 1:
        return "a single run, without deviation"
    if cuts == 1:
        return f"over {seeds} weight seeds on one cut"
    if cuts == seeds == runs:
        return f"over {seeds} seeds, each with its own cut and weights"
    return f"over {runs} runs with {cuts} cuts and {seeds} weight seeds"


def _of_folds(folds: Mapping[str, int], split: str) -> str:
    return f", each run over {folds[split]} folds" if folds.get(split) else ""


def intervals(inputs: "Inputs") -> str:
    """Return what the intervals of this experiment are, and what they do not include."""
    cuts = {split: own[0] for split, own in cuts_and_seeds(inputs.read("metrics")).items()}
    found = inputs.read("intervals")
    with_albums = set(found["split"][found["resampled"] == "albums"])

    def told(split: str) -> str:
        if inputs.folds.get(split):
            return _about_folds(cuts[split], inputs.keeps_albums[split], split in with_albums)
        if split in with_albums:
            return "whole albums are resampled for artists with several of them in a test set"
        if not inputs.keeps_albums[split]:
            return ""
        if cuts[split] == 1:
            return "conditional on the tested albums, one per artist"
        return "each cut tests different albums, so the variance between albums is included"

    sentence = (
        "95 % intervals (in brackets): bootstrap over songs within artists, widened by the "
        "variance between runs (docs/statistics.md)"
    )
    exceptions = _by_text(cuts, told)
    return f"{sentence}{'; ' if exceptions else ''}{exceptions}. {_TOO_FEW}"


def _about_folds(cuts: int, keeps_albums: bool, resamples_albums: bool) -> str:
    unit = "album" if keeps_albums else "song"
    done = f"every {unit} of the folds is tested once"
    done += ", and albums are resampled" * resamples_albums
    missing = "the overlap of the folds' training sets"
    missing += f" and the choice of which {unit}s share a fold" if cuts == 1 else ""
    return f"{done}; {missing} {'are' if cuts == 1 else 'is'} not accounted for"


def _by_text(splits: Iterable[str], text_of: Callable[[str], str]) -> str:
    """Return ``song, album: one text; mine: another``; splits without a text are left out."""
    named: dict[str, list[str]] = {}
    for split in splits:
        if text := text_of(split):
            named.setdefault(text, []).append(split)
    return "; ".join(f"{', '.join(names)}: {text}" for text, names in named.items())
