"""Make the page on which the test tracks are heard, with the artists' probabilities over time."""

from itertools import groupby
from pathlib import Path

from artistid.jobs.logs import job_log
from artistid.listening.answers import page_data, run_part, shown_tracks, whole_run
from artistid.listening.clips import EXCERPTS, add_clips
from artistid.listening.page import write_page
from artistid.scoring.predictions import join_folds, read_predictions
from artistid.storage.files import read_rows

given, params = snakemake.input, snakemake.params
with job_log(snakemake.log[0], "listening page") as log:
    subset, folder = params.reported, Path(snakemake.output.folder)
    read = (read_predictions(Path(path), [subset]) for path in given.predictions)
    parts = []
    for run, folds in groupby(read, key=lambda part: whole_run(part[0])):
        _, classes, predictions = join_folds(list(folds), run)
        parts.append(run_part(run, classes, predictions[subset], params.seconds_per_frame))
    rows, copies = shown_tracks(parts, read_rows(given.pairs), read_rows(given.tracks))
    seconds = params.excerpt_seconds if params.audio == EXCERPTS else None
    tracks, notes = add_clips(rows, Path(params.audio_dir), folder, seconds, log)
    if params.left_out:
        notes.append(f"Without slices, and not on this page: {', '.join(params.left_out)}.")
    page, runs = page_data(params.title, subset, parts, tracks, copies, notes)
    size = write_page(folder / "index.html", page, runs)
    for note in notes:
        log.warning("%s", note)
    told = (len(runs), len(tracks), folder / "index.html", size / 1e6)
    log.info("%d runs, %d tracks: %s, %.1f MB without sound", *told)
