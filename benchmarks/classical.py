"""What the classical systems cost on a corpus of artist20's size.

    python benchmarks/classical.py --system gmm_mfcc [--scale 1.0] [--settings '{}']

Synthetic MFCC frames (20 artists, 1,413 tracks of about 7,430 frames, 840 MB), split 81/9/10.
Printed: minutes to fit, minutes to score validation and test in slices of 1 s, and the peak of the
memory, the corpus included. Pin it to one core (``taskset -c 1``) to compare machines.
"""

import argparse
import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

import numpy as np

from artistid.registry import FRAME_SYSTEMS, SONG_SYSTEMS, available, kind_of, load_model
from artistid.slices import slice_starts

N_CLASSES, N_TRACKS, N_FRAMES, SLICE_FRAMES = 20, 1413, 7430, 31
N_SOUNDS = 30  # clusters of frames in an artist's music
SPREAD = np.linspace(60, 6, 20, dtype=np.float32)  # dB: the first coefficients vary the most


def synthetic_tracks(n_tracks: int, seed: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Return tracks of shape (frames, 20), float32, and their classes.

    Artists share most of where their frames lie, songs are shifted, and frames come in clusters.
    """
    generator = np.random.default_rng(seed)
    normal = generator.standard_normal
    shared = normal((N_SOUNDS, 20), np.float32)
    sounds = shared + 0.3 * normal((N_CLASSES, N_SOUNDS, 20), np.float32)
    mixing = normal((N_CLASSES, 20, 20), np.float32) / 6
    targets = np.arange(n_tracks) % N_CLASSES
    tracks = []
    for target in targets:
        n_frames = int(generator.integers(N_FRAMES - 3000, N_FRAMES + 3000))
        frames = normal((n_frames, 20), np.float32) @ mixing[target]
        frames += sounds[target, generator.integers(N_SOUNDS, size=n_frames)]
        frames += 0.4 * normal(20, np.float32)
        tracks.append(frames * SPREAD)
    return tracks, targets


def split(targets: np.ndarray, seed: int) -> list[np.ndarray]:
    """Return the positions of 81 % train, 9 % validation and 10 % test, stratified."""
    generator = np.random.default_rng(seed)
    parts = [[], [], []]
    for label in range(N_CLASSES):
        own = generator.permutation(np.flatnonzero(targets == label))
        n_held = max(1, round(0.09 * len(own))), max(1, round(0.10 * len(own)))
        for part, some in zip(parts, np.split(own, [-sum(n_held), -n_held[1]]), strict=True):
            part.append(some)
    return [np.concatenate(part) for part in parts]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    systems = (*available(FRAME_SYSTEMS), *available(SONG_SYSTEMS))
    parser.add_argument("--system", required=True, choices=systems)
    parser.add_argument("--scale", type=float, default=1.0, help="share of artist20's tracks")
    parser.add_argument("--settings", type=json.loads, default={}, help="of the system, as JSON")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    tracks, targets = synthetic_tracks(max(100, round(args.scale * N_TRACKS)), args.seed)
    train, validation, test = split(targets, args.seed)
    model_type, settings = load_model(args.system, args.settings)
    system = model_type(settings, N_CLASSES, args.seed)
    train_tracks = [tracks[index] for index in train]
    if kind_of(args.system) == FRAME_SYSTEMS:

        def fit() -> None:
            system.fit(train_tracks, targets[train])

        def hits(index: int) -> np.ndarray:
            starts = slice_starts(len(tracks[index]), SLICE_FRAMES)
            scores = system.slice_scores(tracks[index], starts, SLICE_FRAMES)
            return scores.argmax(axis=1) == targets[index]
    else:

        def fit() -> None:
            held = [tracks[index] for index in validation]
            system.fit(train_tracks, targets[train], held, targets[validation])

        def hits(index: int) -> np.ndarray:
            return system.track_scores([tracks[index]]).argmax(axis=1) == targets[index]

    n_frames = sum(map(len, tracks))
    print(f"{args.system}: {len(tracks)} tracks, {n_frames / 1e6:.1f} M frames; {settings}")
    started = time.perf_counter()
    fit()
    fitted = time.perf_counter()
    found = {
        name: np.concatenate([hits(index) for index in part]).mean()
        for name, part in (("validation", validation), ("test", test))
    }
    scored = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"  fit {(fitted - started) / 60:.2f} min, score {(scored - fitted) / 60:.2f} min", end=""
    )
    print(f", peak {peak:.2f} GiB (corpus {n_frames * 80 / 2**30:.2f})")
    print("  accuracy " + ", ".join(f"{name} {value:.3f}" for name, value in found.items()))
    if hasattr(system, "chosen"):
        print(f"  chosen {system.chosen}")


if __name__ == "__main__":
    main()
