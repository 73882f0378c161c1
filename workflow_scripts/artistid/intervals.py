"""How sure a score is: bootstrap intervals and paired tests over songs.

Songs are the unit: the slices of a song are not independent of each other. docs/statistics.md says
what is assumed, and `benchmarks/interval_coverage.py` measures what the intervals cover.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from artistid.scores import Counts, all_scores, confusion_counts, scores_of_sums

N_DRAWS = 2000
LEVEL = 0.95
MIN_SONGS = 7  # per class: with fewer, the intervals are known to be too narrow


@dataclass(frozen=True)
class Answers:
    """What one run answered on its test set.

    Attributes:
        target: true class of each song, shape (songs,).
        counts: how often each song's answers named each class, shape (songs, classes).
        songs: the songs' ids.
    """

    target: NDArray[np.integer]
    counts: Counts
    songs: Sequence[str] = ()

    def scores(self) -> NDArray[np.float64]:
        """Return macro F1, weighted F1, accuracy and each class' F1, shape (3 + classes,)."""
        return all_scores(confusion_counts(self.target, self.counts))

    def macro_f1(self) -> float:
        """Return macro F1 over the run's answers."""
        return float(self.scores()[0])

    def songs_per_class(self) -> NDArray[np.int64]:
        """Return the number of songs of each class, shape (classes,)."""
        return np.bincount(self.target, minlength=self.counts.shape[1])


@dataclass(frozen=True)
class Interval:
    """A mean over runs with its confidence interval.

    `too_few` says that a class has fewer than seven songs, so that the interval is not to be
    trusted.
    """

    mean: float
    low: float
    high: float
    too_few: bool


def _weighted_scores(weights: NDArray[np.floating], tested: Answers) -> NDArray[np.float64]:
    """Return the scores for each row of song weights, shape (draws, 3 + classes)."""
    of_class = np.eye(tested.counts.shape[1])[tested.target]
    counts = tested.counts.astype(np.float64)
    predicted = weights @ counts
    hits = weights @ (counts * of_class)
    support = weights @ (counts.sum(axis=1, keepdims=True) * of_class)
    return scores_of_sums(hits, predicted, support)


def resampled_scores(
    tested: Answers, n_draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return the scores of resamples of the songs, drawn with replacement within each artist.

    Args:
        tested: the answers of one run.
        n_draws: number of resamples.
        generator: source of chance.

    Returns:
        Macro F1, weighted F1, accuracy and each class' F1; shape (draws, 3 + classes).
    """
    weights = np.zeros((n_draws, len(tested.target)))
    for label in np.unique(tested.target):
        songs = np.flatnonzero(tested.target == label)
        share = np.full(len(songs), 1 / len(songs))
        weights[:, songs] = generator.multinomial(len(songs), share, n_draws)
    return _weighted_scores(weights, tested)


def resampled_means(
    runs: Sequence[Answers], n_draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return draws of the mean scores over runs of several seeds, shape (draws, 3 + classes).

    Songs are resampled within each run. Runs of different seeds differ by more than their songs;
    that further variance is estimated from the runs and added as Student's t noise, because a plain
    resampling of three seeds would both miss a third of it and count the songs twice.
    """
    draws = np.array([resampled_scores(run, n_draws, generator) for run in runs])
    # A resample of n songs varies by (n - 1) / n of what n new songs would (Hesterberg 2015,
    # section 3.3): widened about its own mean.
    widening = np.array([_widening(run) for run in runs])[:, None, None]
    centres = draws.mean(axis=1, keepdims=True)
    draws = centres + widening * (draws - centres)
    means = draws.mean(axis=0)
    if len(runs) > 1:
        between = np.var([run.scores() for run in runs], axis=0, ddof=1)
        seed_variance = np.maximum(0.0, between - draws.var(axis=1, ddof=1).mean(axis=0))
        noise = generator.standard_t(len(runs) - 1, n_draws)  # the variance is of few runs
        means = means + np.sqrt(seed_variance / len(runs)) * noise[:, None]
    return means


def _widening(run: Answers) -> float:
    per_class = run.songs_per_class()
    n_songs = per_class[per_class > 0].mean()
    return float(np.sqrt(n_songs / max(n_songs - 1, 1)))


def has_too_few_songs(runs: Sequence[Answers]) -> bool:
    """Return whether some class has fewer than seven songs in a run's test set."""
    return any(run.songs_per_class().min() < MIN_SONGS for run in runs)


def mean_intervals(
    runs: Sequence[Answers], generator: np.random.Generator, n_draws: int = N_DRAWS
) -> list[Interval]:
    """Return the means over runs with their 95 % percentile intervals.

    Returns:
        One each for macro F1, weighted F1, accuracy and every class' F1.
    """
    # Widening may leave the range that a score can have.
    draws = np.clip(resampled_means(runs, n_draws, generator), 0, 1)
    means = np.mean([run.scores() for run in runs], axis=0)
    too_few = has_too_few_songs(runs)
    return [_interval(float(m), own, too_few) for m, own in zip(means, draws.T, strict=True)]


def difference_interval(
    first: Sequence[Answers],
    second: Sequence[Answers],
    generator: np.random.Generator,
    n_draws: int = N_DRAWS,
) -> Interval:
    """Return the difference of two independent mean macro F1, first minus second, with interval."""
    draws = (
        resampled_means(first, n_draws, generator)[:, 0]
        - resampled_means(second, n_draws, generator)[:, 0]
    )
    means = [float(np.mean([run.macro_f1() for run in runs])) for runs in (first, second)]
    too_few = has_too_few_songs([*first, *second])
    return _interval(means[0] - means[1], np.clip(draws, -1, 1), too_few)


def _interval(mean: float, draws: NDArray[np.float64], too_few: bool) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean, float(low), float(high), too_few)


def paired_p_value(
    first: Sequence[Answers],
    second: Sequence[Answers],
    generator: np.random.Generator,
    n_draws: int = N_DRAWS,
) -> float:
    """Return the two-sided p-value of an approximate randomisation test over songs.

    Under the null hypothesis the two systems' answers to a song could be swapped (Noreen 1989; Yeh
    2000, arXiv:cs/0008005). A song is swapped in all seeds at once, because its answers in several
    seeds are not independent.

    Args:
        first: runs of one system, seed by seed.
        second: runs of another, on the same test songs in the same order.
        generator: source of chance.
        n_draws: random swaps; the p-value is at least 1 / (n_draws + 1).
    """
    names = sorted({song for run in first for song in run.songs})
    position = {song: index for index, song in enumerate(names)}
    swaps = generator.integers(0, 2, (n_draws, len(names))).astype(np.float64)
    swapped = np.zeros(n_draws)
    for a, b in zip(first, second, strict=True):
        if list(a.songs) != list(b.songs) or (a.counts.sum(axis=1) != b.counts.sum(axis=1)).any():
            raise ValueError("a pair's runs have to answer the same songs equally often")
        swapped += _swapped_differences(swaps[:, [position[song] for song in a.songs]], a, b)
    observed = sum(a.macro_f1() - b.macro_f1() for a, b in zip(first, second, strict=True))
    # Tolerance: a draw that swaps nothing that matters equals the observed difference.
    extreme = np.abs(swapped) >= abs(observed) - 1e-12
    return float((extreme.sum() + 1) / (n_draws + 1))


def _swapped_differences(swaps: NDArray[np.float64], a: Answers, b: Answers) -> NDArray[np.float64]:
    """Return a's minus b's macro F1 after swapping songs' answers, for each row of swaps."""
    of_class = np.eye(a.counts.shape[1])[a.target]
    support = (a.counts.sum(axis=1, keepdims=True) * of_class).sum(axis=0)
    moved = swaps @ (b.counts - a.counts)
    moved_hits = swaps @ ((b.counts - a.counts) * of_class)

    def f1(own: Answers, sign: int) -> NDArray[np.float64]:
        hits = (own.counts * of_class).sum(axis=0) + sign * moved_hits
        total = own.counts.sum(axis=0) + sign * moved + support
        return np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0).mean(axis=1)

    return f1(a, 1) - f1(b, -1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number (Holm 1979), in the same order."""
    order = np.argsort(p_values, kind="stable")
    corrected = np.empty(len(p_values))
    running = 0.0
    for rank, index in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = running
    return corrected.tolist()


def pairwise_tests(
    runs: Mapping[str, Sequence[Answers]], generator: np.random.Generator, n_draws: int = N_DRAWS
) -> list[tuple[str, str, float, float, float]]:
    """Return (first, second, difference, p, corrected p) for each pair of systems.

    Args:
        runs: by system, its runs on the same splits and seeds.
        generator: source of chance.
        n_draws: random swaps in each test.
    """
    pairs = list(itertools.combinations(runs, 2))
    means = {name: np.mean([run.macro_f1() for run in own]) for name, own in runs.items()}
    p_values = [paired_p_value(runs[a], runs[b], generator, n_draws) for a, b in pairs]
    return [
        (a, b, float(means[a] - means[b]), p, corrected)
        for (a, b), p, corrected in zip(pairs, p_values, holm(p_values), strict=True)
    ]
