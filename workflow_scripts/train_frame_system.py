"""Train one classical system on MFCC frames, and predict its validation and test slices."""

from pathlib import Path

from artistid.errors import ArtistError, InputError
from artistid.features.log_mel import LogMelParameters
from artistid.features.mfcc import mfcc
from artistid.jobs.logs import job_log
from artistid.jobs.memory import Peaks, peak_mb
from artistid.models.registry import load_model
from artistid.runs import Run
from artistid.scoring.predictions import Predictions, write_predictions
from artistid.splits.manifests import evaluated_subsets, read_manifest
from artistid.splits.subsets import TRAIN
from artistid.training.dataset import (
    NoSliceError,
    class_names,
    describe_slices,
    describe_unknown,
    load_tracks,
    without_a_slice,
)
from artistid.training.records import Stopwatch, describe_model, on_cpu, write_records
from artistid.training.systems import calibrated, predict_slices, save_system


def load_mfccs(manifest: list[dict[str, str]], subset: str):
    """Return ids, classes and MFCCs (frames, 20) of a subset's tracks."""
    folder = Path(snakemake.input.index).parent
    track_ids, targets, log_mels = load_tracks(manifest, subset, folder)
    return track_ids, targets, [mfcc(log_mel) for log_mel in log_mels]


def predict(system, manifest: list[dict[str, str]], subset: str, log) -> Predictions:
    """Return a subset's scores, not yet calibrated, slice by slice."""
    predictions, too_short = predict_slices(system, *load_mfccs(manifest, subset), run.slice_frames)
    if predictions is None:
        raise NoSliceError(subset, run.slice_frames)
    n_slices, n_tracks = len(predictions.target), len(predictions.track_id)
    log.info("%s: %s", subset, describe_slices(n_slices, n_tracks, too_short))
    if unknown := describe_unknown(manifest, subset):
        log.warning("%s", unknown)
    if missing := without_a_slice(class_names(manifest), predictions.target):
        log.warning("%s: no slice of %s", subset, ", ".join(missing))
    return predictions


def train_frame_system(log) -> None:
    """Train, calibrate on validation, and write everything that the run leaves."""
    stopwatch = Stopwatch()
    params, output = snakemake.params, snakemake.output
    manifest = read_manifest(snakemake.input.split)
    classes = class_names(manifest)
    system_type, settings = load_model(params.model["architecture"], params.model["settings"])
    system = system_type(settings, len(classes), run.seed)
    _, targets, mfccs = load_mfccs(manifest, TRAIN)
    log.info("train: %d frames of %d tracks", sum(map(len, mfccs)), len(mfccs))
    try:
        with stopwatch:
            system.fit(mfccs, targets)
    except ArtistError as error:
        raise InputError(f"{run.model}: artist {classes[error.label]!r}: {error}") from error
    del mfccs
    evaluated = evaluated_subsets(manifest)
    raw = {subset: predict(system, manifest, subset, log) for subset in evaluated}
    predictions, temperature = calibrated(raw)
    description = describe_model(
        params.model["architecture"],
        settings,
        classes,
        LogMelParameters(**params.log_mel),
        run,
        temperature=temperature,
    )
    save_system(Path(output.weights), system, description)
    write_predictions(Path(output.predictions), run, classes, predictions)
    provenance = on_cpu(snakemake.config, snakemake.threads, temperature=temperature)
    write_records(output.provenance, output.timing, run, stopwatch, provenance, Peaks(peak_mb()))
    log.info("trained in %.1f s", stopwatch.seconds)


run = Run(**snakemake.params.run)
with job_log(snakemake.log[0], run.label) as log:
    train_frame_system(log)
