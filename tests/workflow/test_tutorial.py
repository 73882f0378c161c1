"""Every command of docs/tutorial.md, from the page itself; its first run is shared."""

import re
import shutil
import textwrap
from pathlib import Path

import yaml
from conftest import ROOT, TINY, shell
from test_recipes import BLOCK

SETUP = "make environment\n. .venv/bin/activate\n"


def test_tutorial(finished, tmp_path):
    workdir = shutil.copytree(finished, tmp_path / "finished", symlinks=True)
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    said = []
    for _, name, what, code in BLOCK.findall(text):
        assert name == "tutorial"
        kind, _, path = what.partition(" ")
        code = textwrap.dedent(code)
        if kind == "setup":
            assert code == SETUP, "what the tests' own environment was made with"
        elif kind == "file":
            (workdir / path).write_text(code)
        else:
            done = shell(workdir, code)
            assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
            said.append((path, done.stdout + done.stderr))
    assert len(re.findall(r"^```(?:sh|yaml)$", text, re.MULTILINE)) == len(said) + 3
    # The expensive run is the shared one: the page's command finds its results.
    names, outputs = zip(*said, strict=True)
    assert names == ("plan", "run", "look", "plan", "one", "use", "clean")
    first, run, look, change, one, use, _ = outputs
    assert "Nothing to be done" in first and "Nothing to be done" in run
    assert {"album_effect.md", "f1_by_model.md", "learning_curves"} <= set(look.split())
    assert_only_the_mixtures_run(change)
    assert re.search(r"^training: 1 job done in ", one, re.MULTILINE)
    assert "svm_mfcc: which of 3 artists is it?" in use
    assert (
        len(re.findall(r"^results/tiny/audio/.+\.mp3: .+ [01]\.\d{3}, ", use, re.MULTILINE)) == 18
    )
    assert not (workdir / "results/tiny").exists()


def test_shared_run_is_that_of_the_tutorial():
    assert yaml.safe_load(file_of("tutorial.yaml")) == TINY


def test_what_it_says_of_the_results(experiment: Path):
    rows = (experiment / "tables/f1_by_model.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in row.split("|")] for row in rows if row.startswith("|")]
    scores = {(row[1], row[2]): float(row[4].split()[0]) for row in cells[2:]}
    assert scores["svm_mfcc", "song"] == 1
    assert scores["svm_mfcc", "album"] < 0.5


def file_of(path: str) -> str:
    text = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")
    [code] = [code for *_, what, code in BLOCK.findall(text) if what == f"file {path}"]
    return code


def assert_only_the_mixtures_run(output: str) -> None:
    """What the page says of the edit; tests/workflow/test_reruns.py looks at every job."""
    jobs = dict(re.findall(r"^(\w+) +(\d+)$", output, re.MULTILINE))
    assert jobs["train_frame_system"] == jobs["score_run"] == "4"
    assert not {"train_network", "extract_log_mel", "draw_split"} & set(jobs)
