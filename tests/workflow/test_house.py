"""The house: one word for each stage, and walls between the rooms of the library."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
import yaml
from conftest import (
    ROOT,
    SHARED,
    SHARING,
    STAGES,
    TARGETS,
    copy_workflow,
    environment_of,
    snakemake,
)

import artistid
from artistid.plan.computation import BY_HAND
from artistid.plan.sources import source_files

LIBRARY = ROOT / "workflow_scripts" / "artistid"
SCRIPTS = sorted(path.name for path in (ROOT / "workflow_scripts").glob("*.py"))


def modules() -> dict[str, Path]:
    """Every module of the library by its dotted name below `artistid`."""
    found = {}
    for path in LIBRARY.rglob("*.py"):
        parts = path.relative_to(LIBRARY).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


def arrows() -> dict[str, set[str]]:
    """What each module imports of the library."""
    known = modules()
    found = defaultdict(set)
    for name, path in known.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("artistid"):
                module = node.module.removeprefix("artistid").lstrip(".")
                below = {f"{module}.{alias.name}".lstrip(".") for alias in node.names} & set(known)
                found[name] |= below or {module}
            elif isinstance(node, ast.Import):
                found[name] |= {
                    alias.name.removeprefix("artistid.")
                    for alias in node.names
                    if alias.name.startswith("artistid.")
                }
    return found


def room(module: str) -> str:
    """The room that a module is in; a module of the top floor is one by itself."""
    return module.partition(".")[0]


def test_every_stage_has_one_name_in_all_places():
    for stage in STAGES:
        assert (ROOT / "rules" / f"{stage}.smk").is_file(), stage
        assert (LIBRARY / stage).is_dir(), stage
        assert (ROOT / "tests" / stage).is_dir(), stage


def test_stages_are_targets_that_say_what_they_are():
    done = snakemake(ROOT, "--list-target-rules")
    assert done.returncode == 0, done.stderr
    targets = dict(re.findall(r"^(\w+)(?: \((.*)\))?$", done.stdout, re.MULTILINE))
    assert set(STAGES) | {"all", "experiments", "models", "predict", "listening"} == TARGETS
    assert all(targets[stage] for stage in TARGETS)


def test_library_of_another_copy_is_refused_in_a_line(tmp_path):
    workdir = copy_workflow(tmp_path / "copy")
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "-n"],
        cwd=workdir,
        env=environment_of(ROOT),
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    said = done.stdout + done.stderr
    assert "__init__.py: is not the library of this workflow; run `make environment`" in said
    assert "Traceback" not in said


def test_library_has_one_version():
    done = subprocess.run(
        [sys.executable, "-m", "artistid", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"artistid {artistid.__version__}\n"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == artistid.__version__


def test_library_knows_nothing_of_snakemake():
    for name, path in modules().items():
        imported = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text("utf-8"), re.MULTILINE)
        assert "snakemake" not in imported, name


def test_modules_have_no_circle():
    tuple(TopologicalSorter(arrows()).static_order())


def test_rooms_have_no_circle():
    between = defaultdict(set)
    for module, imported in arrows().items():
        between[room(module)] |= {room(other) for other in imported} - {room(module)}
    tuple(TopologicalSorter(between).static_order())


@pytest.mark.parametrize("script", sorted({*SCRIPTS} - {*BY_HAND}))
def test_no_job_imports_the_plan(script):
    used = [Path(path).relative_to(LIBRARY.parent) for path in source_files(script)]
    assert [path for path in used if path.parts[:2] == ("artistid", "plan")] == []


def test_demo_imports_storage_only():
    imported = {
        room(other)
        for module, others in arrows().items()
        if room(module) == "demo"
        for other in others
    }
    assert imported <= {"demo", "storage"}


def test_packages_hold_a_docstring_only():
    for name, path in modules().items():
        if path.name == "__init__.py" and name:
            [statement] = ast.parse(path.read_text("utf-8")).body
            assert isinstance(statement, ast.Expr), name


def test_what_the_rules_share_is_short():
    for name in ("rules/common.smk", "rules/functions/common.smk"):
        assert len((ROOT / name).read_text().splitlines()) <= 200, name


def test_scripts_parse_no_path():
    """What a file is about is in its columns, or in the parameters of its job."""
    for script in SCRIPTS:
        text = (ROOT / "workflow_scripts" / script).read_text("utf-8")
        assert not re.search(r"\.parts\[|\.stem\b|removeprefix\(\"seed|parent\.name", text), script


def test_files_that_share_a_workflow_are_known(request):
    """On several processes they are run in one of them, so that it is set up once."""
    items = [(item.nodeid.partition("::")[0], item) for item in request.session.items]
    using = {file for file, item in items if SHARED & set(getattr(item, "fixturenames", ()))}
    assert using == SHARING & {file for file, _ in items}
