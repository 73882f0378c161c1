"""Plot confusion matrices of one model, summed over the seeds."""

from pathlib import Path

from artistid.figures.confusion import draw_confusion
from artistid.figures.style import save
from artistid.jobs.logs import job_log
from artistid.scoring.outcomes import read_outcomes
from artistid.scoring.pooling import MAIN_POOLING
from artistid.scoring.scores import confusion_counts

w = snakemake.wildcards
with job_log(snakemake.log[0], f"confusion {w.model} {w.split} {w.slice}") as log:
    runs = [read_outcomes(Path(path)) for path in snakemake.input.outcomes]
    for level, path in snakemake.output.items():
        unit, key = f"{level}s", (level, MAIN_POOLING[level])
        counts = sum(confusion_counts(run.target, run.counts[key]) for run in runs)
        seeds = "1 seed" if len(runs) == 1 else f"{len(runs)} seeds"
        title = f"{w.model}, {w.split} split, {w.slice}: {unit} of {seeds}"
        save(draw_confusion(counts, runs[0].classes, title, unit), path)
    log.info("%d runs drawn", len(runs))
