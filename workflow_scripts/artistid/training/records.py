"""What every run leaves beside its predictions: how it was made, and its time and memory."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from artistid.features.log_mel import LogMelParameters
from artistid.jobs.memory import Peaks
from artistid.runs import COLUMNS, Run
from artistid.storage.files import write_json, write_rows
from artistid.training.provenance import describe_run

TIMING_COLUMNS = (
    *COLUMNS,
    "seconds",
    "epochs",
    "peak_mb",
    "gpu_peak_mb",
    "device",
    "started",
    "finished",
)


@dataclass
class Stopwatch:
    """When a run started, and how long its training took."""

    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    seconds: float = 0.0
    _since: float = 0.0

    def __enter__(self) -> "Stopwatch":
        """Start measuring the training."""
        self._since = time.perf_counter()
        return self

    def __exit__(self, *error: object) -> None:
        """Stop measuring the training."""
        self.seconds = time.perf_counter() - self._since


def describe_model(
    architecture: str,
    settings: Any,
    classes: Sequence[str],
    log_mel: LogMelParameters,
    run: Run,
    **more: Any,
) -> dict[str, Any]:
    """Return what a model's file says of it, in plain types, so that the file alone can be used.

    Args:
        architecture: its name in `artistid.models.registry`.
        settings: of the architecture, its dataclass.
        classes: the artists, in the order of the outputs.
        log_mel: parameters of the spectrograms.
        run: that trained it.
        more: what else a prediction needs, such as a temperature.
    """
    return {
        "model": architecture,
        "settings": asdict(settings),
        "classes": list(classes),
        "log_mel": log_mel.as_dict(),
        "slice_frames": run.slice_frames,
    } | more


def on_cpu(config: Mapping[str, Any], threads: int, **more: Any) -> dict[str, Any]:
    """Return the provenance of a classical system, as `write_records` takes it.

    Args:
        config: the configuration in force.
        threads: processor threads that the job was given.
        more: what else is worth keeping, such as what validation chose.
    """
    return {
        "config": dict(config),
        "device": f"CPU, {threads} threads",
        "device_type": "cpu",
        "threads": threads,
        "libraries": ["h5py", "numpy", "scikit-learn", "scipy"],
    } | more


def write_records(
    provenance_json: str,
    timing_csv: str,
    run: Run,
    stopwatch: Stopwatch,
    provenance: Mapping[str, Any],
    peaks: Peaks,
    epochs: int | None = None,
) -> None:
    """Write a run's provenance, and, in a separate file, its times and its memory.

    Args:
        provenance_json: JSON file without any time, so that runs can be compared bit by bit.
        timing_csv: CSV file of one row.
        run: which one.
        stopwatch: measured the training.
        provenance: ``config`` (in force), ``device``, ``device_type``, ``threads``, ``libraries``
            (names) and whatever else is worth keeping under other keys.
        peaks: the highest memory of the run, in all its sessions.
        epochs: that were trained; None where there are none.
    """
    known = ("config", "device", "threads", "libraries")
    described = describe_run(**{key: provenance[key] for key in known})
    rest = {key: value for key, value in provenance.items() if key not in known}
    write_json(provenance_json, described | rest)
    timing = {
        "seconds": round(stopwatch.seconds, 3),
        "epochs": epochs,
        "peak_mb": round(peaks.process_mb, 1),
        "gpu_peak_mb": None if peaks.gpu_mb is None else round(peaks.gpu_mb, 1),
        "device": provenance["device_type"],
        "started": stopwatch.started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_rows(timing_csv, [run.columns | timing], TIMING_COLUMNS)
