"""List the recordings that are to be named, in parts for a job each."""

from pathlib import Path

from artistid.jobs.logs import job_log
from artistid.prediction.listing import list_folder, write_lists

with job_log(snakemake.log[0], "list files") as log:
    folder = Path(snakemake.config["predict"]["folder"]).expanduser()
    rows, passed_over = list_folder(folder)
    for reason in passed_over:
        log.warning("%s", reason)
    lists = Path(snakemake.output.lists)
    n_lists = write_lists(lists, rows, snakemake.params.files_per_job)
    log.info("%d files in %d lists", len(rows), n_lists)
