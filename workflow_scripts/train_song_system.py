"""Train one classical system on whole songs, and predict its validation and test songs."""

from pathlib import Path

import numpy as np

from artistid.calibration import fit_temperature, log_softmax
from artistid.dataset import class_names, load_tracks
from artistid.jobs import logged
from artistid.manifests import read_manifest
from artistid.memory import Peaks, peak_mb
from artistid.mfcc import mfcc
from artistid.predictions import Predictions, write_predictions
from artistid.records import Stopwatch, on_cpu, write_records
from artistid.registry import load_model
from artistid.splits import SUBSETS, TEST, TRAIN, VALIDATION


def train_song_system(log) -> None:
    """Train, calibrate on validation, and write everything that the run leaves."""
    stopwatch = Stopwatch()
    params, output, axes = snakemake.params, snakemake.output, snakemake.params.axes
    manifest = read_manifest(snakemake.input.split)
    classes = class_names(manifest)
    track_ids, targets, mfccs = {}, {}, {}
    for subset in SUBSETS:
        folder = Path(params.cache_folder)
        track_ids[subset], targets[subset], log_mels = load_tracks(manifest, subset, folder)
        mfccs[subset] = [mfcc(log_mel) for log_mel in log_mels]
    log.info("train: %d songs", len(mfccs[TRAIN]))
    system_type, settings = load_model(axes["model"], params.settings)
    system = system_type(settings, len(classes), axes["seed"])
    with stopwatch:
        system.fit(mfccs[TRAIN], targets[TRAIN], mfccs[VALIDATION], targets[VALIDATION])
    log.info("chosen on validation: %s", system.chosen)
    scores = {subset: system.track_scores(mfccs[subset]) for subset in (VALIDATION, TEST)}
    temperature = fit_temperature(scores[VALIDATION], targets[VALIDATION])
    predictions = {
        subset: Predictions(
            log_softmax(own, temperature), targets[subset], np.arange(len(own)), track_ids[subset]
        )
        for subset, own in scores.items()
    }
    write_predictions(Path(output.predictions), axes, classes, predictions)
    provenance = on_cpu(
        snakemake.config, snakemake.threads, chosen=system.chosen, temperature=float(temperature)
    )
    write_records(output.provenance, output.timing, axes, stopwatch, provenance, Peaks(peak_mb()))
    log.info("trained in %.1f s", stopwatch.seconds)


axes = snakemake.params.axes
name = f"{axes['model']} {axes['split']} {snakemake.wildcards.slice} seed{axes['seed']}"
with logged(snakemake.log[0], name) as log:
    train_song_system(log)
