"""Plot three seconds of one track of each artist."""

from pathlib import Path

from artistid.features.log_mel import LogMelParameters, band_centres
from artistid.features.mel_cache import read_tracks
from artistid.figures.log_mel_gallery import draw_log_mels
from artistid.figures.style import save
from artistid.jobs.logs import job_log
from artistid.storage.files import read_rows

SECONDS = 3


def middle(log_mel, n_frames: int):
    """Return the frames in the middle of a track."""
    first = max(0, (len(log_mel) - n_frames) // 2)
    return log_mel[first : first + n_frames]


with job_log(snakemake.log[0], "log-mel figure") as log:
    parameters = LogMelParameters(**snakemake.params.log_mel)
    frame_rate = parameters.sampling_rate / parameters.hop_length
    first_tracks = {}
    for track in read_rows(snakemake.input.tracks):  # sorted by track id
        first_tracks.setdefault(track["artist"], track)
    examples = []
    for artist, track in sorted(first_tracks.items()):
        cache = Path(snakemake.input.index).parent / f"{track['album_id']}.h5"
        log_mel = read_tracks(cache, [track["track_id"]])[track["track_id"]]
        examples.append((artist, middle(log_mel, round(SECONDS * frame_rate))))
    save(draw_log_mels(examples, frame_rate, band_centres(parameters)), snakemake.output[0])
    log.info("%d artists drawn", len(examples))
