"""The demo corpus' albums, as real mp3 files."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from artistid.demo.composition import compose, draw_style
from artistid.demo.instruments import SAMPLING_RATE, Samples
from artistid.demo.production import draw_production, produce
from artistid.storage.files import atomic_write

# libsndfile's scale of mp3 rates, 0 to 1: this is 32 kbit/s.
_COMPRESSION_LEVEL = 0.82


def make_album(paths: Sequence[Path], artist: int, album: int, seconds: float, seed: int) -> None:
    """Compose, play, produce and encode an album, one track for each path.

    Every random choice comes from (seed, artist, album, track), so an album is the same whatever
    else the corpus holds.
    """
    style = draw_style(artist, seed)
    production = draw_production(np.random.default_rng([seed, 3, artist, album]))
    for track, path in enumerate(paths):
        generator = np.random.default_rng([seed, 4, artist, album, track])
        stems = compose(style, seconds, generator)
        write_mp3(path, produce(stems, production, generator))


def write_mp3(path: Path, samples: Samples, compression_level: float = _COMPRESSION_LEVEL) -> None:
    """Write mono samples (n,) within full scale, at `SAMPLING_RATE`, as an mp3 of a constant rate.

    `compression_level` is libsndfile's: 0 to 1 for 160 to 8 kbit/s, rounded to a rate that exists.
    """
    import soundfile

    encoded = BytesIO()  # libsndfile writing to a full disk itself says only "System error"
    soundfile.write(
        encoded,
        samples.astype(np.float32),
        SAMPLING_RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=compression_level,
        bitrate_mode="CONSTANT",
    )
    with atomic_write(path) as temporary:
        temporary.write_bytes(encoded.getvalue())
