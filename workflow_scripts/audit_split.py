"""Audit one cut of a split: its manifest is valid, and nothing unaccepted is in two subsets."""

from artistid.audit.leakage import COLUMNS, accepting, complaint, find_hits, is_accepted
from artistid.errors import InputError
from artistid.jobs.logs import job_log
from artistid.splits.definitions import definition
from artistid.splits.folds import check_tested_once
from artistid.splits.manifests import read_manifest
from artistid.storage.files import read_rows, write_rows

name, cut = snakemake.wildcards.split, snakemake.wildcards.cut
with job_log(snakemake.log[0], f"audit of {name} split, {cut}") as log:
    split = definition(name, snakemake.params.definition)
    tracks = read_rows(snakemake.input.usable)
    check_tested_once({path: read_manifest(path) for path in snakemake.input.get("folds", [])})
    hits = find_hits(
        read_manifest(snakemake.input.split, tracks, split.required, split.subsets),
        split.keeps_albums,
        {row["track_id"]: row["sha256"] for row in read_rows(snakemake.input.tracks)},
        read_rows(snakemake.input.near_duplicates),
    )
    accepted = [is_accepted(hit, snakemake.params.accept) for hit in hits]
    for hit, is_known in zip(hits, accepted, strict=True):
        log.info("%s%s", "accepted: " if is_known else "", hit.describe())
    leaks = [hit for hit, is_known in zip(hits, accepted, strict=True) if not is_known]
    if leaks:
        log.info("this accepts all of them: %s", accepting(leaks))
        raise InputError(complaint(snakemake.input.split, leaks))
    of_cut = {"split": name, "cut": cut}
    rows = [of_cut | hit.as_row(known) for hit, known in zip(hits, accepted, strict=True)]
    write_rows(snakemake.output[0], rows, (*of_cut, *COLUMNS))
    log.info("%d hits, all accepted", len(hits))
