"""Train one network on one split, and predict its validation and test slices."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import torch

from artistid.dataset import band_statistics, class_names, load_slices
from artistid.evaluation import (
    ARTIST_COLUMNS,
    METRICS_COLUMNS,
    f1_per_artist_rows,
    metrics_rows,
)
from artistid.files import read_rows, write_json, write_rows
from artistid.jobs import logged
from artistid.networks import build_network
from artistid.predictions import write_predictions
from artistid.provenance import describe_run
from artistid.splits import SUBSETS, TEST, TRAIN, VALIDATION
from artistid.training import (
    HISTORY_COLUMNS,
    Feeder,
    TrainingSettings,
    choose_device,
    describe_device,
    fit,
    predict,
)
from artistid.weights import save_weights


def train_network(log) -> None:
    started = datetime.now(UTC)
    params, output, axes = snakemake.params, snakemake.output, snakemake.params.axes
    torch.set_num_threads(snakemake.threads)
    device = choose_device()
    log.info("on %s", describe_device(device))
    manifest = read_rows(snakemake.input.split)
    classes = class_names(manifest)
    slices = {
        subset: load_slices(manifest, subset, Path(params.cache_folder), axes["slice_frames"])
        for subset in SUBSETS
    }
    for subset, subset_slices in slices.items():
        log.info("%s: %s", subset, subset_slices.describe())
    normalisation = band_statistics(slices[TRAIN])
    feeders = {subset: Feeder(part, normalisation, device) for subset, part in slices.items()}

    torch.manual_seed(axes["seed"])
    settings = TrainingSettings(**params.training)
    network = build_network(axes["model"], params.log_mel["n_mels"], len(classes), params.network)
    network = network.to(device)
    clock = time.perf_counter()
    result = fit(network, feeders[TRAIN], feeders[VALIDATION], settings, axes["seed"])
    seconds = time.perf_counter() - clock

    predictions = {
        subset: predict(network, feeders[subset], settings) for subset in (VALIDATION, TEST)
    }
    counts = {subset: part.confusion_counts() for subset, part in predictions.items()}
    n_tracks = {subset: len(part.track_id) for subset, part in predictions.items()}
    rows = metrics_rows(axes, counts, n_tracks)
    description = {
        "model": axes["model"],
        "settings": params.network,
        "classes": classes,
        "log_mel": params.log_mel,
        "slice_frames": axes["slice_frames"],
    }
    save_weights(Path(output.weights), network, normalisation, description)
    write_predictions(Path(output.predictions), axes, classes, predictions)
    write_rows(output.metrics, rows, METRICS_COLUMNS)
    write_rows(output.artists, f1_per_artist_rows(axes, classes, counts), ARTIST_COLUMNS)
    write_rows(output.history, result.history, HISTORY_COLUMNS)
    provenance = describe_run(dict(snakemake.config), describe_device(device), snakemake.threads)
    write_json(output.provenance, provenance | {"training": asdict(settings)})
    timing = {
        "seconds": round(seconds, 3),
        "epochs": len(result.history),
        "best_epoch": result.best_epoch,
        "device": device.type,
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    write_rows(output.timing, [dict(axes) | timing], [*axes, *timing])
    for row in rows:
        log.info(
            "%s: macro F1 %.3f, accuracy %.3f", row["subset"], row["macro_f1"], row["accuracy"]
        )


axes = snakemake.params.axes
name = f"{axes['model']} {axes['split']} {axes['slice_seconds']:g}s seed{axes['seed']}"
with logged(snakemake.log[0], name) as log:
    train_network(log)
