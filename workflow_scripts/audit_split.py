"""Audit one split: its manifest is sound, and no recording is in two subsets unaccepted."""

from artistid.audit.leakage import COLUMNS, accepting, complaint, find_hits, is_accepted
from artistid.errors import InputError
from artistid.jobs.logs import job_log
from artistid.splits.draw import SUBSETS
from artistid.splits.manifests import read_manifest
from artistid.storage.files import read_rows, write_rows

wildcards = snakemake.wildcards
with job_log(snakemake.log[0], f"audit of {wildcards.split} split, seed {wildcards.seed}") as log:
    tracks = read_rows(snakemake.input.usable)
    hits = find_hits(
        read_manifest(snakemake.input.split, tracks, required=SUBSETS),
        wildcards.split,
        {row["track_id"]: row["sha256"] for row in read_rows(snakemake.input.tracks)},
        read_rows(snakemake.input.near_duplicates),
    )
    accepted = [is_accepted(hit, snakemake.params.accept) for hit in hits]
    for hit, is_known in zip(hits, accepted, strict=True):
        log.info("%s%s", "accepted: " if is_known else "", hit.describe())
    leaks = [hit for hit, is_known in zip(hits, accepted, strict=True) if not is_known]
    if leaks:
        log.info("what accepts all of them by name: %s", accepting(leaks))
        raise InputError(complaint(snakemake.input.split, leaks))
    split = {"split": wildcards.split, "seed": wildcards.seed}
    rows = [split | hit.as_row(known) for hit, known in zip(hits, accepted, strict=True)]
    write_rows(snakemake.output[0], rows, (*split, *COLUMNS))
    log.info("%d hits, all accepted", len(hits))
