"""Draw one split of the corpus into train, validation and test."""

from collections import Counter

from artistid.files import read_rows, write_rows
from artistid.jobs import logged
from artistid.splits import COLUMNS, SUBSETS, draw_split

wildcards = snakemake.wildcards
with logged(snakemake.log[0], f"{wildcards.split} split, seed {wildcards.seed}") as log:
    tracks = read_rows(snakemake.input.tracks)
    rows = draw_split(
        tracks, wildcards.split, int(wildcards.seed), snakemake.params.get("fractions", {})
    )
    write_rows(snakemake.output[0], rows, COLUMNS)
    sizes = Counter(row["subset"] for row in rows)
    log.info("tracks: %s", ", ".join(f"{sizes[subset]} {subset}" for subset in SUBSETS))
