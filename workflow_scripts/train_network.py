"""Train one network on one split, and predict its validation and test slices."""

import os
from dataclasses import asdict
from pathlib import Path

import torch

from artistid.dataset import (
    SliceSet,
    band_statistics,
    class_names,
    load_slices,
    without_a_slice,
)
from artistid.devices import check_cuda, fitting, take_device
from artistid.embedding import AT_MOST, write_embedding
from artistid.files import write_rows
from artistid.jobs import logged
from artistid.manifests import read_manifest
from artistid.networks import build_network
from artistid.predictions import write_predictions
from artistid.records import Stopwatch, write_records
from artistid.splits import SUBSETS, TEST, TRAIN, VALIDATION
from artistid.training import (
    HISTORY_COLUMNS,
    Feeder,
    TrainingSettings,
    choose_device,
    describe_device,
    embed,
    fit,
    peaks_so_far,
    predict,
    set_precision,
)
from artistid.training_state import SavedState, only_one, training_key
from artistid.weights import save_weights


def train_network(log) -> None:
    """Train, and write everything that the run leaves."""
    stopwatch = Stopwatch()
    params, output, axes = snakemake.params, snakemake.output, snakemake.params.axes
    torch.set_num_threads(snakemake.threads)
    settings = TrainingSettings(**params.training)
    set_precision(settings.deterministic)
    device = choose_device()
    log.info("on %s", describe_device(device))
    log.info("CUDA_VISIBLE_DEVICES: %s", os.environ.get("CUDA_VISIBLE_DEVICES", "not set"))
    manifest = read_manifest(snakemake.input.split)
    classes = class_names(manifest)
    folder, frames = Path(params.cache_folder), axes["slice_frames"]
    slices = {subset: load_slices(manifest, subset, folder, frames) for subset in SUBSETS}
    for subset, subset_slices in slices.items():
        log.info("%s: %s", subset, subset_slices.describe())
        if missing := without_a_slice(classes, subset_slices.targets):
            log.warning("%s: no slice of %s", subset, ", ".join(missing))
    normalisation = band_statistics(slices[TRAIN])
    feeders = {subset: Feeder(part, normalisation, device) for subset, part in slices.items()}

    torch.manual_seed(axes["seed"])
    network = build_network(axes["model"], params.log_mel["n_mels"], len(classes), params.settings)
    network = network.to(device)
    saved = saved_state([slices[TRAIN], slices[VALIDATION]])
    result = fit(
        network, feeders[TRAIN], feeders[VALIDATION], settings, axes["seed"], log.info, saved
    )
    stopwatch.seconds = sum(result.seconds)  # of every session, where it was interrupted

    description = {
        "model": axes["model"],
        "settings": params.settings,
        "classes": classes,
        "log_mel": params.log_mel,
        "slice_frames": axes["slice_frames"],
    }
    save_weights(Path(output.weights), network, normalisation, description)
    predictions = {
        subset: predict(network, feeders[subset], settings) for subset in (VALIDATION, TEST)
    }
    write_predictions(Path(output.predictions), axes, classes, predictions)
    features, positions = embed(network, feeders[TEST], settings, AT_MOST)
    write_embedding(Path(output.embedding), features, slices[TEST], positions)
    write_rows(output.history, result.history, HISTORY_COLUMNS)
    provenance = {
        "config": dict(snakemake.config),
        "device": describe_device(device),
        "device_type": device.type,
        "threads": snakemake.threads,
        "libraries": ["h5py", "numpy", "safetensors", "torch"],
        "training": asdict(settings),
        "best_epoch": result.best_epoch,
    }
    peaks = result.peaks.highest(peaks_so_far(device))
    epochs = len(result.history)
    write_records(output.provenance, output.timing, axes, stopwatch, provenance, peaks, epochs)
    saved.remove()
    log.info("done: best epoch %d of %d", result.best_epoch, len(result.history))


def saved_state(slices: list[SliceSet]) -> SavedState:
    """Return where the state of this very training is kept until it is over."""
    params = snakemake.params
    settings = {
        "axes": params.axes,
        "log_mel": params.log_mel,
        "settings": params.settings,
        "training": params.training,
    }
    arrays = [array for part in slices for array in (part.log_mel, part.starts, part.targets)]
    key = training_key(settings, arrays, [snakemake.input.split, *snakemake.input.sources])
    # No parameter: how often a state is saved changes no result.
    minutes = snakemake.config["training_state"]["minutes"]
    return SavedState(Path(params.state), key, 60 * minutes)


axes = snakemake.params.axes
name = f"{axes['model']} {axes['split']} {snakemake.wildcards.slice} seed{axes['seed']}"
lock = Path(snakemake.params.state).with_suffix(".lock")
with logged(snakemake.log[0], name) as log, only_one(lock):
    # Before torch asks for devices, which it does not do when it is imported.
    own = take_device(snakemake.resources.jobs_per_device, report=log.info)
    if own:
        check_cuda(own)
    with fitting(snakemake.params.training["batch_size"], own or "the processor"):
        train_network(log)
