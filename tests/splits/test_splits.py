"""Splits: disjoint, stratified, and the same from any listing."""

import hashlib
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artistid.errors import InputError
from artistid.splits.definitions import definition
from artistid.splits.draw import draw_split
from artistid.splits.subsets import COLUMNS, SUBSETS, TEST, TRAIN, VALIDATION
from artistid.storage.files import write_rows

FRACTIONS = {"train": 0.81, "validation": 0.09, "test": 0.10}
SPLITS = {
    "song": definition("song", {"kind": "random", "by": "track", "shares": FRACTIONS}),
    "album": definition(
        "album", {"kind": "random", "by": "album", "albums": {"validation": 1, "test": 1}}
    ),
}


def drawn(tracks, split: str, seed: int) -> list[dict]:
    """The rows of a split as it is shipped."""
    return draw_split(tracks, SPLITS[split], SPLITS[split].cut_of_seed(seed))


@st.composite
def corpora(draw, min_albums=3):
    """Tracks of a few artists with names of any kind, at least three tracks each."""
    names = draw(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=5, unique=True))
    tracks = []
    for number, artist in enumerate(names):
        for album in range(draw(st.integers(min_albums, 7))):
            for track in range(draw(st.integers(1, 6))):
                tracks.append(
                    {
                        "track_id": f"{number}-{album}-{track}",
                        "album_id": f"{number}-{album}",
                        "artist": artist,
                        "album": f"album {album}",
                        "path": f"{artist}/{album}/{track}.mp3",
                        "duration": "10.0",
                    }
                )
    return tracks


@settings(max_examples=100, deadline=None)
@given(corpora(), st.sampled_from(["song", "album"]), st.integers(0, 2**32), st.randoms())
def test_every_split_is_sound(tracks, split, seed, shuffler):
    rows = drawn(tracks, split, seed)
    assert sorted(row["track_id"] for row in rows) == sorted(t["track_id"] for t in tracks)
    artists = {track["artist"] for track in tracks}
    for subset in SUBSETS:
        assert {row["artist"] for row in rows if row["subset"] == subset} == artists
    if split == "album":
        subsets_of = {}
        for row in rows:
            subsets_of.setdefault(row["album_id"], set()).add(row["subset"])
        assert all(len(subsets) == 1 for subsets in subsets_of.values())
        for artist in artists:
            albums = {row["album_id"]: row["subset"] for row in rows if row["artist"] == artist}
            assert list(albums.values()).count(TEST) == 1
            assert list(albums.values()).count(VALIDATION) == 1
    shuffled = list(tracks)
    shuffler.shuffle(shuffled)
    assert drawn(shuffled, split, seed) == rows


@settings(max_examples=50, deadline=None)
@given(st.integers(3, 400), st.integers(0, 1000))
def test_song_split_keeps_the_fractions_per_artist(n_tracks, seed):
    tracks = [
        {"track_id": f"{i:04d}", "album_id": "a", "artist": "x", "album": "a"}
        for i in range(n_tracks)
    ]
    rows = drawn(tracks, "song", seed)
    for subset in SUBSETS:
        share = sum(row["subset"] == subset for row in rows) / n_tracks
        assert abs(share - FRACTIONS[subset]) <= max(1 / n_tracks, 0.5 / n_tracks) + 1e-9 or (
            n_tracks < 12  # one track each comes first
        )


def album_tracks(n_albums=6, n_tracks=10, artist="x"):
    return [
        {"track_id": f"{artist}{a}{t}", "album_id": f"{artist}{a}", "artist": artist}
        for a in range(n_albums)
        for t in range(n_tracks)
    ]


def test_a_seed_means_the_same_everywhere():
    """Golden values: they change only when published manifests would."""
    rows = drawn(album_tracks(), "song", 1)
    tested = [row["track_id"] for row in rows if row["subset"] == TEST]
    assert tested == ["x01", "x04", "x15", "x16", "x39", "x45"]
    rows = drawn(album_tracks(), "album", 1)
    assert {row["album_id"] for row in rows if row["subset"] == TEST} == {"x3"}


ODD_ARTISTS = ["a", "B b", "日本語 🎵", 'it\'s "quoted"', "line\nbreak", "not utf-8 \udcff"]
# Of the manifests that version 1 drew, when a split had no definition.
DIGESTS = {
    ("song", 1): "a59249294e61a98e",
    ("song", 2): "efca891e97ab21fb",
    ("song", 3): "9711de005a21de09",
    ("song", 17): "d20aa081af462c34",
    ("song", 2**31): "432553b619fc7d7a",
    ("album", 1): "79f4433e80c014ae",
    ("album", 2): "3f5a7c7da9b4041b",
    ("album", 3): "5a68d680c1b32be7",
    ("album", 17): "9d309741c364ca06",
    ("album", 2**31): "80e1d9b9807fd527",
}


@pytest.mark.parametrize(("split", "seed"), DIGESTS)
def test_manifests_of_the_shipped_splits_are_the_same_bytes_as_ever(tmp_path, split, seed):
    tracks = [
        {
            "track_id": f"{number}-{album}-{track}",
            "album_id": f"{number}-{album}",
            "artist": artist,
            "album": f"album {album}",
            "path": f"{artist}/album {album}/{track}.mp3",
        }
        for number, artist in enumerate(ODD_ARTISTS)
        for album in range(3 + number)
        for track in range(4 + (album * number) % 5)
    ]
    write_rows(tmp_path / "m.csv", drawn(tracks, split, seed), COLUMNS)
    digest = hashlib.sha256((tmp_path / "m.csv").read_bytes()).hexdigest()
    assert digest[:16] == DIGESTS[split, seed]


def test_name_of_a_split_and_a_fixed_draw_change_no_draw():
    other = definition("other", SPLITS["album"].plain() | {"draw": 3})
    rows = draw_split(album_tracks(), other, other.cut_of_seed(1))
    assert rows == drawn(album_tracks(), "album", 3)


def test_albums_in_validation_and_test_are_as_many_as_defined():
    given = {"kind": "random", "by": "album", "albums": {"validation": 1, "test": 2}}
    split = definition("labrosa", given)
    subset_of = {
        row["album_id"]: row["subset"] for row in draw_split(album_tracks(), split, "draw1")
    }
    counts = [list(subset_of.values()).count(subset) for subset in SUBSETS]
    assert counts == [3, 1, 2]
    message = "'x' has 3 albums, .* at least 4, 1 for validation and 2 for test, and one to train"
    with pytest.raises(InputError, match=message):
        draw_split(album_tracks(3), split, "draw1")


def test_seeds_draw_anew():
    subsets = {
        tuple(row["subset"] for row in drawn(album_tracks(), "song", seed)) for seed in range(20)
    }
    assert len(subsets) == 20
    tests = [
        next(r["album_id"] for r in drawn(album_tracks(), "album", s) if r["subset"] == TEST)
        for s in range(300)
    ]
    counts = np.unique(tests, return_counts=True)[1]
    assert len(counts) == 6
    assert counts.min() > 25  # every album is drawn about as often: 50 expected


def test_a_new_track_of_one_artist_moves_no_other():
    tracks = album_tracks(artist="x") + album_tracks(artist="y")
    more = [*tracks, {"track_id": "x99", "album_id": "x9", "artist": "x"}]
    before = {r["track_id"]: r["subset"] for r in drawn(tracks, "song", 3)}
    after = {r["track_id"]: r["subset"] for r in drawn(more, "song", 3)}
    others = [track_id for track_id in before if track_id.startswith("y")]
    assert [after[track_id] for track_id in others] == [before[track_id] for track_id in others]


def test_global_random_state_is_left_alone():
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    drawn(album_tracks(), "song", 1)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


@pytest.mark.parametrize(
    ("split", "n_albums", "n_tracks"), [("album", 2, 9), ("song", 1, 2), ("song", 2, 1)]
)
def test_too_few_names_the_artist(split, n_albums, n_tracks):
    tracks = album_tracks(artist="enough") + album_tracks(n_albums, n_tracks, artist="few")
    with pytest.raises(InputError, match="artist 'few' has 2"):
        drawn(tracks, split, 1)


def test_three_units_are_one_each():
    rows = drawn(album_tracks(1, 3), "song", 1)
    assert sorted(row["subset"] for row in rows) == sorted([TRAIN, VALIDATION, TEST])
