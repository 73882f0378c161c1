"""Listing and scanning folders: odd names, bad files, safe ids."""

import os
import random
import re
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import ODD_NAMES
from hypothesis import given
from hypothesis import strategies as st

from artistid.corpus.audio import DECODABLE, FORMATS, UNSUPPORTED
from artistid.corpus.folder import (
    SYSTEM_FOLDERS,
    Recording,
    audio_passed_over,
    folder_state,
    is_hidden,
    list_recordings,
    safe_id,
)
from artistid.corpus.listings import write_album_listings, write_tracks
from artistid.corpus.scan import check_bad_share, scan
from artistid.corpus.summary import describe
from artistid.errors import InputError
from artistid.storage.files import read_rows


def put(audio_dir: Path, artist: str, album: str, track: str, seconds: float = 1.5) -> Path:
    path = audio_dir / artist / album / track
    path.parent.mkdir(parents=True, exist_ok=True)
    # Noise of its own: no two files of the same bytes.
    generator = np.random.default_rng(zlib.crc32(os.fsencode(path)))
    noise = 0.1 * generator.standard_normal(round(seconds * 16000))
    soundfile.write(os.fsencode(path), noise, 16000, format="FLAC")
    return path


def scanned(audio_dir: Path) -> list[dict]:
    return scan(audio_dir, list_recordings(audio_dir)[0], threads=2)


def test_odd_names_survive_from_folder_to_listing(tmp_path):
    for name in ODD_NAMES:
        put(tmp_path / "music", name, name, f"{name}.flac")
    tracks = scanned(tmp_path / "music")
    assert [track["status"] for track in tracks] == ["ok"] * len(ODD_NAMES)
    write_tracks(tmp_path / "tracks.csv", tracks)
    write_album_listings(tmp_path / "albums", tracks)
    assert {row["artist"] for row in read_rows(tmp_path / "tracks.csv")} == set(ODD_NAMES)
    ids = {row["album_id"] for row in read_rows(tmp_path / "tracks.csv")}
    assert len(ids) == len(ODD_NAMES)
    for album_id in ids:
        assert re.fullmatch(r"[a-z0-9_-]+", album_id)
        [row] = read_rows(tmp_path / "albums" / f"{album_id}.csv")
        assert row["album"] in ODD_NAMES
        assert (tmp_path / "music" / row["path"]).is_file()


@given(st.lists(st.text(min_size=1, max_size=60), min_size=1, max_size=3))
def test_ids_are_safe_and_keep_names_apart(parts):
    assert re.fullmatch(r"[a-z0-9_-]+", safe_id(parts))
    assert len(safe_id(parts)) < 120
    assert safe_id(parts) != safe_id([*parts[:-1], parts[-1] + "x"])


def test_case_and_normalisation_stay_distinct():
    names = ["Ünï", "ünï", unicodedata.normalize("NFD", "Ünï"), "ÜNÏ"]
    assert len({safe_id([name, "album"]) for name in names}) == 4


def test_hidden_and_other_files_are_ignored_and_counted(tmp_path):
    put(tmp_path, "a", "b", "1.flac")
    put(tmp_path, "a", "b", ".hidden.flac")
    put(tmp_path, ".trash", "b", "1.flac")
    (tmp_path / "a/b/cover.jpg").write_bytes(b"picture")
    (tmp_path / "README.txt").write_text("text")
    recordings, others = list_recordings(tmp_path)
    assert recordings == [Recording("a/b/1.flac")]
    assert others == [".trash", "README.txt", "a/b/.hidden.flac", "a/b/cover.jpg"]
    passed_over = audio_passed_over(tmp_path, others)
    summary = describe(scanned(tmp_path), others, None, passed_over)
    assert "1 tracks of 1 artists on 1 albums" in summary
    assert "ignored: 2 hidden, such as .trash" in summary
    assert "ignored: 2 not audio (1 .jpg, 1 .txt), such as README.txt" in summary
    assert "skipped, although there is audio in it: 2\n  .trash: hidden, and" in summary


# What begins with a dot and is music; as an artist, an album and a track.
DOTTED = [
    ".38 Special",
    "...And You Will Know Us by the Trail of Dead",
    ".5: The Gray Chapter",
    "...Baby One More Time",
    ". . . and justice",
    "...",
]
# What systems and players leave beside music; those with audio in them are named.
REMAINS = [
    "._1.flac",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
    "a/b/._1.flac",
    "a/b/._...Baby One More Time.flac",
    "a/b/cover.jpg",
    "a/b/1.cue",
    "a/b/list.m3u8",
    "a/b/1.lrc",
    "a/b/@eaDir/1.flac/SYNOAUDIO_01APIC_03.jpg",
    "a/b/.AppleDouble/1.flac",
    "a/b/.@__thumb/1.flac",
    "a/b/.1.flac.part",
    ".git/config",
    "__MACOSX/a/b/._1.flac",
]
REMAINS_WITH_AUDIO = [
    ".Trash-1000/files/1.flac",
    ".git/annex/objects/x/1.flac",
    ".stversions/a/b/1~20240101.flac",
    "#recycle/a/b/1.flac",
    "$RECYCLE.BIN/S-1-5-21/$R1.flac",
    "a/.O.rang/1.flac",
]


def test_dots_begin_the_names_of_artists_albums_and_tracks(tmp_path):
    for name in DOTTED:
        put(tmp_path, name, name, f"{name}.flac")
    tracks = scanned(tmp_path)
    assert [track["status"] for track in tracks] == ["ok"] * len(DOTTED)
    assert {track["artist"] for track in tracks} == set(DOTTED)
    assert {track["album"] for track in tracks} == set(DOTTED)


def test_remains_of_systems_are_neither_artists_nor_bad_recordings(tmp_path):
    put(tmp_path, "a", "b", "1.flac")
    for path in [*REMAINS, *REMAINS_WITH_AUDIO]:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"remains")
    recordings, others = list_recordings(tmp_path)
    assert recordings == [Recording("a/b/1.flac")]
    named = audio_passed_over(tmp_path, others)
    assert set(named) == {
        ".Trash-1000",
        ".git",
        ".stversions",
        "#recycle",
        "$RECYCLE.BIN",
        "a/.O.rang",
    }


def test_folders_that_hold_no_music_are_named_and_links_that_hide_some(tmp_path):
    put(tmp_path / "music", "a", "b", "1.flac")
    put(tmp_path, "elsewhere", "", "2.flac")
    (tmp_path / "pictures").mkdir()
    (tmp_path / "music/a/b/disc 2").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "music/a/b/scans").symlink_to(tmp_path / "pictures")
    (tmp_path / "music/videos/live").mkdir(parents=True)
    (tmp_path / "music/videos/live/1.mp4").touch()
    _, others = list_recordings(tmp_path / "music")
    passed_over = audio_passed_over(tmp_path / "music", others)
    assert list(passed_over) == ["a/b/disc 2"]
    summary = describe(scanned(tmp_path / "music"), others, None, passed_over)
    assert "  a/b/disc 2: a link that is not followed, to a folder with audio; put" in summary
    assert "no audio in folder videos\n" in summary
    assert "ignored: 3 not audio (2 without an extension, 1 .mp4), such as a/b/disc 2" in summary


@given(st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1))
def test_only_a_dot_hides_and_never_before_a_digit_a_space_or_a_dot(name):
    if is_hidden(name):
        assert name in SYSTEM_FOLDERS or re.match(r"\.($|[^0-9 .])", name)
    assert is_hidden("._" + name)
    assert not is_hidden(".3" + name)
    assert not is_hidden("a" + name)


def test_formats_are_those_of_libsndfile():
    assert FORMATS.keys() == soundfile.available_formats().keys()
    assert not DECODABLE & UNSUPPORTED


@pytest.mark.parametrize(
    ("kind", "ending"),
    [(kind, ending) for kind, endings in FORMATS.items() for ending in endings.split()],
)
def test_every_format_of_libsndfile_is_a_recording(tmp_path, kind, ending):
    path = tmp_path / "a" / "b" / f"1{ending.upper()}"
    path.parent.mkdir(parents=True)
    rate = {"WVE": 8000, "XI": 44100}.get(kind, 16000)  # those that have no other
    noise = 0.1 * np.random.default_rng(1).standard_normal(2 * rate)
    soundfile.write(path, noise, rate, format=kind)
    (track,) = scanned(tmp_path)
    assert (track["status"], track["reason"]) == ("ok", "")
    assert track["duration"] == pytest.approx(2, abs=0.1)
    assert track["sampling_rate"] == rate


@pytest.mark.parametrize("ending", sorted(UNSUPPORTED))
def test_audio_that_libsndfile_cannot_read_is_named(tmp_path, ending):
    path = tmp_path / "a" / "b" / f"1{ending}"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\0\0\0\x20" + np.random.default_rng(1).bytes(5000))
    (track,) = scanned(tmp_path)
    assert (track["status"], track["reason"]) == (
        "undecodable",
        f"cannot be decoded ({ending} is not supported by libsndfile: convert it to flac, wav or "
        "ogg)",
    )


def test_content_decides_where_a_name_is_wrong(tmp_path):
    put(tmp_path, "a", "b", "1.m4a")
    assert [track["status"] for track in scanned(tmp_path)] == ["ok"]


@pytest.mark.parametrize("ending", [".au", ".snd"])
def test_no_format_is_guessed_from_a_name(tmp_path, ending):
    """Libsndfile takes any bytes of these names for a telephone's mu-law."""
    path = tmp_path / "a" / "b" / f"1{ending}"
    path.parent.mkdir(parents=True)
    path.write_text("this is no music\n" * 1000)
    (track,) = scanned(tmp_path)
    assert track["status"] == "undecodable"
    assert "libsndfile cannot read it as audio" in track["reason"]


def test_many_files_of_a_format_are_one_reason(tmp_path):
    put(tmp_path, "a", "b", "good.flac")
    for number in range(5):
        (tmp_path / f"a/b/{number}.wma").write_bytes(b"\0\0\0\x20")
    (tmp_path / "a/b/empty.mp3").touch()
    with pytest.raises(InputError) as error:
        check_bad_share(scanned(tmp_path), 0.05)
    (first,) = re.findall(r"a/b/\d\.wma", str(error.value))
    assert str(error.value) == (
        "6 of 7 recordings (85.7%) cannot be used, more than corpus.max_bad_share (5.0%) allows: "
        f"{first} and 4 more (cannot be decoded (.wma is not supported by libsndfile: convert it "
        "to flac, wav or ogg)); a/b/empty.mp3 (the file has no bytes); fix, convert or remove "
        "them, or raise corpus.max_bad_share"
    )


def test_listing_order_never_matters(tmp_path, monkeypatch):
    for number in range(12):
        put(tmp_path, f"artist {number % 3}", "album", f"{number}.flac")
    expected = scanned(tmp_path)
    scandir = os.scandir

    def shuffled(folder):
        entries = list(scandir(folder))
        random.Random(1).shuffle(entries)
        return entries

    monkeypatch.setattr(os, "scandir", shuffled)
    assert scanned(tmp_path) == expected
    assert expected == sorted(expected, key=lambda track: track["track_id"])


def test_bad_files_are_named_with_their_reason(tmp_path):
    good = put(tmp_path, "a", "b", "good.flac")
    put(tmp_path, "a", "b", "short.flac", seconds=0.4)
    put(tmp_path, "a", "b/demos", "deep.flac")
    put(tmp_path, "a", "", "shallow.flac")
    (tmp_path / "a/b/empty.mp3").touch()
    (tmp_path / "a/b/text.mp3").write_text("this is no music\n" * 100)
    (tmp_path / "a/b/loop.mp3").symlink_to("loop.mp3")
    status = {track["path"]: (track["status"], track["reason"]) for track in scanned(tmp_path)}
    assert status.pop("a/b/good.flac") == ("ok", "")
    assert status["a/b/short.flac"] == ("too_short", "shorter than 1 s")
    assert status["a/b/empty.mp3"] == ("empty", "the file has no bytes")
    assert status["a/b/text.mp3"][0] == "undecodable"
    assert status["a/b/loop.mp3"][0] == "undecodable"
    assert status["a/b/demos/deep.flac"][0] == "misplaced"
    assert status["a/shallow.flac"][0] == "misplaced"
    tracks = scanned(tmp_path)
    assert "left out: 3 undecodable" not in describe(tracks, [], None, {})
    assert "left out: 2 undecodable" in describe(tracks, [], None, {})
    with pytest.raises(InputError, match=r"6 of 7 recordings .*corpus\.max_bad_share"):
        check_bad_share(tracks, 0.5)
    check_bad_share(tracks, 0.9)
    assert good.exists()


def test_same_bytes_are_used_once_and_the_copy_is_named(tmp_path):
    path = put(tmp_path, "a", "album", "1.flac")
    (tmp_path / "b" / "best of").mkdir(parents=True)
    (tmp_path / "b" / "best of" / "copy.flac").write_bytes(path.read_bytes())
    put(tmp_path, "b", "best of", "2.flac")
    tracks = scanned(tmp_path)
    by_path = {track["path"]: track for track in tracks}
    assert by_path["b/best of/copy.flac"]["status"] == "duplicate"
    assert by_path["b/best of/copy.flac"]["reason"] == "the same bytes as a/album/1.flac"
    assert [track["status"] for track in tracks].count("ok") == 2
    check_bad_share(tracks, 0.0)  # a copy is not a bad file
    assert "left out: 1 duplicate" in describe(tracks, [], None, {})


def test_folder_of_links_in_a_circle_ends(tmp_path):
    put(tmp_path, "a", "b", "1.flac")
    (tmp_path / "a" / "again").symlink_to(tmp_path)
    (tmp_path / "self").symlink_to(tmp_path / "self")
    recordings, _ = list_recordings(tmp_path)
    assert Recording("a/b/1.flac") in recordings
    assert len(recordings) < 5


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_unreadable_folder_is_named(tmp_path, folder):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=rf"{folder}: cannot be read .*corpus\.audio_dir"):
        list_recordings(tmp_path / folder)


def test_nothing_usable_stops_whatever_the_share(tmp_path):
    with pytest.raises(InputError, match="no audio file was found"):
        check_bad_share([], 1.0)
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/1.mp3").touch()
    with pytest.raises(InputError, match="1 of 1 recordings"):
        check_bad_share(scanned(tmp_path), 1.0)


def test_expectation_is_compared_plainly(tmp_path):
    put(tmp_path, "a", "b", "1.flac")
    tracks = scanned(tmp_path)
    expected = {"artists": 1, "albums_per_artist": 1, "tracks": 1}
    assert "as corpus.expect says" in describe(tracks, [], expected, {})
    text = describe(tracks, [], {"artists": 20, "albums_per_artist": 6, "tracks": 1413}, {})
    assert "mismatch with corpus.expect: found 1 artist, expected 20" in text
    assert "mismatch with corpus.expect: found 1 album of 'a', expected 6" in text
    assert "mismatch with corpus.expect: found 1 usable track, expected 1413" in text


def test_fingerprint_tells_changes(tmp_path):
    path = put(tmp_path, "a", "b", "1.flac")
    before = folder_state(tmp_path).fingerprint
    assert folder_state(tmp_path).fingerprint == before
    (tmp_path / "a/b/cover.jpg").touch()
    assert folder_state(tmp_path).fingerprint == before
    os.utime(path, (1, 1))
    changed = folder_state(tmp_path).fingerprint
    assert changed != before
    (tmp_path / "a/b/nowhere.mp3").symlink_to("nowhere")
    assert folder_state(tmp_path).fingerprint not in (before, changed)
    put(tmp_path, "a", "b", "2.flac")
    assert folder_state(tmp_path).fingerprint not in (before, changed)
