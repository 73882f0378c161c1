"""What both corpora share: an album's mastering, the size of a corpus, and making its albums."""

import argparse
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artistid.demo.instruments import Samples
from artistid.demo.production import Production, produce
from artistid.demo.recordings import write_mp3
from artistid.errors import InputError

# kbit/s of the mp3 files: at 16 and 24, the encoder cuts above 5.5 kHz.
_CODEC_RATES = (16, 24, 32, 40, 48, 64, 96)


@dataclass(frozen=True)
class Mastering:
    """An album's production, level and codec.

    Attributes:
        production: balance, room, compression, tone curve and noise.
        gain: factor of the finished tracks; 1 is the level of the demo's.
        codec_rate: kbit/s of the mp3 files.
    """

    production: Production
    gain: float
    codec_rate: int

    def write(self, path: Path, stems: dict[str, Samples], generator: np.random.Generator) -> None:
        """Mix, master and encode a track's stems, each of shape (n,)."""
        samples = self.gain * produce(stems, self.production, generator)
        write_mp3(path, samples, compression_level=(160 - self.codec_rate) / (160 - 8))


def draw_hard_production(generator: np.random.Generator, stems: Iterable[str]) -> Production:
    """Return an album's production: every range is wider than that of the demo's albums."""
    return Production(
        tone_hz=np.geomspace(60, 8000, 9),
        tone_db=generator.normal(0, 7.0, 9),
        low_cut=generator.uniform(30, 300),
        high_cut=generator.uniform(3200, 7600),
        balance={stem: 10 ** (generator.normal(0, 4.0) / 20) for stem in stems},
        reverb_seconds=generator.uniform(0.1, 2.4),
        reverb_level=generator.uniform(0.0, 0.8),
        drive=np.exp(generator.uniform(np.log(0.4), np.log(6.0))),
        noise_db=generator.uniform(-70, -36),
        noise_slope=generator.uniform(-8, 2),
        hum=generator.choice([0.0, 0.0, 1.0]),
    )


def draw_mastering(production: Production, generator: np.random.Generator) -> Mastering:
    """Return a production with a level and a codec rate."""
    return Mastering(
        production=production,
        gain=10 ** (generator.uniform(-14, 0) / 20),
        codec_rate=int(generator.choice(_CODEC_RATES)),
    )


def add_size(parser: argparse.ArgumentParser, artists: int) -> None:
    """Add the arguments of both scripts: folder, size, seed and processes."""
    parser.add_argument("output_folder", type=Path, help="a new folder")
    parser.add_argument("--artists", type=int, default=artists)
    parser.add_argument("--albums", type=int, default=6, help="per artist")
    parser.add_argument("--tracks", type=int, default=5, help="per album")
    parser.add_argument("--seconds", type=float, default=24.0, help="per track")
    parser.add_argument("--seed", type=int, default=20, help="of every random choice")
    parser.add_argument("--processes", type=int, default=os.cpu_count())


def refuse_old(folder: Path) -> None:
    """Raise InputError if the folder has content, which would become part of the corpus."""
    if folder.exists() and any(folder.iterdir()):
        raise InputError(f"{folder} is not empty: name a new folder")


def make_albums(make: Callable, calls: list[tuple], processes: int) -> None:
    """Call `make` with each tuple of arguments, in `processes` processes, and print progress."""
    started = time.monotonic()
    with ProcessPoolExecutor(processes) as pool:
        albums = [pool.submit(make, *call) for call in calls]
        try:
            for done, album in enumerate(as_completed(albums), start=1):
                album.result()
                seconds = time.monotonic() - started
                print(f"{done} of {len(calls)} albums, {seconds:.0f} s", flush=True)
        finally:  # the first error ends it
            pool.shutdown(cancel_futures=True)
