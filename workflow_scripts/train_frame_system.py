"""Train one classical system on MFCC frames, and predict its validation and test slices."""

from pathlib import Path

import numpy as np

from artistid.calibration import fit_temperature, log_softmax
from artistid.dataset import class_names, describe_slices, load_tracks, no_slice, without_a_slice
from artistid.errors import ArtistError, InputError
from artistid.jobs import logged
from artistid.manifests import read_manifest
from artistid.memory import Peaks, peak_mb
from artistid.mfcc import mfcc
from artistid.predictions import Predictions, write_predictions
from artistid.records import Stopwatch, on_cpu, write_records
from artistid.registry import load_model
from artistid.slices import slice_starts
from artistid.splits import TEST, TRAIN, VALIDATION


def load_mfccs(manifest: list[dict[str, str]], subset: str):
    """Return ids, classes and MFCCs (frames, 20) of a subset's tracks."""
    folder = Path(snakemake.params.cache_folder)
    track_ids, targets, log_mels = load_tracks(manifest, subset, folder)
    return track_ids, targets, [mfcc(log_mel) for log_mel in log_mels]


def predict(system, manifest: list[dict[str, str]], subset: str, log) -> Predictions:
    """Return a subset's scores, not yet calibrated, slice by slice."""
    frames = snakemake.params.axes["slice_frames"]
    track_ids, targets, mfccs = load_mfccs(manifest, subset)
    scores, kept, slice_targets, tracks, too_short = [], [], [], [], []
    for track_id, target, own in zip(track_ids, targets, mfccs, strict=True):
        starts = np.array(slice_starts(len(own), frames), np.int64)
        if not len(starts):
            too_short.append(track_id)
            continue
        scores.append(system.slice_scores(own, starts, frames))
        slice_targets += [target] * len(starts)
        tracks += [len(kept)] * len(starts)
        kept.append(track_id)
    if not scores:
        raise no_slice(subset, frames)
    log.info("%s: %s", subset, describe_slices(len(tracks), len(kept), too_short))
    if missing := without_a_slice(class_names(manifest), np.array(slice_targets)):
        log.warning("%s: no slice of %s", subset, ", ".join(missing))
    return Predictions(np.concatenate(scores), np.array(slice_targets), np.array(tracks), kept)


def train_frame_system(log) -> None:
    """Train, calibrate on validation, and write everything that the run leaves."""
    stopwatch = Stopwatch()
    params, output, axes = snakemake.params, snakemake.output, snakemake.params.axes
    manifest = read_manifest(snakemake.input.split)
    classes = class_names(manifest)
    system_type, settings = load_model(axes["model"], params.settings)
    system = system_type(settings, len(classes), axes["seed"])
    _, targets, mfccs = load_mfccs(manifest, TRAIN)
    log.info("train: %d frames of %d tracks", sum(map(len, mfccs)), len(mfccs))
    try:
        with stopwatch:
            system.fit(mfccs, targets)
    except ArtistError as error:
        raise InputError(f"{axes['model']}: artist {classes[error.label]!r}: {error}") from error
    del mfccs
    raw = {subset: predict(system, manifest, subset, log) for subset in (VALIDATION, TEST)}
    # Calibrated on validation: decision values are no probabilities, and likelihoods that take
    # frames for independent are far too sure. No slice's answer changes, but whether it is sure
    # enough for the vote of a song does.
    temperature = fit_temperature(raw[VALIDATION].log_probability, raw[VALIDATION].target)
    predictions = {
        subset: Predictions(
            log_softmax(part.log_probability, temperature), part.target, part.track, part.track_id
        )
        for subset, part in raw.items()
    }
    write_predictions(Path(output.predictions), axes, classes, predictions)
    provenance = on_cpu(snakemake.config, snakemake.threads, temperature=float(temperature))
    write_records(output.provenance, output.timing, axes, stopwatch, provenance, Peaks(peak_mb()))
    log.info("trained in %.1f s", stopwatch.seconds)


axes = snakemake.params.axes
name = f"{axes['model']} {axes['split']} {snakemake.wildcards.slice} seed{axes['seed']}"
with logged(snakemake.log[0], name) as log:
    train_frame_system(log)
