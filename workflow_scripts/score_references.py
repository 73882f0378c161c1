"""Score what guessing and the majority class would reach on one split at one slice length."""

from pathlib import Path

import numpy as np

from artistid.jobs.logs import job_log
from artistid.runs import Run
from artistid.scoring.pooling import (
    ARTIST_COLUMNS,
    LEVELS,
    METRICS_COLUMNS,
    SLICE,
    artist_rows,
    chance_scores,
    majority_outcome,
    metrics_row,
)
from artistid.scoring.scores import all_scores, confusion_counts
from artistid.splits.draw import TEST, TRAIN, VALIDATION
from artistid.splits.manifests import read_manifest
from artistid.storage.files import write_rows
from artistid.training.dataset import class_names, slices_per_track


def score_references() -> tuple[list[dict], list[dict]]:
    """Return the rows of metrics, and of F1 by artist, of chance and of the majority class."""
    manifest = read_manifest(snakemake.input.split)
    classes = class_names(manifest)
    n_classes = len(classes)

    def answers(subset: str, level: str) -> tuple[np.ndarray, np.ndarray]:
        """Return class and number of answers of each track."""
        folder, frames = Path(snakemake.input.log_mel[0]).parent, run.slice_frames
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
                scored = run.columns | {"model": model, "subset": subset, "level": level}
                scored |= {"pooling": pooling}
                metrics.append(metrics_row(scored, len(targets), support, values))
                by_artist += artist_rows(scored, classes, support, values)
    return metrics, by_artist


run = Run(**snakemake.params.run)
with job_log(snakemake.log[0], run.label) as log:
    metrics, by_artist = score_references()
    write_rows(snakemake.output.metrics, metrics, METRICS_COLUMNS)
    write_rows(snakemake.output.artists, by_artist, ARTIST_COLUMNS)
    log.info("chance and majority class scored, %d rows", len(metrics))
