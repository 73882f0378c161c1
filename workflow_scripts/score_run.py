"""Score one run's predictions, slice by slice and song by song."""

from pathlib import Path

from artistid.jobs.logs import job_log
from artistid.runs import Run
from artistid.scoring.outcomes import Outcomes, write_outcomes
from artistid.scoring.pooling import (
    ARTIST_COLUMNS,
    METRICS_COLUMNS,
    artist_rows,
    count_answers,
    levels_of,
    metrics_row,
)
from artistid.scoring.predictions import read_predictions
from artistid.scoring.scores import all_scores, confusion_counts
from artistid.splits.draw import TEST
from artistid.storage.files import write_rows


def score_run() -> list[dict]:
    """Write scores and outcomes; return the rows of metrics."""
    run, classes, subsets = read_predictions(Path(snakemake.input.predictions))
    metrics, artists, test_counts = [], [], {}
    for subset, predictions in subsets.items():
        targets = predictions.track_target
        for level, pooling in levels_of(run):
            outcome = count_answers(predictions, pooling)
            scored = run.columns | {"subset": subset, "level": level, "pooling": pooling}
            counts = confusion_counts(targets, outcome)
            support, values = counts.sum(axis=1), all_scores(counts)
            metrics.append(metrics_row(scored, len(targets), support, values))
            artists += artist_rows(scored, classes, support, values)
            if subset == TEST:
                test_counts[level, pooling] = outcome
    test = subsets[TEST]
    found = Outcomes(run, classes, test.track_id, test.track_target, test_counts)
    write_rows(snakemake.output.metrics, metrics, METRICS_COLUMNS)
    write_rows(snakemake.output.artists, artists, ARTIST_COLUMNS)
    write_outcomes(Path(snakemake.output.outcomes), found)
    return metrics


with job_log(snakemake.log[0], Run(**snakemake.params.run).label) as log:
    rows = [row for row in score_run() if row["subset"] == TEST]
    levels = (f"{row['level']} ({row['pooling']}) {row['macro_f1']:.3f}" for row in rows)
    log.info("test macro F1: %s", ", ".join(levels))
