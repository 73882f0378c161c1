"""How often the paired test rejects two equal models, swapping songs and swapping albums.

    python benchmarks/paired_tests.py [--simulations 1000]

Two models of equal skill answer each song of a test set once, with three seeds. Either is better on
some albums and worse on others by chance: an effect of model and album, normally distributed, that
all songs of the album share, in all seeds that test it. 20 artists have six albums of 12 songs. On
the album split each seed tests one album of each artist, on the song split seven songs of any.
Prints the share of tests with p < 0.05; 5 % is meant.

In the rows of the split `ensemble`, all seeds test the same albums, and one of the models is an
ensemble over seeds: its only run is compared with each of the other's three.
"""

import argparse
import itertools
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np

from artistid.scoring.intervals import Answers, paired_p_value

N_ARTISTS, N_ALBUMS, N_SONGS = 20, 6, 12  # albums of an artist, songs of an album
N_SEEDS = 3
N_TESTED = 7  # songs of an artist, on the song split
SKILL, DIFFICULTY = 0.5, 1.0  # mean logit of a right answer, its deviation between songs
NOMINAL = 0.05
SPLITS = ("album", "song", "ensemble")
EFFECTS = (0.0, 0.5, 1.0, 1.5)


def draw_test_set(split: str, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Return artist, album and song of each tested song of one seed, each of shape (songs,)."""
    if split != "song":
        artist = np.repeat(np.arange(N_ARTISTS), N_SONGS)
        album = np.repeat(generator.integers(0, N_ALBUMS, N_ARTISTS), N_SONGS)
        return artist, album, np.tile(np.arange(N_SONGS), N_ARTISTS)
    drawn = [generator.permutation(N_ALBUMS * N_SONGS)[:N_TESTED] for _ in range(N_ARTISTS)]
    album, song = np.divmod(np.concatenate(drawn), N_SONGS)
    return np.repeat(np.arange(N_ARTISTS), N_TESTED), album, song


def p_values(split: str, effect: float, generator: np.random.Generator) -> list[float]:
    """Return the p-values of one pair of equal models, swapping songs and swapping albums."""
    easiness = generator.normal(SKILL, DIFFICULTY, (N_ARTISTS, N_ALBUMS, N_SONGS))
    logits = easiness + generator.normal(0, effect, (2, N_ARTISTS, N_ALBUMS, 1))
    models = [[], []]
    tested = draw_test_set(split, generator)
    for seed in range(N_SEEDS):
        if seed and split != "ensemble":
            tested = draw_test_set(split, generator)
        artist, album, song = tested
        albums = [f"{a} {b}" for a, b in zip(artist, album, strict=True)]
        songs = [f"{own} {c}" for own, c in zip(albums, song, strict=True)]
        for runs, own in zip(models, logits, strict=True):
            is_right = generator.random(len(artist)) < 1 / (1 + np.exp(-own[tested]))
            # What is wrong goes to the next artist.
            answered = np.where(is_right, artist, (artist + 1) % N_ARTISTS)
            counts = np.eye(N_ARTISTS, dtype=int)[answered]
            runs.append(Answers(artist, counts, songs, albums))
    if split == "ensemble":
        models[0] = models[0][:1] * N_SEEDS
    by_song = [[replace(run, clusters=()) for run in runs] for runs in models]
    return [paired_p_value(*pair, generator) for pair in (by_song, models)]


def rejected(split: str, effect: float, simulations: int) -> list[float]:
    """Return the shares of equal pairs that the test rejects, swapping songs and swapping albums.

    Args:
        split: ``album``, ``song`` or ``ensemble``.
        effect: standard deviation of each model's effect of an album, in logits.
        simulations: number of pairs.
    """
    generator = np.random.default_rng(1)
    found = [p_values(split, effect, generator) for _ in range(simulations)]
    return (np.array(found) < NOMINAL).mean(axis=0).tolist()


def main() -> None:
    """Simulate, two settings at a time, and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=1000)
    simulations = parser.parse_args().simulations
    settings = list(itertools.product(SPLITS, EFFECTS))
    print("| split | effect of model and album (logits) | swapping songs | swapping albums |")
    print("| :--- | ---: | ---: | ---: |", flush=True)
    with ProcessPoolExecutor(2) as pool:
        found = pool.map(rejected, *zip(*settings, strict=True), [simulations] * len(settings))
        for (split, effect), shares in zip(settings, found, strict=True):
            print(f"| {split} | {effect:g} | {shares[0]:.1%} | {shares[1]:.1%} |", flush=True)
    print(f"\nShare of pairs of equal models with p < {NOMINAL:g}.")


if __name__ == "__main__":
    main()
