"""Find recordings of the corpus that are the same one: encoded again, trimmed, changed in level."""

from pathlib import Path

from artistid.files import read_rows, write_rows
from artistid.jobs import logged
from artistid.near_duplicates import (
    COLUMNS,
    MIN_SECONDS,
    SILENT_COLUMNS,
    find_near_duplicates,
    read_fingerprints,
)

with logged(snakemake.log[0], "near-duplicates") as log:
    tracks = sorted(read_rows(snakemake.input.tracks), key=lambda row: row["album_id"])
    ids = [track["track_id"] for track in tracks]
    prints = read_fingerprints(tracks, Path(snakemake.params.cache_folder))
    seconds = prints.seconds_of_sound()
    silent = [
        {"track_id": track_id, "sound_s": round(float(sound), 3)}
        for track_id, sound in sorted(zip(ids, seconds, strict=True))
        if sound < MIN_SECONDS
    ]
    per_second = prints.maker.frames_per_second
    rows = []
    for pair in find_near_duplicates(prints):
        a, b, lag = ids[pair.a], ids[pair.b], pair.lag
        if a > b:
            a, b, lag = b, a, -lag
        rows.append(
            {
                "track_a": a,
                "track_b": b,
                "lag_s": round(lag / per_second, 3),
                "overlap_s": round(pair.overlap / per_second, 3),
                "score": round(pair.score, 4),
            }
        )
    rows.sort(key=lambda row: (row["track_a"], row["track_b"]))
    write_rows(snakemake.output.pairs, rows, COLUMNS)
    write_rows(snakemake.output.silent, silent, SILENT_COLUMNS)
    n_pairs = len(ids) * (len(ids) - 1) // 2
    log.info("%d of %d pairs of recordings are the same one", len(rows), n_pairs)
    for row in rows:
        log.info("the same recording: %(track_a)s and %(track_b)s, score %(score).3f", row)
    if silent:
        log.warning(
            "%d tracks have too little sound to be compared: %s",
            len(silent),
            ", ".join(row["track_id"] for row in silent),
        )
