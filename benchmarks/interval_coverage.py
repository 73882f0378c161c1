"""What the 95 % intervals cover: simulated predictions with known scores.

    python benchmarks/interval_coverage.py [--simulations 2000]

20 artists whose songs differ in how well they are recognised, each song of 60 slices. The known
scores are those of the population that the songs are drawn from (20,000 songs per artist), averaged
over the population of seeds. Prints the share of intervals that contain them; 95 % is meant.
"""

import argparse
import os
from concurrent.futures import ProcessPoolExecutor

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
import numpy as np

from artistid.scoring.intervals import Answers, mean_intervals
from artistid.scoring.scores import METRICS

N_CLASSES, N_SLICES = 20, 60


def draw_songs(
    songs_per_class: int, skill: np.ndarray, level: str, generator: np.random.Generator
) -> Answers:
    """Draw a test set: a song's slices are right with a probability that varies by song.

    Args:
        songs_per_class: songs of each artist.
        skill: mean probability of a right slice for each artist, shape (classes,).
        level: ``slice`` counts slices, ``song`` the majority of a song's.
        generator: source of chance.
    """
    target = np.repeat(np.arange(N_CLASSES), songs_per_class)
    spread = 4.0  # of the beta distribution: songs differ much
    right = generator.beta(spread * skill[target], spread * (1 - skill[target]))
    # What is wrong goes to a few other artists, as real confusions do.
    wrong = np.zeros((len(target), N_CLASSES))
    for offset, share in ((1, 0.5), (2, 0.3), (7, 0.2)):
        wrong[np.arange(len(target)), (target + offset) % N_CLASSES] = share
    probability = wrong * (1 - right[:, None])
    probability[np.arange(len(target)), target] = right
    counts = generator.multinomial(N_SLICES, probability)
    if level == "song":
        counts = np.eye(N_CLASSES)[counts.argmax(axis=1)]
    return Answers(target, counts)


def coverage(
    songs: int, n_seeds: int, seed_deviation: float, level: str, simulations: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the share of intervals that contain what is known, and their mean width.

    Returns:
        Both for macro F1, weighted F1, accuracy and F1 of one artist (mean over artists).
    """
    generator = np.random.default_rng(1)
    skill = np.linspace(0.3, 0.8, N_CLASSES)

    def seeds(count: int) -> list[np.ndarray]:
        shifts = generator.normal(0, seed_deviation, count)
        return [np.clip(skill + shift, 0.02, 0.98) for shift in shifts]

    population = seeds(300 if seed_deviation else 1)
    of_population = [draw_songs(20_000, own, level, generator).scores() for own in population]
    known = np.mean(of_population, axis=0)
    hits, widths = np.zeros(len(known)), np.zeros(len(known))
    for _ in range(simulations):
        runs = [draw_songs(songs, own, level, generator) for own in seeds(n_seeds)]
        intervals = mean_intervals(runs, generator, n_draws=1000)
        low, high = np.array([(interval.low, interval.high) for interval in intervals]).T
        hits += (low <= known) & (known <= high)
        widths += high - low
    return _by_metric(hits / simulations), _by_metric(widths / simulations)


def _by_metric(values: np.ndarray) -> np.ndarray:
    return np.append(values[: len(METRICS)], values[len(METRICS) :].mean())


SETTINGS = [
    (songs, n_seeds, deviation, level)
    for level in ("slice", "song")
    for songs, n_seeds, deviation in ((7, 1, 0.0), (14, 1, 0.0), (7, 3, 0.0), (7, 3, 0.02))
]


def main() -> None:
    """Simulate, two settings at a time, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    simulations = parser.parse_args().simulations
    names = [*(metric.replace("_", " ") for metric in METRICS), "F1 of one artist"]
    print(f"| level | songs per artist | seeds | deviation between seeds | {' | '.join(names)} |")
    print("| :--- |" + " ---: |" * (3 + len(names)), flush=True)
    with ProcessPoolExecutor(2) as pool:
        found = pool.map(coverage, *zip(*SETTINGS, strict=True), [simulations] * len(SETTINGS))
        for setting, (shares, widths) in zip(SETTINGS, found, strict=True):
            songs, n_seeds, deviation, level = setting
            cells = [level, songs, n_seeds, f"{deviation:g}"]
            cells += [f"{s:.1%} ({w:.3f})" for s, w in zip(shares, widths, strict=True)]
            print("| " + " | ".join(map(str, cells)) + " |", flush=True)
    print("\nShare of intervals that contain the known score (mean width).")


if __name__ == "__main__":
    main()
