"""Score what guessing and the majority class would reach on one split at one slice length."""

from pathlib import Path

import numpy as np

from artistid.dataset import class_names, slices_per_track
from artistid.evaluation import (
    ARTIST_COLUMNS,
    LEVELS,
    METRICS_COLUMNS,
    SLICE,
    artist_rows,
    chance_scores,
    majority_outcome,
    metrics_row,
)
from artistid.files import write_rows
from artistid.jobs import logged
from artistid.manifests import read_manifest
from artistid.scores import all_scores, confusion_counts
from artistid.splits import TEST, TRAIN, VALIDATION


def score_references() -> tuple[list[dict], list[dict]]:
    """Return the rows of metrics, and of F1 by artist, of chance and of the majority class."""
    axes, manifest = snakemake.params.axes, read_manifest(snakemake.input.split)
    classes = class_names(manifest)
    n_classes = len(classes)

    def answers(subset: str, level: str) -> tuple[np.ndarray, np.ndarray]:
        """Return class and number of answers of each track."""
        folder, frames = Path(snakemake.params.cache_folder), axes["slice_frames"]
        _, targets, n_slices = slices_per_track(manifest, subset, folder, frames)
        return targets, n_slices if level == SLICE else np.ones_like(n_slices)

    metrics, by_artist = [], []
    for subset in (VALIDATION, TEST):
        for level, pooling in LEVELS:
            targets, n_answers = answers(subset, level)
            train_targets, train_weights = answers(TRAIN, level)
            train_answers = np.bincount(train_targets, train_weights, n_classes)
            support = np.bincount(targets, n_answers, n_classes)
            majority = majority_outcome(n_answers, train_answers)
            references = {
                "chance": chance_scores(support),
                "majority": all_scores(confusion_counts(targets, majority)),
            }
            for model, values in references.items():
                scored = axes | {"model": model, "subset": subset, "level": level}
                scored |= {"pooling": pooling}
                metrics.append(metrics_row(scored, len(targets), support, values))
                by_artist += artist_rows(scored, classes, support, values)
    return metrics, by_artist


axes = snakemake.params.axes
name = f"references {axes['split']} {axes['slice_seconds']:g}s seed{axes['seed']}"
with logged(snakemake.log[0], name) as log:
    metrics, by_artist = score_references()
    write_rows(snakemake.output.metrics, metrics, METRICS_COLUMNS)
    write_rows(snakemake.output.artists, by_artist, ARTIST_COLUMNS)
    log.info("chance and majority class scored, %d rows", len(metrics))
