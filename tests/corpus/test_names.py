"""Artist and album by tags, discs of one album, compilations and guests."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recordings import put

from artistid.corpus.discs import is_disc, without_disc
from artistid.corpus.exclusion import exclusion
from artistid.corpus.folder import Recording, list_recordings
from artistid.corpus.scan import check_bad_share, scan
from artistid.corpus.summary import describe, describe_names
from artistid.corpus.tags import (
    TaggedRecording,
    Tags,
    read_tags,
    spelt_alike,
    tagged,
    without_guests,
)
from artistid.errors import InputError
from artistid.splits.names import NoMatchError, corpus_of


def scanned(folder: Path) -> dict[str, dict]:
    recordings = tagged(folder, list_recordings(folder)[0], threads=2)
    return {row["path"]: row for row in scan(folder, recordings, threads=2)}


@pytest.mark.parametrize("ending", "wav flac ogg opus mp3 aiff m4a".split())
def test_tags_are_read_in_every_format(tmp_path, ending):
    if ending == "m4a":
        pytest.importorskip("av", reason="PyAV is not installed: it writes the m4a of this test")
    wanted = {"artist": "Ünï & 日本 / ft", "album_artist": "AC/DC", "album": "it's {100%}\u3000#1"}
    path = put(tmp_path / f"1.{ending}", **wanted, compilation="1")
    assert read_tags(path) == Tags(
        artist="Ünï & 日本 / ft", album_artist="AC/DC", album="it's {100%} #1", compilation=True
    )
    path = put(tmp_path / f"2.{ending}", artist="A", album="B", compilation="0")
    assert read_tags(path) == Tags(artist="A", album="B")
    assert read_tags(put(tmp_path / f"3.{ending}")) == Tags()


def test_names_are_on_one_line_with_composed_accents(tmp_path):
    name = " A\nb\0c  " + unicodedata.normalize("NFD", "ü") + "\ud800"
    path = tmp_path / "odd \udce9.flac"
    put(path, artist=name.replace("\ud800", "").replace("\0", ""), album="x")
    assert read_tags(path).artist == "A bc ü"


@pytest.mark.parametrize("content", [b"", b"no music" * 99, b"fLaC\0\0\0\x22" + bytes(20), b"RIFF"])
def test_what_cannot_be_read_has_no_tags(tmp_path, content):
    (tmp_path / "1.flac").write_bytes(content)
    assert read_tags(tmp_path / "1.flac") == Tags()
    assert read_tags(tmp_path / "missing.flac") == Tags()


def named(**tags) -> TaggedRecording:
    return TaggedRecording("any/where/in/it/1.mp3", Tags(**tags))


@pytest.mark.parametrize(
    ("tags", "artist", "album"),
    [
        ({"artist": "A", "album": "X"}, "A", "X"),
        ({"artist": "A", "album_artist": "B", "album": "X"}, "B", "X"),
        ({"artist": "A feat. B", "album": "X"}, "A", "X"),
        ({"artist": "A", "album_artist": "B ft. C", "album": "X (Disc 2)"}, "B", "X"),
        ({"artist": "A", "album_artist": "A", "album": "X", "compilation": True}, "A", "X"),
        ({"artist": "AC/DC", "album": "CD1"}, "AC/DC", "CD1"),
    ],
)
def test_artist_and_album_of_tags(tags, artist, album):
    recording = named(**tags)
    assert recording.is_placed
    assert (recording.artist, recording.album) == (artist, album)
    assert recording.filed_under == (artist, f"{artist}/{album}")


@pytest.mark.parametrize(
    ("tags", "status", "reason"),
    [
        ({}, "untagged", "no artist tag and no album tag: write it with a tag editor"),
        ({"artist": "A"}, "untagged", "no album tag: write it with a tag editor"),
        ({"album": "X"}, "untagged", "no artist tag: write it with a tag editor"),
        (
            {"artist": "A", "album_artist": "various Artists", "album": "Hits (CD 1)"},
            "excluded",
            "album 'Hits' is a compilation (artist 'various Artists')",
        ),
        (
            {"artist": "A", "album": "Hits", "compilation": True},
            "excluded",
            "album 'Hits' is a compilation (tagged)",
        ),
        ({"artist": "VA", "album": "H"}, "excluded", "album 'H' is a compilation (artist 'VA')"),
    ],
)
def test_what_is_left_out_by_tags_and_why(tags, status, reason):
    recording = named(**tags)
    assert not recording.is_placed
    assert recording.why_not_placed == (status, reason)
    assert recording.album_id == ""


@pytest.mark.parametrize(
    ("said", "artist"),
    [
        ("A feat. B", "A"),
        ("A feat B & C", "A"),
        ("A (feat. B)", "A"),
        ("A [Ft. B]", "A"),
        ("A FEATURING B", "A"),
        ("A ft.B", "A ft.B"),  # no space: may be a name
        ("Little Feat", "Little Feat"),
        ("Fort Minor", "Fort Minor"),
        ("Feat. B", "Feat. B"),
        ("Simon & Garfunkel", "Simon & Garfunkel"),
        ("Defeat the Low", "Defeat the Low"),
    ],
)
def test_main_artist_stands_before_the_guests(said, artist):
    assert without_guests(said) == artist


@pytest.mark.parametrize(
    "folder",
    ["CD1", "cd 2", "Disc 1", "disk_03", "Disc One", "CD 1 - The Early Years", "CD1 of 2",
     "Album (Disc 2)", "Album CD2", "Bonus Disc", "bonus cd 1", "Disc 2: Live"],
)  # fmt: skip
def test_folders_of_discs(folder):
    assert is_disc(folder)
    path = f"artist/album/{folder}/01.mp3"
    assert Recording(path).is_placed
    assert Recording(path).album_id == Recording("artist/album/01.mp3").album_id
    assert Recording(path).track_id != Recording(f"artist/album/{folder}x/01.mp3").track_id


@pytest.mark.parametrize(
    "folder", ["Scans", "Live", "CD", "Discography", "CD1234", "ACD1", "Disco 1", "cd-rip", "1", ""]
)
def test_other_folders_in_an_album(folder):
    assert not is_disc(folder)
    assert not Recording(f"artist/album/{folder}/01.mp3").is_placed


@pytest.mark.parametrize(
    ("said", "album"),
    [
        ("The Wall (Disc 2)", "The Wall"),
        ("The Wall [CD1]", "The Wall"),
        ("The Wall, disk 2 of 2", "The Wall"),
        ("The Wall - CD 1", "The Wall"),
        ("The Wall Disc One", "The Wall"),
        ("The Wall", "The Wall"),
        ("CD1", "CD1"),
        ("Disc 2", "Disc 2"),
        ("Live at CD 1 Hall", "Live at CD 1 Hall"),
        ("Disc 1 Disc 2", "Disc 1"),
        ("Volume 2", "Volume 2"),
        ("ABCD 1", "ABCD 1"),
    ],
)
def test_album_without_its_disc(said, album):
    assert without_disc(said) == album


@given(st.text(), st.text())
def test_names_of_any_text_are_placed_or_say_why(artist, album):
    without_disc(album)
    recording = named(artist=artist, album=album)
    assert recording.is_placed or recording.why_not_placed[1]


def test_folders_with_discs_are_one_album_and_other_listings_are_as_before(tmp_path):
    for path in ("a/x/1.flac", "a/x/2.flac", "a/Album (Disc 1)/1.flac", "a/Album (Disc 2)/1.flac"):
        put(tmp_path / path)
    plain = scan(tmp_path, list_recordings(tmp_path)[0], threads=1)
    assert len({row["album"] for row in plain}) == 3  # as ever: a folder is an album
    assert describe_names(list_recordings(tmp_path)[0]) == ""
    for path in ("a/y/CD1/01.flac", "a/y/CD 2/01.flac", "a/y/scans/01.flac"):
        put(tmp_path / path)
    recordings = list_recordings(tmp_path)[0]
    rows = {row["path"]: row for row in scan(tmp_path, recordings, threads=1)}
    assert [rows[row["path"]] for row in plain] == plain
    discs = [rows["a/y/CD1/01.flac"], rows["a/y/CD 2/01.flac"]]
    assert {(row["status"], row["album"]) for row in discs} == {("ok", "y")}
    assert len({row["album_id"] for row in discs}) == 1
    assert len({row["track_id"] for row in discs}) == 2
    assert rows["a/y/scans/01.flac"]["status"] == "misplaced"
    assert describe_names(recordings) == (
        "discs merged into one album: 2 recordings of 1 album, such as 'a/y/CD 2/01.flac' on 'y'\n"
    )


def test_tags_name_recordings_wherever_they_lie(tmp_path):
    put(tmp_path / "1.flac", artist="AC/DC", album="Live (Disc 1)")
    put(tmp_path / "deep/er/than/that/is/2.mp3", artist="AC/DC feat. B", album="Live (Disc 2)")
    put(tmp_path / "x/3.ogg", artist="ac-dc", album="Live")
    put(tmp_path / "x/4.ogg", artist="C", album_artist="Various Artists", album="Hits")
    put(tmp_path / "x/5.ogg", artist="C", album_artist="Various Artists", album="Hits")
    put(tmp_path / "x/6.wav", artist="C")
    (tmp_path / "x/7.wav").touch()
    rows = scanned(tmp_path)
    status = {path: row["status"] for path, row in rows.items()}
    assert status == {
        "1.flac": "ok",
        "deep/er/than/that/is/2.mp3": "ok",
        "x/3.ogg": "ok",
        "x/4.ogg": "excluded",
        "x/5.ogg": "excluded",
        "x/6.wav": "untagged",
        "x/7.wav": "untagged",
    }
    first, second = rows["1.flac"], rows["deep/er/than/that/is/2.mp3"]
    assert (first["artist"], first["album"]) == ("AC/DC", "Live")
    assert first["album_id"] == second["album_id"] != rows["x/3.ogg"]["album_id"]
    tracks = list(rows.values())
    text = describe(tracks, [], None, {})
    assert "left out: 2 untagged\n  x/6.wav: no album tag: write it with a tag editor\n" in text
    assert (
        "left out: album 'Hits' is a compilation (artist 'Various Artists') (2 recordings)"
    ) in text
    assert describe_names(tagged(tmp_path, list_recordings(tmp_path)[0], 1)) == (
        "discs merged into one album: 2 recordings of 1 album, such as '1.flac' on 'Live'\n"
        "filed under the main artist, without guests: 1 recording\n"
        "  'AC/DC feat. B' as 'AC/DC'\n"
        "similar names, treated as different artists: 'AC/DC', 'ac-dc'\n"
    )
    with pytest.raises(InputError, match=r"2 of 5 recordings \(40\.0%\) cannot be used"):
        check_bad_share(tracks, 0.3)  # compilations count neither as bad nor as good


def test_tagged_artists_and_albums_are_excluded_by_name():
    recordings = [named(artist="AC/DC", album="Live"), named(artist="B/C", album="D/E"), named()]
    found = exclusion({"artists": ["AC/DC"], "albums": ["B/C/D/E"]}, recordings)
    assert [found.reason(recording) for recording in recordings] == [
        "artist 'AC/DC' is in corpus.exclude.artists",
        "album 'B/C/D/E' is in corpus.exclude.albums",
        "",
    ]
    with pytest.raises(InputError, match="filed under 'ac/dc'; write 'AC/DC'"):
        exclusion({"artists": ["ac/dc"]}, recordings)


def test_ids_of_tags_do_not_depend_on_others_and_keep_names_apart():
    ids = {
        named(artist=artist, album=album).album_id
        for artist, album in [
            ("a/b", "c"),
            ("a", "b/c"),
            ("日/本", "語"),
            ("日", "本/語"),
            ("A", "c"),
        ]
    }
    assert len(ids) == 5
    # Where both say the same, a recording's id is the same.
    tags = Tags("a", "", "b")
    assert TaggedRecording("a/b/1.mp3", tags).track_id == Recording("a/b/1.mp3").track_id
    assert TaggedRecording("a/b/1.mp3", tags).album_id != ""


@given(st.lists(st.text(max_size=4)))
def test_names_that_are_spelt_alike(names):
    for group in spelt_alike(names):
        assert len(group) == len(set(group)) > 1
        assert len({name.casefold() for name in group if name.isascii() and name.isalnum()}) <= 1


def test_lists_find_tracks_by_the_names_of_tags_and_by_exact_paths():
    rows = [
        {"track_id": f"t{n}", "artist": "AC/DC", "album": "Live", "path": path}
        for n, path in enumerate(["01.mp3", "a/b/c/d/02.mp3", "disc 1/03.mp3", "disc 2/03.mp3"])
    ]
    corpus = corpus_of(rows)
    assert corpus.at_path("01.mp3") is rows[0]
    assert corpus.at_path("a/b/c/d/02.mp3") is rows[1]
    assert corpus.at_path("disc 2/03.mp3") is rows[3]
    assert corpus.at(["ac/dc", "live", "02"]) is rows[1]
    with pytest.raises(NoMatchError, match=r"fits 2 tracks, 'disc 1/03.mp3' and 'disc 2/03.mp3'"):
        corpus.at(["AC/DC", "Live", "03.mp3"])
