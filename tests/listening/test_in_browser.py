"""The listening page in a real browser: the cursor follows, filters filter, names stay names."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from browser import console_errors, needs_browser, start
from conftest import tone

from artistid.listening.answers import page_data, run_part, shown_tracks
from artistid.listening.clips import add_clips
from artistid.listening.page import write_page
from artistid.runs import Run
from artistid.scoring.predictions import Predictions

pytestmark = needs_browser

HOSTILE = "<img src=x onerror=\"document.title='out'\"> & <!-- '"
ARTISTS = [HOSTILE, "Björk, 日本語", "Plain"]
SECONDS, SLICE_FRAMES, FRAME = 4, 31, 512 / 16000
N_TRACKS = 3 * 2 * 120  # more than the list draws at once


@dataclass
class Shown:
    """A page, and what it was made of."""

    path: Path
    rows: list[dict[str, str]]


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Shown:
    """A page of two runs: the first is wrong about every fourth track, the second always right."""
    folder = tmp_path_factory.mktemp("listening")
    rows = []
    for number in range(N_TRACKS):
        artist, album = ARTISTS[number % 3], f"Album {number // 3 % 2} </script>"
        path = f"{artist}/{album}/{number:04d} #%?.wav".replace("</", "<")
        duration = {"track_id": f"id{number:04d}", "duration": f"{SECONDS}"}
        rows.append({"artist": artist, "album": album, "path": path, **duration})
    for row in rows[:4]:
        (folder / "music" / row["path"]).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "music" / row["path"], tone(SECONDS), 16000)
    ids = [row["track_id"] for row in rows[:-1]]  # the last is not tested
    targets = np.arange(len(ids)) % 3
    parts = []
    for model in ("often", "always"):
        answers = np.where((np.arange(len(ids)) % 4 == 0) & (model == "often"), -1, 0)
        probability = np.full((len(ids), SECONDS, 3), 0.1)
        probability[np.arange(len(ids)), :, (targets + answers) % 3] = 0.8
        slices = np.log(probability.reshape(-1, 3).astype(np.float32))
        track = np.repeat(np.arange(len(ids)), SECONDS)
        run = Run("c", "e", model, "song", "draw1", 1.0, SLICE_FRAMES, 1)
        parts.append(run_part(run, ARTISTS, Predictions(slices, targets[track], track, ids), FRAME))
    pairs = [
        {"track_a": "id0000", "track_b": other, "lag_s": "0.5"}
        for other in ("id0003", rows[-1]["track_id"])
    ]
    shown, copies = shown_tracks(parts, pairs, rows)
    log = logging.getLogger()
    tracks, notes = add_clips(shown, folder / "music", folder / "page", None, log)
    data = page_data(f"Title {HOSTILE}", "test", parts, tracks, copies, notes)
    write_page(folder / "page/index.html", *data)
    return Shown(folder / "page/index.html", rows)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    driver = start(
        tmp_path_factory.mktemp("chromium"),
        "--mute-audio",
        "--autoplay-policy=no-user-gesture-required",
        "--window-size=1400,900",
    )
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, page):
    browser.get(page.path.as_uri())
    wait(browser, "return document.querySelectorAll('#tracks button').length > 0")
    return browser


def wait(driver, condition: str, *arguments):
    """Wait until a script's answer is true, and return it."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, 30, poll_frequency=0.05).until(
        lambda _: driver.execute_script(condition, *arguments), condition
    )


def choose(driver, select: str, text: str) -> None:
    from selenium.webdriver.support.ui import Select

    Select(driver.find_element("id", select)).select_by_visible_text(text)


def count(driver) -> str:
    return driver.find_element("id", "count").text


CURSOR = "return parseFloat(document.querySelector('.cursor').style.left)"
PLAYER = "const audio = document.querySelector('audio');"


def test_playing_moves_the_cursor_and_a_click_moves_the_player(opened):
    wait(opened, f"{PLAYER} return audio.readyState >= 1")
    assert opened.execute_script(CURSOR) == 0
    opened.execute_script(f"{PLAYER} audio.play()")
    wait(opened, f"{PLAYER} return audio.currentTime > 0.3")
    opened.execute_script(f"{PLAYER} audio.pause()")
    wait(opened, f"{PLAYER} return audio.paused")
    played = opened.execute_script(f"{PLAYER} return audio.currentTime")
    # The chart is as long as the recording, which is longer than its slices.
    expected = 100 * played / SECONDS
    wait(opened, f"{CURSOR.replace('return ', 'return Math.abs(')} - {expected}) < 2")
    # In the middle of the chart.
    opened.find_element("css selector", ".over").click()
    wait(opened, f"{PLAYER} return Math.abs(audio.currentTime - {SECONDS / 2}) < 0.1")
    wait(opened, f"{CURSOR.replace('return ', 'return Math.abs(')} - 50) < 2")
    names = [cell.text for cell in opened.find_elements("css selector", ".chart .artist")]
    now = [cell.text for cell in opened.find_elements("css selector", ".side:first-child .now")]
    assert set(names) == set(ARTISTS)
    assert sorted(now) == ["0.10", "0.10", "0.80"]


def test_one_player_plays_at_a_time(opened):
    wait(opened, "return [...document.querySelectorAll('audio')].every(a => a.readyState >= 1)")
    opened.execute_script("document.querySelectorAll('audio')[0].play()")
    wait(opened, "return !document.querySelectorAll('audio')[0].paused")
    opened.execute_script("document.querySelectorAll('audio')[1].play()")
    wait(opened, "return document.querySelectorAll('audio')[0].paused")


def test_filters_filter_and_count(opened):
    n_tracks = N_TRACKS - 1
    wrong = len(range(0, n_tracks, 4))
    assert count(opened) == f"{n_tracks} of {n_tracks} test tracks, {n_tracks - wrong} right"
    choose(opened, "outcome", "wrong")
    assert count(opened) == f"{wrong} of {n_tracks} test tracks, 0 right"
    choose(opened, "artist", "Plain")
    of_plain = [k for k in range(n_tracks) if k % 3 == 2]
    plain_wrong = [k for k in of_plain if k % 4 == 0]
    assert count(opened).startswith(f"{len(plain_wrong)} of")
    choose(opened, "album", "Album 1 </script>")
    of_album = [k for k in plain_wrong if k // 3 % 2 == 1]
    listed = opened.find_elements("css selector", "#tracks .name")
    assert [name.text[:4] for name in listed] == [f"{k:04d}" for k in of_album]
    choose(opened, "outcome", "right")
    choose(opened, "album", "all")
    assert count(opened).startswith(f"{len(of_plain) - len(plain_wrong)} of")
    # The other run is right about all of them.
    choose(opened, "run", "always song draw1 1s seed1")
    wait(
        opened,
        f"return document.getElementById('count').textContent.startsWith('{len(of_plain)} of')",
    )
    choose(opened, "outcome", "wrong")
    assert opened.find_element("id", "track").text == "No track passes the filters."


def test_near_duplicates_stand_beside_each_other(opened):
    opened.find_element("id", "copies").click()
    listed = opened.find_elements("css selector", "#tracks .name")
    assert [name.text[:4] for name in listed] == ["0000", "0003"]
    sides = opened.find_elements("css selector", ".side")
    assert len(sides) == 3
    assert sides[0].rect["y"] == sides[1].rect["y"]
    assert sides[0].rect["x"] < sides[1].rect["x"]
    assert "Near-duplicate: the same sound comes 0.5 s earlier" in sides[1].text
    assert "Wrong: Plain. It is" in sides[0].text
    assert "Not a test track of this run" in sides[2].text
    assert "Its sound could not be read." in sides[2].text


def test_long_list_is_drawn_as_it_is_scrolled_through(opened):
    drawn = "return document.querySelectorAll('#tracks button').length"
    first = opened.execute_script(drawn)
    assert first < N_TRACKS - 1
    to_end = "const list = document.getElementById('tracks'); list.scrollTop = list.scrollHeight;"
    wait(opened, f"{to_end} {drawn} === {N_TRACKS - 1}")


def test_names_stay_names(opened, page):
    assert opened.title == f"Title {HOSTILE}"
    assert opened.find_element("tag name", "h1").text == f"Title {HOSTILE}"
    assert opened.find_elements("css selector", "img, b, iframe") == []
    assert (
        opened.find_element("css selector", "#tracks .of").text == f"{HOSTILE} – Album 0 </script>"
    )
    wait(opened, f"{PLAYER} return audio.readyState >= 1")  # the odd name's sound is found


def test_page_asks_nobody_and_has_no_error(opened):
    wait(opened, f"{PLAYER} return audio.readyState >= 1")
    used = opened.execute_script(
        "return performance.getEntriesByType('resource').map(entry => entry.name)"
    )
    assert [url for url in used if not url.startswith("file:")] == []
    assert console_errors(opened) == []
