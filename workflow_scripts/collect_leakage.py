"""Put the audits of all splits into one table, and what they found into a line."""

from pathlib import Path

from artistid.files import read_rows, write_rows, write_text
from artistid.jobs import logged
from artistid.leakage import COLUMNS, pairs_across_sides, summarise
from artistid.manifests import read_manifest

with logged(snakemake.log[0], "leakage") as log:
    rows = []
    for path in map(Path, snakemake.input.audits):
        axes = {"split": path.parent.name, "seed": path.stem.removeprefix("seed")}
        rows += [axes | row for row in read_rows(path)]
    manifests = [read_manifest(path) for path in snakemake.input.splits]
    summary = summarise(
        sum(pairs_across_sides(manifest) for manifest in manifests),
        len(manifests),
        [row["kind"] for row in rows],
        len(read_rows(snakemake.input.silent)),
    )
    write_rows(snakemake.output.table, rows, ("split", "seed", *COLUMNS))
    write_text(snakemake.output.summary, summary + "\n")
    log.info("%s", summary)
