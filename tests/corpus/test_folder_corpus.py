"""The workflow on a person's own folder: odd names, bad files, one classical model."""

import re
import unicodedata
from pathlib import Path

import pytest
from conftest import copy_workflow, snakemake, write_config

from artistid.demo.recordings import make_album
from artistid.storage.files import read_rows

ARTISTS = [
    "AC/DC".replace("/", "∕"),
    'it\'s {100%} "odd" & -rf $(touch hacked)',
    "NA",
    "Ünï",
    unicodedata.normalize("NFD", "Ünï"),
    "line\nbreak | pipe",
]
CONFIG = {
    "corpus": {"name": "own", "source": "folder", "max_bad_share": 0.2},
    "experiment": {
        "models": ["gaussian_mfcc"],
        "splits": ["song", "album"],
        "seeds": [1],
        "slice_seconds": [1],
        "follow_up": None,
    },
}


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("folder")
    for number, artist in enumerate(ARTISTS):
        for album, name in enumerate(("-first", "second {2}", "third")):
            path = root / "music" / artist / name / "tr&ck #1.mp3"
            make_album([path], number, album, seconds=3, seed=20)
    (root / "music" / "NA" / "third" / "broken.mp3").write_text("no music")
    (root / "music" / "NA" / "third" / "cover.jpg").write_text("no music")
    workdir = copy_workflow(root / "clone")
    config = {**CONFIG, "corpus": {**CONFIG["corpus"], "audio_dir": str(root / "music")}}
    write_config(workdir / "own.yaml", config)
    done = snakemake(workdir, "--configfile", "own.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "left out: 1 undecodable" in done.stderr
    assert "NA/third/broken.mp3" in done.stdout  # counted and named again at the end
    return workdir


def test_every_artist_is_kept_apart_to_the_tables(workdir):
    tracks = read_rows(workdir / "results/own/corpus/tracks.csv")
    assert {track["artist"] for track in tracks} == set(ARTISTS)
    by_artist = read_rows(workdir / "results/own/experiments/paper/tables/f1_by_artist.csv")
    assert {row["artist"] for row in by_artist} == set(ARTISTS)


def test_nothing_ran_in_a_shell(workdir):
    assert list(workdir.rglob("hacked")) == []


def test_tables_and_figures_say_what_there_is_to_say(workdir):
    tables = {path.stem for path in (workdir / "results/own/experiments/paper/tables").glob("*.md")}
    assert {"f1_by_model", "f1_of_songs", "album_effect", "training_time"} <= tables
    assert not {"paired_tests", "f1_by_slice"} & tables  # one model, one length
    figures = workdir / "results/own/experiments/paper/figures"
    assert (workdir / "results/own/figures/log_mels.svg").exists()
    assert (figures / "album_effect/song.svg").exists()
    assert not (figures / "learning_curves").exists()


def test_only_systems_on_whole_songs_and_one_split_work_too(workdir):
    config = {"experiment": {"models": ["svm_song_mahalanobis"], "splits": ["song"]}}
    write_config(workdir / "songs.yaml", config)
    done = snakemake(workdir, "--configfile", "own.yaml", "songs.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Macro F1 on test, of slices / of songs, by model and split\n" in done.stdout
    assert re.search(r"^svm_song_mahalanobis +– / [01]\.\d{3}$", done.stdout, re.MULTILINE)
    assert re.search(r"^chance +– / [01]\.\d{3}$", done.stdout, re.MULTILINE)


def test_more_bad_files_than_allowed_stop_the_workflow(workdir):
    done = snakemake(
        workdir, "scan_corpus", "--configfile", "own.yaml", "--config", "corpus={max_bad_share: 0}"
    )
    assert done.returncode != 0
    assert "1 of 19 recordings (5.3%) cannot be used" in done.stderr
    assert "NA/third/broken.mp3 (cannot be decoded" in done.stderr
