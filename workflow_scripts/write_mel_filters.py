"""Write librosa's mel filters once, so that no extraction job needs to import librosa."""

import io

import numpy as np

from artistid.features.log_mel import LogMelParameters, mel_filters
from artistid.jobs.logs import job_log
from artistid.storage.files import atomic_write

with job_log(snakemake.log[0], "mel filters") as log:
    filters = mel_filters(LogMelParameters(**snakemake.params.log_mel))
    content = io.BytesIO()  # numpy writing to a file itself does not say why it cannot
    np.save(content, filters, allow_pickle=False)
    with atomic_write(snakemake.output[0]) as temporary:
        temporary.write_bytes(content.getvalue())
    log.info("%d mel filters over %d STFT bins", *filters.shape)
