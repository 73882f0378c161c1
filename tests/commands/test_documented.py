"""The commands of docs/predict.md do what it says."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from prediction_helpers import CLASSES, demo_tracks, network_package, system_package

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with the files that the page names."""
    place = tmp_path_factory.mktemp("place")
    tracks = demo_tracks(place / "music", 3, 3)
    for name, file in (("gaussian_mfcc", "model"), ("svm_song_kl", "other")):
        system_package(place / f"{file}.safetensors", name, tracks, CLASSES)
    network_package(place / "network.safetensors")
    (place / "song.mp3").write_bytes(tracks[0][-1].read_bytes())
    return place


def blocks(language: str) -> list[str]:
    text = (ROOT / "docs/predict.md").read_text(encoding="utf-8")
    return [code for found, code in BLOCK.findall(text) if found == language]


def test_commands(place):
    commands = "".join(code for code in blocks("sh") if "artistid" in code)
    assert commands.count("artistid") == 9
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", commands],
        cwd=place,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("song.mp3: ") == 4
    assert (place / "song.png").stat().st_size > 10_000
    with (place / "answers.csv").open(newline="") as stream:
        assert len(list(csv.DictReader(stream))) == 9
    answers = [json.loads(line) for line in (place / "answers.jsonl").read_text().splitlines()]
    assert {Path(answer["path"]).suffix for answer in answers} == {".mp3"}
    assert len(answers) == 9
    with np.load(place / "features.npz", allow_pickle=False) as found:
        assert found["features"].shape == (9, 32)
    assert (place / "network.onnx").stat().st_size > 10_000


def test_python(place):
    [code] = blocks("python")
    done = subprocess.run([sys.executable, "-c", code], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert any(artist in done.stdout for artist in CLASSES)
