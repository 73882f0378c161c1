"""A copy of a process that has imported Snakemake is to a workflow what a new process is."""

from pathlib import Path

import preloaded
from conftest import environment_of, python

# Says what a process has of its own, and leaves something behind in it.
SNAKEFILE = """
import json, os, sys
from mine import NAME
print(json.dumps([NAME, os.getcwd(), sys.argv[1:], sys.path, dict(os.environ)]))
print(sys.stdin.read(), sys.dont_write_bytecode, "left" in os.environ, hasattr(json, "left"))
os.environ["left"] = "here"
json.left = True

rule all:
    output: "made.txt"
    run:
        print("written", file=sys.stderr)
        sys.exit(3) if config else open(output[0], "w").close()
"""


def folder_with_a_library(folder: Path, name: str) -> Path:
    (folder / "workflow_scripts").mkdir(parents=True)
    (folder / "workflow_scripts/mine.py").write_text(f"NAME = {name!r}\n")
    (folder / "Snakefile").write_text(SNAKEFILE)
    return folder


def test_copy_is_what_a_new_process_is(tmp_path):
    first = folder_with_a_library(tmp_path / "a b\udcff", "first")
    second = folder_with_a_library(tmp_path / "second", "second")
    for workdir, arguments in (
        (first, ("--list-rules", "--config", 'a="é\n"')),
        (second, ("--list-rules",)),
        (second, ("--no-such-option",)),
    ):
        new = python(workdir, "-m", "snakemake", *arguments)
        copy = preloaded.run(workdir, arguments, environment_of(workdir))
        assert (copy.returncode, copy.stdout) == (new.returncode, new.stdout)
        # Of an error its last line: above it is a set, in any order.
        assert copy.stderr.splitlines()[-1:] == new.stderr.splitlines()[-1:]
