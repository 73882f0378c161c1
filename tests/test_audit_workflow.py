"""The leakage audit as a user meets it: a copy of a recording on another album."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import copy_workflow, snakemake, write_config

from artistid.audio import mono_blocks
from artistid.demo.recordings import make_album
from artistid.files import read_rows

CONFIG = {
    "corpus": {"name": "own", "source": "folder"},
    "experiment": {
        "models": ["svm_song_mahalanobis"],
        "splits": ["album", "song"],
        "seeds": [1, 2],
        "slice_seconds": [1],
        "follow_up": None,
    },
}
COPY = "artist 0/album 1/copy.wav"


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> Path:
    """A clone and a folder in which a track of one album is on another too: a second later."""
    root = tmp_path_factory.mktemp("audit")
    music = root / "music"
    for artist in range(2):
        for album in range(3):
            folder = music / f"artist {artist}" / f"album {album}"
            make_album([folder / "1.mp3", folder / "2.mp3"], artist, album, seconds=6, seed=20)
    samples = np.concatenate(list(mono_blocks(music / "artist 0/album 0/1.mp3", 16000)))
    soundfile.write(music / COPY, 0.3 * samples[17000:], 16000)
    workdir = copy_workflow(root / "clone")
    write_config(
        workdir / "own.yaml",
        {**CONFIG, "corpus": {**CONFIG["corpus"], "audio_dir": str(music)}},
    )
    return workdir


def run(workdir: Path, audit: dict | None = None, *arguments: str):
    write_config(workdir / "audit.yaml", {"audit": audit or {}})
    return snakemake(workdir, "--configfile", "own.yaml", "audit.yaml", *arguments)


def manifest(workdir: Path, split: str, seed: int) -> dict[str, str]:
    rows = read_rows(workdir / f"results/own/splits/{split}/seed{seed}.csv")
    return {row["path"]: row["subset"] for row in rows}


@pytest.fixture(scope="module")
def stopped(workdir) -> str:
    """What the workflow says that meets the copy."""
    done = run(workdir)
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_copy_on_two_sides_stops_the_workflow_by_name(workdir, stopped):
    message = next(line for line in stopped.splitlines() if "album split, seed 1: res" in line)
    assert re.search(r"splits/album/seed1.csv: 1 leak between its sides: near-duplicate: ", message)
    assert f"'{COPY}' in " in message
    assert "'artist 0/album 0/1.mp3' in " in message
    assert "audit: {near_duplicates: one_side} (keeps copies on one side)" in message
    assert re.search(r'audit: \{accept: \[\["artist_0-album_0-1_mp3-\w+", "artist_0-al', message)
    assert "Traceback" not in stopped


def test_nothing_is_trained_on_a_leaking_split_and_the_copy_is_written_down(workdir, stopped):
    results = workdir / "results/own"
    assert not list(results.glob("runs/*/album/*/*/predictions.h5"))
    [pair] = read_rows(results / "audit/near_duplicates.csv")
    assert abs(float(pair["lag_s"])) == pytest.approx(17000 / 16000, abs=0.02)
    assert float(pair["score"]) < 0.1
    log = (results / "logs/audit_split/album/seed1.log").read_text()
    assert COPY in log


def test_copy_that_is_accepted_by_name_passes_and_is_in_the_table(workdir, stopped):
    pair = re.search(r"audit: \{accept: \[\[\"(.*?)\", \"(.*?)\"\]\]\}", stopped).groups()
    done = run(workdir, {"accept": [list(pair)]})
    assert done.returncode == 0, done.stdout + done.stderr
    rows = read_rows(workdir / "results/own/audit/leakage.csv")
    assert {(row["split"], row["seed"]) for row in rows} >= {("album", "1"), ("album", "2")}
    assert {(row["kind"], row["accepted"]) for row in rows} == {("near-duplicate", "true")}
    assert re.search(
        r"Leakage audit: \d+ pairs of 4 splits compared, \d hits, all acc", done.stdout
    )
    done = run(workdir, {"accept": [list(pair[::-1])]})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Rule: audit_split" in done.stderr
    assert "Rule: draw_split" not in done.stderr
    assert "Rule: train_song_system" not in done.stderr  # audited again, the same splits


def test_copies_are_kept_on_one_side_where_the_configuration_says_so(workdir, stopped):
    before = {(s, n): manifest(workdir, s, n) for s in ("album", "song") for n in (1, 2)}
    done = run(workdir, {"near_duplicates": "one_side"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 splits compared, 0 hits" in done.stdout
    assert "left out: 1 copy of recordings on another side (" in done.stderr
    order = ["test", "validation", "train"]
    for (split, seed), drawn in before.items():
        kept = manifest(workdir, split, seed)
        two = {path: drawn[path] for path in (COPY, "artist 0/album 0/1.mp3")}
        best = min(two.values(), key=order.index)
        lost = {path for path, subset in two.items() if subset != best}
        assert kept == {path: subset for path, subset in drawn.items() if path not in lost}
    log = (workdir / "results/own/logs/draw_split/album/seed1.log").read_text()
    assert "left out: 1 copy of recordings on another side" in log
