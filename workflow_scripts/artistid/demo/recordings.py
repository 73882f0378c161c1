"""The demo corpus' albums, as real mp3 files."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np

from artistid.demo.composition import compose, draw_style
from artistid.demo.instruments import SAMPLING_RATE
from artistid.demo.production import draw_production, produce
from artistid.storage.files import atomic_write

# libsndfile maps 0..1 onto 160..8 kbit/s and takes the next higher rate: this is 32 kbit/s.
_COMPRESSION_LEVEL = 0.82


def make_album(paths: Sequence[Path], artist: int, album: int, seconds: float, seed: int) -> None:
    """Compose, play, produce and encode an album, one track for each path.

    Every random choice comes from (seed, artist, album, track), so an album is the same whatever
    else the corpus holds.
    """
    import soundfile

    style = draw_style(artist, seed)
    production = draw_production(np.random.default_rng([seed, 3, artist, album]))
    for track, path in enumerate(paths):
        generator = np.random.default_rng([seed, 4, artist, album, track])
        stems = compose(style, seconds, generator)
        samples = produce(stems, production, generator)
        encoded = BytesIO()  # libsndfile writing to a full disk itself says only "System error"
        soundfile.write(
            encoded,
            samples.astype(np.float32),
            SAMPLING_RATE,
            format="MP3",
            subtype="MPEG_LAYER_III",
            compression_level=_COMPRESSION_LEVEL,
            bitrate_mode="CONSTANT",
        )
        with atomic_write(path) as temporary:
            temporary.write_bytes(encoded.getvalue())
