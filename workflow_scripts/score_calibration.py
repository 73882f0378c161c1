"""Measure how reliable probabilities are, and how well unknown artists are recognised."""

from pathlib import Path

from artistid.jobs.logs import job_log
from artistid.scoring.calibrated_runs import (
    CALIBRATION_COLUMNS,
    calibration_rows,
    open_sets,
    read_calibrated,
)
from artistid.scoring.comparison import by_cell, generator_of, units_of
from artistid.scoring.open_set import OPEN_SET_COLUMNS, open_set_rows
from artistid.storage.files import read_rows, write_rows

with job_log(snakemake.log[0], "calibration") as log:
    given, output, params = snakemake.input, snakemake.output, snakemake.params
    tracks = read_rows(given.tracks)
    runs = [read_calibrated(Path(path), params.reported) for path in given.predictions]
    cells = by_cell(runs)
    rows = calibration_rows(cells, params.reported)
    write_rows(output.calibration, rows, CALIBRATION_COLUMNS)
    artist_of = {row["track_id"]: row["artist"] for row in tracks}
    judged = open_sets(cells, artist_of, units_of(tracks, params.keeps_albums))
    write_rows(output.open_sets, open_set_rows(judged, generator_of), OPEN_SET_COLUMNS)
    log.info("%d runs, %d cells with unknown artists", len(runs), len(judged))
