"""Put the audits of all splits into one table, and what they found into a line."""

from artistid.audit.leakage import COLUMNS, pairs_across_sides, summarise
from artistid.jobs.logs import job_log
from artistid.splits.manifests import read_manifest
from artistid.storage.files import read_rows, write_rows, write_text

with job_log(snakemake.log[0], "leakage") as log:
    rows = [row for path in snakemake.input.audits for row in read_rows(path)]
    manifests = [read_manifest(path) for path in snakemake.input.splits]
    summary = summarise(
        sum(pairs_across_sides(manifest) for manifest in manifests),
        len(manifests),
        [row["kind"] for row in rows],
        len(read_rows(snakemake.input.silent)),
    )
    write_rows(snakemake.output.table, rows, ("split", "cut", *COLUMNS))
    write_text(snakemake.output.summary, summary + "\n")
    log.info("%s", summary)
