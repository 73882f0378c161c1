"""How near the log-mel extraction comes to its limits: decoding and the FFT itself.

    python benchmarks/log_mel.py [--seconds 240]

Every rate is a multiple of real time (seconds of audio per second of computation) on one thread,
the best of some rounds, in each of which everything is measured once. The limit of a whole track is
decoding and then the FFT: 1 / (1 / decode + 1 / FFT). Compare ratios, not machines.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
import librosa
import numpy as np
import scipy.fft
from recording import add_output, record

from artistid.corpus.audio import decode_facts, mono_blocks
from artistid.demo.recordings import make_album
from artistid.features.log_mel import (
    BLOCK_FRAMES,
    LogMelParameters,
    log_mel,
    log_mel_blocks,
    mel_filters,
)
from artistid.features.mel_cache import write_album
from artistid.storage.files import sha256_of_file


def rates(
    seconds: float, works: Mapping[str, Callable[[], object]], rounds: int
) -> dict[str, float]:
    """Return seconds of audio per second of each work, the best of the rounds after a first one."""
    best = dict.fromkeys(works, float("inf"))
    for number in range(rounds + 1):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            if number:
                best[name] = min(best[name], time.perf_counter() - started)
    return {name: seconds / took for name, took in best.items()}


def measure(path: Path, seconds: float, rounds: int) -> list[dict[str, float | str | None]]:
    """Measure on a recording of some seconds; return a row for each rate."""
    parameters = LogMelParameters()
    filters = mel_filters(parameters)
    samples = np.concatenate(list(mono_blocks(path, 16000)))
    block = np.random.default_rng(0).standard_normal((BLOCK_FRAMES, 2048)).astype(np.float32)
    share_of_block = (1 + len(samples) // 512) / BLOCK_FRAMES

    def ffts() -> None:
        for _ in range(int(share_of_block)):
            scipy.fft.rfft(block, axis=1)
        scipy.fft.rfft(block[: round(share_of_block % 1 * BLOCK_FRAMES)], axis=1)

    def librosas(samples: np.ndarray) -> np.ndarray:
        mel = librosa.feature.melspectrogram(
            y=samples, sr=16000, n_fft=2048, hop_length=512, n_mels=128, htk=True
        )
        return librosa.power_to_db(mel, ref=1.0)

    def cache() -> None:
        track = {"track_id": "t", "sha256": sha256_of_file(path), "sampling_rate": "16000"}
        blocks = log_mel_blocks(mono_blocks(path, 16000), filters, parameters)
        tracks = [(track | {"duration": str(seconds)}, blocks)]
        write_album(path.with_suffix(".h5"), tracks, parameters.as_dict())

    whole = log_mel(mono_blocks(path, 16000), filters, parameters)
    assert np.abs(whole - librosas(samples).T).max() < 2e-3
    found = rates(
        seconds,
        {
            "limit: decode mp3": lambda: decode_facts(path),
            "limit: FFT alone": ffts,
            "log-mel of samples": lambda: log_mel([samples], filters, parameters),
            "log-mel of mp3": lambda: log_mel(mono_blocks(path, 16000), filters, parameters),
            "cache of mp3": cache,
            "librosa of samples": lambda: librosas(samples),
            "librosa of mp3": lambda: librosas(librosa.load(path, sr=16000)[0]),
            "hash mp3": lambda: sha256_of_file(path),
        },
        rounds,
    )
    both = 1 / (1 / found["limit: decode mp3"] + 1 / found["limit: FFT alone"])
    found = {"limit: decode, FFT": both, **found}
    limit_of = {
        name: found["limit: FFT alone"] if name.endswith("samples") else both
        for name in found
        if name.startswith(("log-mel", "cache", "librosa"))
    }
    return [
        {
            "what": name,
            "times_real_time": value,
            "share_of_limit": value / limit_of[name] if name in limit_of else None,
        }
        for name, value in found.items()
    ]


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=240.0, help="length of the recording")
    parser.add_argument("--rounds", type=int, default=9, help="of which the best counts")
    add_output(parser, "log_mel")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "track.mp3"
        make_album([path], artist=0, album=0, seconds=args.seconds, seed=20)
        rows = measure(path, args.seconds, args.rounds)
    for row in rows:
        share = row["share_of_limit"]
        of_limit = "" if share is None else f"   {100 * share:4.0f} % of its limit"
        print(f"{row['what']:20} {row['times_real_time']:8.0f} x real time{of_limit}")
    rate = next(row["times_real_time"] for row in rows if row["what"] == "cache of mp3")
    print(f"artist20 (93 h), without the jobs' start: {60 * 93 / rate:.0f} min on one core")
    record(args.output, rows)


if __name__ == "__main__":
    main()
