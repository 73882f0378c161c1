"""Stop if the recordings do not meet the experiment's requirements, before computing."""

from artistid.corpus.feasibility import check_feasible
from artistid.jobs.logs import job_log
from artistid.storage.files import read_rows, write_text

with job_log(snakemake.log[0], "corpus") as log:
    carried = check_feasible(snakemake.params.config, read_rows(snakemake.input.tracks))
    log.info("%s", carried)
    write_text(snakemake.output[0], carried + "\n")
