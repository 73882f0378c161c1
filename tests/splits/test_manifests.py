"""Manifests: what is wrong with one is named with its line, and nothing of it is dropped.

docs/bad_input.md has the same table for people.
"""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_splits import corpora, drawn

from artistid.errors import InputError
from artistid.splits.manifests import read_manifest
from artistid.splits.subsets import COLUMNS, SUBSETS
from artistid.storage.files import write_rows

HEADER = "track_id,album_id,artist,album,path,subset"


def track(artist: str, number: int, album: str = "live") -> dict[str, str]:
    """A usable track of the corpus."""
    return {
        "track_id": f"{artist}-{number}",
        "album_id": f"{artist}-{album}",
        "artist": artist,
        "album": album,
        "path": f"{artist}/{album}/{number}.mp3",
    }


TRACKS = [track(artist, number) for artist in "ab" for number in range(4)]
ROWS = [
    own | {"subset": subset}
    for own, subset in zip(TRACKS, ("train", "train", "validation", "test") * 2, strict=True)
]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "seed1.csv"


def write_edited(file, line: int, **cells: str) -> None:
    """Write the manifest with other cells in the row on a line (the first row is on line 2)."""
    rows = [dict(row) for row in ROWS]
    rows[line - 2] |= cells
    write_rows(file, rows, COLUMNS)


def complaint(path, **arguments) -> str:
    """What stops the reader: one line that begins with the file."""
    with pytest.raises(InputError) as error:
        read_manifest(path, **arguments)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    return message.removeprefix(f"{path}: ")


def test_sound_manifest_is_read_as_it_is(path):
    write_rows(path, ROWS, COLUMNS)
    assert read_manifest(path) == ROWS
    assert read_manifest(path, TRACKS, SUBSETS) == ROWS


def test_what_a_spreadsheet_writes_is_read_too(path):
    """A byte order mark, columns in another order, no quotes, and empty lines at the end."""
    order = COLUMNS[::-1]
    lines = [",".join(order), *(",".join(row[column] for column in order) for row in ROWS)]
    path.write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n\r\n").encode())
    assert read_manifest(path, TRACKS, SUBSETS) == ROWS


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Test", "test"),
        ("test ", "test"),
        ("TESTING", "test"),
        ("tset", "test"),
        ("valid", "validation"),
        ("val", "validation"),
        ("validatoin", "validation"),
        ("Train", "train"),
        ("training", "train"),
        ("t", "train or test"),
        ("", "train, validation or test"),
        ("dev", "train, validation or test"),
    ],
)
def test_misspelt_subset_is_named_with_the_one_that_is_meant(path, written, meant):
    write_edited(path, 4, subset=written)
    expected = f"line 4 (track 'a-2'): {written!r} is not a subset; write {meant}"
    assert complaint(path) == expected


def test_lines_are_an_editors_where_names_hold_line_breaks(path):
    odd = {"artist": "two\nlines", "album": "three\r\nmore\nlines", "path": 'a, "b"\rc'}
    rows = [ROWS[0] | odd, ROWS[1], ROWS[2] | {"subset": "Valid"}, *ROWS[3:]]
    write_rows(path, rows, COLUMNS)
    lines = path.read_bytes().decode().splitlines()
    [number] = [number for number, line in enumerate(lines, start=1) if "Valid" in line]
    assert number > 4
    assert complaint(path).startswith(f"line {number} (track 'a-2'): 'Valid' is not a subset")


def test_columns_are_named(path):
    text = "\n".join([HEADER.replace("subset", "Subset"), "a-0,a-live,a,live,a/live/0.mp3,train"])
    path.write_text(text)
    assert complaint(path) == (
        "line 1: there is no column 'Subset'; column 'subset' is missing; the columns are "
        "track_id, album_id, artist, album, path and subset, with commas between"
    )
    path.write_text(f"{HEADER},note\n")
    assert complaint(path).startswith("line 1: there is no column 'note'; the columns are ")
    path.write_text(f"{HEADER},subset\n")
    assert complaint(path).startswith("line 1: column 'subset' appears twice; ")
    path.write_text(HEADER.replace(",", ";") + "\n")
    assert complaint(path).startswith(f"line 1: there is no column {HEADER.replace(',', ';')!r}; ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; its first line names the columns track_id, album_id, "),
        (f"{HEADER}\n", "has no rows; write one for each track"),
        (
            f"{HEADER}\na-0,a-live,a,live,a/live/0.mp3\n",
            "line 2: a row of 5 cells under 6 columns; ",
        ),
        (
            f"{HEADER}\na-0,a-live,a,live,a/live, at home/0.mp3,train\n",
            "line 2: a row of 7 cells under 6 columns; write a cell for each column, in double",
        ),
        (f"{HEADER}\nx\n", "line 2: a row of 1 cell under 6 columns; "),
        (
            f'{HEADER}\na-0,a-live,a,live,a/live/0.mp3,train\na-1,"a,a,a,a,train\n',
            "line 3: is not a CSV row (unexpected end of data); look for a double quote",
        ),
    ],
)
def test_file_that_is_no_table_is_named(path, text, message):
    path.write_text(text)
    assert complaint(path).startswith(message)


@pytest.mark.parametrize("subset", ["train", "test"])
def test_track_in_two_rows_is_named_whatever_their_subsets(path, subset):
    write_rows(path, [*ROWS, ROWS[1] | {"subset": subset}], COLUMNS)
    assert complaint(path) == (
        "line 10 (track 'a-1'): the track is in line 3 already; delete one of them"
    )


def test_track_that_the_corpus_has_not_is_named(path):
    write_edited(path, 9, track_id="b-9")
    assert read_manifest(path)[-1]["track_id"] == "b-9"
    assert complaint(path, tracks=TRACKS) == (
        "line 9 (track 'b-9'): is not a usable track of the corpus; write an id of "
        "corpus/usable.csv, or delete the row"
    )


@pytest.mark.parametrize("column", ["artist", "album_id", "album", "path"])
def test_row_that_says_otherwise_than_the_corpus_is_named(path, column):
    write_edited(path, 2, **{column: "b"})
    message = complaint(path, tracks=TRACKS, required=SUBSETS)
    known = TRACKS[0][column]
    assert (
        message == f"line 2 (track 'a-0'): {column} is 'b', and {known!r} in the corpus; write that"
    )


def test_artist_without_a_required_subset_is_named(path):
    write_edited(path, 5, subset="train")
    wanted = "artist 'a' has no test track; assign one of its tracks to it"
    assert complaint(path, tracks=TRACKS, required=SUBSETS) == wanted
    assert complaint(path, required=["test"]) == wanted
    assert len(read_manifest(path, TRACKS, ["train", "validation"])) == len(ROWS)
    assert len(read_manifest(path, TRACKS)) == len(ROWS)


def test_artist_that_is_missing_is_named_where_one_is_required(path):
    write_rows(path, ROWS[:4], COLUMNS)
    for required in (["train"], SUBSETS):
        assert complaint(path, tracks=TRACKS, required=required) == (
            "artist 'b' has no row, and every split needs every artist of the corpus; write its "
            "rows"
        )
    assert read_manifest(path, TRACKS) == ROWS[:4]
    assert read_manifest(path, required=SUBSETS) == ROWS[:4]


def test_split_has_the_subsets_of_its_definition_and_no_others(path):
    write_rows(path, ROWS, COLUMNS)
    message = complaint(path, subsets=["train", "validation"])
    assert message.startswith(
        "line 5 (track 'a-3'): 'test' is not a subset of this split; write train or validation; "
    )
    without_test = [row for row in ROWS if row["subset"] != "test"]
    write_rows(path, without_test, COLUMNS)
    assert read_manifest(path, TRACKS, subsets=["train", "validation"]) == without_test
    assert complaint(path, subsets=SUBSETS) == (
        "has no test track by an artist that is trained on; assign some to it"
    )


def test_something_is_trained_on_whatever_is_required(path):
    write_rows(path, [row for row in ROWS if row["subset"] != "train"], COLUMNS)
    for subsets in ([], SUBSETS):
        assert complaint(path, subsets=subsets) == "has no train track; assign some to it"


def test_tracks_of_untrained_artists_alone_are_no_subset(path):
    rows = [*ROWS[:4], *(row for row in ROWS[4:] if row["subset"] == "test")]
    rows = [row for row in rows if (row["artist"], row["subset"]) != ("a", "test")]
    write_rows(path, rows, COLUMNS)
    assert read_manifest(path) == rows
    assert complaint(path, subsets=SUBSETS) == (
        "has no test track by an artist that is trained on; assign some to it"
    )


def test_track_that_is_missing_is_no_mistake(path):
    """Copies of recordings leave a split where the configuration keeps them on one side."""
    write_rows(path, ROWS[1:], COLUMNS)
    assert read_manifest(path, TRACKS, SUBSETS) == ROWS[1:]


def test_many_mistakes_are_counted(path):
    write_rows(path, [row | {"subset": row["subset"].upper()} for row in ROWS], COLUMNS)
    message = complaint(path)
    assert re.findall(r"line (\d)", message) == ["2", "3", "4", "5", "6"]
    assert message.endswith("; and 3 more mistakes")
    write_rows(path, [row | {"subset": "x" * 10_000} for row in ROWS[:6]], COLUMNS)
    message = complaint(path)
    assert message.endswith("; and 1 more mistake")
    assert len(message) < 2000


def test_names_that_are_not_utf8_survive(path):
    odd = {"artist": "a\udcff"}
    rows = [row | odd if row["artist"] == "a" else row for row in ROWS]
    tracks = [own | odd if own["artist"] == "a" else own for own in TRACKS]
    write_rows(path, rows, COLUMNS)
    assert read_manifest(path, tracks, SUBSETS) == rows
    assert r"artist is 'a\udcff', and 'a' in the corpus" in complaint(path, tracks=TRACKS)


@settings(max_examples=50, deadline=None)
@given(corpora(), st.sampled_from(["song", "album"]), st.integers(0, 1000))
def test_every_drawn_split_passes(tmp_path_factory, tracks, split, seed):
    path = tmp_path_factory.mktemp("drawn") / "seed1.csv"
    rows = drawn(tracks, split, seed)
    write_rows(path, rows, COLUMNS)
    assert read_manifest(path, tracks, SUBSETS) == rows


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0), st.integers(0, 30), st.sampled_from('",\n\r;\0 \ufeffTtest')),
        min_size=1,
        max_size=4,
    )
)
def test_damaged_manifest_is_read_whole_or_refused_in_one_line(tmp_path_factory, damages):
    path = tmp_path_factory.mktemp("damaged") / "seed1.csv"
    write_rows(path, ROWS, COLUMNS)
    text = path.read_text()
    for place, length, inserted in damages:
        place %= len(text)
        text = text[:place] + inserted + text[place + length :]
    path.write_text(text, newline="")
    try:
        rows = read_manifest(path, TRACKS, SUBSETS)
    except InputError as error:
        assert "\n" not in str(error)
        return
    known = {row["track_id"]: row for row in ROWS}
    assert {row["subset"] for row in rows} == set(SUBSETS)
    assert len({row["track_id"] for row in rows}) == len(rows)
    assert all(row == known[row["track_id"]] | {"subset": row["subset"]} for row in rows)
