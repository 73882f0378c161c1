"""Whether scores, intervals and tests of artist20's size are computed in seconds.

    python benchmarks/comparison.py

Nine systems, two splits, three seeds and a follow-up at two lengths: 66 runs of 20 artists, seven
songs each in the test set, 60,000 slices of 1 s. Prints the seconds of each part on this machine.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from artistid.runs import Run
from artistid.scoring.comparison import (
    album_rows,
    by_cell,
    effect_rows,
    interval_rows,
    pair_rows,
    units_of,
)
from artistid.scoring.outcomes import Outcomes
from artistid.scoring.pooling import LEVELS, count_answers
from artistid.scoring.predictions import Predictions

N_CLASSES, N_SONGS, N_SLICES = 20, 140, 60_000


def draw_predictions(generator: np.random.Generator) -> Predictions:
    """Return predictions of one run on a test set of artist20's size."""
    track = np.sort(generator.integers(0, N_SONGS, N_SLICES))
    track[:N_SONGS] = np.arange(N_SONGS)
    track.sort()
    target = track * N_CLASSES // N_SONGS
    logits = generator.normal(size=(N_SLICES, N_CLASSES)).astype(np.float32)
    logits[np.arange(N_SLICES), target] += 1.5
    log_probability = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return Predictions(log_probability, target, track, [f"t{song}" for song in range(N_SONGS)])


def timed(what: str, work: Callable[[], Any]) -> Any:
    """Run something, print its seconds, and return what it returned."""
    started = time.perf_counter()
    result = work()
    print(f"{what:45} {time.perf_counter() - started:6.2f} s", flush=True)
    return result


def main() -> None:
    """Measure and print."""
    generator = np.random.default_rng(0)
    predictions = draw_predictions(generator)
    counts = timed(
        "outcomes of one run, three levels",
        lambda: {level: count_answers(predictions, level[1]) for level in LEVELS},
    )
    models = [f"model{number}" for number in range(9)]
    runs = [
        Outcomes(
            Run("synthetic", "paper", model, split, f"draw{seed}", seconds, 31, seed),
            [f"artist{number}" for number in range(N_CLASSES)],
            predictions.track_id,
            predictions.track_target,
            {level: generator.permuted(own, axis=1) for level, own in counts.items()},
            "test",
        )
        for model in models
        for seconds in ((1.0, 3.0, 6.0) if model == models[0] else (1.0,))
        for split in ("song", "album")
        for seed in (1, 2, 3)
    ]
    cells = by_cell(runs)
    tracks = [
        {"track_id": track, "album_id": f"{number * N_CLASSES // N_SONGS}"}  # one of each artist
        for number, track in enumerate(predictions.track_id)
    ]
    keeps_albums = {"song": False, "album": True}
    units = units_of(tracks, keeps_albums)
    timed(f"intervals of {len(cells)} cells, three levels", lambda: interval_rows(cells, units))
    timed("album effects, three levels", lambda: effect_rows(cells, units, keeps_albums))
    timed(
        "paired tests, 36 pairs, two splits, three levels", lambda: pair_rows(cells, [1.0], units)
    )
    albums = {
        track: (f"artist{number * N_CLASSES // N_SONGS}", "album")
        for number, track in enumerate(predictions.track_id)
    }
    timed("album confusions", lambda: album_rows(cells, albums, LEVELS[0], keeps_albums))


if __name__ == "__main__":
    main()
