"""Make one album of the demo corpus: real mp3 files of synthesised music."""

from pathlib import Path

from artistid.demo.recordings import make_album
from artistid.jobs.logs import job_log

wildcards, params = snakemake.wildcards, snakemake.params
with job_log(snakemake.log[0], f"{wildcards.artist}, {wildcards.album}") as log:
    tracks = [Path(path) for path in snakemake.output.tracks]
    make_album(tracks, params.artist, params.album, params.seconds, params.seed)
    log.info("%d demo tracks made", len(tracks))
