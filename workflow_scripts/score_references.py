"""Score what guessing and the majority class would reach on one cut at one slice length."""

from pathlib import Path

import numpy as np

from artistid.jobs.logs import job_log
from artistid.runs import Run
from artistid.scoring.pooling import (
    ARTIST_COLUMNS,
    LEVELS,
    METRICS_COLUMNS,
    SLICE,
    VOTE,
    artist_rows,
    metrics_row,
)
from artistid.scoring.references import ToAnswer, reference_scores
from artistid.scoring.run_scores import scored_subsets
from artistid.splits.manifests import read_manifest
from artistid.splits.subsets import TRAIN
from artistid.storage.files import write_rows
from artistid.training.dataset import class_names, slices_per_track

# By subset, the class and the number of slices of each track.
Slices = dict[str, tuple[np.ndarray, np.ndarray]]


def slices_of(manifest: list[dict], subsets: list[str]) -> Slices:
    """Return the slices of the subsets and of training; the caches are read once."""
    folder, frames = Path(snakemake.input.index).parent, run.slice_frames
    return {
        subset: slices_per_track(manifest, subset, folder, frames)[1:]
        for subset in (TRAIN, *subsets)
    }


def to_answer(slices: Slices, subset: str, level: str, n_classes: int) -> ToAnswer:
    """Return what must be answered in a subset of one manifest, and what is learnt from."""

    def answers(subset: str) -> tuple[np.ndarray, np.ndarray]:
        targets, n_slices = slices[subset]
        return targets, n_slices if level == SLICE else np.ones_like(n_slices)

    train_targets, train_answers = answers(TRAIN)
    train = np.bincount(train_targets, train_answers, n_classes).astype(np.int64)
    return ToAnswer(*answers(subset), train)


def score_references() -> tuple[list[dict], list[dict]]:
    """Return the rows of metrics, and of F1 by artist, of chance and of the majority class."""
    manifests = [read_manifest(path) for path in snakemake.input.split]  # one for each fold
    classes, k = class_names(manifests[0]), snakemake.params.top_k
    subsets = scored_subsets(snakemake.params.reported)
    slices = [slices_of(manifest, subsets) for manifest in manifests]
    metrics, by_artist = [], []
    for subset in subsets:
        for level, pooling in LEVELS:
            folds = [to_answer(own, subset, level, len(classes)) for own in slices]
            n_tracks = sum(len(fold.target) for fold in folds)
            for model, scores in reference_scores(folds, k).items():
                scored = run.columns | {"model": model, "subset": subset, "level": level}
                scored |= {"pooling": pooling}
                # A vote ranks nothing, whoever votes.
                top = k, None if pooling == VOTE else scores.top_k_accuracy
                metrics.append(metrics_row(scored, n_tracks, scores.support, scores.values, top))
                by_artist += artist_rows(scored, classes, scores.support, scores.values)
    return metrics, by_artist


run = Run(**snakemake.params.run)
with job_log(snakemake.log[0], run.label) as log:
    metrics, by_artist = score_references()
    write_rows(snakemake.output.metrics, metrics, METRICS_COLUMNS)
    write_rows(snakemake.output.artists, by_artist, ARTIST_COLUMNS)
    log.info("chance and majority class scored, %d rows", len(metrics))
