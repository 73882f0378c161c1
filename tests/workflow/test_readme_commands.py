"""Every command of README.md, from its text, on stand-ins for what a reader has.

All blocks run in one shell, one after the other, in a copy of the workflow. `artistid` is real.
`snakemake` only plans (other tests run the same rules), and `make` only prints what it would do.
"""

import os
import re
import shlex
import shutil
from pathlib import Path

import pytest
from conftest import ROOT, copy_workflow, shell
from prediction_helpers import CLASSES, system_package

from artistid.demo.names import album_name, artist_name, track_name
from artistid.demo.recordings import make_album

BLOCK = re.compile(r"^```(?:sh|bash|shell|console)\n(.*?)^```$", re.M | re.S)
# How the commands of the README are run. A new one fails until it is here.
PLANNED = {
    "snakemake": 'exec "$SNAKEMAKE" -n --quiet all "$@"',
    "make": 'exec "$MAKE" -n "$@"',
}
AS_THEY_ARE = {"artistid", "."}
# What a reader has, and what takes its place here.
STAND_INS = {
    "/data/artist20/mp3s-32k": "music",
    "~/Music": "music",
}


def blocks() -> list[str]:
    return BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8"))


def lines(block: str) -> list[list[str]]:
    """Return the words of each line of a block, without comments."""
    text = block.replace("\\\n", " ")
    found = (shlex.split(line, comments=True) for line in text.splitlines())
    return [words for words in found if words]


def albums_of(folder: Path, artist: int) -> list[Path]:
    """Write an album of three tracks."""
    album = folder / artist_name(artist) / album_name(0)
    paths = [album / track_name(track) for track in range(3)]
    make_album(paths, artist, album=0, seconds=2, seed=20)
    return paths


@pytest.fixture
def place(tmp_path) -> Path:
    """A copy of the workflow with recordings, a model and what else the README names."""
    workdir = copy_workflow(tmp_path / "clone")
    shutil.copy2(ROOT / "Makefile", workdir)
    tracks = [albums_of(workdir / "music", artist) for artist in range(len(CLASSES))]
    shutil.copytree(tracks[0][0].parent, workdir / "a_folder")
    for name in ("song.mp3", "mix.flac"):
        shutil.copy(tracks[0][-1], workdir / name)
    system_package(workdir / "model.safetensors", "gaussian_mfcc", tracks, CLASSES)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, command in PLANNED.items():
        (programs / name).write_text(f'#!/bin/sh\necho "ran {name} $*"\n{command}\n')
        (programs / name).chmod(0o755)
    return workdir


def test_every_command_is_known():
    for words in (words for block in blocks() for words in lines(block)):
        assert is_assignment(words) or words[0] in PLANNED.keys() | AS_THEY_ARE, words


def is_assignment(words: list[str]) -> bool:
    return all(re.match(r"[A-Z]\w*=", word) for word in words)


def test_commands(place):
    commands = "\n".join(blocks())
    for named, here in STAND_INS.items():
        commands = commands.replace(named, str(place / here))
    # A run's model is that of the test: no run is made here.
    commands = re.sub(r"^(\w+=).*/model\.safetensors", r"\1model.safetensors", commands, flags=re.M)
    programs = place.parent / "programs"
    (place / ".venv/bin").mkdir(parents=True)
    (place / ".venv/bin/activate").touch()
    real = {name.upper(): shutil.which(name) for name in PLANNED}
    environment = {"PATH": os.pathsep.join([str(programs), os.environ["PATH"]])} | real
    done = shell(place, commands, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    asked = [words for block in blocks() for words in lines(block)]
    for name in PLANNED:
        n_asked = sum(words[0] == name for words in asked)
        assert len(re.findall(rf"^ran {name}\b", done.stdout, re.MULTILINE)) == n_asked > 0
    n_answers = sum(words[:2] == ["artistid", "predict"] for words in asked)
    assert (
        len(re.findall(r"^(?:song\.mp3|mix\.flac): .+ [01]\.\d{3}", done.stdout, re.M)) >= n_answers
    )
