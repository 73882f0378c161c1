"""The experiment that a configuration asks for: its grid of runs, the paper's two steps."""

from collections.abc import Mapping, Sequence
from typing import Any

from artistid.features.slices import frames_in_slice
from artistid.models.registry import NETWORKS, SONG_SYSTEMS, available, kind_of
from artistid.runs import Run


def networks(config: Mapping[str, Any]) -> list[str]:
    """Return the models of the experiment that are neural networks, in its order."""
    return [model for model in config["experiment"]["models"] if model in available(NETWORKS)]


def has_slices(config: Mapping[str, Any]) -> bool:
    """Return whether some model takes slices, and not whole songs."""
    return any(kind_of(model) != SONG_SYSTEMS for model in config["experiment"]["models"])


def first_runs(config: Mapping[str, Any]) -> list[Run]:
    """Return the runs of the paper's first step: every model at the first slice lengths."""
    experiment = config["experiment"]
    return [
        run
        for model in experiment["models"]
        for run in _runs(
            config,
            model,
            [None] if kind_of(model) == SONG_SYSTEMS else experiment["slice_seconds"],
        )
    ]


def follow_up_runs(config: Mapping[str, Any], model: str) -> list[Run]:
    """Return the runs of the paper's second step: one model at the other slice lengths."""
    first = set(first_runs(config))
    runs = _runs(config, model, config["experiment"]["follow_up_seconds"])
    return [run for run in runs if run not in first]


def _runs(config: Mapping[str, Any], model: str, lengths: Sequence[float | None]) -> list[Run]:
    experiment = config["experiment"]
    return [
        Run(
            config["corpus"]["name"],
            model,
            split,
            seconds,
            frames_in_slice(config, seconds),
            seed,
        )
        for seconds in lengths
        for split in experiment["splits"]
        for seed in experiment["seeds"]
    ]


def has_several_lengths(config: Mapping[str, Any]) -> bool:
    """Return whether a model runs at more than one slice length."""
    experiment = config["experiment"]
    lengths = set(experiment["slice_seconds"]) if has_slices(config) else set()
    follow_up = experiment["follow_up_seconds"] if experiment["follow_up"] else []
    return len(lengths | set(follow_up)) > 1
