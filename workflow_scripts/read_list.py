"""Read one cut of a split from a list of one's own, which is looked up in the corpus."""

from collections import Counter

from artistid.jobs.logs import job_log
from artistid.splits.deduplicate import without_copies
from artistid.splits.definitions import definition
from artistid.splits.lists import describe_left_out, rows_of_list
from artistid.splits.subsets import COLUMNS
from artistid.storage.files import read_rows, write_rows

name, cut = snakemake.wildcards.split, snakemake.wildcards.cut
with job_log(snakemake.log[0], f"{name} split, {cut}") as log:
    split = definition(name, snakemake.params.definition)
    rows, left_out = rows_of_list(split, cut, read_rows(snakemake.input.tracks))
    log.info("%s", describe_left_out(left_out))
    for path in snakemake.input.get("near_duplicates", []):
        found, accepted = read_rows(path), snakemake.params.accept
        rows, line = without_copies(rows, found, accepted, split.required)
        log.info("%s", line)
    write_rows(snakemake.output[0], rows, COLUMNS)
    sizes = Counter(row["subset"] for row in rows)
    log.info("tracks: %s", ", ".join(f"{sizes[subset]} {subset}" for subset in split.subsets))
