"""Stop if the recordings cannot carry the experiment, before anything is computed."""

from artistid.feasibility import check_feasible
from artistid.files import read_rows, write_text
from artistid.jobs import logged

with logged(snakemake.log[0], "corpus") as log:
    carried = check_feasible(snakemake.params.config, read_rows(snakemake.input.tracks))
    log.info("%s", carried)
    write_text(snakemake.output[0], carried + "\n")
