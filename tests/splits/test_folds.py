"""Folds: every unit is tested once, evenly, and every artist trains in every fold."""

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_splits import corpora

from artistid.errors import InputError
from artistid.splits.definitions import FoldsSplit
from artistid.splits.draw import draw_split
from artistid.splits.folds import artists_with_fewer_units, check_tested_once, deal
from artistid.splits.subsets import SUBSETS, TEST, TRAIN, VALIDATION


def all_folds(tracks, split, draw=1) -> dict[str, list[dict]]:
    """The rows of every fold by its cut."""
    return {cut: draw_split(tracks, split, cut) for cut in split.parts(f"draw{draw}")}


def corpus(*numbers: int) -> list[dict]:
    """Artists with so many albums of two tracks."""
    return [
        {"track_id": f"{artist}-{a}-{t}", "album_id": f"{artist}-{a}", "artist": f"artist {artist}"}
        for artist, n_albums in enumerate(numbers)
        for a in range(n_albums)
        for t in range(2)
    ]


@settings(max_examples=30, deadline=None)
@given(
    corpora(), st.sampled_from(["track", "album"]), st.integers(3, 6), st.integers(0, 99), st.data()
)
def test_every_unit_is_tested_once_and_every_artist_trains(tracks, by, folds, draw, data):
    split = FoldsSplit("f", by, folds=folds, allow_fewer=True)
    units = {track[split.unit_column] for track in tracks}
    if len(units) < folds:
        with pytest.raises(InputError, match=f"folds: {folds} folds of {len(units)} "):
            all_folds(tracks, split, draw)
        return
    cuts = all_folds(tracks, split, draw)
    tested, validated = Counter(), Counter()
    artists = {track["artist"] for track in tracks}
    for rows in cuts.values():
        assert sorted(row["track_id"] for row in rows) == sorted(t["track_id"] for t in tracks)
        subset_of = defaultdict(set)
        for row in rows:
            subset_of[row[split.unit_column]].add(row["subset"])
        assert all(len(subsets) == 1 for subsets in subset_of.values())
        assert {row["artist"] for row in rows if row["subset"] == TRAIN} == artists
        tested.update(unit for unit, subsets in subset_of.items() if subsets == {TEST})
        validated.update(unit for unit, subsets in subset_of.items() if subsets == {VALIDATION})
    assert tested == validated == Counter(units)
    check_tested_once(cuts)
    shuffled = data.draw(st.permutations(tracks))
    assert all_folds(shuffled, split, draw) == cuts


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(3, 30), min_size=1, max_size=12), st.integers(3, 10))
def test_folds_are_even_for_each_artist_and_altogether(numbers, folds):
    units_of = {
        str(artist): [f"{artist}-{u}" for u in range(n)] for artist, n in enumerate(numbers)
    }
    fold_of = deal(units_of, folds)
    for units in [*units_of.values(), list(fold_of)]:
        sizes = Counter(fold_of[unit] for unit in units)
        counts = [sizes[fold] for fold in range(1, folds + 1)]
        assert max(counts) - min(counts) <= 1
        assert sum(counts) == len(units)


def test_next_fold_validates_and_the_last_is_followed_by_the_first():
    cuts = all_folds(corpus(6, 6), FoldsSplit("f", "album", folds=6))
    of_subset = {
        (cut, subset): {row["album_id"] for row in rows if row["subset"] == subset}
        for cut, rows in cuts.items()
        for subset in SUBSETS
    }
    for fold in range(1, 7):
        following = f"draw1-fold{fold % 6 + 1}"
        assert of_subset[f"draw1-fold{fold}", VALIDATION] == of_subset[following, TEST]
        assert [len(of_subset[f"draw1-fold{fold}", subset]) for subset in SUBSETS] == [8, 2, 2]


def test_draws_differ_and_the_fold_has_to_exist():
    split = FoldsSplit("f", "album", folds=3)
    assert all_folds(corpus(6, 6), split, 1)["draw1-fold1"] != draw_split(
        corpus(6, 6), split, "draw2-fold1"
    )
    for cut in ("draw1", "draw1-fold4"):
        with pytest.raises(ValueError, match="is none of the 3 folds"):
            draw_split(corpus(6, 6), split, cut)


def test_artists_with_fewer_units_are_an_error_or_named():
    tracks = corpus(6, 4, 3)
    strict = FoldsSplit("jack", "album", folds=6)
    with pytest.raises(
        InputError, match=r"artist 'artist 1' has 4 albums, .* at least 6, one for "
    ):
        draw_split(tracks, strict, "draw1-fold1")
    lenient = FoldsSplit("jack", "album", folds=6, allow_fewer=True)
    assert len(draw_split(tracks, lenient, "draw1-fold1")) == len(tracks)
    assert artists_with_fewer_units(tracks, lenient) == (
        "2 of 3 artists have fewer albums than the jack split has folds (6), and are not tested in "
        "every fold: 'artist 1' (4), 'artist 2' (3)"
    )
    assert artists_with_fewer_units(corpus(6, 7), lenient) == ""
    with pytest.raises(
        InputError, match=r"'artist 1' has 2 albums, .* at least 3, one for each sub"
    ):
        draw_split(corpus(6, 2), lenient, "draw1-fold1")


def test_track_that_two_folds_test_is_named():
    rows = draw_split(corpus(3, 3), FoldsSplit("f", "album", folds=3), "draw1-fold1")
    with pytest.raises(InputError) as error:
        check_tested_once({"one.csv": rows, "two.csv": rows})
    first = next(row["track_id"] for row in rows if row["subset"] == TEST)
    assert str(error.value) == (
        f"two.csv: track {first!r} is tested in one.csv already (and 3 more tracks); write lists "
        "whose folds test each track once"
    )
