"""What the jobs of the classical systems cost on mel caches of artist20's size.

    python benchmarks/classical.py [--systems gmm_mfcc ...] [--settings '{"tolerance": 0}']

Writes synthetic caches (20 artists, 120 albums, 1,413 tracks, 10.5 million frames, 2.9 GB) into a
temporary folder, draws a song split, and runs each system's job on them, the same script that the
workflow runs: spectrograms to MFCCs, training, calibration, predictions at 1 s. Printed: minutes of
training, minutes of the whole job, its processor minutes, and its peak memory. One thread each.
"""

import argparse
import json
import os
import runpy
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
import numpy as np
import scipy.fft

from artistid.features.log_mel import LogMelParameters
from artistid.features.mel_cache import write_album
from artistid.models.registry import FRAME_SYSTEMS, SONG_SYSTEMS, available, kind_of
from artistid.runs import Run
from artistid.splits.definitions import definition
from artistid.splits.draw import draw_split
from artistid.splits.subsets import COLUMNS
from artistid.storage.files import read_rows, write_rows

SCRIPTS = Path(__file__).resolve().parent.parent / "workflow_scripts"
N_ARTISTS, N_ALBUMS, N_TRACKS, N_FRAMES, N_MELS = 20, 6, 1413, 7430, 128
SLICE_FRAMES = 31
N_SOUNDS = 30  # clusters of frames in an artist's music
SPREAD = np.linspace(60, 6, 20, dtype=np.float32)  # dB: the first coefficients vary the most
SCRIPT_OF = {FRAME_SYSTEMS: "train_frame_system.py", SONG_SYSTEMS: "train_song_system.py"}


def track_rows(n_tracks: int) -> list[dict[str, str]]:
    """Return a listing of tracks, spread over artists and albums."""
    rows = []
    for number in range(n_tracks):
        artist, album = number % N_ARTISTS, number // N_ARTISTS % N_ALBUMS
        album_id = f"artist{artist:02d}_album{album}"
        row = {"track_id": f"{album_id}/track{number:04d}", "album_id": album_id}
        row |= {"artist": f"artist{artist:02d}", "album": f"album{album}"}
        rows.append(row | {"sha256": f"{number:064x}", "sampling_rate": "16000", "duration": "240"})
    return rows


def log_mels(n_tracks: int, seed: int):
    """Return a function that makes a track's spectrogram, (frames, 128), dB.

    Artists share most of the regions of their frames, songs are shifted, and frames come in
    clusters.
    """
    normal = np.random.default_rng(seed).standard_normal
    shared = normal((N_SOUNDS, 20), np.float32)
    sounds = shared + 0.3 * normal((N_ARTISTS, N_SOUNDS, 20), np.float32)
    mixing = normal((N_ARTISTS, 20, 20), np.float32) / 6

    def log_mel(number: int) -> np.ndarray:
        generator = np.random.default_rng([seed, number])
        artist = number % N_ARTISTS
        n_frames = int(generator.integers(N_FRAMES - 3000, N_FRAMES + 3000))
        frames = generator.standard_normal((n_frames, 20), np.float32) @ mixing[artist]
        frames += sounds[artist, generator.integers(N_SOUNDS, size=n_frames)]
        frames += 0.4 * generator.standard_normal(20, np.float32)
        return scipy.fft.idct(frames * SPREAD, n=N_MELS, axis=1, norm="ortho") - 40

    return log_mel


def write_corpus(folder: Path, n_tracks: int, seed: int) -> None:
    """Write caches, one per album, and a song split."""
    rows, log_mel = track_rows(n_tracks), log_mels(n_tracks, seed)
    for album_id in sorted({row["album_id"] for row in rows}):
        own = [(row, [log_mel(n)]) for n, row in enumerate(rows) if row["album_id"] == album_id]
        write_album(folder / f"{album_id}.h5", own, {"top_db": 200.0})
    shares = {"train": 0.81, "validation": 0.09, "test": 0.1}
    split = definition("song", {"kind": "random", "by": "track", "shares": shares})
    write_rows(folder / "split.csv", draw_split(rows, split, split.cut_of_seed(seed)), COLUMNS)


def run_job(system: str, folder: Path, settings: dict) -> None:
    """Run a system's job, as Snakemake would, in this process."""
    whole = kind_of(system) == SONG_SYSTEMS
    seconds, frames = (None, None) if whole else (1.0, SLICE_FRAMES)
    run = Run("synthetic", "benchmark", system, "song", "draw1", seconds, frames, seed=1)
    job = SimpleNamespace(
        params=SimpleNamespace(
            run=run.columns,
            model={"architecture": system, "settings": settings},
            log_mel=LogMelParameters().as_dict(),
        ),
        input=SimpleNamespace(split=str(folder / "split.csv"), index=str(folder / "index.csv")),
        output=SimpleNamespace(
            weights=str(folder / "weights.safetensors"),
            predictions=str(folder / "predictions.h5"),
            provenance=str(folder / "provenance.json"),
            timing=str(folder / "timing.csv"),
        ),
        log=[str(folder / "job.log")],
        config={},
        threads=1,
    )
    runpy.run_path(str(SCRIPTS / SCRIPT_OF[kind_of(system)]), init_globals={"snakemake": job})


def measured(system: str, folder: Path, settings: dict) -> str:
    """Run a system's job in a separate process and return its cost, a row of a table."""
    started = time.perf_counter()
    process = os.fork()
    if not process:
        run_job(system, folder, settings)
        os._exit(0)
    _, status, usage = os.wait4(process, 0)
    if status:
        raise SystemExit(f"{system} failed:\n{(folder / 'job.log').read_text()}")
    minutes = (time.perf_counter() - started) / 60
    training = float(read_rows(folder / "timing.csv")[0]["seconds"]) / 60
    processor = (usage.ru_utime + usage.ru_stime) / 60
    memory = usage.ru_maxrss / 2**20
    return f"| {system} | {training:.1f} | {minutes:.1f} | {processor:.1f} | {memory:.1f} |"


def main() -> None:
    """Measure and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    systems = [*available(FRAME_SYSTEMS), *available(SONG_SYSTEMS)]
    parser.add_argument("--systems", nargs="+", default=systems, choices=systems)
    parser.add_argument("--tracks", type=int, default=N_TRACKS)
    parser.add_argument("--settings", type=json.loads, default={}, help="of the systems, as JSON")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus(folder, args.tracks, args.seed)
        size = sum(path.stat().st_size for path in folder.glob("*.h5")) / 1e9
        print(f"{args.tracks} tracks, {size:.2f} GB of caches, settings {args.settings}\n")
        print("| system | training (min) | job (min) | processor (min) | memory (GiB) |")
        print("| --- | ---: | ---: | ---: | ---: |", flush=True)
        for system in args.systems:
            print(measured(system, folder, args.settings), flush=True)


if __name__ == "__main__":
    main()
