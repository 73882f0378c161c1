"""How much there is in a scanned corpus: what planning needs to know of it."""

import csv
import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from artistid.corpus.listings import ALBUM_COLUMNS
from artistid.storage.files import TEXT


@dataclass(frozen=True)
class CorpusSize:
    """How much there is to do.

    Attributes:
        n_artists: artists with a usable track.
        n_tracks: usable tracks.
        seconds: length of all usable tracks together.
        albums: length of each album's usable tracks together, by album id, sorted.
        longest: length of the longest usable track, s.
        digest: SHA-256 of all that the albums' listings hold: it changes if and only if one of them
            does, and so tells whether all spectrograms are still those of the same recordings.
    """

    n_artists: int
    n_tracks: int
    seconds: float
    albums: Mapping[str, float]
    longest: float
    digest: str = ""


def corpus_size(tracks_csv: str | os.PathLike[str]) -> CorpusSize:
    """Sum up ``tracks.csv``, row by row: a million tracks need no more memory than their albums."""
    artists: set[str] = set()
    albums: dict[str, float] = {}
    n_tracks, longest, digest = 0, 0.0, hashlib.sha256()
    with Path(tracks_csv).open(newline="", **TEXT) as stream:
        rows = csv.reader(stream)
        header = next(rows)
        status, album, artist, duration = map(
            header.index, ("status", "album_id", "artist", "duration")
        )
        listed = [header.index(column) for column in ALBUM_COLUMNS]
        for row in rows:
            if row[status] == "ok":
                seconds = float(row[duration])
                artists.add(row[artist])
                albums[row[album]] = albums.get(row[album], 0.0) + seconds
                n_tracks += 1
                longest = max(longest, seconds)
                # No cell holds a zero byte: no path can.
                digest.update(os.fsencode("".join(f"{row[cell]}\0" for cell in listed)))
    by_id = dict(sorted(albums.items()))
    seconds = sum(albums.values())
    return CorpusSize(len(artists), n_tracks, seconds, by_id, longest, digest.hexdigest())
