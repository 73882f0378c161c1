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
from hypothesis import given
from hypothesis import strategies as st

from artistid.corpus import (
    Recording,
    check_bad_share,
    describe,
    folder_state,
    list_recordings,
    safe_id,
    scan,
    write_album_listings,
    write_tracks,
)
from artistid.errors import InputError
from artistid.files import read_rows

ODD_NAMES = [
    "with space",
    'it\'s "quoted"',
    "100% {braces} & {more}",
    "-rf",
    "$(touch hacked); `id` | x > y",
    "日本語 🎵",
    "line\nbreak",
    "carriage\rreturn",
    "comma, semicolon;",
    "NA",
    "null",
    "007",
    "Ünï",
    "ÜNÏ",
    unicodedata.normalize("NFD", "Ünï"),
    "*?[abc]",
    "back\\slash",
    os.fsdecode(b"not utf-8 \xff"),
]


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
    summary = describe(scanned(tmp_path), others, None)
    assert "1 tracks of 1 artists on 1 albums" in summary
    assert "ignored: 4 hidden or not audio, such as .trash" in summary


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
    put(tmp_path, "a", "b/disc 2", "deep.flac")
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
    assert status["a/b/disc 2/deep.flac"][0] == "misplaced"
    assert status["a/shallow.flac"][0] == "misplaced"
    tracks = scanned(tmp_path)
    assert "left out: 3 undecodable" not in describe(tracks, [], None)
    assert "left out: 2 undecodable" in describe(tracks, [], None)
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
    assert "left out: 1 duplicate" in describe(tracks, [], None)


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
    assert "as corpus.expect says" in describe(tracks, [], expected)
    text = describe(tracks, [], {"artists": 20, "albums_per_artist": 6, "tracks": 1413})
    assert "expected otherwise: 1 artists, not 20" in text
    assert "expected otherwise: a: 1 albums, not 6" in text
    assert "expected otherwise: 1 usable tracks, not 1413" in text


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
