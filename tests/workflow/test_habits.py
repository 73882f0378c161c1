"""What surrounds the code agrees with it: checks on GitHub, hooks, changelog, workflow/."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, copy_workflow, snakemake
from test_environments import PYTHONS

import artistid

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
CHECKS = yaml.safe_load((ROOT / ".github/workflows/checks.yml").read_text())


def steps(workflow: dict) -> list[str]:
    """Return the commands of a workflow of GitHub Actions."""
    return [
        step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ]


def recipe(target: str) -> str:
    return re.search(rf"^{target}:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)[1]


def test_github_runs_what_ci_runs():
    ours = re.findall(r"^make .+$", (ROOT / ".ci/run").read_text(), re.MULTILINE)
    assert {*ours, "make docs"} == {step for step in steps(CHECKS) if step.startswith("make")}
    assert CHECKS["jobs"]["test"]["strategy"]["matrix"]["python"] == list(PYTHONS)


@pytest.mark.parametrize("path", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=str)
def test_targets_of_github_exist(path):
    for step in steps(yaml.safe_load(path.read_text())):
        for target in re.findall(r"^make (\S+)", step, re.MULTILINE):
            assert recipe(target)


def test_hooks_are_the_lints():
    [local] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert local["repo"] == "local", "tools are pinned in requirements.in, and nowhere else"
    linted = {line.split()[0] for line in recipe("lint").splitlines()} - {"snakemake"}
    assert {hook["entry"].split()[0] for hook in local["hooks"]} == linted


def test_hooks_stop_a_commit(tmp_path):
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    (tmp_path / "good.py").write_text('"""Good."""\n')
    (tmp_path / "bad.py").write_text("x = 'a'\n")
    (tmp_path / "Snakefile").write_text("rule a:\n  input: 'b'\n")
    (tmp_path / "page.md").write_text("Something to rec" + "ieve.\n")

    def run(*command: str) -> subprocess.CompletedProcess:
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    run("git", "init", "-q")
    run("git", "add", ".")
    done = run("pre-commit", "run", "--color=never")
    assert done.returncode == 1, done.stdout + done.stderr
    outcome = dict(re.findall(r"^(.+?)\.+(?:\(.+\))?(\w+)$", done.stdout, re.MULTILINE))
    failed = {name for name, how in outcome.items() if how == "Failed"}
    assert failed == {"ruff format", "snakefmt", "codespell"}


def test_changelog_begins_with_what_is_not_released_and_then_this_version():
    versions = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", CHANGELOG, re.MULTILINE)
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert versions[0] == ("Unreleased", "")
    assert versions[1] == (artistid.__version__, str(citation["date-released"]))
    kinds = set(re.findall(r"^### (.+)$", CHANGELOG, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_generated_files_are_marked_where_they_are():
    marked = re.findall(r"^(\S+) linguist-generated$", (ROOT / ".gitattributes").read_text(), re.M)
    assert marked
    assert all((ROOT / name).is_file() for name in marked)


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    workdir = copy_workflow(tmp_path_factory.mktemp("habits") / "clone")
    shutil.copytree(ROOT / "workflow", workdir / "workflow")
    return workdir


def test_other_snakefile_plans_the_same(clone):
    root, other = (
        snakemake(clone, "-n", "--quiet", "all", "--snakefile", name)
        for name in ("Snakefile", "workflow/Snakefile")
    )
    assert other.returncode == 0, other.stdout + other.stderr
    planned = re.findall(r"^(\w+) +(\d+)$", root.stdout, re.MULTILINE)
    expected = [("everything", "1") if rule == "all" else (rule, n) for rule, n in planned]
    assert ("scan_corpus", "1") in planned
    assert sorted(expected) == sorted(re.findall(r"^(\w+) +(\d+)$", other.stdout, re.MULTILINE))


def test_module_of_another_workflow(clone, tmp_path):
    text = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    [code] = re.findall(r"<!-- tested: module -->\n```python\n(.*?)^```$", text, re.M | re.S)
    (tmp_path / "Snakefile").write_text(code.replace("/path/to/the/clone", str(clone)))
    shutil.copy(clone / "config.yaml", tmp_path)
    library = {"PYTHONPATH": str(clone / "workflow_scripts")}
    done = snakemake(tmp_path, "-n", "--quiet", "all", **library)
    assert done.returncode == 0, done.stdout + done.stderr
    planned = dict(re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE))
    assert planned["make_demo_album"] == "40"
