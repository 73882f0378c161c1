"""Write librosa's mel filters once, so that no extraction job has to import librosa."""

import numpy as np

from artistid.files import replacing
from artistid.jobs import logged
from artistid.log_mel import LogMelParameters, mel_filters

with logged(snakemake.log[0], "mel filters") as log:
    filters = mel_filters(LogMelParameters(**snakemake.params.log_mel))
    with replacing(snakemake.output[0]) as temporary, temporary.open("wb") as stream:
        np.save(stream, filters, allow_pickle=False)
    log.info("%d mel filters over %d STFT bins", *filters.shape)
