"""How long a run takes on this machine, from what one recording and a few steps take now."""

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artistid.corpus.audio import decode_facts, mono_blocks
from artistid.corpus.listings import usable
from artistid.experiment import first_runs, settings_of, training_of
from artistid.features.log_mel import LogMelParameters, log_mel_blocks
from artistid.features.slices import frames_in_slice

# Of a job around its work: Snakemake's process, Python's imports (tests measure 1.5 s to 4 s).
JOB_SECONDS = 4.0
JOBS_PER_RUN, OTHER_JOBS = 6, 15  # draws, audits, scores, figures; tables
MEASURED_SECONDS = 3.0  # of training steps, after two that warm up
# Of the passes over a subset, validation is a ninth as large and has no backward pass, which is two
# thirds of a step; so the training set and it are this share of all slices.
SHARE_OF_STEPS = 0.81 + 0.09 / 3


@dataclass(frozen=True)
class Estimate:
    """Minutes that a run takes, and on what.

    Attributes:
        machine: what it was measured on, in words.
        reading: decoding for the scan, and spectrograms.
        training: all epochs of all trainings; they may end earlier.
        jobs: what surrounds the work.
        n_trainings: how many there are.
    """

    machine: str
    reading: float
    training: float
    jobs: float
    n_trainings: int

    @property
    def total(self) -> float:
        """Minutes altogether."""
        return self.reading + self.training + self.jobs


def cores() -> int:
    """Return the processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def has_gpu() -> bool:
    """Return whether PyTorch finds a GPU."""
    import torch

    return torch.cuda.is_available()


def estimate(
    audio_dir: Path, rows: Sequence[Mapping[str, Any]], config: Mapping[str, Any]
) -> Estimate:
    """Measure a recording and a few training steps, and count what a run has of them.

    Args:
        audio_dir: the corpus' folder.
        rows: of ``tracks.csv``, as surveyed.
        config: the configuration in force, with one network and one slice length.
    """
    used = sorted(usable(rows), key=lambda row: row["duration"])
    seconds = sum(row["duration"] for row in used)
    per_second = _reading(audio_dir / used[len(used) // 2]["path"], config)
    n_artists = len({row["artist"] for row in used})
    runs = first_runs(config)
    (slice_seconds,) = config["experiment"]["slice_seconds"]
    model = runs[0].model
    epochs = training_of(config, model)["epochs"]
    steps = epochs * seconds / slice_seconds * SHARE_OF_STEPS
    on_gpu, per_slice = _training(config, model, n_artists, slice_seconds)
    side_by_side = 1 if on_gpu else min(len(runs), cores())
    n_jobs = len({row["album_id"] for row in used}) + JOBS_PER_RUN * len(runs) + OTHER_JOBS
    count = "1 core" if cores() == 1 else f"{cores()} cores"
    return Estimate(
        f"{count} and a GPU" if on_gpu else f"{count} without a GPU",
        seconds * per_second / cores() / 60,
        len(runs) * steps * per_slice / side_by_side / 60,
        n_jobs * JOB_SECONDS / cores() / 60,
        len(runs),
    )


def _reading(path: Path, config: Mapping[str, Any]) -> float:
    """Return the seconds that reading a second of a recording takes."""
    parameters = LogMelParameters(**config["log_mel"])
    # What the filters are does not matter for the time.
    filters = np.ones((parameters.n_mels, 1 + parameters.n_fft // 2), np.float32)
    started = time.perf_counter()
    facts = decode_facts(path)
    for _ in log_mel_blocks(mono_blocks(path, parameters.sampling_rate), filters, parameters):
        pass
    return (time.perf_counter() - started) / facts.duration


def _training(
    config: Mapping[str, Any], model: str, n_artists: int, slice_seconds: float
) -> tuple[bool, float]:
    """Return whether there is a GPU, and the seconds that a training step takes per slice."""
    import torch
    from torch.nn import functional

    from artistid.models.registry import build_network
    from artistid.training.precision import Precision
    from artistid.training.step import new_optimiser

    training = training_of(config, model)
    batch_size = training["batch_size"]
    n_mels = config["log_mel"]["n_mels"]
    device = torch.device("cuda" if has_gpu() else "cpu")
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)  # trainings side by side have a core each
    try:
        network = build_network(model, n_mels, n_artists, settings_of(config, model)).to(device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        precision = Precision(device, training["mixed_precision"])
        optimiser = new_optimiser(network, training["learning_rate"], precision)
        shape = (batch_size, 1, n_mels, frames_in_slice(config, slice_seconds))
        slices = torch.randn(shape, device=device)
        targets = torch.zeros(batch_size, dtype=torch.long, device=device)
        n_steps, started = -2, time.perf_counter()
        while n_steps < 1 or time.perf_counter() - started < MEASURED_SECONDS:
            with precision.autocast():
                loss = functional.cross_entropy(network(slices), targets)
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            optimiser.zero_grad()
            if device.type == "cuda":
                torch.cuda.synchronize()
            n_steps += 1
            if n_steps == 0:
                started = time.perf_counter()
        taken = (time.perf_counter() - started) / n_steps
    finally:
        torch.set_num_threads(threads)
    return device.type == "cuda", taken / batch_size
