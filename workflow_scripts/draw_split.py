"""Draw one cut of a split: the corpus into train, validation and test."""

from artistid.jobs.logs import job_log
from artistid.splits.deduplicate import write_manifest
from artistid.splits.definitions import FoldsSplit, definition
from artistid.splits.draw import draw_split
from artistid.splits.folds import artists_with_fewer_units
from artistid.storage.files import read_rows

name, cut = snakemake.wildcards.split, snakemake.wildcards.cut
with job_log(snakemake.log[0], f"{name} split, {cut}") as log:
    split = definition(name, snakemake.params.definition)
    tracks = read_rows(snakemake.input.tracks)
    rows = draw_split(tracks, split, cut)
    if isinstance(split, FoldsSplit) and (fewer := artists_with_fewer_units(tracks, split)):
        log.info("%s", fewer)
    copies, accepted = snakemake.input.get("near_duplicates", []), snakemake.params.accept
    for line in write_manifest(snakemake.output[0], rows, split, copies, accepted):
        log.info("%s", line)
