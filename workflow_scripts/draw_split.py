"""Draw one cut of a split: the corpus into train, validation and test."""

from collections import Counter

from artistid.jobs.logs import job_log
from artistid.splits.deduplicate import without_copies
from artistid.splits.definitions import FoldsSplit, definition
from artistid.splits.draw import draw_split
from artistid.splits.folds import artists_with_fewer_units
from artistid.splits.subsets import COLUMNS
from artistid.storage.files import read_rows, write_rows

name, cut = snakemake.wildcards.split, snakemake.wildcards.cut
with job_log(snakemake.log[0], f"{name} split, {cut}") as log:
    split = definition(name, snakemake.params.definition)
    tracks = read_rows(snakemake.input.tracks)
    rows = draw_split(tracks, split, cut)
    if isinstance(split, FoldsSplit) and (fewer := artists_with_fewer_units(tracks, split)):
        log.info("%s", fewer)
    for path in snakemake.input.get("near_duplicates", []):
        found, accepted = read_rows(path), snakemake.params.accept
        rows, line = without_copies(rows, found, accepted, split.required)
        log.info("%s", line)
    write_rows(snakemake.output[0], rows, COLUMNS)
    sizes = Counter(row["subset"] for row in rows)
    log.info("tracks: %s", ", ".join(f"{sizes[subset]} {subset}" for subset in split.subsets))
