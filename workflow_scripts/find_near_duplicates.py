"""Find near-duplicate recordings of the corpus: encoded again, trimmed, changed in level."""

from pathlib import Path

from artistid.audit.fingerprints import read_fingerprints
from artistid.audit.near_duplicates import (
    COLUMNS,
    SILENT_COLUMNS,
    find_near_duplicates,
    pair_rows,
    silent_rows,
)
from artistid.jobs.logs import job_log
from artistid.storage.files import read_rows, write_rows

with job_log(snakemake.log[0], "near-duplicates") as log:
    tracks = sorted(read_rows(snakemake.input.tracks), key=lambda row: row["album_id"])
    ids = [track["track_id"] for track in tracks]
    prints = read_fingerprints(tracks, Path(snakemake.input.index).parent)
    rows = pair_rows(find_near_duplicates(prints), ids, prints)
    silent = silent_rows(ids, prints)
    write_rows(snakemake.output.pairs, rows, COLUMNS)
    write_rows(snakemake.output.silent, silent, SILENT_COLUMNS)
    n_pairs = len(ids) * (len(ids) - 1) // 2
    log.info("%d of %d pairs of recordings are near-duplicates", len(rows), n_pairs)
    for row in rows:
        log.info("near-duplicates: %(track_a)s and %(track_b)s, score %(score).3f", row)
    if silent:
        log.warning(
            "%d tracks have too little sound to compare: %s",
            len(silent),
            ", ".join(row["track_id"] for row in silent),
        )
