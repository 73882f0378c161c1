"""Choose the network of the second step by validation, and write down why."""

from artistid.jobs.logs import job_log
from artistid.scoring.follow_up import COLUMNS, choose, explain
from artistid.storage.files import read_rows, write_json, write_rows

with job_log(snakemake.log[0], "follow-up") as log:
    metrics = [row for path in snakemake.input.metrics for row in read_rows(path)]
    rows = choose(metrics, snakemake.params.networks)
    choice = explain(rows)
    write_rows(snakemake.output.table, rows, COLUMNS)
    write_json(snakemake.output.choice, choice)
    log.info("%s is chosen: %s", choice["model"], choice["reason"])
