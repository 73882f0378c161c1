"""List the log-mel caches of all albums: what depends on all of them depends on this one file."""

from pathlib import Path

from artistid.features.mel_cache import write_index
from artistid.jobs.logs import job_log

with job_log(snakemake.log[0], "log-mel index") as log:
    caches = [Path(path) for path in snakemake.input.log_mel]
    write_index(Path(snakemake.output[0]), caches)
    log.info("%d albums", len(caches))
