"""Packages, answers and the listening page: on demand, and what the run's own tables say."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from conftest import SMALL, snakemake

from artistid.prediction.answers import Ensemble
from artistid.prediction.package import read_package
from artistid.storage.files import read_rows

RUN = "song/draw1/1s/seed1"


@pytest.fixture(scope="module")
def used(small, tmp_path_factory) -> Path:
    """A finished workflow whose models are packaged, and have answered to an unlabelled folder."""
    workdir = tmp_path_factory.mktemp("prediction") / "workflow"
    shutil.copytree(small, workdir, symlinks=True)
    folder = workdir / "unlabelled"
    folder.mkdir()
    for number, path in enumerate(sorted((workdir / "music").rglob("*.mp3"))[::5]):
        shutil.copy(path, folder / f"{number:03}.mp3")
    (folder / "line\nbreak.mp3").write_text("no music")
    predict = {
        "folder": "unlabelled",
        "models": [f"gaussian_mfcc/{RUN}", f"resnet50/{RUN}"],
        "files_per_job": 3,
        "top": 2,
    }
    listening = {"audio": "excerpts", "excerpt_seconds": 1}
    use = SMALL | {"predict": predict, "listening": listening}
    (workdir / "use.yaml").write_text(yaml.safe_dump(use))
    done = snakemake(workdir, "models", "predict", "listening", "--configfile", "use.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "line" in done.stderr and "cannot be decoded" in done.stderr
    return workdir


@pytest.mark.parametrize("model", ["gaussian_mfcc", "resnet50"])
def test_package_alone_answers_what_the_run_stores(used, model, tmp_path):
    runs = used / "results/small/experiments/paper/runs" / model / RUN
    assert "On 3 tracks of the test set" in (runs / "model_card.md").read_text()
    package = shutil.copy(runs / "model.safetensors", tmp_path)
    ensemble = Ensemble([read_package(Path(package))])
    paths = {
        row["track_id"]: row["path"] for row in read_rows(used / "results/small/corpus/usable.csv")
    }
    rows = [row for row in read_rows(runs / "tracks.csv") if row["subset"] == "test"]
    assert len(rows) == 3
    for row in rows:
        answer = ensemble.answer(used / "music" / paths[row["track_id"]])
        assert answer.artist == row["answer"]
        assert answer.vote == row["answer_by_vote"]
        assert len(answer.starts) == int(row["n_slices"])
        for place, (artist, probability) in enumerate(answer.ranked[:3], start=1):
            assert artist == row[f"top_{place}"]
            assert probability == pytest.approx(float(row[f"p_{place}"]), abs=1e-4)


def test_folder_has_a_row_for_each_file_and_its_best_artists(used):
    folder = used / "results/small/experiments/paper/predict"
    rows = {row["path"]: row for row in read_rows(folder / "answers.csv")}
    assert set(rows) == {"000.mp3", "001.mp3", "002.mp3", "003.mp3", "line\nbreak.mp3"}
    assert "cannot be decoded" in rows["line\nbreak.mp3"]["error"]
    best = json.loads((folder / "best.json").read_text())
    assert set(best) == {"000", "001", "002", "003"}
    for name, artists in best.items():
        row = rows[f"{name}.mp3"]
        assert artists == [row["top_1"], row["top_2"]]
    assert len(list((folder / "answers").iterdir())) == 2, "a job for three files"


def test_listening_page_says_what_the_runs_say(used):
    experiment = used / "results/small/experiments/paper"
    html = (experiment / "listening/index.html").read_text()
    data = re.findall(r'<script type="application/json" id="(.+?)">(.*?)</script>', html)
    page, *runs = (json.loads(text) for _, text in data)
    # Both at 1 s, and the network of the second step at 2 s.
    assert len(page["runs"]) == len(runs) == 3
    of_gaussian = runs[page["runs"].index("gaussian_mfcc song draw1 1s seed1")]
    rows = read_rows(experiment / "runs/gaussian_mfcc" / RUN / "tracks.csv")
    expected = {
        (row["artist"], row["answer"], int(row["n_slices"]))
        for row in rows
        if row["subset"] == "test"
    }
    classes = of_gaussian["classes"]
    tracks = of_gaussian["tracks"]
    assert {(classes[target], classes[said], n) for _, target, said, n in tracks} == expected
    excerpts = {track["source"] for track in page["tracks"]}
    assert len(excerpts) == 3
    assert all((experiment / "listening" / source).stat().st_size for source in excerpts)


def test_only_what_is_asked_for_runs_again(used):
    done = snakemake(used, "models", "predict", "listening", "--configfile", "use.yaml", "-n")
    assert "Nothing to be done" in done.stdout + done.stderr
    whole = snakemake(used, "--configfile", "small.yaml", "-n")
    assert "Nothing to be done" in whole.stdout + whole.stderr
