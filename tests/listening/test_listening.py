"""The listening page's data, its links and excerpts, and what keeps names from becoming HTML."""

import base64
import json
import logging
import os
import re
import zlib
from pathlib import Path
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
import soundfile
from conftest import ODD_NAMES, tone

from artistid.errors import InputError
from artistid.listening.answers import LEVELS, page_data, run_part, shown_tracks
from artistid.listening.clips import (
    EXCERPT_RATE,
    PLAYABLE,
    add_clips,
    href,
    is_playable,
    write_excerpt,
)
from artistid.listening.page import embedded, write_page
from artistid.runs import Run
from artistid.scoring.predictions import Predictions

RUN = Run("c", "e", "crnn", "song", "draw1", 1.0, 31, 1)
HOSTILE = (
    '</script><script>document.title="out"</script><!--<img src=x onerror=alert(1)>&amp;\u2028'
)


def predictions(probability, track: list[int], target: list[int], ids: list[str]) -> Predictions:
    with np.errstate(divide="ignore"):
        log_probability = np.log(np.asarray(probability, np.float32))
    return Predictions(log_probability, np.array(target), np.array(track), ids)


def row(track_id: str, path: str = "A/B/c.wav", duration: float = 3.0) -> dict[str, str]:
    artist, album, _ = path.split("/")
    fields = {"track_id": track_id, "artist": artist, "album": album, "path": path}
    return fields | {"duration": str(duration)}


def unpacked(part: dict, n_classes: int) -> np.ndarray:
    levels = zlib.decompress(base64.b64decode(part["probabilities"]))
    return np.frombuffer(levels, np.uint8).reshape(-1, n_classes) / LEVELS


def test_run_has_its_tracks_slices_one_after_the_other():
    # Slices of the tracks mixed, and a class that is impossible.
    probability = [[0.9, 0.1], [0.3, 0.7], [0.6, 0.4], [0.0, 1.0]]
    part = run_part(
        RUN, ["x", "y"], predictions(probability, [1, 0, 1, 0], [0, 0, 0, 0], ["p", "q"]), 0.032
    )
    # By mean log-probability p is y's: its first slice cannot make up for the second.
    assert part["tracks"] == [["p", 0, 1, 2], ["q", 0, 0, 2]]
    assert part["slice_seconds"] == 31 * 0.032
    expected = [probability[k] for k in (1, 3, 0, 2)]
    np.testing.assert_allclose(unpacked(part, 2), expected, atol=0.5 / LEVELS)


def test_near_duplicates_are_of_answered_tracks_whatever_side_they_are_on():
    part = run_part(RUN, ["x"], predictions([[1.0], [1.0]], [0, 1], [0, 0], ["a", "b"]), 0.032)
    pairs = [
        {"track_a": "a", "track_b": "z", "lag_s": "1.5"},
        {"track_a": "y", "track_b": "z", "lag_s": "0.0"},
    ]
    rows, copies = shown_tracks([part], pairs, [row(name) for name in "zyba"])
    assert [shown["track_id"] for shown in rows] == ["z", "b", "a"]
    # The lag is by how much the same sound comes later in the first.
    assert copies == {"a": [("z", -1.5)]}
    clip = {"source": None, "start": 0.0, "clip_seconds": 0.0}
    tracks = [shown | {"clip": clip} for shown in rows]
    page, runs = page_data("t", "test", [part], tracks, copies, [])
    assert page["tracks"][2]["copies"] == [[0, -1.5]]
    assert [number for number, *_ in runs[0]["tracks"]] == [2, 1]


def test_what_is_embedded_reads_back_and_cannot_end_its_element():
    names = [HOSTILE, *ODD_NAMES]
    text = embedded(names)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert text.isascii()
    assert json.loads(text) == names


def test_page_allows_nothing_but_itself_and_cannot_be_left_by_its_title(tmp_path):
    page = {"title": HOSTILE + "{{program}}", "subset": "test", "notes": []}
    size = write_page(tmp_path / "index.html", page | {"tracks": [], "runs": []}, [])
    text = (tmp_path / "index.html").read_text("utf-8")
    assert size == len(text.encode())
    assert text.count("<script>") == 1
    assert "<img" not in text
    assert text.count('"use strict";') == 1
    [policy] = re.findall('Content-Security-Policy" content="([^"]+)"', text)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("name", [*ODD_NAMES, 'a"#?%20:b', "javascript:alert(1)"])
def test_link_leads_to_the_recording_whatever_it_is_called(tmp_path, name):
    recording, folder = tmp_path / "music" / name, tmp_path / "page"
    link = href(recording, folder)
    assert re.fullmatch(r"[A-Za-z0-9_.~/%-]+", link)
    reached = os.path.normpath(os.path.join(os.fsencode(folder), unquote_to_bytes(link)))  # noqa: PTH118
    assert reached == os.fsencode(recording)


@pytest.mark.parametrize(
    ("seconds", "start", "length"), [(1.0, 2.0, 1.0), (30.0, 0.0, 5.0)], ids=["middle", "whole"]
)
def test_excerpt_is_the_middle_of_the_recording(tmp_path, seconds, start, length):
    # A second each of silence and of sound, in turns: the third second is silent.
    sound = np.concatenate([np.zeros(8000), tone(1, 8000)] * 2 + [np.zeros(8000)])
    sound[16000:24000] = tone(1, 8000, hz=880)
    soundfile.write(tmp_path / "a.wav", sound, 8000)
    clip = write_excerpt(tmp_path / "a.wav", 5.0, seconds, tmp_path / "page", "id")
    assert clip == {"source": "excerpts/id.mp3", "start": start, "clip_seconds": length}
    copied, rate = soundfile.read(tmp_path / "page/excerpts/id.mp3")
    assert rate == EXCERPT_RATE
    assert len(copied) / rate == pytest.approx(length, abs=0.1)
    middle = copied[len(copied) // 2 - 4000 : len(copied) // 2 + 4000]
    strongest = np.abs(np.fft.rfft(middle)).argmax() * rate / len(middle)
    assert strongest == pytest.approx(880, abs=5)


def test_recording_that_is_gone_or_broken_is_named_and_counted(tmp_path, caplog):
    (tmp_path / "A/B").mkdir(parents=True)
    soundfile.write(tmp_path / "A/B/good.wav", tone(2), 16000)
    (tmp_path / "A/B/bad.wav").write_bytes(b"nothing")
    rows = [row(name, f"A/B/{name}.wav") for name in ("good", "bad", "gone")]
    log = logging.getLogger("clips")
    tracks, notes = add_clips(rows, tmp_path, tmp_path / "page", 1.0, log)
    assert [track["clip"]["source"] for track in tracks] == ["excerpts/good.mp3", None, None]
    assert notes == ["Recordings that could not be read and have no sound: 2."]
    assert "bad.wav: cannot be decoded" in caplog.text
    assert "gone.wav" in caplog.text
    tracks, notes = add_clips(rows, tmp_path, tmp_path / "page", None, log)
    assert [track["clip"]["source"] is None for track in tracks] == [False, False, True]


def test_full_disk_stops_and_is_no_recording_that_cannot_be_read(tmp_path):
    soundfile.write(tmp_path / "c.wav", tone(2), 16000)
    (tmp_path / "page").write_text("a file where the folder should be")
    rows = [row("c", "A/B/c.wav")]
    (tmp_path / "A/B").mkdir(parents=True)
    (tmp_path / "c.wav").rename(tmp_path / "A/B/c.wav")
    with pytest.raises((InputError, OSError)):
        add_clips(rows, tmp_path, tmp_path / "page", 1.0, logging.getLogger())


def test_formats_that_browsers_may_not_play_are_counted_where_they_are_linked(tmp_path):
    (tmp_path / "A/B").mkdir(parents=True)
    for name in ("c.aiff", "d.mp3"):
        (tmp_path / "A/B" / name).touch()
    rows = [row("c", "A/B/c.aiff"), row("d", "A/B/d.mp3")]
    _, notes = add_clips(rows, tmp_path, tmp_path / "page", None, logging.getLogger())
    assert notes == [
        "Recordings in formats that browsers may not play: 1 (.aiff); with listening.audio: "
        "excerpts they are copied as mp3."
    ]
    assert is_playable("A/B/c.MP3")
    assert all(ending == ending.lower() for ending in PLAYABLE)
    assert Path("x").suffix not in PLAYABLE
