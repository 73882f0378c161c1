"""The conda environments, the pinned list and the README name the same packages and versions."""

import re

import pytest
import yaml
from conftest import ROOT

ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
# Named otherwise in conda-forge.
CONDA_NAMES = {"torch": "pytorch", "soundfile": "pysoundfile", "soxr": "soxr-python"}


def pinned() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_every_requirement_is_pinned_exactly():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    packages = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9_-]+==[0-9.]+", line) for line in packages)


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.name)
def test_conda_environment_carries_the_pinned_versions(path):
    versions = {CONDA_NAMES.get(name, name): version for name, version in pinned().items()}
    environment = yaml.safe_load(path.read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    for dependency in environment["dependencies"]:
        name, _, version = dependency.partition("=")
        if name != "python":
            assert version == versions[name], f"{path.name}: {dependency}"


def test_every_rule_names_an_environment_that_exists():
    named = set()
    for rules in (ROOT / "rules").glob("*.smk"):
        text = rules.read_text()
        n_scripts = len(re.findall(r"^\s+script:", text, re.MULTILINE))
        environments = re.findall(r"\.\./envs/(\w+\.yaml)", text)
        assert len(environments) == n_scripts, rules.name
        named.update(environments)
    assert named == {path.name for path in ENVIRONMENTS}


def test_readme_gives_a_reason_for_every_dependency():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name, version in pinned().items():
        assert re.search(rf"^\| {name} \| {re.escape(version)} \| \w", readme, re.MULTILINE), name
