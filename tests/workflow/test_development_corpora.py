"""The scripts that make corpora to develop on; what needs music21 or fluidsynth is skipped."""

import re
import shutil
import subprocess
import sys
from collections import defaultdict

import numpy as np
import pieces
import pytest
import scores
from albums import make_albums
from conftest import ROOT
from pieces import Note, Piece, Shelf, Tunes

from artistid.errors import InputError

CORPORA = ROOT / "benchmarks/corpora"


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, CORPORA / script, *map(str, arguments)], capture_output=True, text=True
    )


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.glob("*/*/*.mp3")}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("corpora") / "demo"
    size = "--artists 2 --albums 3 --tracks 2 --seconds 2 --processes 2".split()
    done = run("demo_at_scale.py", folder, *size)
    assert done.returncode == 0, done.stderr
    assert "6 of 6 albums" in done.stdout
    return folder


def test_demo_is_the_same_whatever_else_is_made(demo, tmp_path):
    size = "--artists 1 --albums 1 --tracks 2 --seconds 2 --processes 1".split()
    assert run("demo_at_scale.py", tmp_path / "again", *size).returncode == 0
    made, again = content(demo), content(tmp_path / "again")
    assert len(set(made.values())) == 12
    assert len(again) == 2
    assert again.items() <= made.items()


def test_album_effect_is_printed(demo):
    done = run("album_effect.py", demo)
    assert done.returncode == 0, done.stderr
    shown = re.findall(r"accuracy with one (track|album) held out: [01]\.\d\d\n", done.stdout)
    assert shown == ["track", "album"]
    assert "chance: 0.50" in done.stdout


def test_folder_with_content_is_refused(demo):
    done = run("demo_at_scale.py", demo)
    assert done.returncode == 1
    assert done.stderr == f"{demo} is not empty: name a new folder\n"


def test_first_error_of_an_album_ends_it():
    with pytest.raises(ZeroDivisionError):
        make_albums(divmod, [(1, 0)], processes=1)


def melody(pitches, length=1.0):
    return [Note(0, length * place, length, pitch) for place, pitch in enumerate(pitches)]


def test_long_rests_are_shortened():
    notes = [Note(0, 8, 2, 60), Note(1, 9, 4, 50), Note(0, 13.5, 1, 60), Note(0, 30, 1, 60)]
    assert [note.start for note in pieces.without_silence(notes)] == [0, 1, 5.5, 7.5]


def test_tune_is_known_again_in_another_key_and_rhythm():
    generator = np.random.default_rng(1)
    first, second = generator.integers(55, 80, (2, 40))
    tunes = Tunes()
    tunes.add("first", pieces.melody_runs(melody(first)))
    assert tunes.has(pieces.melody_runs(melody(first + 3, 0.5)))
    assert tunes.has(pieces.melody_runs(melody([*second[:20], *first[:20]])))
    assert not tunes.has(pieces.melody_runs(melody(second)))
    assert not tunes.has(pieces.melody_runs(melody([*second[:30], *first[:10]])))


def shelf_of(works, monkeypatch, quarters=40):
    """Return a shelf of works given as the numbers that their tunes are drawn from."""

    def notes_of(path, tune):
        return melody(np.random.default_rng(int(path.name)).integers(50, 90, quarters))

    monkeypatch.setattr(pieces, "_notes_of", notes_of)
    listed = [
        Piece(ROOT / str(seed), f"{work} {seed}", work) for work in works for seed in works[work]
    ]
    return Shelf(listed, Tunes(), np.random.default_rng(3))


def test_work_is_on_one_album_and_tune_on_one_track(monkeypatch):
    works = {"a": range(5), "b": range(5, 10), "c": range(10, 15), "d": range(3, 8)}
    shelf = shelf_of(works, monkeypatch)
    albums_of, tunes = defaultdict(set), []
    for album in range(3):
        for _ in range(2):
            titles, notes = shelf.take(60)
            assert len(titles) == 2
            assert 55 < max(note.start for note in notes) < 60
            for title in titles:
                work, tune = title.split()
                albums_of[work].add(album)
                tunes.append(tune)
        shelf.close_album()
    assert all(len(albums) == 1 for albums in albums_of.values())
    assert len(tunes) == len(set(tunes)) == 12


def test_too_few_pieces_are_an_error(monkeypatch):
    with pytest.raises(InputError, match=r"too few pieces are left after .*: lower --albums"):
        shelf_of({"a": [1], "b": [2]}, monkeypatch).take(200)


def test_excerpts_follow_each_other_and_are_whole(monkeypatch):
    shelf_of({}, monkeypatch)
    excerpts = [
        pieces.excerpt_of(Piece(ROOT / "1", "", "", excerpt=number), 15) for number in range(3)
    ]
    whole = pieces._notes_of(ROOT / "1", None)
    assert [note.pitch for excerpt in excerpts for note in excerpt] == [
        note.pitch for note in whole[:30]
    ]
    assert [len(excerpt) for excerpt in excerpts] == [15, 15, 0]


def test_silence_is_measured_against_the_peak():
    rate = scores.SAMPLING_RATE
    samples = np.concatenate([np.full(rate, 0.1), np.full(3 * rate, 2e-4), np.full(rate, 0.1)])
    assert scores.longest_silence(samples) == pytest.approx(3.0)
    assert scores.longest_silence(0 * samples) == 5.0
    assert scores.longest_silence(samples[:rate]) == 0.0


def test_what_is_missing_is_named_in_a_line(monkeypatch):
    monkeypatch.setattr(scores, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"^music21 and mido not found: run pip install -r bench"):
        scores.check_tools()
    monkeypatch.setattr(scores, "find_spec", lambda name: "found")
    monkeypatch.setattr(scores, "FONTS", {"some-soundfont": ROOT / "missing.sf2"})
    monkeypatch.setattr(shutil, "which", lambda name: None)
    line = "^fluidsynth and some-soundfont not found: run apt-get install fluidsynth some-soundfont"
    with pytest.raises(InputError, match=line):
        scores.check_tools()


def test_scores_are_played_the_same_twice(tmp_path):
    try:
        scores.check_tools()
    except InputError as missing:
        pytest.skip(str(missing))
    size = "--artists 3 --albums 2 --tracks 1 --seconds 4 --processes".split()
    for name, processes in (("once", 1), ("again", 2)):
        done = run("scores.py", tmp_path / name, *size, processes)
        assert done.returncode == 0, done.stderr
    assert content(tmp_path / "once") == content(tmp_path / "again")
    assert len(set(content(tmp_path / "once").values())) == 6
    listing = (tmp_path / "once.csv").read_text(encoding="utf-8")
    assert listing == (tmp_path / "again.csv").read_text(encoding="utf-8")
    assert len(re.findall(r"^(Palestrina|Bach|Ryan's .*),Album [12],01.mp3,", listing, re.M)) == 6
