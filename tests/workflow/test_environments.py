"""The environment files agree: what is used, what is pinned, what conda installs, what is said.

`requirements.in` lists the packages that are used, `requirements.txt` is compiled from it, and
`envs/*.yaml` and the README name the same versions.
"""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from itertools import chain, takewhile

import pytest
import yaml
from conftest import ROOT
from packaging.markers import Marker, default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
# Named differently in conda-forge.
CONDA_NAMES = {"torch": "pytorch", "soundfile": "pysoundfile", "soxr": "soxr-python"}
PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = (("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64"))


def read(name: str) -> dict[str, Requirement]:
    """Return the packages of a list by their name."""
    lines = (ROOT / name).read_text().splitlines()
    texts = [text for line in lines if (text := line.partition("#")[0].strip())]
    return {canonicalize_name(found.name): found for found in map(Requirement, texts)}


HERE = dict(default_environment())
DIRECT = read("requirements.in")
LOCKED = read("requirements.txt")
EXCLUDED = read("requirements.excludes")


def pin(requirement: Requirement) -> str:
    """Return the version of a requirement that allows one only."""
    (specifier,) = requirement.specifier
    assert specifier.operator == "==", requirement
    return specifier.version


def holds(marker: Marker | None, environment: dict[str, str], extras: set[str]) -> bool:
    return marker is None or any(
        marker.evaluate(environment | {"extra": extra}) for extra in extras or {""}
    )


def needed(environment: dict[str, str]) -> dict[str, list[Requirement]]:
    """Return what the direct packages need, and who requires which version.

    Of packages that are not installed here only the name is known.
    """
    found: dict[str, list[Requirement]] = {}
    seen: set[str] = set()
    to_visit = list(DIRECT.values())
    while to_visit:
        requirement = to_visit.pop()
        name = canonicalize_name(requirement.name)
        if str(requirement) in seen or name in EXCLUDED:
            continue
        seen.add(str(requirement))
        found.setdefault(name, []).append(requirement)
        try:
            theirs = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:
            continue
        to_visit += [one for one in theirs if holds(one.marker, environment, requirement.extras)]
    return found


def locked_in(environment: dict[str, str]) -> dict[str, str]:
    """Return the pins that an installation in an environment gets."""
    return {
        name: pin(requirement)
        for name, requirement in LOCKED.items()
        if holds(requirement.marker, environment, set())
    }


def environment_of(python: str, platform: str, machine: str) -> dict[str, str]:
    changed = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "sys_platform": platform,
        "platform_system": platform.capitalize(),
        "platform_machine": machine,
    }
    return HERE | changed


def test_every_package_is_pinned_to_one_public_version_without_hashes():
    for name, requirement in (DIRECT | LOCKED).items():
        assert Version(pin(requirement)).local is None, name
        assert not requirement.extras, name
    assert not re.search(r"--|@", (ROOT / "requirements.txt").read_text())


def test_direct_packages_are_locked_as_they_are_pinned():
    assert {name: LOCKED[name].specifier for name in DIRECT} == {
        name: requirement.specifier for name, requirement in DIRECT.items()
    }


def test_the_lock_is_what_the_direct_packages_need_here():
    assert set(locked_in(HERE)) == set(needed(HERE))


def test_the_tests_run_with_what_is_locked():
    locked = locked_in(HERE)
    # Without the local label of a build, such as +cpu, which depends on the index.
    assert {name: version(name).partition("+")[0] for name in locked} == locked


@pytest.mark.parametrize("machine", MACHINES, ids="-".join)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_lock_holds_elsewhere(python, machine):
    environment = environment_of(python, *machine)
    locked = locked_in(environment)
    wanted = needed(environment)
    assert set(wanted) <= set(locked)
    for name, requirements in wanted.items():
        for requirement in requirements:
            assert requirement.specifier.contains(locked[name], prereleases=True), requirement
    # The rest is needed by packages that are installed elsewhere only: the lock names them.
    for name in set(locked) - set(wanted):
        assert locked_for(name) <= set(locked) - set(locked_in(HERE)), name


def locked_for(name: str) -> set[str]:
    """Return the packages that need one, by the lock's comments."""
    lines = iter((ROOT / "requirements.txt").read_text().splitlines())
    next(line for line in lines if line.startswith(f"{name}=="))
    comments = takewhile(lambda line: line.startswith("    #"), lines)
    return set(" ".join(comments).replace("#", " ").split()) - {"via"}


def test_the_lock_leaves_the_build_of_pytorch_open():
    assert [name for name in LOCKED if re.match("cuda|nvidia|triton", name)] == []
    assert not EXCLUDED.keys() & LOCKED.keys()


@pytest.mark.parametrize("path", ENVIRONMENTS, ids=lambda path: path.name)
def test_conda_environment_carries_the_pinned_versions(path):
    versions = {CONDA_NAMES.get(name, name): pin(LOCKED[name]) for name in LOCKED}
    environment = yaml.safe_load(path.read_text())
    assert environment["channels"] == ["conda-forge", "nodefaults"]
    for dependency in environment["dependencies"]:
        name, _, found = dependency.partition("=")
        if name != "python":
            assert found == versions[name], f"{path.name}: {dependency}"


def test_every_rule_names_an_environment_that_exists():
    named = set()
    for rules in (ROOT / "rules").glob("*.smk"):
        text = rules.read_text()
        n_scripts = len(re.findall(r"^\s+script:", text, re.MULTILINE))
        environments = re.findall(r"\.\./envs/(\w+\.yaml)", text)
        assert len(environments) == n_scripts, rules.name
        named.update(environments)
    assert named == {path.name for path in ENVIRONMENTS}


def test_extras_are_pinned_as_the_tests_have_them():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
        "optional-dependencies"
    ]
    for requirement in map(Requirement, chain(*extras.values())):
        assert requirement.specifier == DIRECT[requirement.name].specifier


def test_readme_gives_a_reason_for_every_direct_package():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| ([a-z0-9-]+) \| ([0-9.]+) \| \w", readme, re.MULTILINE)
    assert dict(table) == {name: pin(requirement) for name, requirement in DIRECT.items()}
