"""Recordings that soundfile alone does not write: m4a and AAC, and with tags."""

import os
import zlib
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile

# What tags are called in each kind of file.
ID3 = {"artist": "TPE1", "album_artist": "TPE2", "album": "TALB", "compilation": "TCMP"}
MP4 = {"artist": "\xa9ART", "album_artist": "aART", "album": "\xa9alb"}
VORBIS = {
    "artist": "artist",
    "album_artist": "albumartist",
    "album": "ALBUM",
    "compilation": "compilation",
}


def encode(path: Path, samples: np.ndarray, rate: int, codec: str, kind: str, **options) -> Path:
    """Write samples of shape (n, channels) as m4a or ADTS."""
    av = pytest.importorskip("av", reason="PyAV is not installed: pip install -e '.[m4a]'")
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options=options if path.suffix == ".m4a" else {}) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.layout, stream.format = layout, kind
        for start in range(0, len(samples), 1000):
            block = np.ascontiguousarray(samples[start : start + 1000].T)
            frame = av.AudioFrame.from_ndarray(block, format=kind, layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def put(path: Path, **tags: str) -> Path:
    """Write a recording with tags, in the format that its ending says."""
    import mutagen
    from mutagen import id3

    path.parent.mkdir(parents=True, exist_ok=True)
    # Different noise in each file, so that no two have the same bytes.
    generator = np.random.default_rng(zlib.crc32(os.fsencode(path)))
    noise = 0.1 * generator.standard_normal((17000, 1))
    if path.suffix == ".m4a":
        encode(path, noise.astype(np.float32), 16000, "aac", "fltp")
    else:
        kind = {"format": "OGG", "subtype": "OPUS"} if path.suffix == ".opus" else {}
        soundfile.write(os.fsencode(path), noise, 16000, **kind)
    if not tags:
        return path
    with path.open("rb+") as stream:
        file = mutagen.File(stream)
        if file.tags is None:
            file.add_tags()
        for name, value in tags.items():
            if path.suffix == ".m4a":
                if name == "compilation":
                    file.tags["cpil"] = value == "1"
                else:
                    file.tags[MP4[name]] = [value]
            elif path.suffix in (".mp3", ".wav", ".aiff"):
                file.tags.add(getattr(id3, ID3[name])(encoding=3, text=[value]))
            else:
                file.tags[VORBIS[name]] = [value]
        stream.seek(0)
        file.save(stream)
    return path
