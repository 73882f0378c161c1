"""Compute the log-mel spectrograms of one album."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from artistid.corpus.audio import mono_blocks
from artistid.errors import InputError
from artistid.features.log_mel import LogMelParameters, log_mel_blocks
from artistid.features.mel_cache import write_album
from artistid.jobs.logs import job_log
from artistid.storage.files import read_rows, sha256_of_file


def log_mels(
    tracks: list[dict[str, str]], parameters: LogMelParameters
) -> Iterator[tuple[dict[str, str], Iterator[np.ndarray]]]:
    """Yield each track of the listing with its log-mel spectrogram in blocks (frames, n_mels)."""
    # The folder is not a parameter: a corpus that moves is still the same corpus.
    audio_dir = Path(snakemake.config["corpus"]["audio_dir"])
    filters = np.load(snakemake.input.filters, allow_pickle=False)
    for track in tracks:
        path = audio_dir / track["path"]
        if not path.is_file() or sha256_of_file(path) != track["sha256"]:
            raise InputError(f"{path}: is not what the scan saw; run the workflow again")
        samples = mono_blocks(path, parameters.sampling_rate)
        yield track, log_mel_blocks(samples, filters, parameters)


with job_log(snakemake.log[0], f"log-mel {snakemake.wildcards.album_id}") as log:
    tracks = read_rows(snakemake.input.listing)
    parameters = LogMelParameters(**snakemake.params.log_mel)
    rate = parameters.sampling_rate
    if low := [track for track in tracks if int(track["sampling_rate"]) < rate]:
        log.warning(
            "%d of %d tracks are stored at less than %d Hz and have nothing above half their own "
            "rate, such as %s at %s Hz",
            len(low), len(tracks), rate, low[0]["path"], low[0]["sampling_rate"],
        )  # fmt: skip
    write_album(Path(snakemake.output[0]), log_mels(tracks, parameters), parameters.as_dict())
    seconds = sum(float(track["duration"]) for track in tracks)
    log.info("%d tracks, %.1f min", len(tracks), seconds / 60)
