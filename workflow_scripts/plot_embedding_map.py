"""Plot a t-SNE map of a network's features before its last layer, for test slices."""

from pathlib import Path

from artistid.figures.embedding_map import draw_embedding_map, project
from artistid.figures.style import save
from artistid.jobs.logs import job_log
from artistid.splits.manifests import read_manifest
from artistid.training.embedding import read_embedding

w = snakemake.wildcards
with job_log(snakemake.log[0], f"embedding map {w.model} {w.split} {w.slice}") as log:
    features, track_ids = read_embedding(Path(snakemake.input.embedding))
    rows = {row["track_id"]: row for row in read_manifest(snakemake.input.split)}
    figure = draw_embedding_map(
        project(features, int(w.seed)),
        [rows[track]["artist"] for track in track_ids],
        [rows[track]["album"] for track in track_ids],
        f"{w.model}, {w.split} split, {w.cut}, {w.slice} slices, seed {w.seed}",
    )
    save(figure, snakemake.output[0])
    log.info("%d slices drawn", len(features))
