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
)
from artistid.scoring.outcomes import read_outcomes
from artistid.scoring.pooling import NO_POOLING, SLICE
from artistid.splits.draw import UNIT_KEYS
from artistid.storage.files import read_rows, write_rows


def album_of_tracks() -> dict[str, tuple[str, str]]:
    """Return artist and album of each track."""
    rows = read_rows(snakemake.input.tracks)
    return {row["track_id"]: (row["artist"], row["album"]) for row in rows}


def unit_of_tracks() -> dict[str, dict[str, str]]:
    """Return by split what paired tests swap for each track: what the split draws as one."""
    rows = read_rows(snakemake.input.tracks)
    return {
        split: {row["track_id"]: row[column] for row in rows} for split, column in UNIT_KEYS.items()
    }


with job_log(snakemake.log[0], "compare") as log:
    output = snakemake.output
    cells = by_cell(read_outcomes(Path(path)) for path in snakemake.input.outcomes)
    log.info("%d cells of %d runs", len(cells), len(snakemake.input.outcomes))
    write_rows(output.intervals, interval_rows(cells), INTERVAL_COLUMNS)
    write_rows(output.effects, effect_rows(cells), EFFECT_COLUMNS)
    pairs = pair_rows(cells, snakemake.params.first_seconds, unit_of_tracks())
    write_rows(output.pairs, pairs, PAIR_COLUMNS)
    albums = album_rows(cells, album_of_tracks(), (SLICE, NO_POOLING))
    write_rows(output.albums, albums, ALBUM_COLUMNS)
