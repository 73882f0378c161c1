"""Read one cut of a split from a user's list, and look its tracks up in the corpus."""

from artistid.jobs.logs import job_log
from artistid.splits.deduplicate import write_manifest
from artistid.splits.definitions import definition
from artistid.splits.lists import describe_left_out, rows_of_list
from artistid.storage.files import read_rows

name, cut = snakemake.wildcards.split, snakemake.wildcards.cut
with job_log(snakemake.log[0], f"{name} split, {cut}") as log:
    split = definition(name, snakemake.params.definition)
    rows, left_out = rows_of_list(split, cut, read_rows(snakemake.input.tracks))
    log.info("%s", describe_left_out(left_out))
    copies, accepted = snakemake.input.get("near_duplicates", []), snakemake.params.accept
    for line in write_manifest(snakemake.output[0], rows, split, copies, accepted):
        log.info("%s", line)
