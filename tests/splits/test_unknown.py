"""Artists that a random split leaves out of training."""

import pytest

from artistid.errors import InputError
from artistid.splits.definitions import definition
from artistid.splits.draw import draw_split
from artistid.splits.manifests import evaluated_subsets, read_manifest
from artistid.splits.subsets import COLUMNS
from artistid.splits.unknown import left_out
from artistid.storage.files import write_rows

SONG = {"kind": "random", "by": "track", "shares": {"train": 0.6, "validation": 0.2, "test": 0.2}}
ALBUM = {"kind": "random", "by": "album", "albums": {"validation": 1, "test": 1}}
ARTISTS = [f"artist {letter}" for letter in "abcdefghij"]
TRACKS = [
    {
        "track_id": f"{artist}-{album}-{track}",
        "album_id": f"{artist}-{album}",
        "artist": artist,
        "album": f"album {album}",
        "path": f"{artist}/{album}/{track}.mp3",
    }
    for artist in ARTISTS
    for album in range(3)
    for track in range(2)
]


def unknown_of(rows) -> dict[str, set[str]]:
    """The subsets of each artist that does not train."""
    subsets = {}
    for row in rows:
        subsets.setdefault(row["artist"], set()).add(row["subset"])
    return {artist: own for artist, own in subsets.items() if "train" not in own}


@pytest.mark.parametrize("given", [SONG, ALBUM], ids=["song", "album"])
@pytest.mark.parametrize("n_unknown", [2, 5, 8])
def test_one_half_is_in_validation_and_the_other_in_test(given, n_unknown):
    split = definition("x", given | {"unknown_artists": n_unknown})
    rows = draw_split(TRACKS, split, "draw1")
    unknown = unknown_of(rows)
    assert len(unknown) == n_unknown
    assert sum(own == {"validation"} for own in unknown.values()) == n_unknown // 2
    assert sum(own == {"test"} for own in unknown.values()) == n_unknown - n_unknown // 2
    assert len(rows) == len(TRACKS), "with all of their tracks"
    # The others are drawn as ever.
    as_ever = {row["track_id"]: row for row in draw_split(TRACKS, definition("x", given), "draw1")}
    assert all(row == as_ever[row["track_id"]] for row in rows if row["artist"] not in unknown)


def test_each_draw_leaves_out_others_and_a_new_artist_takes_one_place():
    split = definition("x", SONG | {"unknown_artists": 4})
    first, second = (left_out(ARTISTS, split, f"draw{number}") for number in (1, 2))
    assert first == left_out(ARTISTS[::-1], split, "draw1")
    assert set(first) != set(second)
    for name in ("artist k", "artist l", "artist m"):
        assert len(set(first) - set(left_out([*ARTISTS, name], split, "draw1"))) <= 1


def test_manifest_is_read_and_their_tracks_are_predicted_apart(tmp_path):
    split = definition("x", ALBUM | {"unknown_artists": 2})
    rows = draw_split(TRACKS, split, "draw1")
    write_rows(tmp_path / "x.csv", rows, COLUMNS)
    assert read_manifest(tmp_path / "x.csv", TRACKS, split.required, split.subsets) == rows
    assert evaluated_subsets(rows) == [
        *("validation", "test", "unknown_validation", "unknown_test")
    ]
    as_ever = draw_split(TRACKS, definition("x", ALBUM), "draw1")
    assert evaluated_subsets(as_ever) == ["validation", "test"]


def test_too_few_artists_are_named():
    split = definition("x", SONG | {"unknown_artists": 9})
    with pytest.raises(InputError) as error:
        draw_split(TRACKS, split, "draw1")
    assert str(error.value) == (
        "splits.x.unknown_artists: 9 of 10 artists are left out of training, and 2 must remain; "
        "write 8 or fewer, or add artists"
    )
    assert split.lack_of_artists(3).endswith("remain; leave the key out, or add artists")
