"""Say how sure the scores are: intervals, paired tests, the album effect, album confusions."""

from pathlib import Path

from artistid.comparison import (
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
from artistid.evaluation import NO_POOLING, SLICE
from artistid.files import read_rows, write_rows
from artistid.jobs import logged
from artistid.outcomes import read_outcomes
from artistid.splits import TEST, UNIT_KEYS


def tested(path: str) -> list[dict[str, str]]:
    """Return the rows of a manifest's test tracks."""
    return [row for row in read_rows(path) if row["subset"] == TEST]


def album_of_tracks() -> dict[tuple[int, str], tuple[str, str]]:
    """Return artist and album of each test track of the album split, by seed."""
    return {
        (int(Path(path).stem.removeprefix("seed")), row["track_id"]): (row["artist"], row["album"])
        for path in snakemake.input.splits
        if Path(path).parent.name == "album"
        for row in tested(path)
    }


def unit_of_tracks() -> dict[str, dict[str, str]]:
    """Return by split what paired tests swap for each test track: what the split drew as one."""
    units = {}
    for path in snakemake.input.splits:
        split = Path(path).parent.name
        for row in tested(path):
            units.setdefault(split, {})[row["track_id"]] = row[UNIT_KEYS[split]]
    return units


with logged(snakemake.log[0], "compare") as log:
    output = snakemake.output
    cells = by_cell(read_outcomes(Path(path)) for path in snakemake.input.outcomes)
    log.info("%d cells of %d runs", len(cells), len(snakemake.input.outcomes))
    write_rows(output.intervals, interval_rows(cells), INTERVAL_COLUMNS)
    write_rows(output.effects, effect_rows(cells), EFFECT_COLUMNS)
    pairs = pair_rows(cells, snakemake.params.first_seconds, unit_of_tracks())
    write_rows(output.pairs, pairs, PAIR_COLUMNS)
    albums = album_rows(cells, album_of_tracks(), (SLICE, NO_POOLING))
    write_rows(output.albums, albums, ALBUM_COLUMNS)
