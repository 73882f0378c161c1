"""The audit as a user meets it: a copy of a recording on another album, an edited manifest."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import copy_workflow, snakemake, write_config

from artistid.corpus.audio import mono_blocks
from artistid.demo.recordings import make_album
from artistid.splits.subsets import COLUMNS
from artistid.storage.files import read_rows, write_rows

SEED = 1  # parts the copy from its original in both splits
CONFIG = {
    "corpus": {"name": "own", "source": "folder"},
    "experiment": {
        "models": ["svm_song_mahalanobis"],
        "splits": ["album", "song"],
        "seeds": [SEED],
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
    return snakemake(workdir, *arguments, "--configfile", "own.yaml", "audit.yaml")


def manifest(workdir: Path, split: str) -> dict[str, str]:
    rows = read_rows(workdir / f"results/own/splits/{split}/draw{SEED}.csv")
    return {row["path"]: row["subset"] for row in rows}


@pytest.fixture(scope="module")
def stopped(workdir) -> str:
    """What the workflow says that meets the copy."""
    done = run(workdir)
    assert done.returncode != 0
    return done.stdout + done.stderr


@pytest.mark.parametrize("split", ["album", "song"])
def test_copy_on_two_sides_stops_the_workflow_by_name(stopped, split):
    start = f"audit of {split} split, draw1: results/own/splits/{split}/draw1.csv: 1 leak"
    [message] = [line for line in stopped.splitlines() if line.startswith(start)]
    assert "between its subsets: near-duplicate: " in message
    assert f"'{COPY}' in " in message
    assert "'artist 0/album 0/1.mp3' in " in message
    assert "audit: {near_duplicates: one_side} (keeps copies in one subset)" in message
    assert re.search(r'audit: \{accept: \[\["artist_0-album_0-1_mp3-\w+", "artist_0-al', message)
    assert "Traceback" not in stopped


def test_nothing_is_trained_on_a_leaking_split_and_the_copy_is_written_down(workdir, stopped):
    results = workdir / "results/own"
    assert not list(results.rglob("predictions.h5"))
    [pair] = read_rows(results / "audit/near_duplicates.csv")
    assert abs(float(pair["lag_s"])) == pytest.approx(17000 / 16000, abs=0.02)
    assert float(pair["score"]) < 0.1
    log = (results / "logs/audit_split/album/draw1.log").read_text()
    assert COPY in log


def test_copy_that_is_accepted_by_name_passes_and_is_in_the_table(workdir, stopped):
    pair = re.search(r"audit: \{accept: \[\[\"(.*?)\", \"(.*?)\"\]\]\}", stopped).groups()
    done = run(workdir, {"accept": [list(pair)]})
    assert done.returncode == 0, done.stdout + done.stderr
    rows = read_rows(workdir / "results/own/experiments/paper/audit/leakage.csv")
    assert [(row["split"], row["cut"]) for row in rows] == [("album", "draw1"), ("song", "draw1")]
    assert {(row["kind"], row["accepted"]) for row in rows} == {("near-duplicate", "true")}
    assert re.search(
        r"Leakage audit: \d+ pairs of 2 splits compared, 2 hits, all accepted \(2 near-",
        done.stdout,
    )
    # Named the other way round, it is audited again, and nothing is trained again.
    again = run(workdir, {"accept": [list(pair[::-1])]}, "-n")
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", again.stdout + again.stderr, re.MULTILINE))
    assert jobs == {"all": "1", "audit_split": "2", "collect_leakage": "1", "total": "4"}


def test_copies_are_kept_on_one_side_where_the_configuration_says_so(workdir, stopped):
    before = {split: manifest(workdir, split) for split in ("album", "song")}
    done = run(workdir, {"near_duplicates": "one_side"}, "collect_leakage", "--quiet", "host")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 splits compared, 0 hits" in done.stdout
    assert (
        f"left out: 1 copy of recordings in another subset ({before['song'][COPY]}: " in done.stderr
    )
    for split, drawn in before.items():
        assert drawn["artist 0/album 0/1.mp3"] == "test"
        kept = manifest(workdir, split)
        assert kept == {path: subset for path, subset in drawn.items() if path != COPY}
        log = (workdir / f"results/own/logs/draw_split/{split}/draw1.log").read_text()
        assert "left out: 1 copy of recordings in another subset" in log


EDITED = "results/own/splits/song/draw2.csv"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """A clone whose splits of two seeds are drawn and audited; nothing is trained yet."""
    root = tmp_path_factory.mktemp("edited")
    for artist in range(2):
        for album in range(3):
            folder = root / "music" / f"artist {artist}" / f"album {album}"
            make_album([folder / "1.mp3", folder / "2.mp3"], artist, album, seconds=6, seed=20)
    workdir = copy_workflow(root / "clone")
    experiment = {**CONFIG["experiment"], "splits": ["song"], "seeds": [1, 2]}
    corpus = {**CONFIG["corpus"], "audio_dir": str(root / "music")}
    write_config(workdir / "own.yaml", {"corpus": corpus, "experiment": experiment})
    done = run(workdir, None, "audit")
    assert done.returncode == 0, done.stdout + done.stderr
    return workdir


def edit(workdir: Path, change) -> None:
    """Replace the rows of seed 2's manifest by what `change` makes of them."""
    write_rows(workdir / EDITED, change(read_rows(workdir / EDITED)), COLUMNS)


def trained(workdir: Path) -> dict[str, int]:
    """The time of each run's predictions, by seed."""
    found = (workdir / "results/own/experiments/paper/runs").glob(
        "*/song/*/whole/seed*/predictions.h5"
    )
    return {path.parent.name: path.stat().st_mtime_ns for path in found}


def planned(workdir: Path) -> dict[str, str]:
    """The number of jobs of each rule that would run."""
    done = run(workdir, None, "-n")
    return dict(re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.MULTILINE))


def test_misspelt_subset_stops_its_split_before_anything_is_trained_on_it(drawn):
    sound = (drawn / EDITED).read_bytes()
    edit(drawn, lambda rows: [row | {"subset": row["subset"].replace("te", "Te")} for row in rows])
    assert planned(drawn)["audit_split"] == "1"
    done = run(drawn)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    [message] = [line for line in said.splitlines() if line.startswith("audit of song split")]
    start = f"audit of song split, draw2: {EDITED}: line "
    assert message.startswith(start)
    assert "'Test' is not a subset; write test" in message
    assert "Traceback" not in said
    assert "details in" not in said  # of another job, which met it unprepared
    assert set(trained(drawn)) == {"seed1"}
    references = "experiments/paper/references/song/draw2/1s/seed2/metrics.csv"
    assert not (drawn / "results/own" / references).exists()
    (drawn / EDITED).write_bytes(sound)
    done = run(drawn)
    assert done.returncode == 0, done.stdout + done.stderr
    assert set(trained(drawn)) == {"seed1", "seed2"}
    assert (drawn / "results/own" / references).exists()


def test_every_split_is_audited_before_the_first_is_trained_on(drawn):
    for path in (drawn / "results/own/experiments/paper/runs").rglob("predictions.h5"):
        path.unlink()
    done = run(drawn, None, "--forcerun", "audit_split", "--cores", "1", "--quiet", "host")
    assert done.returncode == 0, done.stdout + done.stderr
    names = re.findall(r"^(audit|svm_song_mahalanobis)\b.* draw(\d)\b", done.stderr, re.MULTILINE)
    names = list(dict.fromkeys(names))
    assert [name for name, _ in names] == ["audit"] * 2 + ["svm_song_mahalanobis"] * 2
    assert {seed for _, seed in names} == {"1", "2"}


def test_edit_after_the_audit_is_audited_before_the_split_is_trained_again(drawn):
    done = run(drawn)
    assert done.returncode == 0, done.stdout + done.stderr
    before = trained(drawn)
    assert set(before) == {"seed1", "seed2"}
    edit(drawn, lambda rows: [row for row in rows if row["artist"] != "artist 1"])
    jobs = planned(drawn)
    assert (jobs["audit_split"], jobs["train_song_system"]) == ("1", "1")
    assert "draw_split" not in jobs
    done = run(drawn)
    assert done.returncode != 0
    assert (
        f"audit of song split, draw2: {EDITED}: artist 'artist 1' has no row, and every split "
        "needs every artist of the corpus; write its rows\n"
    ) in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert trained(drawn) == before
