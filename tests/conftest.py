"""What tests share: small recordings, a small corpus, and the workflow on it."""

import os
import re
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import preloaded
import pytest
import yaml

from artistid.demo.names import album_name, artist_name, track_name
from artistid.demo.recordings import make_album
from artistid.plan.config import read_schema

ROOT = Path(__file__).resolve().parent.parent


FOLDERS = "rules workflow_scripts profiles schemas configs envs resources report".split()


# Rules without output, which request the files of a stage.
STAGES = "corpus features splits audit training scoring tables figures".split()
TARGETS = {"all", "experiments", "models", "predict", "listening", *STAGES}
# Rules of these two targets, which run only if a target is named.
ON_DEMAND = {
    *("package_model", "list_files", "predict_files", "collect_answers"),
    "make_listening_page",
}


# Names that a corpus on somebody's disk may hold.
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


# Fixtures that take a minute to set up, and that tests change and put right again; and the files of
# the tests that use one of them (tests/workflow/test_house.py compares them).
SHARED = {"finished", "small", "outcomes"}
SHARING = {
    "tests/jobs/test_devices.py",
    "tests/plan/test_needs.py",
    "tests/plan/test_sources.py",
    "tests/storage/test_full_disk.py",
    "tests/terminal/test_runs_shown.py",
    "tests/workflow/test_experiments.py",
    "tests/workflow/test_prediction.py",
    "tests/workflow/test_recipes.py",
    "tests/workflow/test_report.py",
    "tests/workflow/test_reruns.py",
    "tests/workflow/test_tutorial.py",
    "tests/workflow/test_workflow.py",
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """Keep tests in one of xdist's processes that share a workflow, or a file's fixtures."""
    from xdist.scheduler import LoadScopeScheduling

    class BySharedFixtures(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = nodeid.partition("::")[0]
            return "shared" if file in SHARING else file

    return BySharedFixtures(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Let each of xdist's processes compute on one core: threads beyond that wait, at full load."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_unconfigure() -> None:
    preloaded.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the longest go first, where there are several processes: what runs the workflow."""

    def is_short(item: pytest.Item) -> tuple[bool, bool]:
        file = item.nodeid.partition("::")[0]
        return file not in SHARING, not file.startswith("tests/workflow/")

    items.sort(key=is_short)


def write_config(path: Path, config: dict) -> Path:
    path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    return path


def snakemake(
    workdir: Path, *arguments: str, within: Sequence[str] = (), **environment: str
) -> subprocess.CompletedProcess:
    """Run Snakemake in a copy of the workflow, as a user would, on two cores.

    `within` is a command that runs the one that follows it. With it, or in another environment,
    this is a new process; otherwise a copy of one that has imported Snakemake (preloaded.py).
    """
    arguments = ("--cores", "2", *arguments)
    if within or environment:
        return python(workdir, "-m", "snakemake", *arguments, within=within, **environment)
    return preloaded.run(workdir, arguments, environment_of(workdir))


def python(
    workdir: Path, *arguments: str, within: Sequence[str] = (), **environment: str
) -> subprocess.CompletedProcess:
    """Run Python in a copy of the workflow, with the library of that copy."""
    return subprocess.run(
        [*within, sys.executable, *arguments],
        cwd=workdir,
        env=environment_of(workdir, **environment),
        capture_output=True,
        text=True,
        timeout=1800,
    )


def shell(workdir: Path, commands: str, **environment: str) -> subprocess.CompletedProcess:
    """Run commands in a copy of the workflow, as a user would in the activated environment."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", commands],
        cwd=workdir,
        env=environment_of(workdir, **{"PATH": path} | environment),
        capture_output=True,
        text=True,
        timeout=1800,
    )


def rules_of(workdir: Path, *arguments: str) -> list[str]:
    """The names of the rules of a copy of the workflow."""
    done = snakemake(workdir, "--list-rules", *arguments)
    return re.findall(r"^(\w+)", done.stdout, re.MULTILINE)


def environment_of(workdir: Path, **environment: str) -> dict[str, str]:
    """The environment of a process that runs a copy of the workflow, and not the installed one."""
    path = [str(workdir / "workflow_scripts"), environment.pop("PYTHONPATH", "")]
    fixed = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": os.pathsep.join(filter(None, path))}
    return os.environ | fixed | environment


def fake_nvidia_smi(folder: Path, listing: str, status: int = 0, then: str = "") -> None:
    """Put a program of that name into a folder; it also knows the version of a driver."""
    (folder / "listing").write_text(listing)
    (folder / "nvidia-smi").write_text(
        f'#!/bin/sh\n[ "$1" = -L ] || {{ echo 470.57.02; exit; }}\n'
        f'cat "{folder}/listing"\n{then}\nexit {status}\n'
    )
    (folder / "nvidia-smi").chmod(0o755)


def ordinary_user() -> list[str]:
    """A command that runs another one without the privileges that root has over any file.

    It is still root that runs it, as owner of its files and bound by their modes: another user may
    be unable to reach the interpreter.
    """
    if os.geteuid() != 0:
        return []
    command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
    if shutil.which("setpriv") is None or subprocess.run([*command, "true"]).returncode:
        pytest.skip("root may write everywhere, and setpriv cannot take that away here")
    return command


def copy_workflow(workdir: Path) -> Path:
    """Copy what a clone holds of the workflow into a folder."""
    workdir.mkdir(parents=True, exist_ok=True)
    for name in ("Snakefile", "config.yaml", "computation.lock"):
        shutil.copy2(ROOT / name, workdir)
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, workdir / name, ignore=ignored)
    return workdir


FIRST_RUN = "first_run.txt"  # what Snakemake said of every job, for tests/workflow/test_reruns.py

LAST_WORDS = "last_words.txt"  # what that run printed at its end, for tests/terminal

# Every kind of model, both splits, two seeds, and the second step.
TINY = {
    "corpus": {"name": "tiny"},
    "demo": {
        "artists": 3,
        "albums": 3,
        "tracks": 2,
        "seconds": 4,
        "reduced": {
            "experiment": {"seeds": [1, 2], "follow_up": "best", "follow_up_seconds": [3]},
            "training": {"epochs": 2},
        },
    },
}


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> Path:
    """A folder with the workflow, run to its end on a tiny corpus."""
    workdir = copy_workflow(tmp_path_factory.mktemp("tiny") / "with space")
    write_config(workdir / "tiny.yaml", TINY)
    # Each job leaves a note of the modules that it loaded, which tests/plan/test_sources.py reads.
    notes = {"PYTHONPATH": str(ROOT / "tests/job_notes"), "JOB_NOTES": str(workdir / "job_notes")}
    done = snakemake(workdir, "--configfile", "tiny.yaml", "--quiet", "host", **notes)
    assert done.returncode == 0, done.stdout + done.stderr
    (workdir / FIRST_RUN).write_text(done.stderr)
    (workdir / LAST_WORDS).write_text(done.stdout)
    assert "demo corpus, smaller than configured: training.epochs: 300 -> 2" in done.stderr
    assert "18 tracks of 3 artists on 9 albums" in done.stdout
    assert "inception_rnn, 1 s" in done.stdout
    return workdir


# As few jobs as can show what an edit reruns: recordings in a folder, one split, one seed. With one
# network the second step's choice is known; of two, a new training might choose the other.
SMALL = {
    "corpus": {"name": "small", "source": "folder", "audio_dir": "music", "max_bad_share": 0.2},
    "experiment": {
        "models": ["resnet50", "gaussian_mfcc"],
        "splits": ["song"],
        "seeds": [1],
        "follow_up": "best",
        "follow_up_seconds": [2],
    },
    "training": {"epochs": 1},
    "models": {"resnet50": {"width": 4}},
}


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """A folder with the workflow, run to its end on a few recordings; tests work on copies."""
    workdir = copy_workflow(tmp_path_factory.mktemp("small") / "workflow")
    for artist in range(3):
        for album in range(3):
            folder = workdir / "music" / artist_name(artist) / album_name(album)
            paths = [folder / track_name(track) for track in range(2)]
            make_album(paths, artist, album, seconds=3, seed=20)
    write_config(workdir / "small.yaml", SMALL)
    done = snakemake(workdir, "--configfile", "small.yaml", "--quiet", "host")
    assert done.returncode == 0, done.stdout + done.stderr
    (workdir / FIRST_RUN).write_text(done.stderr)
    return workdir


@pytest.fixture(scope="session")
def results(finished) -> Path:
    """The results of the tiny corpus."""
    return finished / "results" / "tiny"


@pytest.fixture(scope="session")
def experiment(results) -> Path:
    """The results of the experiment on the tiny corpus."""
    return results / "experiments" / "paper"


@pytest.fixture(scope="session")
def config() -> dict:
    """The shipped configuration, as given."""
    return yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def schema() -> dict:
    return read_schema(ROOT / "schemas")


@pytest.fixture(scope="session")
def demo_album(tmp_path_factory) -> list[Path]:
    """Two mp3 files of one of the demo's albums, 5 s each."""
    folder = tmp_path_factory.mktemp("demo_album")
    paths = [folder / artist_name(0) / album_name(0) / track_name(track) for track in range(2)]
    make_album(paths, artist=0, album=0, seconds=5, seed=20)
    return paths


def tone(seconds: float, sampling_rate: int = 16000, hz: float = 440.0) -> np.ndarray:
    """A quiet tone, float32, shape (n,)."""
    t = np.arange(int(seconds * sampling_rate)) / sampling_rate
    return (0.1 * np.sin(2 * np.pi * hz * t)).astype(np.float32)
