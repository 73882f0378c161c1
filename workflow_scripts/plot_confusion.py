"""Plot confusion matrices of one model, summed over the seeds."""

from pathlib import Path

from artistid.evaluation import MEAN, NO_POOLING, SLICE, SONG
from artistid.figures.confusion import draw_confusion
from artistid.figures.style import save
from artistid.jobs import logged
from artistid.outcomes import read_outcomes
from artistid.scores import confusion_counts

LEVELS = {"slice": ((SLICE, NO_POOLING), "slices"), "song": ((SONG, MEAN), "songs")}

w = snakemake.wildcards
with logged(snakemake.log[0], f"confusion {w.model} {w.split} {w.slice}") as log:
    runs = [read_outcomes(Path(path)) for path in snakemake.input.outcomes]
    for name, path in snakemake.output.items():
        level, unit = LEVELS[name]
        counts = sum(confusion_counts(run.target, run.counts[level]) for run in runs)
        title = f"{w.model}, {w.split} split, {w.slice}: {unit} of {len(runs)} seeds"
        save(draw_confusion(counts, runs[0].classes, title, unit), path)
    log.info("%d runs drawn", len(runs))
