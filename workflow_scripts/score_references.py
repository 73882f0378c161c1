"""Score what guessing and the majority class would reach on one split at one slice length."""

from pathlib import Path

from artistid.dataset import class_names, slice_targets
from artistid.evaluation import (
    METRICS_COLUMNS,
    chance_counts,
    majority_counts,
    metrics_rows,
)
from artistid.files import read_rows, write_rows
from artistid.jobs import logged
from artistid.splits import TEST, TRAIN, VALIDATION

axes = snakemake.params.axes
name = f"references {axes['split']} {axes['slice_seconds']:g}s seed{axes['seed']}"
with logged(snakemake.log[0], name) as log:
    manifest = read_rows(snakemake.input.split)
    n_classes = len(class_names(manifest))
    cache_folder = Path(snakemake.params.cache_folder)
    targets, n_tracks = {}, {}
    for subset in (TRAIN, VALIDATION, TEST):
        targets[subset], n_tracks[subset] = slice_targets(
            manifest, subset, cache_folder, axes["slice_frames"]
        )
    evaluated = (VALIDATION, TEST)
    chance = {subset: chance_counts(targets[subset], n_classes) for subset in evaluated}
    majority = {
        subset: majority_counts(targets[subset], targets[TRAIN], n_classes) for subset in evaluated
    }
    rows = metrics_rows(axes | {"model": "chance"}, chance, n_tracks)
    rows += metrics_rows(axes | {"model": "majority"}, majority, n_tracks)
    write_rows(snakemake.output[0], rows, METRICS_COLUMNS)
    log.info("chance and majority class scored on %d test slices", len(targets[TEST]))
