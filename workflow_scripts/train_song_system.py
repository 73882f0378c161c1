"""Train one classical system on whole songs, and predict its validation and test songs."""

from pathlib import Path

import numpy as np

from artistid.features.log_mel import LogMelParameters
from artistid.features.mfcc import mfcc
from artistid.jobs.logs import job_log
from artistid.jobs.memory import Peaks, peak_mb
from artistid.models.registry import load_model
from artistid.runs import Run
from artistid.scoring.predictions import Predictions, write_predictions
from artistid.splits.manifests import evaluated_subsets, read_manifest
from artistid.splits.subsets import TRAIN, VALIDATION
from artistid.training.dataset import class_names, describe_unknown, load_tracks
from artistid.training.records import Stopwatch, describe_model, on_cpu, write_records
from artistid.training.systems import calibrated, save_system


def train_song_system(log) -> None:
    """Train, calibrate on validation, and write everything that the run leaves."""
    stopwatch = Stopwatch()
    params, output = snakemake.params, snakemake.output
    manifest = read_manifest(snakemake.input.split)
    classes = class_names(manifest)
    track_ids, targets, mfccs = {}, {}, {}
    evaluated = evaluated_subsets(manifest)
    for subset in (TRAIN, *evaluated):
        folder = Path(snakemake.input.index).parent
        track_ids[subset], targets[subset], log_mels = load_tracks(manifest, subset, folder)
        mfccs[subset] = [mfcc(log_mel) for log_mel in log_mels]
        if unknown := describe_unknown(manifest, subset):
            log.warning("%s", unknown)
    log.info("train: %d songs", len(mfccs[TRAIN]))
    system_type, settings = load_model(params.model["architecture"], params.model["settings"])
    system = system_type(settings, len(classes), run.seed)
    with stopwatch:
        system.fit(mfccs[TRAIN], targets[TRAIN], mfccs[VALIDATION], targets[VALIDATION])
    log.info("chosen on validation: %s", system.chosen)
    raw = {
        subset: Predictions(
            system.track_scores(mfccs[subset]),
            targets[subset],
            np.arange(len(targets[subset])),
            track_ids[subset],
        )
        for subset in evaluated
    }
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
    provenance = on_cpu(
        snakemake.config, snakemake.threads, chosen=system.chosen, temperature=temperature
    )
    write_records(output.provenance, output.timing, run, stopwatch, provenance, Peaks(peak_mb()))
    log.info("trained in %.1f s", stopwatch.seconds)


run = Run(**snakemake.params.run)
with job_log(snakemake.log[0], run.label) as log:
    train_song_system(log)
