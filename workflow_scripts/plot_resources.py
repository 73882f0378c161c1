"""Plot time and memory of each model's trainings."""

from artistid.figures.resources import draw_resources
from artistid.figures.style import save
from artistid.jobs.logs import job_log
from artistid.tables.reading import concatenated, read_table

with job_log(snakemake.log[0], "resources figure") as log:
    runs = concatenated([read_table(path) for path in snakemake.input.timing])
    save(draw_resources(runs), snakemake.output[0])
    log.info("%d runs drawn", len(runs))
