"""What the 95 % intervals cover: simulated predictions with known scores.

    python benchmarks/interval_coverage.py [--simulations 2000] [--only songs|albums]

20 artists whose songs differ in how well they are recognised, each song of 60 slices. The known
scores are those of the population that the songs are drawn from (20,000 songs per artist), averaged
over the population of seeds. Prints the share of intervals that contain them; 95 % is meant.

A second table is of test sets of several albums of each artist, 12 songs each, where albums differ
too: by a normal deviation of their logit of being recognised. Six albums are a run over all its
folds, two a 3/1/2 split. The known scores are those of the population of albums (4,000 per artist).
Three seeds test the same albums. That the folds' training sets overlap is not simulated.
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
    right = song_skills(skill[target], generator)
    return Answers(target, draw_answers(target, right, level, generator))


def song_skills(mean: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return the probability of a right slice of each song about its mean, shape (songs,)."""
    spread = 4.0  # of the beta distribution: songs differ much
    return generator.beta(spread * mean, spread * (1 - mean))


def draw_answers(
    target: np.ndarray, right: np.ndarray, level: str, generator: np.random.Generator
) -> np.ndarray:
    """Return the answers of songs whose slices are right with a probability each."""
    # What is wrong goes to a few other artists, as real confusions do.
    wrong = np.zeros((len(target), N_CLASSES))
    for offset, share in ((1, 0.5), (2, 0.3), (7, 0.2)):
        wrong[np.arange(len(target)), (target + offset) % N_CLASSES] = share
    probability = wrong * (1 - right[:, None])
    probability[np.arange(len(target)), target] = right
    counts = generator.multinomial(N_SLICES, probability)
    if level == "song":
        counts = np.eye(N_CLASSES)[counts.argmax(axis=1)]
    return counts


def draw_albums(
    n_albums: int, songs_per_album: int, deviation: float, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return artist, probability of a right slice and album of each song, albums differing."""
    skill = np.repeat(np.linspace(0.3, 0.8, N_CLASSES), n_albums)
    logit = np.log(skill / (1 - skill)) + generator.normal(0, deviation, len(skill))
    album = np.repeat(np.arange(N_CLASSES * n_albums), songs_per_album)
    right = song_skills(1 / (1 + np.exp(-logit))[album], generator)
    return album // n_albums, np.clip(right, 0.001, 0.999), album.astype(str).tolist()


def coverage_of_albums(
    albums: int, n_seeds: int, deviation: float, unit: str, level: str, simulations: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return what `coverage` does, of test sets of several albums that all seeds share.

    Args:
        albums: tested of each artist.
        n_seeds: runs on the same songs.
        deviation: between the albums of an artist, logits.
        unit: ``albums`` are resampled, or ``songs`` as if they were independent.
        level: ``slice`` or ``song``.
        simulations: number of test sets.
    """
    generator = np.random.default_rng(2)
    target, right, _ = draw_albums(4000, 1, deviation, generator)
    known = Answers(target, draw_answers(target, right, level, generator)).scores()
    hits, widths = np.zeros(len(known)), np.zeros(len(known))
    for _ in range(simulations):
        target, right, album = draw_albums(albums, 12, deviation, generator)
        songs = [str(number) for number in range(len(target))]
        runs = [
            Answers(
                target,
                draw_answers(target, right, level, generator),
                songs,
                album if unit == "albums" else (),
            )
            for _ in range(n_seeds)
        ]
        intervals = mean_intervals(runs, generator, n_draws=1000)
        low, high = np.array([(interval.low, interval.high) for interval in intervals]).T
        hits += (low <= known) & (known <= high)
        widths += high - low
    return _by_metric(hits / simulations), _by_metric(widths / simulations)


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


ALBUM_SETTINGS = [
    (albums, n_seeds, deviation, unit, level)
    for level in ("slice", "song")
    for albums, n_seeds, deviation, unit in (
        (6, 1, 1.0, "albums"),
        (6, 3, 1.0, "albums"),
        (2, 1, 1.0, "albums"),
        (2, 3, 1.0, "albums"),
        (2, 1, 0.0, "albums"),
        (6, 1, 1.0, "songs"),
        (2, 1, 1.0, "songs"),
    )
]
TABLES = {
    "songs": (
        coverage,
        SETTINGS,
        ("songs per artist", "seeds", "deviation between seeds", "level"),
    ),
    "albums": (
        coverage_of_albums,
        ALBUM_SETTINGS,
        ("albums per artist", "seeds", "deviation between albums", "resampled", "level"),
    ),
}


def main() -> None:
    """Simulate, two settings at a time, and print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--only", choices=TABLES)
    arguments = parser.parse_args()
    names = [*(metric.replace("_", " ") for metric in METRICS), "F1 of one artist"]
    for table in [arguments.only] if arguments.only else TABLES:
        simulate, settings, axes = TABLES[table]
        print(f"| {axes[-1]} | {' | '.join([*axes[:-1], *names])} |")
        print("| :--- |" + " ---: |" * (len(axes) - 1 + len(names)), flush=True)
        simulations = [arguments.simulations] * len(settings)
        with ProcessPoolExecutor(2) as pool:
            found = pool.map(simulate, *zip(*settings, strict=True), simulations)
            for (*setting, level), (shares, widths) in zip(settings, found, strict=True):
                cells = [level, *(f"{x:g}" if isinstance(x, float) else x for x in setting)]
                cells += [f"{s:.1%} ({w:.3f})" for s, w in zip(shares, widths, strict=True)]
                print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        print("\nShare of intervals that contain the known score (mean width).\n")


if __name__ == "__main__":
    main()
