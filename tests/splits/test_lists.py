"""Lists of one's own: what is found in the corpus, and each mistake in one line."""

import json
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artistid.errors import InputError
from artistid.splits.definitions import ManifestSplit, definition
from artistid.splits.lists import describe_left_out, list_files, rows_of_list
from artistid.splits.manifests import read_manifest
from artistid.splits.names import normalised
from artistid.splits.subsets import COLUMNS, SUBSETS
from artistid.storage.files import write_rows


def track(artist: str, album: str, name: str) -> dict[str, str]:
    """A usable track of the corpus."""
    return {
        "track_id": f"{artist}-{album}-{name}".lower().replace(" ", "+"),
        "album_id": f"{artist}-{album}".lower(),
        "artist": artist,
        "album": album,
        "path": f"{artist}/{album}/{name}",
    }


TRACKS = [
    track(artist, album, f"0{number}-Song_{number}.mp3")
    for artist in ("aerosmith", "Björk")
    for album in ("First", "Second", "Third")
    for number in (1, 2)
]
SUBSET_OF = {"First": "train", "Second": "validation", "Third": "test"}
ROWS = [own | {"subset": SUBSET_OF[own["album"]]} for own in TRACKS]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def mine(files, **keys) -> ManifestSplit:
    split = definition("mine", {"kind": "manifest", "by": "album", "files": files} | keys)
    assert isinstance(split, ManifestSplit)
    return split


def write(path, text: str) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")


def lists(here, change=lambda path: path.rpartition(".")[0], **edited: str) -> ManifestSplit:
    """A split by a .list file for each subset; `edited` replaces the text of one."""
    for subset in SUBSETS:
        paths = [change(row["path"]) for row in ROWS if row["subset"] == subset]
        write(here / f"{subset}.list", edited.get(subset, "\n".join(paths) + "\n"))
    return mine({subset: f"{subset}.list" for subset in SUBSETS})


def table(here, rows, columns=COLUMNS) -> ManifestSplit:
    write_rows(here / "mine.csv", [{c: row[c] for c in columns} for row in rows], columns)
    return mine("mine.csv")


def complaint(split: ManifestSplit, cut: str = "list", tracks=TRACKS) -> str:
    """What stops the reader, in one line."""
    with pytest.raises(InputError) as error:
        rows_of_list(split, cut, tracks)
    message = str(error.value)
    assert "\n" not in message
    return message


def sound(split: ManifestSplit, cut: str = "list") -> bool:
    """Whether a list is read as the rows that it was made of."""
    rows, left_out = rows_of_list(split, cut, TRACKS[::-1])
    assert rows == sorted(ROWS, key=lambda row: row["track_id"])
    return left_out == []


# What is read


@pytest.mark.parametrize(
    "columns",
    [
        COLUMNS,
        ("subset", "track_id"),
        ("path", "subset"),
        ("artist", "album", "track", "subset"),
        ("artist", "path", "subset"),
    ],
)
def test_csv_with_any_columns_that_name_the_track(here, columns):
    rows = [row | {"track": row["path"].split("/")[2]} for row in ROWS]
    assert sound(table(here, rows, columns))


def test_manifest_of_the_workflow_is_a_list_and_the_other_way_round(here):
    split = table(here, ROWS)
    rows, _ = rows_of_list(split, "list", TRACKS)
    write_rows(here / "read.csv", rows, COLUMNS)
    assert read_manifest(here / "read.csv", TRACKS, split.required, split.subsets) == rows


def test_labrosa_lists_without_endings_and_with_empty_lines(here):
    assert sound(lists(here))
    train = "\ufeff\r\n" + "\r\n\r\n".join(
        row["path"].removesuffix(".mp3") for row in ROWS if row["subset"] == "train"
    )
    assert sound(lists(here, train=train))
    assert (here / "train.list").read_bytes().decode() == train  # only read


@pytest.mark.parametrize(
    "change",
    [
        str.upper,
        lambda path: path.replace("_", " ").replace(".mp3", ".wav"),
        lambda path: unicodedata.normalize("NFD", path),
        lambda path: f"./mp3s-32k/{path}  ",
    ],
)
def test_names_in_another_spelling(here, change):
    assert sound(lists(here, change))


@pytest.mark.parametrize("indent", [None, 2])
def test_json_lists_with_folders_above_the_corpus(here, indent):
    for subset in SUBSETS:
        paths = [f"./train_val/{row['path']}" for row in ROWS if row["subset"] == subset]
        write(here / f"{subset}.json", json.dumps(paths, indent=indent))
    assert sound(mine({subset: f"{subset}.json" for subset in SUBSETS}))


def test_folds_are_read_from_lists_of_their_own(here):
    one = lists(here)
    swapped = {"train": "train.list", "validation": "test.list", "test": "validation.list"}
    split = mine([dict(one.files_of("list")), swapped])
    assert sound(split, "list-fold1")
    rows, _ = rows_of_list(split, "list-fold2", TRACKS)
    assert {row["album"] for row in rows if row["subset"] == "test"} == {"Second"}
    assert list_files(split, "list-fold2") == ["train.list", "test.list", "validation.list"]


def test_home_folder_is_found(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert list_files(mine("~/mine.csv"), "list") == ["/home/somebody/mine.csv"]


def test_exact_name_comes_before_another_spelling(here):
    twins = [*TRACKS, track("aerosmith", "First", "01-song 1.mp3")]
    rows, left_out = rows_of_list(lists(here, lambda path: path), "list", twins)
    assert len(rows) == len(TRACKS)
    assert [t["path"] for t in left_out] == ["aerosmith/First/01-song 1.mp3"]


def test_dots_in_titles_are_no_endings(here):
    tracks = [*TRACKS, track("aerosmith", "First", "03-Mr.mp3")]
    split = lists(here, train="aerosmith/First/03-Mr._Jones\nBjörk/First/01-Song_1\n")
    assert "03-Mr._Jones') is not a usable" not in complaint(split, tracks=tracks)
    assert "('aerosmith/First/03-Mr._Jones'): is not a usable" in complaint(split, tracks=tracks)


def test_what_a_list_leaves_out_is_counted_and_named(here):
    split = table(here, ROWS[1:])
    rows, left_out = rows_of_list(split, "list", TRACKS)
    assert len(rows) == len(TRACKS) - 1
    assert describe_left_out(left_out) == (
        "left out by the list: 1 usable track of 1 artist: 'aerosmith/First/01-Song_1.mp3'"
    )
    assert describe_left_out(TRACKS).endswith(".mp3' and 7 more")
    assert "12 usable tracks of 2 artists: " in describe_left_out(TRACKS)
    assert describe_left_out([]) == "the list names every usable track"


def test_subset_may_be_absent(here):
    split = mine(
        {"train": "train.list", "validation": "test.list"}, subsets=["train", "validation"]
    )
    lists(here)
    rows, left_out = rows_of_list(split, "list", TRACKS)
    assert {row["subset"] for row in rows} == {"train", "validation"}
    assert {track["album"] for track in left_out} == {"Second"}


def test_artists_may_be_unknown_to_training_where_the_definition_says_so(here):
    lists(here, train="aerosmith/First/01-Song_1\n")
    files = {subset: f"{subset}.list" for subset in SUBSETS}
    rows, _ = rows_of_list(mine(files, unknown_artists=True), "list", TRACKS)
    assert {row["artist"] for row in rows if row["subset"] == "train"} == {"aerosmith"}
    assert {row["artist"] for row in rows if row["subset"] == "test"} == {"aerosmith", "Björk"}
    lists(here, train="aerosmith/First/01-Song_1\n", validation="Björk/Second/01-Song_1\n")
    assert complaint(mine(files, unknown_artists=True)) == (
        "train.list: has no validation track by an artist that is trained on; assign some to it"
    )


# What is refused


def test_name_that_is_not_in_the_corpus(here):
    split = lists(here, test="\n\nsting/Ten/01-x\nBjörk/Fourth/01-x\nBjörk/Third/01-x\n01-x\n")
    assert complaint(split) == (
        "test.list: line 3 ('sting/Ten/01-x'): is not a usable track of the corpus, which has no "
        "artist 'sting'; write its path in the corpus, or delete the line; "
        "line 4 ('Björk/Fourth/01-x'): is not a usable track of the corpus, whose artist 'Björk' "
        "has no album 'Fourth'; write its path in the corpus, or delete the line; "
        "line 5 ('Björk/Third/01-x'): is not a usable track of the corpus; write its path in the "
        "corpus, or delete the line (corpus/tracks.csv says why a recording cannot be used); "
        "line 6 ('01-x'): is not a path in the corpus; write <artist>/<album>/<track>"
    )


def test_track_that_stands_twice(here):
    split = lists(here, test="Björk/Third/01-Song_1\nbjörk/third/01 song 1.mp3\n")
    assert complaint(split) == (
        "test.list: line 2 ('björk/third/01 song 1.mp3'): is not a usable track of the corpus; "
        "write its path in the corpus, or delete the line (corpus/tracks.csv says why a recording "
        "cannot be used)"
    )
    split = lists(here, test="Björk/Third/01-Song_1\nbjörk/third/01-song 1.mp3\n")
    assert complaint(split) == (
        "test.list: line 2 ('björk/third/01-song 1.mp3'): the track is in line 1 already; delete "
        "one of them"
    )


def test_track_in_two_subsets(here):
    split = lists(here, test="Björk/Third/01-Song_1\nBjörk/First/02-Song_2\n")
    assert complaint(split) == (
        "test.list: line 2 ('Björk/First/02-Song_2'): the track is in train already (train.list, "
        "line 4); delete one of them"
    )
    assert complaint(table(here, [*ROWS, ROWS[0] | {"subset": "test"}])) == (
        "mine.csv: line 14 ('aerosmith/First/01-Song_1.mp3'): the track is in train already (line "
        "2); delete one of them"
    )


def test_artist_without_training(here):
    split = lists(here, train="aerosmith/First/01-Song_1\n")
    assert complaint(split) == (
        "validation.list: line 3 ('Björk/Second/01-Song_1'): artist 'Björk' has no train track; "
        "add some, or remove the artist from the corpus, or write splits.mine.unknown_artists: true"
    )
    assert complaint(table(here, ROWS[:6])) == (
        "mine.csv: artist 'Björk' of the corpus has no train track, nor any other; add some, or "
        "remove the artist from the corpus, or write splits.mine.unknown_artists: true"
    )


def test_unknown_subset(here):
    assert complaint(table(here, [ROWS[0] | {"subset": "Valid"}, *ROWS[1:]])) == (
        "mine.csv: line 2 ('aerosmith/First/01-Song_1.mp3'): 'Valid' is not a subset; write "
        "validation"
    )
    table(here, ROWS)
    assert complaint(mine("mine.csv", subsets=["train", "validation"])).startswith(
        "mine.csv: line 6 ('aerosmith/Third/01-Song_1.mp3'): 'test' is not a subset of this split; "
        "write train or validation; "
    )


def test_subset_without_a_track(here):
    assert complaint(table(here, [row for row in ROWS if row["subset"] != "test"])) == (
        "mine.csv: has no test track by an artist that is trained on; assign some to it"
    )


WANTED = (
    "write the column subset, and path or track_id or all of artist, album and track, with commas "
    "between"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"is empty; {WANTED}"),
        ("track_id,subset\n", "has no rows; write one for each track"),
        (
            "track_id,set\nx,train\n",
            "line 1: there is no column 'set'; column 'subset' is missing; ",
        ),
        ("artist,album,subset\n", f"line 1: no column tells the tracks apart; {WANTED}"),
        ("path,path,subset\n", f"line 1: column 'path' appears twice; {WANTED}"),
        ("path,subset,genre\n", f"line 1: there is no column 'genre'; {WANTED}"),
        ("path,subset\nx\n", "line 2: a row of 1 cell under 2 columns; "),
        ('path,subset\n"x,train\n', "line 2: is not a CSV row (unexpected end of data); look for"),
        ("path,subset\n,train\n", "line 2 ('//'): names no track; fill in path, track_id, or "),
        ("track_id,subset\nx,train\n", "line 2 ('x'): track_id 'x' is not a usable track of the "),
        (
            "path,artist,subset\naerosmith/First/01-Song_1,bjork,train\n",
            "line 2 ('aerosmith/First/01-Song_1'): artist is 'bjork', and 'aerosmith' in the corp",
        ),
        (
            "path,track_id,subset\naerosmith/First/01-Song_1,björk-first-01-song_1.mp3,train\n",
            "line 2 ('aerosmith/First/01-Song_1'): its cells mean two tracks, 'Björk/First/01-Song",
        ),
    ],
)
def test_wrong_table(here, text, message):
    write(here / "mine.csv", text)
    assert complaint(mine("mine.csv")).startswith(f"mine.csv: {message}")


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff\r\n"])
def test_empty_list(here, text):
    assert complaint(lists(here, test=text)) == (
        "test.list: names no track; write one for each test track"
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/home/me/aerosmith/First/01-Song_1", "is an absolute path, outside the corpus; write "),
        ("C:/aerosmith/First/01-Song_1", "is an absolute path, outside the corpus; write "),
        ("../aerosmith/First/01-Song_1", "leads out of the corpus with `..`; write "),
        ("aerosmith/../First/01-Song_1", "leads out of the corpus with `..`; write "),
    ],
)
def test_path_outside_the_corpus(here, path, message):
    assert complaint(lists(here, train=path + "\n")) == (
        f"train.list: line 1 ({path!r}): {message}<artist>/<album>/<track>"
    )


def test_name_that_fits_two_tracks(here):
    twins = [*TRACKS, track("aerosmith", "First", "01-song 1.flac")]
    message = complaint(lists(here), tracks=twins)
    assert message.startswith(
        "train.list: line 1 ('aerosmith/First/01-Song_1'): fits 2 tracks, "
        "'aerosmith/First/01-song 1.flac' and 'aerosmith/First/01-Song_1.mp3'; write its exact path"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('["a/b/c",\n "d]', "line 2, column 2: is not JSON (Unterminated string starting at); wri"),
        ("", "line 1, column 1: is not JSON (Expecting value); write a list of paths: "),
        ('{"a/b/c": 1}', "line 1: is not a list of paths; write "),
        ('["a/b/c", 3]', "line 1: is not a list of paths; write "),
        ("[" * 100_000, "line 1: is not a list of paths; write "),
        ("[" + "9" * 5000 + "]", "line 1: is not a list of paths; write "),
        ("[]", "names no track; write one for each train track"),
        (
            '["Björk/First/01-Song_1",\n\n"x \\" y", "z"]',
            "line 3 ('x \" y'): is not a path in the c",
        ),
    ],
)
def test_damaged_json(here, text, message):
    lists(here)
    write(here / "train.json", text)
    split = mine({"train": "train.json", "validation": "validation.list", "test": "test.list"})
    assert complaint(split).startswith(f"train.json: {message}")


def test_file_that_cannot_be_read(here):
    (here / "folder.csv").mkdir()
    for name, reason in (("none.csv", "No such file or directory"), ("folder.csv", "Is a direc")):
        assert complaint(mine(name)).startswith(f"{name}: cannot be read ({reason}")


def test_mistakes_of_all_files_are_counted(here):
    names = "\n".join(f"x/y/{number}" for number in range(7))
    message = complaint(lists(here, validation=names, test="x/y/z\n"))
    assert message.startswith("validation.list: line 1 ('x/y/0')")
    assert message.endswith("; and 3 more mistakes")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12))
def test_normalised_names_stay_what_they_are(name):
    once = normalised(name)
    assert normalised(once) == once
    assert normalised(unicodedata.normalize("NFD", name)) == once


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["mine.csv", "train.list", "train.json"]),
    st.lists(
        st.tuples(st.integers(0), st.integers(0, 30), st.sampled_from('",\n\r[]\0 \ufeffT/.\\')),
        min_size=1,
        max_size=4,
    ),
)
def test_damaged_list_is_read_or_refused_in_one_line(tmp_path_factory, name, damages):
    folder = tmp_path_factory.mktemp("damaged")
    lists(folder)
    table(folder, ROWS)
    write(folder / "train.json", json.dumps([r["path"] for r in ROWS if r["subset"] == "train"]))
    text = (folder / name).read_text()
    for place, length, inserted in damages:
        place %= len(text)
        text = text[:place] + inserted + text[place + length :] or " "
    write(folder / name, text)
    files = {subset: str(folder / f"{subset}.list") for subset in SUBSETS}
    whole = name.endswith(".csv")
    split = mine(str(folder / name) if whole else files | {"train": str(folder / name)})
    try:
        rows, left_out = rows_of_list(split, "list", TRACKS)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert len({row["track_id"] for row in rows}) + len(left_out) == len(TRACKS)
    known = {row["track_id"]: row for row in ROWS}
    assert all(row == known[row["track_id"]] for row in rows)
