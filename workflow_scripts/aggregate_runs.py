"""Put the rows of all runs one below the other: metrics, F1 per artist, training times."""

from artistid.jobs.logs import job_log
from artistid.tables.reading import concatenated, read_table
from artistid.tables.rendering import write_csv

with job_log(snakemake.log[0], "aggregate") as log:
    paths = {
        "metrics": [*snakemake.input.metrics, *snakemake.input.references],
        "artists": [*snakemake.input.artists, *snakemake.input.artists_of_references],
        "timing": snakemake.input.timing,
    }
    for kind, files in paths.items():
        table = concatenated([read_table(file) for file in files])
        write_csv(table, snakemake.output[kind])
        log.info("%s: %d rows of %d files", kind, len(table), len(files))
