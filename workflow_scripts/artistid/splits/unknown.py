"""Artists that a random split leaves out of training, and that its models do not know.

The threshold below which an answer is "unknown" is chosen on validation and evaluated on the test
set. So the two have different unknown artists.
"""

import hashlib
from collections.abc import Collection

import numpy as np

from artistid.errors import InputError
from artistid.splits.definitions import RandomSplit
from artistid.splits.subsets import TEST, VALIDATION


def left_out(artists: Collection[str], split: RandomSplit, cut: str) -> dict[str, str]:
    """Return the artists that a cut leaves out of training, each with the subset of its tracks.

    Each artist draws its own number, so adding an artist to the corpus replaces at most one.

    Args:
        artists: of the corpus.
        split: the definition.
        cut: of the split.

    Raises:
        InputError: fewer than two artists would remain.
    """
    if problem := split.lack_of_artists(len(artists)):
        raise InputError(problem)
    draw, n_unknown = split.draw_number(cut), split.unknown_artists

    def number(artist: str) -> float:
        return generator_of_artist("unknown", draw, artist).random()

    drawn = sorted(sorted(artists), key=number)[:n_unknown]
    half = n_unknown // 2  # if the number is odd, the test set has one more
    return dict.fromkeys(drawn[:half], VALIDATION) | dict.fromkeys(drawn[half:], TEST)


def generator_of_artist(word: str, draw: int, artist: str) -> np.random.Generator:
    """Return an artist's own generator, the same on every machine.

    Args:
        word: what is drawn.
        draw: number of the draw.
        artist: its name.
    """
    key = f"{word}\0{draw}\0{artist}".encode(errors="surrogateescape")
    return np.random.default_rng(int.from_bytes(hashlib.sha256(key).digest()))
