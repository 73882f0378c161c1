"""Say how sure the scores are: intervals, paired tests, the album effect, album confusions."""

from pathlib import Path

from artistid.jobs.logs import job_log
from artistid.scoring.comparison import (
    ALBUM_COLUMNS,
    EFFECT_COLUMNS,
    INTERVAL_COLUMNS,
    PAIR_COLUMNS,
    album_rows,
    by_cell,
    effect_rows,
    interval_rows,
    pair_rows,
    units_of,
)
from artistid.scoring.outcomes import read_outcomes
from artistid.scoring.pooling import NO_POOLING, SLICE
from artistid.storage.files import read_rows, write_rows

with job_log(snakemake.log[0], "compare") as log:
    output, keeps_albums = snakemake.output, snakemake.params.keeps_albums
    tracks = read_rows(snakemake.input.tracks)
    unit_of = units_of(tracks, keeps_albums)
    cells = by_cell(read_outcomes(Path(path)) for path in snakemake.input.outcomes)
    log.info("%d cells of %d runs", len(cells), len(snakemake.input.outcomes))
    write_rows(output.intervals, interval_rows(cells, unit_of), INTERVAL_COLUMNS)
    write_rows(output.effects, effect_rows(cells, unit_of, keeps_albums), EFFECT_COLUMNS)
    pairs = pair_rows(cells, snakemake.params.first_seconds, unit_of)
    write_rows(output.pairs, pairs, PAIR_COLUMNS)
    album_of = {row["track_id"]: (row["artist"], row["album"]) for row in tracks}
    albums = album_rows(cells, album_of, (SLICE, NO_POOLING), keeps_albums)
    write_rows(output.albums, albums, ALBUM_COLUMNS)
