"""Drawing train, validation and test subsets, by song or by album (the paper, section 3)."""

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from artistid.errors import InputError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SUBSETS = (TRAIN, VALIDATION, TEST)
SPLITS = ("song", "album")
COLUMNS = ("track_id", "album_id", "artist", "album", "path", "subset")
MIN_UNITS = 3  # one for each subset
# What each split draws, and what paired tests swap: the column that tells its units apart, and
# their name.
UNIT_KEYS = {"song": "track_id", "album": "album_id"}
UNITS = {"song": "usable tracks", "album": "albums"}


def draw_split(
    tracks: Iterable[Mapping[str, Any]],
    split: str,
    seed: int,
    fractions: Mapping[str, float],
) -> list[dict[str, Any]]:
    """Assign every track to a subset and return the manifest's rows, sorted by track id.

    Each artist is drawn alone, by a generator of its own, so that a new track of one artist moves
    no track of another.

    Args:
        tracks: rows of ``usable.csv``, in any order.
        split: ``song`` (tracks drawn at random per artist) or ``album`` (one album to test, one to
            validation, the rest to train).
        seed: the same seed draws the same split on every machine.
        fractions: share of an artist's tracks in ``validation`` and ``test``; song split only.

    Raises:
        InputError: an artist has fewer than three tracks (song) or albums (album).
    """
    by_artist = defaultdict(list)
    for track in sorted(tracks, key=lambda track: track["track_id"]):
        by_artist[track["artist"]].append(track)
    unit_key = UNIT_KEYS[split]
    rows = []
    for artist, own in by_artist.items():
        units = sorted({track[unit_key] for track in own})
        if len(units) < MIN_UNITS:
            raise InputError(_too_few(artist, len(units), split))
        subset_of = _assign(
            units, _counts(len(units), split, fractions), _generator(split, seed, artist)
        )
        rows += [
            {column: track.get(column) for column in COLUMNS[:-1]}
            | {"subset": subset_of[track[unit_key]]}
            for track in own
        ]
    return sorted(rows, key=lambda row: row["track_id"])


def _generator(split: str, seed: int, artist: str) -> np.random.Generator:
    key = f"{split}\0{seed}\0{artist}".encode(errors="surrogateescape")
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()))


def _counts(n_units: int, split: str, fractions: Mapping[str, float]) -> dict[str, int]:
    if split == "album":
        return {VALIDATION: 1, TEST: 1}
    # Rounded half up, at least one each; three units leave one for training.
    counts = {
        subset: max(1, math.floor(n_units * fractions[subset] + 0.5))
        for subset in (VALIDATION, TEST)
    }
    while sum(counts.values()) >= n_units:
        counts[max(counts, key=counts.__getitem__)] -= 1
    return counts


def _assign(
    units: Sequence[str], counts: Mapping[str, int], generator: np.random.Generator
) -> dict[str, str]:
    order = generator.permutation(len(units))
    subsets = [TEST] * counts[TEST] + [VALIDATION] * counts[VALIDATION]
    subsets += [TRAIN] * (len(units) - len(subsets))
    return {units[index]: subset for index, subset in zip(order, subsets, strict=True)}


def _too_few(artist: str, n_units: int, split: str) -> str:
    return (
        f"artist {artist!r} has {n_units} {UNITS[split]}, and the {split} split needs at least "
        f"{MIN_UNITS}: one each for train, validation and test; add some, remove the artist, or "
        f"take {split!r} out of experiment.splits"
    )
