"""Take over the results of a workflow of before November 2026, which knew no experiments.

    python workflow_scripts/adopt_results.py OLD_FOLDER [--move]
        [--configfile FILE ...] [--config KEY=VALUE ...]

It is run by hand in the new workflow's folder, with the options that both workflows are run with;
docs/adopting.md says how. Nothing in the old folder is changed, unless with `--move`.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from snakemake.cli import parse_config
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

from artistid.adoption import (
    Move,
    adopt,
    asked_runs,
    check_agreement,
    chosen,
    decides_corpus,
    decides_run,
    describe,
    in_new_words,
    moves,
    path_of_run,
)
from artistid.errors import InputError, shortened
from artistid.experiment import architecture_of, kind_of_model
from artistid.plan.computation import TRAININGS, code_of, stage_of
from artistid.plan.config import check_config, effective_config, read_schema, with_types

# Stages whose results all runs share; and the version of these and of the trainings that computes
# what the old workflow did.
STAGES = (
    *("make_demo_album.py", "scan_corpus.py", "write_mel_filters.py", "extract_log_mel.py"),
    *("find_near_duplicates.py", "draw_split.py"),
)
SAME_AS_OLD = 1
COLUMNS_OF_SUMMARY = 6  # output, date, rule, logs, status, plan


def run_snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in a copy of the workflow, with its environment and library."""
    own = folder.resolve() / ".venv/bin/python"
    python = str(own) if own.exists() else sys.executable
    environment = os.environ | {"PYTHONPATH": str(folder.resolve() / "workflow_scripts")}
    command = [python, "-m", "snakemake", "--cores", "1", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def vouched_by(old: Path, options: Sequence[str]) -> frozenset[Path]:
    """Return the files of which the old workflow says that its configuration makes just these.

    Raises:
        InputError: it would compute something, or cannot say.
    """
    done = run_snakemake(old, "--summary", *options)
    if done.returncode:
        raise InputError(
            f"{old}: the old workflow cannot be planned: {_last_lines(done.stdout + done.stderr)}"
        )
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    rows = [row for row in rows if len(row) == COLUMNS_OF_SUMMARY][1:]
    if pending := sorted({rule for _, _, rule, _, _, plan in rows if plan != "no update"}):
        raise InputError(
            f"{old}: the old workflow has something to do ({', '.join(pending)}); run it to its "
            "end there first, with the same options"
        )
    if unknown := [output for output, _, _, logs, _, _ in rows if logs == "-"]:
        raise InputError(
            f"{old}: Snakemake has no record of {len(unknown)} files there, such as {unknown[0]}, "
            "and cannot say what they were computed with; run it there first (if you are sure of "
            "them, with --touch)"
        )
    return frozenset(old / output for output, *_ in rows)


def config_in_force(
    folder: Path,
    files: Sequence[str],
    entries: Sequence[str],
    schema: Mapping[str, Any],
    is_old: bool = False,
) -> dict[str, Any]:
    """Return the configuration of a copy of the workflow in the new words, merged as by Snakemake.

    Args:
        folder: of the copy, which the files are relative to.
        files: after ``--configfile``.
        entries: after ``--config``.
        schema: of the new workflow.
        is_old: whether the copy is the old workflow.

    Raises:
        InputError: a file is missing, the old workflow is none, or the new one's configuration is
            wrong.
    """
    for file in ("config.yaml", *files):
        if not (folder / file).is_file():
            raise InputError(f"{folder / file}: is no file; both workflows need their own")
    given = load_configfile(str(folder / "config.yaml"))
    for file in files:
        update_config(given, load_configfile(str(folder / file)))
    update_config(given, parse_config(entries))
    given = with_types(given, schema)
    if not is_old:
        check_config(given, schema)
    elif "song_split" not in given:
        raise InputError(
            f"{folder}: is no workflow of before November 2026: its config.yaml has no song_split"
        )
    config = effective_config(given)
    if audio_dir := config["corpus"]["audio_dir"]:
        config["corpus"]["audio_dir"] = str((folder / Path(audio_dir).expanduser()).resolve())
    return in_new_words(config) if is_old else config


def computed_otherwise(config: Mapping[str, Any]) -> list[str]:
    """Return the models of the experiment that are computed otherwise than by the old workflow.

    Raises:
        InputError: something that all runs share is.
    """
    for script in STAGES:
        if (code := code_of(script)) != {stage_of(script): SAME_AS_OLD}:
            raise InputError(
                f"{script}: {code} computes something else than the old workflow did; take its "
                "results over with an unedited copy of an earlier version, or compute them anew"
            )
    scripts = {kind: script for script, kind in TRAININGS.items()}
    found = []
    for model in config["experiment"]["models"]:
        kind = kind_of_model(config, model)
        parts = (scripts[kind], f"artistid/models/{kind}/{architecture_of(config, model)}.py")
        if code_of(*parts) != {stage_of(*parts): SAME_AS_OLD}:
            found.append(model)
    return found


def check_all(
    kept: Sequence[Move],
    before: Mapping[str, Any],
    config: Mapping[str, Any],
    schema: Mapping[str, Any],
    old: Path,
) -> None:
    """Compare what decided the files that are taken over with the new configuration.

    Raises:
        InputError: names what differs.
    """
    splits = sorted({move.split.partition("/")[0] for move in kept if move.split})
    then, now = (decides_corpus(of, schema, splits) for of in (before, config))
    check_agreement(then, now, old / "config.yaml")
    runs = {path_of_run(run): run for run in asked_runs(config)}
    for move in kept:
        if move.old.name != "provenance.json":
            continue
        run = runs[move.run]
        now = decides_run(config, schema, run)
        check_agreement(decides_run(before, schema, run), now, old / "config.yaml")
        # Snakemake's records may have been touched by hand; the run's own were not.
        recorded = json.loads(move.old.read_text(encoding="utf-8"))["configuration"]
        check_agreement(decides_run(in_new_words(recorded), schema, run), now, move.old)


def take_over(kept: Sequence[Move], results: Path) -> None:
    """Copy what is kept; the folder of the results is there when it is complete.

    Raises:
        InputError: a file is not one of the old layout, or cannot be written.
    """
    staging = results.with_name(f".{results.name}.adopted")
    shutil.rmtree(staging, ignore_errors=True)
    for move in kept:
        adopt(move, staging)
    staging.replace(results)


def record_as_computed(config: Mapping[str, Any], options: Sequence[str]) -> None:
    """Let Snakemake take what was copied for its own work.

    `--touch` writes its records of what is there. What a training waits for, and has no counterpart
    in the old layout, is computed: the index of the caches, the check and the audits.

    Raises:
        InputError: Snakemake fails.
    """
    results = f"results/{config['corpus']['name']}"
    missing = [
        f"{results}/log_mel/index.csv",
        f"{results}/experiments/{config['experiment']['name']}/check.txt",
    ]
    for arguments in (["--touch", "--forceall", "all"], ["audit", *missing]):
        done = run_snakemake(Path(), *arguments, *options)
        if done.returncode:
            raise InputError(
                f"{results}: is copied, but `snakemake {' '.join(arguments)}` fails; remove it and "
                f"start again once that is put right: {_last_lines(done.stdout + done.stderr)}"
            )


def remove_originals(kept: Sequence[Move], origin: Path) -> None:
    """Remove what was taken over from the old results, and the folders that this empties."""
    for move in kept:
        move.old.unlink()
    folders = {parent for move in kept for parent in move.old.parents if origin in parent.parents}
    for folder in sorted(folders, key=lambda folder: -len(folder.parts)):
        if not any(folder.iterdir()):
            folder.rmdir()


def adopt_results(given: argparse.Namespace) -> None:
    """Take over, and say what is left to compute.

    Raises:
        InputError: the results cannot be taken over.
    """
    options = ["--configfile", *given.configfile] if given.configfile else []
    options += ["--config", *given.config] if given.config else []
    schema = read_schema("schemas")
    config = config_in_force(Path(), given.configfile, given.config, schema)
    before = config_in_force(given.old, given.configfile, given.config, schema, is_old=True)
    results = Path("results") / config["corpus"]["name"]
    origin = given.old / "results" / before["corpus"]["name"]
    if results.exists():
        raise InputError(f"{results}: is there already; remove it, or take another corpus.name")
    other = computed_otherwise(config)
    vouched = vouched_by(given.old, options)
    found = moves(origin, config["experiment"]["name"])
    kept, left = chosen(found, vouched, config, other)
    if not kept:
        raise InputError(f"{origin}: has no results to take over")
    check_all(kept, before, config, schema, given.old)
    take_over(kept, results)
    record_as_computed(config, options)
    if given.move:
        remove_originals(kept, origin)
    print(describe(kept, left))
    print("left to compute:", flush=True)
    plan = run_snakemake(Path(), "-n", "--quiet", "host", "reason", "rules", *options)
    print(plan.stdout)


def main() -> None:
    """Read the command line, and do what it says."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("old", type=Path, help="folder of the old workflow")
    parser.add_argument("--move", action="store_true", help="remove from there what is taken over")
    parser.add_argument("--configfile", nargs="+", default=[], help="as given to both workflows")
    parser.add_argument("--config", nargs="+", default=[], help="as given to both workflows")
    try:
        adopt_results(parser.parse_args())
    except (InputError, WorkflowError) as error:
        sys.exit(f"adopt_results: {error}")


def _last_lines(text: str) -> str:
    return shortened(" ".join(" ".join(text.splitlines()[-5:]).split()), 1000)


if __name__ == "__main__":
    main()
