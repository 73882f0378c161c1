"""How much there is in a scanned corpus: what planning needs to know of it."""

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

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
    """

    n_artists: int
    n_tracks: int
    seconds: float
    albums: Mapping[str, float]
    longest: float


def corpus_size(tracks_csv: str | os.PathLike[str]) -> CorpusSize:
    """Sum up ``tracks.csv``, row by row: a million tracks need no more memory than their albums."""
    artists: set[str] = set()
    albums: dict[str, float] = {}
    n_tracks, longest = 0, 0.0
    with Path(tracks_csv).open(newline="", **TEXT) as stream:
        rows = csv.reader(stream)
        header = next(rows)
        status, album, artist, duration = map(
            header.index, ("status", "album_id", "artist", "duration")
        )
        for row in rows:
            if row[status] == "ok":
                seconds = float(row[duration])
                artists.add(row[artist])
                albums[row[album]] = albums.get(row[album], 0.0) + seconds
                n_tracks += 1
                longest = max(longest, seconds)
    by_id = dict(sorted(albums.items()))
    return CorpusSize(len(artists), n_tracks, sum(albums.values()), by_id, longest)
