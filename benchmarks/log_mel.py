"""How near the log-mel extraction comes to its limits: decoding and the FFT itself.

    python benchmarks/log_mel.py [--seconds 240]

Every rate is a multiple of real time (seconds of audio per second of computation) on one thread,
the best of five. The limits are measured in the same run: compare ratios, not machines.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
import librosa
import numpy as np
import scipy.fft

from artistid.corpus.audio import decode_facts, mono_blocks
from artistid.demo.recordings import make_album
from artistid.features.log_mel import BLOCK_FRAMES, LogMelParameters, log_mel, mel_filters
from artistid.storage.files import sha256_of_file


def rate(seconds: float, work: Callable[[], object], repeats: int = 5) -> float:
    """Return seconds of audio per second of work, the best of some repeats after a first one."""
    work()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return seconds / min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=240.0, help="length of the recording")
    seconds = parser.parse_args().seconds
    parameters = LogMelParameters()
    filters = mel_filters(parameters)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "track.mp3"
        make_album([path], artist=0, album=0, seconds=seconds, seed=20)
        samples = np.concatenate(list(mono_blocks(path, 16000)))
        block = np.random.default_rng(0).standard_normal((BLOCK_FRAMES, 2048)).astype(np.float32)
        n_blocks = len(samples) // 512 // BLOCK_FRAMES

        def librosas() -> np.ndarray:
            mel = librosa.feature.melspectrogram(
                y=samples, sr=16000, n_fft=2048, hop_length=512, n_mels=128, htk=True
            )
            return librosa.power_to_db(mel, ref=1.0)

        rates = {
            "limit: decode mp3": rate(seconds, lambda: decode_facts(path)),
            "limit: hash mp3": rate(seconds, lambda: sha256_of_file(path)),
            "limit: FFT alone": rate(
                seconds, lambda: [scipy.fft.rfft(block, axis=1) for _ in range(n_blocks)]
            ),
            "log-mel of samples": rate(seconds, lambda: log_mel([samples], filters, parameters)),
            "log-mel of mp3": rate(
                seconds, lambda: log_mel(mono_blocks(path, 16000), filters, parameters)
            ),
            "librosa of samples": rate(seconds, librosas),
        }
    limit = rates["limit: FFT alone"]
    for name, value in rates.items():
        print(f"{name:20} {value:8.0f} x real time   {value / limit:6.2f} of the FFT's rate")
    hours = 93 / rates["log-mel of mp3"]
    print(f"artist20 (93 h): {60 * hours:.0f} min on one core")


if __name__ == "__main__":
    main()
