"""What the listening page of an experiment of artist20's size costs: size, memory and time.

    python benchmarks/listening.py [--runs 66]

Each run tests 142 tracks of 237 s by 20 artists with slices of 1 s. The probabilities are random,
so they compress worse than a model's. Audio is not included.
"""

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from artistid.listening.answers import page_data, run_part, shown_tracks
from artistid.listening.clips import no_sound
from artistid.listening.page import write_page
from artistid.runs import Run
from artistid.scoring.predictions import Predictions

ARTISTS, CORPUS, TESTED, SECONDS, FRAME = 20, 1413, 142, 237, 0.032
CONCENTRATION = 0.15  # of the Dirichlet distribution: a few artists share a slice
SEED = 20


def rows_of_corpus() -> list[dict[str, str]]:
    """Return rows as of tracks.csv."""
    return [
        {
            "track_id": f"track_{number:04d}",
            "artist": f"Artist {number % ARTISTS}",
            "album": f"Album {number % 120}",
            "path": f"artist/album/{number:04d}.mp3",
            "duration": f"{SECONDS}",
        }
        for number in range(CORPUS)
    ]


def drawn_run(seed: int, ids: list[str], generator: np.random.Generator) -> dict:
    """Return a run's part of the page."""
    tested = sorted(generator.choice(ids, min(TESTED, len(ids)), replace=False).tolist())
    track = np.repeat(np.arange(len(tested)), SECONDS)
    drawn = generator.gamma(CONCENTRATION, size=(len(track), ARTISTS)) + 1e-9
    log_probability = np.log(drawn / drawn.sum(axis=1, keepdims=True)).astype(np.float32)
    target = np.array([int(name[-4:]) % ARTISTS for name in tested])[track]
    run = Run("artist20", "paper", "crnn", "song", f"draw{seed}", 1.0, 31, seed)
    classes = [f"Artist {k}" for k in range(ARTISTS)]
    return run_part(run, classes, Predictions(log_probability, target, track, tested), FRAME)


def main() -> None:
    """Make a page, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=66)
    n_runs = parser.parse_args().runs
    rows, generator, start = rows_of_corpus(), np.random.default_rng(SEED), time.process_time()
    ids = [row["track_id"] for row in rows]
    parts = [drawn_run(seed, ids, generator) for seed in range(1, n_runs + 1)]
    shown, copies = shown_tracks(parts, [], rows)
    tracks = [{**row, "clip": no_sound()} for row in shown]
    page, runs = page_data("artist20", "test", parts, tracks, copies, [])
    with tempfile.TemporaryDirectory() as folder:
        size = write_page(Path(folder) / "index.html", page, runs)
    took = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{n_runs} runs: {size / 1e6:.1f} MB, {took:.1f} s of processor, peak {peak:.0f} MB")


if __name__ == "__main__":
    main()
