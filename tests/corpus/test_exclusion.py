"""What a corpus excludes: by name, and artists with too few albums or tracks."""

import shutil
import unicodedata
from pathlib import Path

import pytest
from conftest import tone
from hypothesis import given
from hypothesis import strategies as st

from artistid.corpus.exclusion import (
    Exclusion,
    check_remaining,
    exclusion,
    small_artists,
)
from artistid.corpus.folder import Recording, list_recordings
from artistid.corpus.scan import check_bad_share, scan
from artistid.corpus.summary import describe
from artistid.errors import InputError

NFC, NFD = "Ünï", unicodedata.normalize("NFD", "Ünï")


def put(audio_dir: Path, path: str, hz: float) -> None:
    import soundfile

    (audio_dir / path).parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(audio_dir / path, tone(1.2, hz=hz), 16000)


@pytest.fixture
def music(tmp_path) -> Path:
    """Three artists of two, one and two albums; the second has files that are no audio."""
    for number, path in enumerate(
        ["a/1/x.flac", "a/2/x.flac", "b/1/x.flac", "b/1/y.flac", "c/1/x.flac", "c/2/x.flac"]
    ):
        put(tmp_path, path, hz=300 + 50 * number)
    for path in ("b/1/bad.mp3", "b/1/disc 2/deep.mp3", "b/shallow.mp3"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("no music")
    return tmp_path


def scanned(audio_dir: Path, exclude: dict | None = None, **least: int) -> dict[str, dict]:
    recordings, _ = list_recordings(audio_dir)
    tracks = scan(audio_dir, recordings, 1, exclusion(exclude or {}, recordings), **least)
    return {track["path"]: track for track in tracks}


def left_out(tracks: dict[str, dict]) -> set[str]:
    return {path for path, track in tracks.items() if track["status"] == "excluded"}


def test_artist_is_left_out_with_all_files_and_none_is_decoded(music):
    tracks = scanned(music, {"artists": ["b"]})
    assert left_out(tracks) == {path for path in tracks if path.startswith("b/")}
    assert len(left_out(tracks)) == 5
    assert "sha256" not in tracks["b/1/x.flac"]
    check_bad_share(list(tracks.values()), 0.0)  # its bad files do not count
    with pytest.raises(InputError, match="3 of 9 recordings"):
        check_bad_share(list(scanned(music).values()), 0.0)
    text = describe(list(tracks.values()), [], None, {})
    assert "left out: artist 'b' is in corpus.exclude.artists (5 recordings)" in text
    assert "b/1/bad.mp3" not in text
    assert "no usable recording of artist b" not in text


def test_album_is_left_out_and_the_artist_stays(music):
    tracks = scanned(music, {"albums": ["a/2"]})
    assert left_out(tracks) == {"a/2/x.flac"}
    assert tracks["a/1/x.flac"]["status"] == "ok"
    text = describe(list(tracks.values()), [], None, {})
    assert "left out: album 'a/2' is in corpus.exclude.albums (1 recordings)" in text
    assert "no usable recording on album" not in text


def test_share_of_bad_files_is_of_what_is_not_left_out(music):
    tracks = list(scanned(music, {"artists": ["a", "c"]}).values())
    with pytest.raises(InputError, match=r"3 of 5 recordings \(60\.0%\)"):
        check_bad_share(tracks, 0.5)


@pytest.mark.parametrize(
    ("exclude", "says"),
    [
        ({"artists": ["qeen"]}, r"corpus\.exclude\.artists: .*'qeen'; write 'Queen'$"),
        ({"albums": ["Queen/jaz"]}, r"corpus\.exclude\.albums: .*'Queen/jaz'; write 'Queen/Jazz'$"),
        ({"albums": ["Queen/Jazz", "x/y"]}, r"^corpus\.exclude\.albums: .*'x/y'; correct or"),
        ({"artists": [*"vwxyz", "zz"]}, "and 1 more names$"),
    ],
)
def test_name_that_fits_nothing_stops_and_close_names_are_told(exclude, says):
    recordings = [Recording("Queen/Jazz/1.mp3"), Recording("ABBA/Arrival/1.mp3")]
    with pytest.raises(InputError, match=says):
        exclusion(exclude, recordings)


def test_exact_name_wins_and_another_encoding_of_the_same_text_will_do():
    only_nfd, both = [Recording(f"{NFD}/1/x.mp3")], [Recording(f"{n}/1/x.mp3") for n in (NFC, NFD)]
    assert exclusion({"artists": [NFC]}, only_nfd).artists == {NFD}
    assert exclusion({"artists": [NFC]}, both).artists == {NFC}
    assert exclusion({"albums": [f"{NFC}/1"]}, only_nfd).albums == {f"{NFD}/1"}
    with pytest.raises(InputError):  # case is never passed over
        exclusion({"artists": ["ünï"]}, both)


def test_what_is_left_out_is_never_the_first_of_several_copies(music):
    shutil.copy(music / "a/1/x.flac", music / "c/1/copy.flac")
    copied = "the same bytes as a/1/x.flac"
    assert scanned(music)["c/1/copy.flac"]["reason"] == copied
    assert scanned(music, {"artists": ["a"]})["c/1/copy.flac"]["status"] == "ok"
    # As an artist of whom there is too little, too.
    shutil.rmtree(music / "a/2")
    tracks = scanned(music, min_albums=2)
    assert left_out(tracks) == {"a/1/x.flac", "b/1/x.flac", "b/1/y.flac"}
    assert tracks["c/1/copy.flac"]["status"] == "ok"
    assert tracks["c/1/copy.flac"]["reason"] == ""


def test_small_artists_are_left_out_with_what_they_have(music):
    tracks = scanned(music, min_albums=2)
    assert left_out(tracks) == {"b/1/x.flac", "b/1/y.flac"}
    assert tracks["b/1/bad.mp3"]["status"] == "undecodable"  # a bad file stays one
    assert tracks["b/1/x.flac"]["duration"] == pytest.approx(1.2)
    text = describe(list(tracks.values()), [], None, {})
    reason = "left out: artist 'b' has 1 album, corpus.min_albums requires 2 (2 recordings)"
    assert reason in text


def test_copies_and_bad_files_do_not_count_for_the_minimum(music):
    shutil.copy(music / "c/1/x.flac", music / "c/2/copy.flac")
    assert not left_out(scanned(music, min_tracks=2))
    assert {path[0] for path in left_out(scanned(music, min_tracks=3))} == {"a", "b", "c"}


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("12"))), st.integers(1, 3))
def test_artist_stays_if_and_only_if_it_has_enough(units, least):
    tracks = [{"artist": a, "album_id": f"{a}{b}", "status": "ok"} for a, b in units]
    small = small_artists(tracks, min_albums=2, min_tracks=least)
    for artist in {artist for artist, _ in units}:
        own = [unit for unit in units if unit[0] == artist]
        assert (artist in small) == (len(set(own)) < 2 or len(own) < least)


def test_expectation_counts_what_is_left_out_on_purpose(music):
    tracks = list(scanned(music, {"artists": ["a"], "albums": ["c/2"]}).values())
    expected = {"artists": 3, "albums_per_artist": 2, "tracks": 6}
    text = describe(tracks, [], expected, {})
    assert [line for line in text.splitlines() if "mismatch" in line] == [
        "mismatch with corpus.expect: found 1 album of 'b', expected 2"
    ]


def test_fewer_than_two_artists_stop_if_that_is_on_purpose(music):
    check_remaining(list(scanned(music, {"artists": ["a"]}).values()))
    with pytest.raises(InputError, match="leave 1 artist, 'c', and leave out 2: at least two"):
        check_remaining(list(scanned(music, {"artists": ["a", "b"]}).values()))
    with pytest.raises(InputError, match=r"corpus\.min_tracks leave no artist, and leave out 3"):
        check_remaining(list(scanned(music, min_tracks=9).values()))
    alone = [{"path": "a/1/x", "artist": "a", "status": "ok"}]
    check_remaining(alone)  # the check of the corpus says this one better


def test_nothing_is_excluded_unless_asked():
    assert exclusion({}, [Recording("a/b/c.mp3")]) == Exclusion()
