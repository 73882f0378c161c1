"""A dry run of every shipped configuration, artist20's on a tree of artist20's shape."""

import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from conftest import ROOT, copy_workflow, environment_of, snakemake

N_ARTISTS, N_ALBUMS, N_TRACKS = 20, 6, 1413
ARTIST20 = "configs/artist20.yaml"
# Some are merged over others.
ALL_CONFIGS = {
    "artist20": [ARTIST20],
    "artist20_all_systems": [ARTIST20, "configs/artist20_all_systems.yaml"],
    "artist20_baseline": [ARTIST20, "configs/artist20_baseline.yaml"],
    "artist20_folds": [ARTIST20, "configs/artist20_folds.yaml"],
    "artist20_labrosa": [ARTIST20, "configs/artist20_labrosa.yaml"],
    "artist20_unseen_albums": [
        ARTIST20,
        "configs/unseen_albums.yaml",
        "configs/artist20_unseen_albums.yaml",
    ],
    "my_music": ["configs/my_music.yaml"],
    "unknown_artists": [ARTIST20, "configs/unknown_artists.yaml"],
    "unseen_albums": [ARTIST20, "configs/unseen_albums.yaml"],
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    """20 artists, 6 albums each, 1,413 recordings of 1.1 s, but for one of 7 s."""
    audio_dir = tmp_path_factory.mktemp("artist20") / "mp3s-32k"
    generator = np.random.default_rng(0)
    noise = (0.1 * generator.standard_normal(N_TRACKS + 112000)).astype(np.float32)
    for number in range(N_TRACKS):
        artist, album = number % N_ARTISTS, number // N_ARTISTS % N_ALBUMS
        path = audio_dir / f"artist_{artist:02d}" / f"album_{album}" / f"{number:04d}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        n_samples = 17600 if number else 112000  # a slice of 6 s has to fit somewhere
        soundfile.write(path, noise[number : number + n_samples], 16000)
    return audio_dir


@pytest.fixture
def workdir(tmp_path, tree) -> Path:
    """A copy of the workflow, with lists like LabROSA's: 3 albums, 1 and 2 of each artist."""
    workdir = copy_workflow(tmp_path / "clone")
    names = sorted(
        path.relative_to(tree).with_suffix("").as_posix() for path in tree.rglob("*.flac")
    )
    albums = {"train": (0, 1, 2), "validation": (3,), "test": (4, 5)}
    (workdir / "lists").mkdir()
    for subset, numbers in albums.items():
        own = [name for name in names if int(name.split("/")[1].removeprefix("album_")) in numbers]
        (workdir / f"lists/{subset}.list").write_text("\n".join(own) + "\n")
    return workdir


def audio_dir(folder: Path) -> list[str]:
    return ["--config", f'corpus={{"audio_dir": "{folder}"}}']


def planned_jobs(text: str) -> dict[str, int]:
    return {rule: int(n) for rule, n in re.findall(r"^(\w+) +(\d+)$", text, re.MULTILINE)}


def test_every_shipped_configuration_is_tested():
    assert set(ALL_CONFIGS) == {path.stem for path in (ROOT / "configs").glob("*.yaml")}


def test_demo_is_planned(workdir):
    done = snakemake(workdir, "-n")
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = planned_jobs(done.stdout + done.stderr)
    assert jobs["make_demo_album"] == 40
    assert jobs["scan_corpus"] == jobs["make_tables"] == 1


@pytest.mark.parametrize("name", ALL_CONFIGS)
def test_configuration_is_planned(workdir, tree, name):
    done = snakemake(workdir, "-n", "--configfile", *ALL_CONFIGS[name], *audio_dir(tree))
    assert done.returncode == 0, done.stdout + done.stderr
    jobs = planned_jobs(done.stdout + done.stderr)
    assert jobs["scan_corpus"] == 1
    assert "make_demo_album" not in jobs
    assert "smaller than configured" not in done.stderr


@pytest.mark.parametrize("name", ALL_CONFIGS)
def test_folder_has_to_be_named_and_to_exist(workdir, name):
    configfile = ("--configfile", *ALL_CONFIGS[name])
    done = snakemake(workdir, "-n", *configfile)
    assert done.returncode != 0
    assert "corpus.audio_dir: is empty; write the folder that holds" in done.stdout + done.stderr
    done = snakemake(workdir, "-n", *configfile, *audio_dir(Path("/no/such/folder")))
    assert done.returncode != 0
    assert "/no/such/folder: cannot be read as a folder" in done.stdout + done.stderr


def test_artist20_is_scanned_and_the_papers_grid_planned_in_seconds(workdir, tree):
    arguments = ("--configfile", "configs/artist20.yaml", *audio_dir(tree))
    started = time.monotonic()
    done = snakemake(workdir, "scan_corpus", *arguments, "--quiet", "host")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1413 tracks of 20 artists on 120 albums" in done.stderr
    assert "as corpus.expect says" in done.stderr
    scanned = time.monotonic()
    done = snakemake(workdir, *arguments, "-n", "--quiet", "host")
    planned = time.monotonic()
    assert done.returncode == 0, done.stdout + done.stderr
    text = done.stdout + done.stderr
    jobs = planned_jobs(text)
    assert jobs["extract_log_mel"] == 120
    assert jobs["draw_split"] == jobs["audit_split"] == 6
    assert jobs["find_near_duplicates"] == 1
    assert jobs["train_network"] == 30
    trainings = re.findall(r"^rule train_network:\n(?: .*\n)+", text, re.MULTILINE)
    assert len(trainings) == 30
    assert all(re.search(r"resources: .*\bgpu=1\b", training) for training in trainings)
    assert scanned - started < 60
    assert planned - scanned < 30
    assert_others_share_the_corpus(workdir, tree)
    assert_planning_is_light(workdir, *arguments, "-n", "--quiet", "all")
    assert_groups_are_whole(workdir, *arguments)


def assert_others_share_the_corpus(workdir: Path, tree: Path) -> None:
    """Six folds, and LabROSA's split, drawn and as a list: planned on the same scan."""
    expected = {
        "artist20_folds": {
            "draw_split": 6,
            "train_network": 2 * 6 * 3,
            "train_frame_system": 6 * 3,
        },
        "artist20_labrosa": {
            "draw_split": 3,
            "read_list": 1,
            "train_network": 2 * 2 * 3,
            "train_frame_system": 2 * 3,
        },
    }
    for name, counts in expected.items():
        started = time.monotonic()
        arguments = ("--configfile", *ALL_CONFIGS[name], *audio_dir(tree))
        done = snakemake(workdir, *arguments, "-n", "--quiet", "rules")
        assert done.returncode == 0, done.stdout + done.stderr
        jobs = planned_jobs(done.stdout + done.stderr)
        assert "scan_corpus" not in jobs
        assert {rule: jobs[rule] for rule in counts} == counts
        assert jobs["score_run"] == 3 * 3 * (2 if name == "artist20_labrosa" else 1)
        assert time.monotonic() - started < 30


def test_list_that_is_not_there_is_named_before_any_job(workdir, tree):
    (workdir / "lists/test.list").unlink()
    configs = ALL_CONFIGS["artist20_labrosa"]
    done = snakemake(workdir, "-n", "--configfile", *configs, *audio_dir(tree))
    assert done.returncode != 0
    text = done.stdout + done.stderr
    assert (
        "lists/test.list: does not exist, but splits.labrosa.files names it; write the path" in text
    )


def assert_groups_are_whole(workdir: Path, *arguments: str) -> None:
    """A cluster gets each job once, in groups as large as the profile says (rules/repairs.smk)."""
    done = snakemake(workdir, *arguments, "-n", "--workflow-profile", "profiles/slurm")
    assert done.returncode == 0, done.stdout + done.stderr
    text = done.stdout + done.stderr
    groups = re.findall(r"Group job (\w+) .*\n((?:\n|    .*\n)+)", text)
    jobs = [re.findall(r"^        output: (.+)$", text, re.MULTILINE) for _, text in groups]
    assert Counter(name for name, _ in groups)["log_mel"] == 120 / 20
    assert all(len(of_group) <= 20 for of_group in jobs)
    every = [job for of_group in jobs for job in of_group]
    grouped = yaml.safe_load((workdir / "profiles/slurm/config.yaml").read_text())["groups"]
    planned = planned_jobs(text)
    assert len(every) == len(set(every)) == sum(planned.get(rule, 0) for rule in grouped)


def assert_planning_is_light(workdir: Path, *arguments: str) -> None:
    """What a login node needs: no library of the jobs, and little memory."""
    code = (
        "import sys\n"
        "from snakemake.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "print('loaded', *sys.modules)\n"
        # Not ru_maxrss, which counts what the tests' own process held when it started this one.
        "print(open('/proc/self/status').read())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=workdir,
        env=environment_of(workdir),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    loaded = re.search(r"^loaded (.*)$", done.stdout, re.MULTILINE)[1].split()
    assert "artistid.plan.needs" in loaded
    assert not {"torch", "librosa", "scipy", "sklearn", "matplotlib"} & set(loaded)
    assert int(re.search(r"^VmHWM:\s+(\d+) kB$", done.stdout, re.MULTILINE)[1]) < 300_000
