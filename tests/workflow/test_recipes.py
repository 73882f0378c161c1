"""The recipes of CONTRIBUTING.md, followed to the letter in a copy of the workflow."""

import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from conftest import ROOT, copy_workflow, environment_of, python, snakemake, write_config

# A recipe's code block with what it is: a file, a line of a list, or commands.
BLOCK = re.compile(r"^( *)<!-- recipe: (\w+) (.+?) -->\n\1```\w*\n(.*?)^\1```$", re.M | re.S)
SMALL = {
    "demo": {
        "artists": 2,
        "albums": 3,
        "tracks": 1,
        "seconds": 3,
        "reduced": {
            "experiment": {"seeds": [1], "splits": ["song"]},
            "training": {"epochs": 1},
        },
    },
}


def blocks(recipe: str) -> dict[str, str]:
    """The code blocks of a recipe by what they are."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    return {
        what: textwrap.dedent(code) for _, name, what, code in BLOCK.findall(text) if name == recipe
    }


def follow(recipe: str, workdir: Path) -> list[list[str]]:
    """Do what a recipe says, and return its commands."""
    commands = []
    for what, code in blocks(recipe).items():
        kind, _, path = what.partition(" ")
        if kind == "file":
            (workdir / path).write_text(code)
        elif kind == "line":
            text = (workdir / path).read_text()
            assert text.count("\n)\n") == 1, "one list"
            (workdir / path).write_text(text.replace("\n)\n", f"\n    {code.strip()}\n)\n"))
        else:
            commands = [line.split() for line in code.splitlines()]
    return commands


def small_demo(model: str) -> dict:
    """A tiny demo corpus, which repeats the experiment because it reduces what is in it."""
    small = SMALL["demo"]["reduced"]["experiment"] | {"models": [model], "follow_up": None}
    reduced = SMALL["demo"]["reduced"] | {"experiment": small}
    return {"demo": SMALL["demo"] | {"reduced": reduced}}


def copy_with_tests(folder: Path) -> Path:
    workdir = copy_workflow(folder / "clone")
    shutil.copytree(ROOT / "tests", workdir / "tests")
    for name in ("pyproject.toml", "CONTRIBUTING.md", "docs", "benchmarks"):
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, workdir / name)
    return workdir


def test_network_is_one_file_and_its_name(tmp_path):
    workdir = copy_with_tests(tmp_path)
    tests, run = follow("network", workdir)
    assert (tests[0], run[0]) == ("pytest", "snakemake")
    done = python(workdir, "-m", *tests)
    assert done.returncode == 0, done.stdout + done.stderr
    write_config(workdir / "small.yaml", small_demo("plain_cnn"))
    configs = run[run.index("--configfile") :]
    done = snakemake(workdir, *configs, "small.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^plain_cnn, 1 s +[01]\.\d{3} / [01]\.\d{3}$", done.stdout, re.MULTILINE)
    asked = re.search(r"models.plain_cnn", done.stderr)
    assert asked is None, "its settings are checked by the model itself"


def test_table_is_one_file_and_a_line(tmp_path, finished):
    workdir = shutil.copytree(finished, tmp_path / "finished")
    [command] = follow("table", workdir)
    done = snakemake(workdir, *command[3:], "--configfile", "tiny.yaml", "--quiet", "host")
    assert done.returncode == 0, done.stdout + done.stderr
    table = (workdir / "results/tiny/experiments/paper/tables/epochs.md").read_text()
    assert "| Model | Slice (s) | Epochs |" in table
    assert "| crnn | 1 | 2 |" in table
    assert re.findall(r"^rule (\w+):", done.stderr, re.MULTILINE) == []
    trained = re.search(r"train_\w+ +\d+", done.stdout + done.stderr)
    assert trained is None, "nothing is trained again"


def test_augmentation_is_one_file_and_its_name(tmp_path):
    workdir = copy_with_tests(tmp_path)
    tests, run = follow("augmentation", workdir)
    assert (tests[0], run[0]) == ("pytest", "snakemake")
    done = python(workdir, "-m", *tests)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    write_config(workdir / "small.yaml", small_demo("crnn_noise"))
    configs = run[run.index("--configfile") :]
    done = snakemake(workdir, "training", *configs, "small.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    [record] = (workdir / "results/demo").rglob("provenance.json")
    assert json.loads(record.read_text())["training"]["augmentations"] == {"noise": {"decibels": 2}}


@pytest.mark.parametrize("recipe", ["network", "augmentation", "table"])
def test_recipe_has_its_parts(recipe):
    kinds = [what.split()[0] for what in blocks(recipe)]
    assert kinds[0] == "file"
    assert kinds[-1] == "commands"


def test_script_stops_where_a_breakpoint_is(tmp_path, finished):
    workdir = shutil.copytree(finished, tmp_path / "finished")
    script = workdir / "workflow_scripts/write_mel_filters.py"
    script.write_text(script.read_text() + "\nbreakpoint()\n")
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "tiny.yaml"]
    done = subprocess.run(
        [*command, "--quiet", "host", "--", "results/tiny/log_mel/mel_filters.npy"],
        cwd=workdir,
        env=environment_of(workdir),
        input="p snakemake.rule\nc\n",
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert "(Pdb) 'write_mel_filters'" in done.stdout
