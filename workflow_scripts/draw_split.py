"""Draw one split of the corpus into train, validation and test."""

from collections import Counter

from artistid.jobs.logs import job_log
from artistid.splits.deduplicate import describe, keep_on_one_side, not_accepted
from artistid.splits.draw import COLUMNS, SUBSETS, draw_split
from artistid.storage.files import read_rows, write_rows

wildcards = snakemake.wildcards
with job_log(snakemake.log[0], f"{wildcards.split} split, seed {wildcards.seed}") as log:
    tracks = read_rows(snakemake.input.tracks)
    rows = draw_split(
        tracks, wildcards.split, int(wildcards.seed), snakemake.params.get("fractions", {})
    )
    for path in snakemake.input.get("near_duplicates", []):
        pairs = [(row["track_a"], row["track_b"]) for row in read_rows(path)]
        rows, left = keep_on_one_side(rows, not_accepted(pairs, snakemake.params.accept))
        log.info("%s", describe(left))
    write_rows(snakemake.output[0], rows, COLUMNS)
    sizes = Counter(row["subset"] for row in rows)
    log.info("tracks: %s", ", ".join(f"{sizes[subset]} {subset}" for subset in SUBSETS))
