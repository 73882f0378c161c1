"""Definitions of splits: what they answer, and what is wrong with one."""

import subprocess
import sys

import pytest

from artistid.errors import InputError
from artistid.splits.definitions import definition, definitions

SHARES = {"train": 0.81, "validation": 0.09, "test": 0.10}
SONG = {"kind": "random", "by": "track", "shares": SHARES}
ALBUM = {"kind": "random", "by": "album", "albums": {"validation": 1, "test": 1}}
LABROSA = {"kind": "random", "by": "album", "albums": {"validation": 1, "test": 2}, "draw": 1}
JACKKNIFE = {"kind": "folds", "by": "album", "folds": 6}
MINE = {"kind": "manifest", "by": "album", "files": "lists/mine.csv"}
PER_SUBSET = {"train": "a.list", "validation": "b.json", "test": "c.list"}
ALL = [SONG, ALBUM, LABROSA, JACKKNIFE, MINE]


def test_who_asks_for_units_gets_those_of_the_definition():
    song, album = definition("album", SONG), definition("song", ALBUM)  # names say nothing
    assert (song.keeps_albums, song.unit_column, song.min_units) == (False, "track_id", 3)
    assert (album.keeps_albums, album.unit_column, album.min_units) == (True, "album_id", 3)
    assert definition("x", LABROSA).min_units == 4
    assert definition("x", JACKKNIFE).min_units == 6
    assert definition("x", JACKKNIFE | {"allow_fewer": True}).min_units == 3
    assert definition("x", MINE).min_units == 0


def test_seeds_draw_anew_unless_the_draw_is_fixed():
    song, labrosa = definition("song", SONG), definition("labrosa", LABROSA)
    assert [song.cut_of_seed(seed) for seed in (0, 3)] == ["draw0", "draw3"]
    assert [labrosa.cut_of_seed(seed) for seed in (2, 3)] == ["draw1", "draw1"]
    assert song.varies([1, 2]) and not song.varies([1])
    assert not labrosa.varies([1, 2])
    assert song.parts("draw3") == ["draw3"]
    assert (song.draw_number("draw3"), song.fold_number("draw3")) == (3, None)


def test_folds_are_the_parts_of_the_cut_that_is_scored():
    folds = definition("jackknife", JACKKNIFE)
    assert folds.n_folds == 6
    assert folds.cut_of_seed(2) == "draw2"
    assert folds.parts("draw2") == [f"draw2-fold{fold}" for fold in range(1, 7)]
    assert (folds.draw_number("draw2-fold5"), folds.fold_number("draw2-fold5")) == (2, 5)
    lists = definition("mine", MINE | {"files": [PER_SUBSET, "b.csv"]})
    assert (lists.n_folds, lists.cut_of_seed(7)) == (2, "list")
    assert lists.parts("list") == ["list-fold1", "list-fold2"]
    assert (lists.draw_number("list-fold2"), lists.fold_number("list-fold2")) == (0, 2)
    with pytest.raises(ValueError, match="is not a cut"):
        lists.fold_number("seed1")


def test_list_has_one_cut_whatever_the_seed():
    mine = definition("mine", MINE)
    assert not mine.draws and definition("song", SONG).draws
    assert (mine.cut_of_seed(4), mine.parts("list"), mine.n_folds) == ("list", ["list"], 0)
    assert not mine.varies([1, 2, 3])


def test_required_subsets_follow_the_kind():
    everything = ("train", "validation", "test")
    assert definition("x", SONG).required == definition("x", JACKKNIFE).required == everything
    assert definition("x", JACKKNIFE | {"allow_fewer": True}).required == ("train",)
    assert definition("x", MINE).required == ("train",)
    open_set = definition("x", MINE | {"unknown_artists": True})
    assert (open_set.required, open_set.may_have_unknown_artists) == ((), True)
    drawn = definition("x", ALBUM | {"unknown_artists": 2})
    assert (drawn.required, drawn.may_have_unknown_artists) == ((), True)
    assert not definition("x", ALBUM).may_have_unknown_artists
    unlabelled = definition("x", MINE | {"subsets": ["validation", "train"]})
    assert unlabelled.subsets == ("train", "validation")


@pytest.mark.parametrize("given", ALL)
def test_plain_definition_is_one_again(given):
    split = definition("one", given)
    assert definition("one", split.plain()) == split
    assert definition("other", given).plain() == split.plain()
    assert hash(split) == hash(definition("one", given))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SONG, SONG | {"shares": dict(reversed(SHARES.items())), "draw": None, "albums": None}),
        (JACKKNIFE, JACKKNIFE | {"allow_fewer": False, "albums": None}),
        (MINE, MINE | {"subsets": ["test", "validation", "train"], "unknown_artists": False}),
        (MINE | {"files": PER_SUBSET}, MINE | {"files": dict(reversed(PER_SUBSET.items()))}),
    ],
)
def test_two_spellings_of_a_definition_are_equal(one, other):
    assert definition("x", one).plain() == definition("x", other).plain()


def test_different_definitions_differ():
    plain = [repr(definition("x", given).plain()) for given in ALL]
    assert len(set(plain)) == len(ALL)
    assert definition("x", ALBUM).plain() != definition("x", ALBUM | {"draw": 1}).plain()


FOREIGN = (
    "does not apply to a folds split; if it comes from config.yaml, which Snakemake merges key by "
    "key, write `albums: null` or rename your split"
)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "splits.x: is []; write a mapping"),
        ({"by": "track"}, "splits.x.kind: is missing; write random or folds or manifest"),
        (SONG | {"kind": None}, "splits.x.kind: is missing"),
        (SONG | {"kind": "kfold"}, "splits.x.kind: is 'kfold'; write random or folds or manifest"),
        (SONG | {"kind": ["random"]}, "splits.x.kind: is ['random']; write"),
        (SONG | {"by": "song"}, "splits.x.by: is 'song'; write track or album"),
        ({"kind": "random", "by": "track"}, "splits.x.shares: is missing; write a mapping of"),
        (ALBUM | JACKKNIFE, f"splits.x.albums: {FOREIGN}"),
        (SONG | {"albums": {}}, "splits.x.albums: does not apply to a random split by track; "),
        (
            ALBUM | {"shares": SHARES},
            "splits.x.shares: does not apply to a random split by album; ",
        ),
        (MINE | {"draw": 1}, "splits.x.draw: does not apply to a manifest split; "),
        (SONG | {"fold": 3}, "splits.x.fold: does not apply to a random split by track; "),
        (
            SONG | {"shares": SHARES | {"train": 0.89}},
            "splits.x.shares: sum to 1.08; write shares that sum to 1",
        ),
        (SONG | {"shares": {"train": 0.9, "test": 0.1}}, "splits.x.shares.validation: is missing"),
        (SONG | {"shares": SHARES | {"dev": 0.1}}, "splits.x.shares.dev: is not allowed here; "),
        (
            SONG | {"shares": SHARES | {"test": "10%"}},
            "splits.x.shares.test: is '10%'; write a share between 0 and 1",
        ),
        (SONG | {"shares": SHARES | {"test": float("nan")}}, "splits.x.shares.test: is nan; "),
        (SONG | {"shares": [0.8, 0.1, 0.1]}, "splits.x.shares: is [0.8, 0.1, 0.1]; write a mapp"),
        (ALBUM | {"albums": {"validation": 0, "test": 1}}, "splits.x.albums.validation: is 0; "),
        (ALBUM | {"albums": {"validation": 1, "test": True}}, "splits.x.albums.test: is True; "),
        (
            ALBUM | {"albums": {"train": 4, "test": 1}},
            "splits.x.albums.train: is not allowed here;",
        ),
        (ALBUM | {"draw": -1}, "splits.x.draw: is -1; write a whole number, 0 or more"),
        (SONG | {"unknown_artists": 1}, "splits.x.unknown_artists: is 1; write a whole number, 2 "),
        (SONG | {"unknown_artists": True}, "splits.x.unknown_artists: is True; write a whole num"),
        (
            JACKKNIFE | {"unknown_artists": 2},
            "splits.x.unknown_artists: does not apply to a folds split; if it comes from config.",
        ),
        (JACKKNIFE | {"folds": 2}, "splits.x.folds: is 2; write a whole number, 3 or more"),
        (JACKKNIFE | {"folds": None}, "splits.x.folds: is missing; write how many, 3 or more"),
        (JACKKNIFE | {"allow_fewer": "yes"}, "splits.x.allow_fewer: is 'yes'; write true or false"),
        (MINE | {"files": None}, "splits.x.files: is missing; write the path of a CSV file, "),
        (MINE | {"files": []}, "splits.x.files: is an empty list; write the path of a CSV file, "),
        (MINE | {"files": "a.list"}, "splits.x.files: 'a.list' does not end in .csv, so it does"),
        (MINE | {"files": [3]}, "splits.x.files[1]: is 3; write a mapping of train and "),
        (MINE | {"files": {"train": "a.list"}}, "splits.x.files.validation: is missing; write"),
        (
            MINE | {"files": PER_SUBSET | {"test": "c.csv"}},
            "splits.x.files.test: 'c.csv' is a CSV file, which says the subset in a column; write",
        ),
        (MINE | {"files": PER_SUBSET | {"test": 3}}, "splits.x.files.test: is 3; write the path"),
        (
            MINE | {"subsets": ["train"]},
            "splits.x.subsets: is ['train']; write [train, validation, test] or [train, validation",
        ),
        (MINE | {"subsets": ["train", "validation", "dev"]}, "splits.x.subsets: is ['train', "),
        (MINE | {"subsets": 3}, "splits.x.subsets: is 3; "),
        (MINE | {"files": ["a.csv"], "unknown_artists": True}, "splits.x.unknown_artists: is not "),
    ],
)
def test_mistake_is_named_with_its_key_in_one_line(given, message):
    with pytest.raises(InputError) as error:
        definition("x", given)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["", "../x", "a b", "-x", "x\n"])
def test_name_that_is_no_folder_is_refused(name):
    with pytest.raises(InputError, match=r"^splits: .* is not a valid name of a split"):
        definition(name, SONG)


def test_splits_of_the_experiment_are_read_in_its_order():
    config = {"splits": {"song": SONG, "album": ALBUM}, "experiment": {"splits": ["album", "song"]}}
    assert list(definitions(config)) == ["album", "song"]
    config["experiment"]["splits"] = ["albun"]
    with pytest.raises(InputError, match=r"experiment\.splits: 'albun' is not defined; .*song, al"):
        definitions(config)


def test_planning_loads_nothing_heavy():
    code = "import artistid.splits.definitions, sys; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
