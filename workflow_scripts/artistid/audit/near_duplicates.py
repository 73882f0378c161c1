"""Find near-duplicate recordings: encoded again, trimmed, or changed in level.

Haitsma & Kalker, "A highly robust audio fingerprinting system", ISMIR 2002, on the fingerprints of
`artistid.audit.fingerprints`: frames of equal words say where two recordings may be the same; the
share of bits that differ over the whole overlap decides. Other than in the paper, a bit counts only
where it is clear in both recordings, and the worst quarter of the overlap decides, so that two
songs which share an accompaniment, or a part, are two songs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.audit.fingerprints import (
    MIN_CLEAR,
    N_BITS,
    Fingerprints,
    count_bits,
    evidence_of,
    is_evidence,
)

COLUMNS = ("track_a", "track_b", "lag_s", "overlap_s", "score")
SILENT_COLUMNS = ("track_id", "sound_s")

MIN_SECONDS = 0.5  # of evidence, below which nothing is said
MIN_OVERLAP = 2 / 3  # of the shorter recording
# Bits that differ: the highest score of the same recording, for an endless overlap, and what is
# taken off for a short one, per 1 / square root of its seconds.
HIGHEST_SCORE, SHORTNESS = 0.30, 0.18
# The search for candidates. It looks at a few frames, and is generous where `compare` is strict.
MIN_CLEAR_BITS = 20  # of a frame whose word is looked up, where there are such frames
MAX_MATCHES = 10_000_000  # pairs of frames of equal words: bounds the time
MAX_NEIGHBOURS = 64  # occurrences of a word that each of its occurrences is compared with
MAX_LAGS = 8  # of two recordings
AROUND, AROUND_SCORE = 8, 0.35  # frames compared around two equal words; bits that may differ
ALONG, ALONG_SCORE = 64, 0.40  # frames compared along the overlap; bits that may differ
LAG_BITS = 26  # of a key: 33 million frames, 12 days
CHUNK = 1 << 16  # pairs of frames, and of recordings, compared at once


@dataclass(frozen=True)
class NearDuplicate:
    """Two recordings that are the same one.

    Attributes:
        a: position of the first recording.
        b: position of the second.
        lag: how many frames later the same sound comes in the first.
        overlap: frames that they share.
        score: share of bits that differ in the worst quarter of the overlap: 0 is the same, 0.5
            is chance.
    """

    a: int
    b: int
    lag: int
    overlap: int
    score: float


def find_near_duplicates(prints: Fingerprints) -> list[NearDuplicate]:
    """Return every pair of recordings that are the same one, each once, sorted by position.

    Two recordings that overlap by less than two thirds of the shorter are not compared.
    """
    found: dict[tuple[int, int], NearDuplicate] = {}
    for a, b, lag in _candidates(prints).tolist():
        best = min((compare(prints, a, b, lag + nudge) for nudge in (-1, 0, 1)), key=_score)
        if _is_same(best, prints) and best.score <= found.get((a, b), best).score:
            found[a, b] = best
    return [found[pair] for pair in sorted(found)]


def pair_rows(
    pairs: Iterable[NearDuplicate], ids: Sequence[str], prints: Fingerprints
) -> list[dict[str, Any]]:
    """Return the rows of COLUMNS, sorted; the first track of a pair has the lower id.

    Args:
        pairs: by position.
        ids: the recordings' track ids, by position.
        prints: their fingerprints.
    """
    per_second = prints.maker.frames_per_second
    rows = []
    for pair in pairs:
        a, b, lag = ids[pair.a], ids[pair.b], pair.lag
        if a > b:
            a, b, lag = b, a, -lag
        row = {"track_a": a, "track_b": b, "lag_s": round(lag / per_second, 3)}
        row |= {"overlap_s": round(pair.overlap / per_second, 3), "score": round(pair.score, 4)}
        rows.append(row)
    return sorted(rows, key=lambda row: (row["track_a"], row["track_b"]))


def silent_rows(ids: Sequence[str], prints: Fingerprints) -> list[dict[str, Any]]:
    """Return rows of SILENT_COLUMNS: recordings with too little sound to be compared, sorted."""
    return [
        {"track_id": track_id, "sound_s": round(float(sound), 3)}
        for track_id, sound in sorted(zip(ids, prints.seconds_of_sound(), strict=True))
        if sound < MIN_SECONDS
    ]


def _score(pair: NearDuplicate) -> float:
    return pair.score


def highest_score(seconds: float) -> float:
    """Return the score up to which two recordings are the same, given their seconds of overlap.

    It falls for short overlaps, where chance scores spread: as 1 / square root of the seconds.
    """
    return HIGHEST_SCORE - SHORTNESS / max(seconds, MIN_SECONDS) ** 0.5


def _is_same(pair: NearDuplicate, prints: Fingerprints) -> bool:
    return pair.score <= highest_score(pair.overlap / prints.maker.frames_per_second)


def compare(prints: Fingerprints, a: int, b: int, lag: int) -> NearDuplicate:
    """Compare two recordings at a lag over their whole overlap.

    The overlap counts the stretches that are evidence. With less than half a second of them, or
    with less than two thirds of the shorter recording overlapping, the score is 1.
    """
    lengths = prints.lengths
    start_a, start_b = max(0, lag), max(0, -lag)
    length = int(min(lengths[a] - start_a, lengths[b] - start_b))
    if length < MIN_OVERLAP * min(lengths[a], lengths[b]) or length <= 0:
        return NearDuplicate(a, b, lag, 0, 1.0)
    first_a = int(prints.starts[a]) + start_a
    first_b = int(prints.starts[b]) + start_b
    own = slice(first_a, first_a + length)
    other = slice(first_b, first_b + length)
    clear = prints.clear[own] & prints.clear[other]
    differ = (prints.bits[own] ^ prints.bits[other]) & clear
    n_clear, n_frames = evidence_of(counts := count_bits(clear, prints.maker.block))
    evidence = int(n_frames.sum())
    if evidence < MIN_SECONDS * prints.maker.frames_per_second:
        return NearDuplicate(a, b, lag, evidence, 1.0)
    n_differ, _ = count_bits(differ, prints.maker.block)
    shares = np.sort(n_differ[is_evidence(counts)] / n_clear)
    worst = shares[-max(1, len(shares) // 4) :]
    return NearDuplicate(a, b, lag, evidence, float(worst.mean()))


def _candidates(prints: Fingerprints) -> NDArray[np.int64]:
    """Return rows (a, b, lag) at which recordings may be the same, a < b, shape (rows, 3)."""
    keys = [np.zeros(0, np.int64)]
    for left, right in _equal_words(prints):
        for start in range(0, len(left), CHUNK):
            chunk = slice(start, start + CHUNK)
            keys.append(_alike_around(prints, left[chunk], right[chunk]))
    found, counts = np.unique(np.concatenate(keys), return_counts=True)
    pairs = found >> LAG_BITS
    # Of each pair, the lags that most frames speak for.
    order = np.lexsort((-counts, pairs))
    _, first, sizes = np.unique(pairs[order], return_index=True, return_counts=True)
    rank = np.arange(len(order)) - np.repeat(first, sizes)
    kept = found[np.sort(order[rank < MAX_LAGS])]
    a, b = np.divmod(kept >> LAG_BITS, max(1, len(prints.ends)))
    lag = (kept & ((1 << LAG_BITS) - 1)) - (1 << (LAG_BITS - 1))
    candidates = np.stack([a, b, lag], axis=1)
    chunks = [candidates[start : start + CHUNK] for start in range(0, len(candidates), CHUNK)]
    return np.concatenate([candidates[:0]] + [chunk[_alike(prints, *chunk.T)] for chunk in chunks])


def _equal_words(
    prints: Fingerprints,
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield pairs of frames of equal words: the frames of the first, and of the second.

    A word is as many of the highest bits as make no more than MAX_MATCHES pairs: a small corpus can
    afford short words, which noise leaves whole more often. A word is compared with its next
    occurrences, MAX_NEIGHBOURS at most.
    """
    frames = _frames_to_look_up(prints)
    keys = prints.bits[frames].astype(np.uint64) << np.uint64(32) | frames.astype(np.uint64)
    keys.sort()
    words = (keys >> np.uint64(32)).astype(np.uint32)
    frames = (keys & np.uint64(0xFFFFFFFF)).astype(np.int64)
    del keys
    n_bits = next((n for n in range(12, N_BITS) if _n_pairs(words, n) <= MAX_MATCHES), N_BITS)
    words >>= np.uint32(N_BITS - n_bits)
    left, n_left = np.arange(len(frames)), MAX_MATCHES
    for distance in range(1, MAX_NEIGHBOURS + 1):
        left = left[: np.searchsorted(left, len(frames) - distance)]
        left = left[words[left] == words[left + distance]]
        n_left -= len(left)
        if n_left < 0 and distance > 1:
            return
        yield frames[left], frames[left + distance]


def _frames_to_look_up(prints: Fingerprints) -> NDArray[np.int64]:
    """Return the frames with many clear bits; of a recording with few, the better half."""
    n_clear = np.bitwise_count(prints.clear)
    least = np.zeros(len(n_clear), np.uint8)
    for start, end in zip(prints.starts, prints.ends, strict=True):
        own = n_clear[start:end]
        own = own[own >= MIN_CLEAR * N_BITS]
        least[start:end] = min(MIN_CLEAR_BITS, np.median(own)) if len(own) else N_BITS + 1
    return np.flatnonzero(n_clear >= least)


def _n_pairs(words: NDArray[np.uint32], n_bits: int) -> int:
    """Return how many pairs of neighbours are equal in their highest bits, given sorted words."""
    ends = np.flatnonzero(np.diff(words >> np.uint32(N_BITS - n_bits), append=0)) + 1
    sizes = np.diff(ends, prepend=0, append=len(words))
    neighbours = np.minimum(sizes - 1, MAX_NEIGHBOURS)
    return int((sizes * neighbours - neighbours * (neighbours + 1) // 2)[sizes > 0].sum())


def _alike_around(
    prints: Fingerprints, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return keys of (a, b, lag) for the pairs of frames around which two recordings are alike."""
    a, b = (np.searchsorted(prints.ends, frames, "right") for frames in (left, right))
    before = np.minimum(left - prints.starts[a], right - prints.starts[b])
    after = np.minimum(prints.ends[a] - left, prints.ends[b] - right)
    enough = before + after >= MIN_OVERLAP * np.minimum(prints.lengths[a], prints.lengths[b])
    kept = np.flatnonzero((a != b) & enough)
    left, right, a, b, before, after = (x[kept] for x in (left, right, a, b, before, after))
    # A stretch around the two frames, within both recordings.
    size = np.minimum(prints.maker.block, before + after)
    first = np.clip(-(size // 2), -before, after - size)
    shifts = first[:, None] + (np.arange(AROUND) + 0.5) / AROUND * size[:, None]
    shifts = np.floor(shifts).astype(np.int64)
    alike = _sampled_score(prints, left[:, None] + shifts, right[:, None] + shifts) <= AROUND_SCORE
    lag = (left - prints.starts[a]) - (right - prints.starts[b])
    swapped = a > b
    pair = np.where(swapped, b, a) * len(prints.ends) + np.where(swapped, a, b)
    keys = (pair << LAG_BITS) | (np.where(swapped, -lag, lag) + (1 << (LAG_BITS - 1)))
    return keys[alike]


def _alike(
    prints: Fingerprints, a: NDArray[np.int64], b: NDArray[np.int64], lag: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Return whether samples of the whole overlap at a lag are alike."""
    start_a, start_b = np.maximum(0, lag), np.maximum(0, -lag)
    length = np.minimum(prints.lengths[a] - start_a, prints.lengths[b] - start_b)
    shifts = ((np.arange(ALONG) + 0.5) / ALONG * length[:, None]).astype(np.int64)
    left = (prints.starts[a] + start_a)[:, None] + shifts
    right = (prints.starts[b] + start_b)[:, None] + shifts
    return _sampled_score(prints, left, right) <= ALONG_SCORE


def _sampled_score(
    prints: Fingerprints, left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the share of clear bits that differ, over the frames of each row; none clear is 1."""
    clear = prints.clear[left] & prints.clear[right]
    differ = (prints.bits[left] ^ prints.bits[right]) & clear
    n_clear = np.bitwise_count(clear).sum(axis=1, dtype=np.int64)
    n_differ = np.bitwise_count(differ).sum(axis=1, dtype=np.int64)
    return np.where(n_clear > 0, n_differ / np.maximum(n_clear, 1), 1.0)
