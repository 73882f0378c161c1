"""Score one run's predictions, slice by slice and song by song; those of its folds together."""

from pathlib import Path

from artistid.jobs.logs import job_log
from artistid.runs import Run
from artistid.scoring.outcomes import write_outcomes
from artistid.scoring.pooling import ARTIST_COLUMNS, METRICS_COLUMNS
from artistid.scoring.predictions import join_folds, read_predictions
from artistid.scoring.run_scores import score_predictions, scored_subsets, track_columns
from artistid.storage.files import write_rows

params, output = snakemake.params, snakemake.output
run = Run(**params.run)
with job_log(snakemake.log[0], run.label) as log:
    subsets = scored_subsets(params.reported)
    parts = [read_predictions(Path(path), subsets) for path in snakemake.input.predictions]
    _, classes, predictions = join_folds(parts, run)
    scores = score_predictions(run, classes, predictions, params.reported, params.top_k)
    write_rows(output.metrics, scores.metrics, METRICS_COLUMNS)
    write_rows(output.artists, scores.artists, ARTIST_COLUMNS)
    write_rows(output.tracks, scores.tracks, track_columns(len(classes), params.top_k))
    write_outcomes(Path(output.outcomes), scores.outcomes)
    rows = [row for row in scores.metrics if row["subset"] == params.reported]
    levels = (f"{row['level']} ({row['pooling']}) {row['macro_f1']:.3f}" for row in rows)
    folds = f" of {len(parts)} folds" if len(parts) > 1 else ""
    log.info("%s macro F1%s: %s", params.reported, folds, ", ".join(levels))
