"""How fast, and in how much memory, `artistid predict` names the artists of files.

    python benchmarks/predict.py [--model crnn] [--minutes 4] [--hours 3] [--threads 1]

The files are mp3 at 16 kHz and 32 kbit/s, like artist20's, and wav at 44.1 kHz, which is resampled.
Each row comes from a separate process with a network of the published width and random weights, for
20 artists and slices of 1 s. `seconds` is the processor time of decoding, spectrogram and network;
`start_seconds` is the time to start Python and load the model.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import soundfile
from recording import add_output, record

from artistid.features.log_mel import LogMelParameters, mel_filters
from artistid.models.registry import build_network, load_model
from artistid.prediction.package import write_package
from artistid.training.weights import save_weights

# Runs in a separate process: everything before the first file counts as start-up.
CHILD = """
import json, sys, time
from pathlib import Path
from artistid.jobs.memory import peak_mb
from artistid.prediction.answers import Ensemble
from artistid.prediction.package import read_package
import torch
torch.set_num_threads(int(sys.argv[1]))
ensemble = Ensemble([read_package(Path(sys.argv[2]))], "cpu")
start, start_mb = time.process_time(), peak_mb()
answers = [ensemble.answer(Path(name)) for name in sys.argv[3:]]
print(json.dumps({
    "start_seconds": start, "seconds": time.process_time() - start,
    "audio_seconds": sum(answer.seconds for answer in answers),
    "start_mb": start_mb, "peak_mb": peak_mb(),
}))
"""


def package(folder: Path, name: str) -> Path:
    """Package a network with random weights."""
    parameters, classes = LogMelParameters(), [f"artist {k:02}" for k in range(20)]
    network = build_network(name, parameters.n_mels, len(classes))
    normalisation = np.full(128, -30, np.float32), np.full(128, 12, np.float32)
    description = {
        "model": name,
        "settings": asdict(load_model(name)[1]),
        "classes": classes,
        "log_mel": parameters.as_dict(),
        "slice_frames": 31,
    }
    weights = folder / "weights.safetensors"
    save_weights(weights, network, normalisation, description)
    path = folder / "model.safetensors"
    write_package(path, weights, mel_filters(parameters), {})
    return path


def recording(path: Path, seconds: float, rate: int) -> Path:
    """Write coloured noise that changes every second."""
    generator = np.random.default_rng(0)
    options = {"format": "MP3"} if path.suffix == ".mp3" else {}
    with soundfile.SoundFile(path, "w", rate, 1, **options) as file:
        for _ in range(round(seconds)):
            noise = generator.normal(0, 0.1, rate + 64).cumsum()
            file.write(np.diff(noise, 1 + int(generator.integers(2)))[:rate].astype(np.float32))
    return path


def measured(model: Path, files: list[Path], threads: int) -> dict[str, float]:
    """Return what a process took to answer to files."""
    command = [sys.executable, "-c", CHILD, str(threads), str(model), *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", default="crnn")
    parser.add_argument("--minutes", type=float, default=4, help="of a track")
    parser.add_argument("--tracks", type=int, default=3)
    parser.add_argument("--hours", type=float, default=3, help="of the long mix; 0 for none")
    parser.add_argument("--threads", type=int, default=1)
    add_output(parser, "predict")
    parsed = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        model = package(folder, parsed.model)
        cases = [("mp3", 16000, 60 * parsed.minutes, parsed.tracks)]
        cases += [("wav", 44100, 60 * parsed.minutes, parsed.tracks)]
        cases += [("mp3", 16000, 3600 * parsed.hours, 1)] if parsed.hours else []
        for kind, rate, seconds, n_files in cases:
            path = recording(folder / f"{seconds:g}.{kind}", seconds, rate)
            found = measured(model, [path] * n_files, parsed.threads)
            row = {"model": parsed.model, "format": kind, "sampling_rate": rate}
            row |= {"file_seconds": seconds, "files": n_files, "threads": parsed.threads}
            row |= {key: round(value, 2) for key, value in found.items()}
            row["times_real_time"] = round(found["audio_seconds"] / found["seconds"], 1)
            print(row, flush=True)
            rows.append(row)
    record(parsed.output, rows)


if __name__ == "__main__":
    main()
