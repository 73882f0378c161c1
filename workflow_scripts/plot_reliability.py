"""Plot how reliable the probabilities of songs are, for each model and split."""

from pathlib import Path

from artistid.figures.reliability import draw_reliability, panels_of
from artistid.figures.style import save
from artistid.jobs.logs import job_log
from artistid.scoring.calibrated_runs import read_calibrated

with job_log(snakemake.log[0], "reliability") as log:
    reported = snakemake.params.reported
    runs = [read_calibrated(Path(path), reported) for path in snakemake.input.predictions]
    save(draw_reliability(panels_of(runs)), snakemake.output[0])
    log.info("%d runs drawn", len(runs))
