"""Train one network on one split, and predict its validation and test slices."""

import os
from dataclasses import asdict
from pathlib import Path

import torch

from artistid.features.log_mel import LogMelParameters
from artistid.jobs.devices import check_cuda, explain_out_of_memory, take_device
from artistid.jobs.logs import job_log
from artistid.models.front_end import FrontEnd, front_end_of
from artistid.models.registry import build_network, load_model
from artistid.runs import COLUMNS, Run
from artistid.scoring.predictions import write_predictions
from artistid.splits.manifests import evaluated_subsets, read_manifest
from artistid.splits.subsets import TEST, TRAIN, VALIDATION
from artistid.storage.files import write_rows
from artistid.storage.locks import exclusive_lock
from artistid.training.augmentation import Augmentations
from artistid.training.batches import BatchLoader
from artistid.training.dataset import (
    SliceSet,
    band_statistics,
    class_names,
    describe_unknown,
    load_subsets,
    subtracted_means,
    without_a_slice,
)
from artistid.training.embedding import AT_MOST, write_embedding
from artistid.training.fit import (
    HISTORY_COLUMNS,
    choose_device,
    describe_device,
    embed,
    fit,
    peaks_so_far,
    predict,
)
from artistid.training.precision import Precision, name_of, set_precision
from artistid.training.records import Stopwatch, describe_model, write_records
from artistid.training.settings import TrainingSettings
from artistid.training.state import SavedState, training_key
from artistid.training.weights import save_weights


def train_network(log) -> None:
    """Train, and write everything that the run leaves."""
    stopwatch = Stopwatch()
    params, output = snakemake.params, snakemake.output
    torch.set_num_threads(snakemake.threads)
    settings = TrainingSettings(**params.model["training"])
    set_precision(settings.deterministic)
    device = choose_device()
    precision = Precision(device, settings.mixed_precision)
    log.info("on %s, %s", describe_device(device), precision.describe())
    log.info("CUDA_VISIBLE_DEVICES: %s", os.environ.get("CUDA_VISIBLE_DEVICES", "not set"))
    manifest = read_manifest(snakemake.input.split)
    classes = class_names(manifest)
    evaluated = evaluated_subsets(manifest)
    # Not a parameter: where the spectrograms are does not change results.
    where = snakemake.config["training_data"]
    index = Path(snakemake.input.index)
    slices = load_subsets(manifest, (TRAIN, *evaluated), index, run.slice_frames, **where)
    for subset, subset_slices in slices.items():
        log.info("%s: %s", subset, subset_slices.describe())
        if unknown := describe_unknown(manifest, subset):
            log.warning("%s", unknown)
        if missing := without_a_slice(classes, subset_slices.targets):
            log.warning("%s: no slice of %s", subset, ", ".join(missing))
    log_mel = LogMelParameters(**params.log_mel)
    frames_per_second = log_mel.sampling_rate / log_mel.hop_length
    front_end = front_end_of(params.model.get("front_end", {}), frames_per_second)
    means = {subset: subtracted_means(part, front_end) for subset, part in slices.items()}
    normalisation = band_statistics(slices[TRAIN], means[TRAIN])
    loaders = {
        subset: BatchLoader(part, normalisation, device, front_end, means[subset])
        for subset, part in slices.items()
    }

    torch.manual_seed(run.seed)
    architecture, own = params.model["architecture"], params.model["settings"]
    network = build_network(architecture, log_mel.n_mels, len(classes), own)
    network = network.to(device)
    saved = saved_state([slices[TRAIN], slices[VALIDATION]], classes)
    decibel = 1 / loaders[TRAIN].deviation
    augment = Augmentations(settings.augmentations, decibel) if settings.augmentations else None
    train, validation = loaders[TRAIN], loaders[VALIDATION]
    result = fit(network, train, validation, settings, run.seed, log.info, saved, augment)
    stopwatch.seconds = sum(result.seconds)  # of every session, where it was interrupted

    _, own_settings = load_model(architecture, own)
    more = {} if front_end == FrontEnd() else {"front_end": asdict(front_end)}
    description = describe_model(architecture, own_settings, classes, log_mel, run, **more)
    save_weights(Path(output.weights), network, normalisation, description)
    predictions = {subset: predict(network, loaders[subset], settings) for subset in evaluated}
    write_predictions(Path(output.predictions), run, classes, predictions)
    mapped = TEST if TEST in evaluated else VALIDATION
    features, positions = embed(network, loaders[mapped], settings, AT_MOST)
    write_embedding(Path(output.embedding), features, slices[mapped], positions)
    history = [run.columns | epoch for epoch in result.history]
    write_rows(output.history, history, (*COLUMNS, *HISTORY_COLUMNS))
    provenance = {
        "config": dict(snakemake.config),
        "device": describe_device(device),
        "device_type": device.type,
        "threads": snakemake.threads,
        "libraries": ["h5py", "numpy", "safetensors", "torch"],
        "training": asdict(settings),
        "training_dtype": name_of(precision.dtype),
        "best_epoch": result.best_epoch,
    }
    peaks = result.peaks.highest(peaks_so_far(device))
    epochs = len(result.history)
    write_records(output.provenance, output.timing, run, stopwatch, provenance, peaks, epochs)
    saved.remove()
    log.info("done: best epoch %d of %d", result.best_epoch, len(result.history))


def saved_state(slices: list[SliceSet], classes: list[str]) -> SavedState:
    """Return where the state of this very training is kept until it is over."""
    params = snakemake.params
    settings = {
        "run": params.run,
        "log_mel": params.log_mel,
        "model": params.model,
        "classes": classes,  # a network has an output for those that are only tested, too
    }
    key = training_key(settings, slices, params.code)
    # No parameter: how often a state is saved changes no result.
    minutes = snakemake.config["training_state"]["minutes"]
    return SavedState(Path(params.state), key, 60 * minutes)


run = Run(**snakemake.params.run)
lock = Path(snakemake.params.state).with_suffix(".lock")
with (
    job_log(snakemake.log[0], run.label) as log,
    exclusive_lock(lock, "another process is training this run"),
):
    # Before torch asks for devices; importing it does not.
    own = take_device(snakemake.resources.jobs_per_device, report=log.info)
    if own:
        check_cuda(own)
    batch_size = TrainingSettings(**snakemake.params.model["training"]).batch_size
    with explain_out_of_memory(batch_size, own or "the processor"):
        train_network(log)
