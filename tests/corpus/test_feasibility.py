"""Whether a corpus is sufficient for the splits, whose definitions say what each artist needs."""

import pytest

from artistid.corpus.feasibility import check_feasible, feasibility_keys
from artistid.errors import InputError

SHARES = {"train": 0.81, "validation": 0.09, "test": 0.10}
SPLITS = {
    "song": {"kind": "random", "by": "track", "shares": SHARES},
    "album": {"kind": "random", "by": "album", "albums": {"validation": 1, "test": 1}},
    "labrosa": {"kind": "random", "by": "album", "albums": {"validation": 1, "test": 2}},
    "jackknife": {"kind": "folds", "by": "album", "folds": 5, "draw": None},
    "lenient": {"kind": "folds", "by": "album", "folds": 5, "allow_fewer": True},
    "mine": {"kind": "manifest", "by": "album", "files": "mine.csv"},
}


def config(*splits: str, seconds: float = 1) -> dict:
    """A configuration with some of the splits."""
    experiment = {"splits": list(splits), "slice_seconds": [seconds], "follow_up_seconds": []}
    return {
        "splits": SPLITS,
        "experiment": experiment | {"follow_up": None, "slice_frames": {}, "seeds": [1]},
        "log_mel": {"sampling_rate": 16000, "hop_length": 512, "n_mels": 128},
    }


def tracks(*numbers: int, seconds: float = 10, per_album: int = 2) -> list[dict[str, str]]:
    """Artists ``a``, ``b``, ... with so many albums."""
    return [
        {
            "track_id": f"{artist}-{album}-{track}",
            "album_id": f"{artist}-{album}",
            "artist": artist,
            "duration": str(seconds),
            "status": "ok",
        }
        for artist, n_albums in zip("abcdefgh", numbers, strict=False)
        for album in range(n_albums)
        for track in range(per_album)
    ]


def carried(config: dict, tracks) -> str:
    return check_feasible(feasibility_keys(config), tracks)


def complaint(config: dict, tracks) -> str:
    with pytest.raises(InputError) as error:
        carried(config, tracks)
    return str(error.value).removeprefix("the corpus does not meet the experiment's requirements: ")


def test_keys_are_the_definitions_of_the_experiments_splits_alone():
    keys = feasibility_keys(config("jackknife", "song"))
    assert keys["splits"] == {
        "jackknife": {"kind": "folds", "by": "album", "folds": 5},
        "song": SPLITS["song"],
    }
    assert "seeds" not in keys["experiment"]


@pytest.mark.parametrize(
    ("split", "enough", "message"),
    [
        ("album", 3, "at least 3 albums of each artist, one for each subset, and 'b' has 2; add "),
        (
            "labrosa",
            4,
            "at least 4 albums of each artist, 1 for validation and 2 for test, and one to train "
            "on, and 'b' has 3; add ",
        ),
        (
            "jackknife",
            5,
            "at least 5 albums of each artist, one for each fold (`allow_fewer: true` lets 3 do), "
            "and 'b' has 4; add ",
        ),
        ("lenient", 3, "at least 3 albums of each artist, one for each subset, and 'b' has 2; add"),
    ],
)
def test_artist_with_too_few_units_is_named(split, enough, message):
    assert f"the corpus is sufficient for the {split} split" in carried(
        config(split), tracks(5, enough)
    )
    said = complaint(config(split), tracks(5, enough - 1))
    assert said.startswith(f"the {split} split needs {message}")


def test_artists_that_are_left_out_of_training_leave_two():
    given = config("song") | {"splits": {"song": SPLITS["song"] | {"unknown_artists": 3}}}
    assert "sufficient for the song split" in carried(given, tracks(3, 3, 3, 3, 3))
    assert complaint(given, tracks(3, 3, 3, 3)) == (
        "splits.song.unknown_artists: 3 of 4 artists are left out of training, and 2 must "
        "remain; write 2 or fewer, or add artists"
    )


def test_tracks_count_where_tracks_are_drawn():
    assert "sufficient for the song split" in carried(config("song"), tracks(3, 1, per_album=3))
    message = "the song split needs at least 3 usable tracks of each artist, one for each subset, "
    said = complaint(config("song"), tracks(3, 1, per_album=2))
    assert said.startswith(f"{message}and 'b' has 2; ")


def test_recordings_shorter_than_a_slice_do_not_count():
    short = [t | {"duration": "2.0"} if t["album_id"] == "b-0" else t for t in tracks(5, 5)]
    assert "sufficient for the jackknife split" in carried(config("jackknife"), short)
    assert complaint(config("jackknife", seconds=3), short) == (
        "experiment.slice_seconds: the jackknife split needs at least 5 albums of each artist with "
        "a recording as long as a slice of 3 s, and 'b' has 4; write a shorter length, or add some"
    )


def test_artists_with_fewer_units_than_folds_are_named_where_they_are_allowed():
    assert carried(config("album", "lenient"), tracks(5, 4, 3)).endswith(
        "; 2 of 3 artists have fewer albums than the lenient split has folds (5), and are not "
        "tested in every fold: 'b' (4), 'c' (3)"
    )
    assert "fewer" not in carried(config("album", "lenient"), tracks(5, 5))


def test_list_is_checked_when_it_is_read():
    assert "sufficient for the mine split" in carried(config("mine"), tracks(1, 1))


def test_every_split_that_cannot_be_is_named():
    said = complaint(config("album", "labrosa", "song"), tracks(2, 5))
    assert said.count("'a' has 2") == 2
    assert "song split" not in said
