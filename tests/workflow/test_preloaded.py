"""A copy of a process that has imported Snakemake is to a workflow what a new process is."""

import shutil
from pathlib import Path

import preloaded
from conftest import ROOT, environment_of, python

# Prints the state of its process, and then modifies that state.
SNAKEFILE = """
import json, os, sys
from mine import NAME
print(json.dumps([NAME, os.getcwd(), sys.argv[1:], sys.path, dict(os.environ)]))
files = [getattr(module, "__file__", None) or "" for module in sys.modules.values()]
print(sorted(file for file in files if "workflow_scripts" in file))
print(sys.stdin.read(), sys.dont_write_bytecode, "left" in os.environ, hasattr(json, "left"))
os.environ["left"] = "here"
json.left = True

rule all:
"""


def folder_with_a_library(folder: Path, name: str) -> Path:
    plugin = "workflow_scripts/snakemake_logger_plugin_artistid"
    shutil.copytree(ROOT / plugin, folder / plugin)
    (folder / "workflow_scripts/mine.py").write_text(f"NAME = {name!r}\n")
    (folder / "Snakefile").write_text(SNAKEFILE)
    return folder


def test_copy_is_what_a_new_process_is(tmp_path):
    first = folder_with_a_library(tmp_path / "a b é", "first")
    second = folder_with_a_library(tmp_path / "second", "second")
    for workdir, arguments, status in (
        (first, ("--list-rules", "--config", "name=é b"), 0),
        (second, ("--list-rules",), 0),
        (second, ("--no-such-option",), 2),
    ):
        new = python(workdir, "-m", "snakemake", *arguments)
        copy = preloaded.run(workdir, arguments, environment_of(workdir))
        assert (copy.returncode, copy.stdout) == (new.returncode, new.stdout)
        assert new.returncode == status
        assert status or f"{workdir}/workflow_scripts/snakemake_logger_plugin" in new.stdout
        # Of an error its last line: above it is a set, in any order.
        assert copy.stderr.splitlines()[-1:] == new.stderr.splitlines()[-1:]
