"""Show that a change computes the same as before, and say so in computation.lock.

    python tests/same_computation.py

For a change that moves or rewords sources. It lists the stages whose sources are no longer those
of the lock, runs the workflow on a tiny corpus with the sources of the commit at which the lock
last changed and with those of this folder (one processor core, no GPU), and compares the files.
Where all are the same, the lock gets the new digests with the versions that it had, and nothing
runs again. Where one differs, the lock stays as it is, and the files and their stages are named.

    python tests/same_computation.py --changed 'train_network/*' score_run

For a change that is meant to compute something else: the versions of these stages go up (`*` and
`?` are wildcards), and their jobs run again wherever there are results. Nothing is compared.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from conftest import ROOT, TINY, copy_workflow, python, snakemake, write_config
from interruptions import digests as digests_of_files

from artistid.errors import InputError
from artistid.plan.computation import (
    LOCK,
    Locked,
    digests,
    parse_lock,
    read_lock,
    write_lock,
)

COMMAND = "python tests/same_computation.py"
# No sum depends on how many threads share it, and none is computed on a GPU.
ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
SAID = "said.txt"  # what Snakemake said of every job, beside the results
# What a run was made with, as against what came out: a new key changes the configuration, and the
# commit is never the same.
MADE_WITH = ("commit", "configuration")
SHOWN = 5  # files of a stage that are named


@dataclass(frozen=True)
class Differences:
    """How two folders of results differ: files that have other bytes, and files of only one."""

    other: list[str]
    only_before: list[str]
    only_after: list[str]

    def __bool__(self) -> bool:
        return bool(self.other or self.only_before or self.only_after)


def differing(locked: Mapping[str, Locked], now: Mapping[str, str]) -> list[str]:
    """Return the stages, known to the lock, whose sources are no longer those of the lock."""
    return [stage for stage in now if stage in locked and locked[stage].digest != now[stage]]


def confirmed(locked: Mapping[str, Locked], now: Mapping[str, str]) -> dict[str, Locked]:
    """Return the lock with the digests of now: new stages get version 1, removed ones leave."""
    return {
        stage: Locked(locked[stage].version if stage in locked else 1, digest)
        for stage, digest in now.items()
    }


def raised(
    locked: Mapping[str, Locked], now: Mapping[str, str], patterns: Iterable[str]
) -> dict[str, Locked]:
    """Return the lock with higher versions of some stages; of the others, only new ones change.

    Raises:
        InputError: a pattern matches no stage.
    """
    chosen = set()
    for pattern in patterns:
        if not (matches := {stage for stage in now if fnmatchcase(stage, pattern)}):
            raise InputError(f"--changed {pattern}: no such stage; there are: {', '.join(now)}")
        chosen |= matches
    kept = {stage: locked.get(stage, Locked(1, digest)) for stage, digest in now.items()}
    return kept | {
        stage: Locked(locked[stage].version + 1, now[stage]) for stage in chosen if stage in locked
    }


def described(before: Mapping[str, Locked], after: Mapping[str, Locked]) -> list[str]:
    """Return a line for each stage that two locks do not say the same of."""
    lines = []
    for stage in sorted(before.keys() | after):
        old, new = before.get(stage), after.get(stage)
        if old is None and new is not None:
            lines.append(f"{stage}: new, version {new.version}")
        elif new is None:
            lines.append(f"{stage}: removed")
        elif old is not None and old.version != new.version:
            lines.append(f"{stage}: version {old.version} -> {new.version}")
        elif old != new:
            lines.append(f"{stage}: version {new.version} as before")
    return lines


def contents(results: Path) -> dict[str, str]:
    """Return a digest of each file, by its path below `results`, that must be the same."""
    found = digests_of_files(results)
    for name in found:
        if Path(name).name == "provenance.json":
            record = json.loads((results / name).read_text(encoding="utf-8"))
            rest = {key: value for key, value in record.items() if key not in MADE_WITH}
            found[name] = json.dumps(rest, sort_keys=True)
    return found


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> Differences:
    """Return how what `contents` returned differs."""
    return Differences(
        sorted(name for name in before.keys() & after if before[name] != after[name]),
        sorted(before.keys() - after.keys()),
        sorted(after.keys() - before.keys()),
    )


def scripts_of_rules(rules: str) -> dict[str, str]:
    """Return the script of each rule whose text names it plainly, without its ending."""
    found: dict[str, str] = {}
    for block in re.split(r"^(?= *(?:use rule|rule|checkpoint) )", rules, flags=re.MULTILINE):
        name = re.match(r" *(?:rule|checkpoint) (\w+):", block)
        heir = re.match(r" *use rule (\w+) as (\w+) with:", block)
        script = re.search(r'workflow_scripts/(\w+)\.py"', block)
        if name and script:
            found[name[1]] = script[1]
        elif heir and heir[1] in found:
            found[heir[2]] = found[heir[1]]
    return found


def stages_of_files(
    said: str, scripts: Mapping[str, str], known: Collection[str]
) -> dict[str, str]:
    """Return the stage of each output that Snakemake names in its descriptions of jobs.

    Args:
        said: by Snakemake, of every job.
        scripts: of rules; a rule that is not in there has the name of its script.
        known: stages. A training whose model is no file's name counts for all of its kind.
    """
    found: dict[str, str] = {}
    start = r"^(?:local)?(?:rule|checkpoint) (\w+):\n"
    # The text before the first job, then rules and their descriptions in turn.
    _, *parts = re.split(start, said, flags=re.MULTILINE)
    for rule, block in zip(parts[::2], parts[1::2], strict=True):
        script = scripts.get(rule, rule)
        model = re.search(r"^    wildcards: .*\bmodel=(\w+)", block, re.MULTILINE)
        stage = script
        if script not in known:
            of_model = f"{script}/{model[1] if model else ''}"
            stage = of_model if of_model in known else f"{script}/*"
        for outputs in re.findall(r"^    output: (.*)$", block, re.MULTILINE):
            found |= dict.fromkeys(outputs.split(", "), stage)
    return found


def stage_that_wrote(name: str, stages: Mapping[str, str]) -> str:
    """Return the stage that wrote a file: it, or a folder that contains it, is an output."""
    places = [f"results/{name}", *(f"results/{folder}" for folder in Path(name).parents)]
    return next((stages[place] for place in places if place in stages), "no job's output")


def explained(
    differences: Differences, stages: Mapping[str, str], changed: Collection[str]
) -> list[str]:
    """Return what a person reads where results differ.

    Args:
        differences: between the results.
        stages: of the outputs, as `stages_of_files` returns them.
        changed: stages whose sources are no longer those of the lock.
    """
    if differences.only_before or differences.only_after:
        return _other_layout(differences)
    files = defaultdict(list)
    for name in differences.other:
        files[stage_that_wrote(name, stages)].append(name)
    lines = []
    # The stages whose sources changed come first: the others may only pass on what they were given.
    for stage in sorted(files, key=lambda stage: (not _is_among(stage, changed), stage)):
        says = "" if _is_among(stage, changed) else " (its sources are the same)"
        lines += [f"{stage}: {len(files[stage])} files differ{says}", *_shown(files[stage])]
    suspects = [stage for stage in sorted(files) if _is_among(stage, changed)]
    names = " ".join(f"'{stage}'" if "*" in stage else stage for stage in suspects)
    return [
        *lines,
        f"{LOCK.name} stays as it is. If these results change on purpose, raise the versions of "
        "the stages that compute something else:",
        f"    {COMMAND} --changed {names or 'STAGE...'}",
    ]


def _is_among(stage: str, changed: Collection[str]) -> bool:
    return any(fnmatchcase(one, stage) for one in changed)


def _other_layout(differences: Differences) -> list[str]:
    lines = []
    sides = {"before": differences.only_before, "now": differences.only_after}
    for when, names in sides.items():
        if names:
            lines += [f"{len(names)} files are there only {when}", *_shown(names)]
    return [
        *lines,
        f"The results have another layout, so that they cannot be compared; {LOCK.name} stays as "
        "it is. Name the stages that are to run again:",
        f"    {COMMAND} --changed STAGE...",
    ]


def _shown(names: list[str]) -> list[str]:
    more = [f"    and {len(names) - SHOWN} more"] if len(names) > SHOWN else []
    return [f"    {name}" for name in names[:SHOWN]] + more


def git(*arguments: str) -> str:
    """Return what git says in this folder."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def commit_of_lock(locked: Mapping[str, Locked]) -> str:
    """Return the commit at which the lock last changed.

    Raises:
        InputError: there is none, or the versions in this folder are not those of that commit.
    """
    commit = git("log", "-1", "--format=%H", "--", LOCK.name)
    if not commit:
        raise InputError(f"{LOCK.name}: is in no commit, so there is nothing to compare with")
    committed = parse_lock(git("show", f"{commit}:{LOCK.name}"), f"{LOCK.name} of {commit[:10]}")
    if newer := [
        stage
        for stage, entry in locked.items()
        if stage in committed and entry.version != committed[stage].version
    ]:
        raise InputError(
            f"{LOCK.name}: the versions of {', '.join(newer)} are not those of {commit[:10]}; "
            "commit the lock together with the change that raised them, then compare what follows"
        )
    return commit


@contextmanager
def sources_of(commit: str, folder: Path) -> Iterator[Path]:
    """Yield a folder with what the repository held at a commit, while the block runs."""
    git("worktree", "add", "--quiet", "--detach", str(folder), commit)
    try:
        yield folder
    finally:
        git("worktree", "remove", "--force", str(folder))


def ask(sources: Path, *arguments: str) -> str:
    """Return what this command says in another folder of sources, run with those sources."""
    done = python(sources, "tests/same_computation.py", *arguments)
    if done.returncode:
        raise InputError(f"{sources}: {COMMAND} {' '.join(arguments)} failed: {done.stderr}")
    return done.stdout.strip()


def run_golden(folder: Path) -> None:
    """Run the workflow of this folder on a tiny corpus, in a copy, on one processor core."""
    workdir = copy_workflow(folder)
    write_config(workdir / "golden.yaml", TINY)
    arguments = ("--cores", "1", "--configfile", "golden.yaml", "--quiet", "host")
    done = snakemake(workdir, *arguments, **ENVIRONMENT)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    (workdir / SAID).write_text(done.stderr, encoding="utf-8")


def results_of(commit: str, folder: Path) -> tuple[Path, Path]:
    """Run the workflow with the sources of a commit and of this folder; return both results.

    Raises:
        InputError: the sources of the commit are not those of its lock.
    """
    before, after = folder / "before", folder / "after"
    with sources_of(commit, folder / "sources") as sources:
        if stale := ask(sources, "--list"):
            raise InputError(
                f"{commit[:10]}: its sources are not those of its {LOCK.name} "
                f"({', '.join(stale.split())}), so it says nothing of these versions; name the "
                f"stages that compute something else ({COMMAND} --changed STAGE...)"
            )
        print(f"running the sources of {commit[:10]}", flush=True)
        ask(sources, "--golden", str(before))
    print("running the sources of this folder", flush=True)
    ask(ROOT, "--golden", str(after))
    return before / "results", after / "results"


def compare_with_lock(locked: Mapping[str, Locked], now: Mapping[str, str]) -> int:
    """Run both sources, compare, and confirm the lock where nothing differs."""
    changed = differing(locked, now)
    print(f"{len(changed)} stages have other sources than the lock: {', '.join(changed)}")
    commit = commit_of_lock(locked)
    folder = Path(tempfile.mkdtemp(prefix="same_computation-"))
    try:
        before, after = results_of(commit, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    same = contents(before)
    if differences := compare(same, contents(after)):
        rules = "\n".join(path.read_text("utf-8") for path in sorted(ROOT.glob("rules/*.smk")))
        said = (after.parent / SAID).read_text(encoding="utf-8")
        stages = stages_of_files(said, scripts_of_rules(rules), now)
        print("\n".join(explained(differences, stages, changed)))
        print(f"Both results are in {folder}; remove it when you have seen them.")
        return 1
    shutil.rmtree(folder)
    print(f"{len(same)} files are the same")
    write(locked, confirmed(locked, now))
    return 0


def raise_versions(
    locked: Mapping[str, Locked], now: Mapping[str, str], patterns: list[str]
) -> int:
    """Raise the versions of stages that compute something else."""
    new = raised(locked, now, patterns)
    write(locked, new)
    if left := differing(new, now):
        print(
            f"Other sources than the lock still have: {', '.join(left)}. Name them too, or commit "
            f"the changes apart: first what computes the same ({COMMAND}), then the rest."
        )
    return 0


def write(before: Mapping[str, Locked], after: Mapping[str, Locked]) -> None:
    """Write the lock, and say what is new in it."""
    write_lock(after)
    print("\n".join([f"{LOCK.name}:", *(f"    {line}" for line in described(before, after))]))


def run(arguments: argparse.Namespace) -> int:
    """Run the command line, and return the exit status."""
    if arguments.golden:
        run_golden(arguments.golden)
        return 0
    now = digests()
    locked = read_lock() if LOCK.exists() else {}
    if arguments.list:
        stale = [stage for stage in now if stage not in locked or stage in differing(locked, now)]
        print("\n".join(stale))
        return 0
    if arguments.changed:
        return raise_versions(locked, now, arguments.changed)
    if differing(locked, now):
        return compare_with_lock(locked, now)
    if locked.keys() != now.keys():
        write(locked, confirmed(locked, now))
    else:
        print(f"{LOCK.name} agrees with the sources of all {len(now)} stages")
    return 0


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    asked = parser.add_mutually_exclusive_group()
    asked.add_argument("--changed", nargs="+", metavar="STAGE", help="raise these versions")
    asked.add_argument("--list", action="store_true", help="only name the stages that differ")
    asked.add_argument("--golden", type=Path, metavar="FOLDER", help="only run the tiny corpus")
    try:
        status = run(parser.parse_args())
    except InputError as error:
        raise SystemExit(str(error)) from None
    raise SystemExit(status)


if __name__ == "__main__":
    main()
