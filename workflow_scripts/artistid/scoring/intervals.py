"""How sure a score is: bootstrap intervals and paired tests.

Songs are resampled and swapped whole, because the slices of a song are not independent of each
other; where songs belong to clusters, such as albums, whole clusters are.
docs/statistics.md says what is assumed; `benchmarks/interval_coverage.py` and
`benchmarks/paired_tests.py` measure how often intervals and tests are right.
"""

import itertools
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.scoring.scores import (
    Counts,
    all_scores,
    confusion_counts,
    scores_of_sums,
)

N_DRAWS = 2000
# Swaps of a paired test: at least this many, and this many for each pair that Holm's correction
# counts. p is at least 1 / (swaps + 1), so a corrected p can be as low as 0.005 with any number of
# pairs.
N_SWAPS, SWAPS_PER_PAIR = 2000, 200
SWAPS_AT_A_TIME = 2000  # bounds the memory of a test
LEVEL = 0.95
MIN_SONGS = 7  # per class: with fewer, the intervals are known to be too narrow


class Tested(ABC):
    """What one run answered on its test set: songs of artists, which are resampled, and scores.

    Attributes:
        target: true class of each song, shape (songs,).
        songs: the songs' ids.
        clusters: id of the cluster of each song, such as its album; empty if each song is its own.
    """

    target: NDArray[np.integer]
    songs: Sequence[str]
    clusters: Sequence[str]

    @abstractmethod
    def weighted_scores(self, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the scores for each row of song weights, shape (draws, scores)."""

    def scores(self) -> NDArray[np.float64]:
        """Return the scores, shape (scores,)."""
        scores: NDArray[np.float64] = self.weighted_scores(np.ones((1, len(self.target))))[0]
        return scores

    def units(self) -> Sequence[str]:
        """Return for each song the id of what a paired test swaps: its cluster, or the song."""
        return self.clusters or self.songs

    def songs_per_class(self) -> NDArray[np.int64]:
        """Return the number of songs of each class, shape (classes,)."""
        return np.bincount(self.target)

    def resampled_units(self) -> dict[int, NDArray[np.int64]]:
        """Return by class, for each of its songs, the number of the unit that is resampled.

        Units are clusters if a class has several of them. One alone says nothing about how
        clusters differ: its songs are the units.
        """
        units = {}
        for label in np.unique(self.target):
            songs = np.flatnonzero(self.target == label)
            names = [self.clusters[int(song)] for song in songs] if self.clusters else []
            number = {name: position for position, name in enumerate(dict.fromkeys(names))}
            units[int(label)] = (
                np.array([number[name] for name in names])
                if len(number) > 1
                else np.arange(len(songs))
            )
        return units

    def resamples_clusters(self) -> bool:
        """Return whether some class has several clusters, and more songs than clusters."""
        return any(unit.max() + 1 < len(unit) for unit in self.resampled_units().values())


@dataclass(frozen=True)
class Answers(Tested):
    """What one run answered on its test set; the scores are those of `all_scores`.

    Attributes:
        target: true class of each song, shape (songs,).
        counts: how often each song's answers named each class, shape (songs, classes).
        songs: the songs' ids.
        clusters: id of the cluster of each song, such as its album; empty if each song is its own.
    """

    target: NDArray[np.integer]
    counts: Counts
    songs: Sequence[str] = ()
    clusters: Sequence[str] = ()

    def scores(self) -> NDArray[np.float64]:
        """Return macro F1, weighted F1, accuracy and each class' F1, shape (3 + classes,)."""
        return all_scores(confusion_counts(self.target, self.counts))

    def macro_f1(self) -> float:
        """Return macro F1 over the run's answers."""
        return float(self.scores()[0])

    def songs_per_class(self) -> NDArray[np.int64]:
        """Return the number of songs of each class, shape (classes,)."""
        return np.bincount(self.target, minlength=self.counts.shape[1])

    def weighted_scores(self, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the scores for each row of song weights, shape (draws, 3 + classes)."""
        of_class = np.eye(self.counts.shape[1])[self.target]
        counts = self.counts.astype(np.float64)
        predicted = weights @ counts
        hits = weights @ (counts * of_class)
        support = weights @ (counts.sum(axis=1, keepdims=True) * of_class)
        return scores_of_sums(hits, predicted, support)


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


def _drawn_weights(
    tested: Tested, n_draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return how often each resample holds each song, shape (draws, songs).

    Units are drawn with replacement within each class, as many as there are.
    """
    weights = np.zeros((n_draws, len(tested.target)))
    for label, unit in tested.resampled_units().items():
        n_units = unit.max() + 1
        share = np.full(n_units, 1 / n_units)
        drawn = generator.multinomial(n_units, share, n_draws)
        weights[:, tested.target == label] = drawn[:, unit]
    return weights


def resampled_scores(
    tested: Answers, n_draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return the scores of resamples of the songs or clusters, drawn within each artist.

    Args:
        tested: the answers of one run.
        n_draws: number of resamples.
        generator: source of chance.

    Returns:
        Macro F1, weighted F1, accuracy and each class' F1; shape (draws, 3 + classes).
    """
    return tested.weighted_scores(_drawn_weights(tested, n_draws, generator))


def resampled_means(
    runs: Sequence[Tested], n_draws: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return draws of the mean scores over several runs, shape (draws, scores).

    Songs or clusters are resampled within each run; alike in runs of the same songs, because what
    is hard for one of these is hard for all. Runs differ by more than their songs; that
    further variance is estimated from the runs and added as Student's t noise, because a plain
    resampling of three runs would both miss a third of it and count the songs twice.
    """
    scores = np.array([run.scores() for run in runs])
    draws = np.zeros((len(runs), n_draws, scores.shape[1]))
    tests = _runs_by_test_set(runs)
    for same in tests:
        weights = _drawn_weights(runs[same[0]], n_draws, generator)
        for number in same:
            draws[number] = runs[number].weighted_scores(weights)
    # A resample of n units varies by (n - 1) / n of what n new ones would (Hesterberg 2015,
    # section 3.3): widened about its own mean.
    widening = np.array([_widening(run) for run in runs])[:, None, None]
    centres = draws.mean(axis=1, keepdims=True)
    draws = centres + widening * (draws - centres)
    means: NDArray[np.float64] = draws.mean(axis=0)
    if len(runs) > 1:
        between = np.var(scores, axis=0, ddof=1)
        if len(tests) == len(runs):
            of_songs = draws.var(axis=1, ddof=1).mean(axis=0)
        else:  # songs that runs share move them together, and apart only by what is left
            of_songs = np.var(draws - centres, axis=0, ddof=1).mean(axis=0)
        run_variance = np.maximum(0.0, between - of_songs)
        noise = generator.standard_t(len(runs) - 1, n_draws)  # the variance is of few runs
        means = means + np.sqrt(run_variance / len(runs)) * noise[:, None]
    return means


def _runs_by_test_set(runs: Sequence[Tested]) -> list[list[int]]:
    """Return the positions of the runs that answered the same songs in the same order, together."""
    found: dict[Any, list[int]] = defaultdict(list)
    for number, run in enumerate(runs):
        found[tuple(run.songs) or number].append(number)  # without ids no two are the same
    return list(found.values())


def _widening(run: Tested) -> float:
    units = np.array([unit.max() + 1 for unit in run.resampled_units().values()])
    if run.resamples_clusters():  # albums of one artist, songs of another: no mean of them will do
        return float(np.sqrt(np.mean(units / np.maximum(units - 1, 1))))
    n_songs = units.mean()
    return float(np.sqrt(n_songs / max(n_songs - 1, 1)))


def has_too_few_songs(runs: Sequence[Tested]) -> bool:
    """Return whether some class has fewer than seven songs in a run's test set."""
    return any(run.songs_per_class().min() < MIN_SONGS for run in runs)


def mean_intervals(
    runs: Sequence[Tested], generator: np.random.Generator, n_draws: int = N_DRAWS
) -> list[Interval]:
    """Return the means over runs with their 95 % percentile intervals.

    Returns:
        One for each score; of `Answers` macro F1, weighted F1, accuracy and every class' F1.
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


@dataclass(frozen=True)
class _Difference(Tested):
    """Macro F1 of one run minus that of another one on the same songs."""

    target: NDArray[np.integer]
    songs: Sequence[str]
    clusters: Sequence[str]
    first: Answers
    second: Answers

    def weighted_scores(self, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the difference for each row of song weights, shape (draws, 1)."""
        scores = [run.weighted_scores(weights)[:, :1] for run in (self.first, self.second)]
        return scores[0] - scores[1]


def paired_interval(
    first: Sequence[Answers],
    second: Sequence[Answers],
    generator: np.random.Generator,
    n_draws: int = N_DRAWS,
) -> Interval:
    """Return by how much mean macro F1 differs on the same songs, first minus second.

    Each resample contains the same songs or clusters for both systems, so songs that are hard for
    both do not widen the interval.

    Args:
        first: runs of one system.
        second: those of the other one, on the same cuts and seeds in the same order.
        generator: source of chance.
        n_draws: resamples.

    Raises:
        ValueError: two runs have different songs.
    """
    pairs = list(zip(first, second, strict=True))
    if any(list(a.songs) != list(b.songs) for a, b in pairs):
        raise ValueError("runs that are compared song by song have different songs")
    runs = [_Difference(a.target, a.songs, a.clusters, a, b) for a, b in pairs]
    draws = np.clip(resampled_means(runs, n_draws, generator)[:, 0], -1, 1)
    mean = float(np.mean([run.scores()[0] for run in runs]))
    return _interval(mean, draws, has_too_few_songs(runs))


def _interval(mean: float, draws: NDArray[np.float64], too_few: bool) -> Interval:
    low, high = np.quantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean, float(low), float(high), too_few)


def paired_p_value(
    first: Sequence[Answers],
    second: Sequence[Answers],
    generator: np.random.Generator,
    n_swaps: int = N_SWAPS,
) -> float:
    """Return the two-sided p-value of a randomisation test over songs, or over clusters of songs.

    Under the null hypothesis the two systems' answers to a unit, which is a song or all songs of a
    cluster, could be swapped (Noreen 1989; Yeh 2000, arXiv:cs/0008005). A unit is swapped in all
    seeds at once, because its answers in several seeds are not independent.

    Args:
        first: runs of one system, seed by seed.
        second: runs of another, on the same test songs in the same order.
        generator: source of chance.
        n_swaps: random swaps; the p-value is at least 1 / (n_swaps + 1). Where no more than that
            are possible, 2 to the power of the number of units, each is taken once and the p-value
            is exact.

    Raises:
        ValueError: the two systems' runs differ in their songs, clusters or numbers of answers.
    """
    pairs = list(zip(first, second, strict=True))
    for a, b in pairs:
        same_songs = list(a.songs) == list(b.songs) and list(a.units()) == list(b.units())
        if not same_songs or (a.counts.sum(axis=1) != b.counts.sum(axis=1)).any():
            raise ValueError("a pair's runs must answer the same songs equally often")
    units = sorted({unit for a, _ in pairs for unit in a.units()})
    position = {unit: index for index, unit in enumerate(units)}
    differences = [_difference_of_swapped(a, b, position) for a, b in pairs]
    # Tolerance: a swap that changes nothing that matters equals the observed difference.
    at_least = abs(sum(a.macro_f1() - b.macro_f1() for a, b in pairs)) - 1e-12
    is_exact = 2 ** len(units) <= n_swaps
    drawn = _all_swaps(len(units)) if is_exact else _random_swaps(len(units), n_swaps, generator)
    n_extreme = sum(
        np.count_nonzero(np.abs(sum(difference(swaps) for difference in differences)) >= at_least)
        for swaps in drawn
    )
    if is_exact:
        return float(n_extreme / 2 ** len(units))
    return float((n_extreme + 1) / (n_swaps + 1))


def _random_swaps(
    n_units: int, n_swaps: int, generator: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Yield random swaps, 1 where a unit is swapped, in arrays of shape (swaps, units)."""
    for start in range(0, n_swaps, SWAPS_AT_A_TIME):
        size = min(SWAPS_AT_A_TIME, n_swaps - start), n_units
        yield generator.integers(0, 2, size).astype(np.float64)


def _all_swaps(n_units: int) -> Iterator[NDArray[np.float64]]:
    """Yield each of the possible swaps once, as `_random_swaps` does; the first swaps nothing."""
    for start in range(0, 2**n_units, SWAPS_AT_A_TIME):
        number = np.arange(start, min(start + SWAPS_AT_A_TIME, 2**n_units))
        yield (number[:, None] >> np.arange(n_units) & 1).astype(np.float64)


def _difference_of_swapped(
    a: Answers, b: Answers, position: Mapping[str, int]
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Return a function from swaps (swaps, units) to a's minus b's macro F1 after each of them.

    Args:
        a: a run.
        b: a run of another system on the same songs.
        position: column of each unit in the swaps.
    """
    n_classes = a.counts.shape[1]
    of_class = np.eye(n_classes)[a.target]
    support = (a.counts.sum(axis=1, keepdims=True) * of_class).sum(axis=0)
    columns, unit = np.unique([position[name] for name in a.units()], return_inverse=True)
    # What a swap of each unit adds to a's answers by class, and to its right ones.
    gained = np.zeros((len(columns), 2 * n_classes))
    change = b.counts - a.counts
    np.add.at(gained, unit, np.hstack([change, change * of_class]))

    def f1(own: Answers, moved: NDArray[np.float64]) -> NDArray[np.float64]:
        hits = (own.counts * of_class).sum(axis=0) + moved[:, n_classes:]
        total = own.counts.sum(axis=0) + moved[:, :n_classes] + support
        of_each = np.divide(2 * hits, total, out=np.zeros_like(hits), where=total > 0)
        macro: NDArray[np.float64] = of_each.mean(axis=1)
        return macro

    def difference(swaps: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = swaps[:, columns] @ gained
        return f1(a, moved) - f1(b, -moved)

    return difference


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
    runs: Mapping[str, Sequence[Answers]], generator: np.random.Generator
) -> list[tuple[str, str, float, float, float]]:
    """Return (first, second, difference, p, corrected p) for each pair of systems.

    Args:
        runs: by system, its runs on the same splits and seeds.
        generator: source of chance.
    """
    pairs = list(itertools.combinations(runs, 2))
    n_swaps = max(N_SWAPS, SWAPS_PER_PAIR * len(pairs))
    means = {name: np.mean([run.macro_f1() for run in own]) for name, own in runs.items()}
    p_values = [paired_p_value(runs[a], runs[b], generator, n_swaps) for a, b in pairs]
    return [
        (a, b, float(means[a] - means[b]), p, corrected)
        for (a, b), p, corrected in zip(pairs, p_values, holm(p_values), strict=True)
    ]
