"""Make the demo's music at scale, with a strong album effect.

    python benchmarks/corpora/demo_at_scale.py OUTPUT_FOLDER

An artist has a scale, chord progressions, rhythms, lead instruments and a kind of melody, as in the
demo corpus. An album has a stronger production (`albums.py`), and its own tempo, drum kit, bass and
instrument for chords. README.md beside this file says how to use the corpus.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
import numpy as np
from albums import add_size, draw_hard_production, draw_mastering, make_albums, refuse_old

from artistid.demo.composition import BASSES, CHORDS, Style, compose, draw_style
from artistid.demo.names import album_name, artist_name, track_name
from artistid.errors import InputError

STEMS = ("lead", "chords", "bass", "drums")


def album_style(style: Style, generator: np.random.Generator) -> Style:
    """Return the artist's style as one album plays it."""
    return replace(
        style,
        tempo=style.tempo * generator.uniform(0.82, 1.22),
        chords=str(generator.choice(CHORDS)),
        bass=str(generator.choice(BASSES)),
        drum_tone=generator.uniform(),
    )


def make_album(paths: list[Path], artist: int, album: int, seconds: float, seed: int) -> None:
    """Write an album, which is the same whatever else the corpus holds."""
    of_album = np.random.default_rng([seed, 5, artist, album])
    style = album_style(draw_style(artist, seed), of_album)
    mastering = draw_mastering(draw_hard_production(of_album, STEMS), of_album)
    for track, path in enumerate(paths):
        generator = np.random.default_rng([seed, 6, artist, album, track])
        mastering.write(path, compose(style, seconds, generator), generator)


def main() -> None:
    """Make the corpus."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_size(parser, artists=10)
    args = parser.parse_args()
    refuse_old(args.output_folder)
    calls = []
    for artist in range(args.artists):
        for album in range(args.albums):
            folder = args.output_folder / artist_name(artist) / album_name(album)
            paths = [folder / track_name(track) for track in range(args.tracks)]
            calls.append((paths, artist, album, args.seconds, args.seed))
    make_albums(make_album, calls, args.processes)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))
