"""List, or remove, results of a corpus that no configuration needs any more.

    python workflow_scripts/prune.py [--remove] [--configfile FILE ...] [--config KEY=VALUE ...]

It is run by hand, where Snakemake is run, with the run's options. Snakemake's `--list-untracked`
sees one configuration, and also names benchmarks, the contents of output folders, and
files that are needed only after a checkpoint that has not run yet.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from artistid.errors import InputError, shortened
from artistid.plan.recorded import RECORD, beside, experiment_folders, folders_with, read_record
from artistid.prune.strays import describe, recordings_below, remove, survey

TELL = "--tell"
# Lines that Snakemake always begins with.
NO_NEWS = ("Using workflow specific profile", "Config file config.yaml is extended")


@dataclass(frozen=True)
class Asked:
    """What the workflow needs with one configuration.

    Attributes:
        config: the configuration in force.
        results: folder of the corpus' results.
        files: every file that a job reads or makes, its log and its benchmark.
        folders: folders that a job makes as a whole.
        pending: checkpoints that are still to run: what comes after them is not known.
        is_running: whether a workflow is at work on these files.
    """

    config: dict[str, Any]
    results: str
    files: list[str]
    folders: list[str]
    pending: list[str]
    is_running: bool


def tell(path: str, options: Sequence[str]) -> None:
    """Write what the workflow needs to a JSON file, in a Snakemake process."""
    from snakemake.cli import main as snakemake
    from snakemake.dag import DAG
    from snakemake.io import is_flagged

    def list_untracked(dag: DAG) -> None:
        jobs, shared = list(dag.jobs), dag.workflow.globals
        files = {str(file) for job in jobs for file in (*job.input, *job.output, *job.log)}
        files |= {str(job.benchmark) for job in jobs if job.benchmark}
        # What a job keeps beside its outputs, such as the state of a training, is a parameter.
        kept = {value for job in jobs for value in job.params if isinstance(value, str)}
        # The lock that keeps a training to one process stays beside its state.
        files |= kept | {f"{value.removesuffix('.pt')}.lock" for value in kept}
        folders = {
            str(file) for job in jobs for file in job.output if is_flagged(file, "directory")
        }
        folders |= {*shared["PREDICTED_FOLDERS"], *shared["LISTENING_FOLDERS"]}
        told = {
            "config": shared["config"],
            "results": shared["CORPUS"],
            "files": sorted(files),
            "folders": sorted(folders),
            "pending": sorted(
                {job.rule.name for job in jobs if job.is_checkpoint and dag.needrun(job)}
            ),
            "is_running": dag.workflow.persistence.locked,
        }
        Path(path).write_text(json.dumps(told), encoding="utf-8")

    # In its place, Snakemake has read its profiles and evaluated what is finished.
    DAG.list_untracked = list_untracked
    # The table across experiments and the packages of models are not part of `all`.
    targets = ["all", "experiments", "models"]
    quiet = ["--quiet", "progress", "rules", "host", "reason"]
    snakemake([*targets, "--list-untracked", *quiet, *options])


def asked_for(options: Sequence[str], what: str) -> Asked:
    """Return what the workflow needs with Snakemake's `options`.

    Raises:
        InputError: the workflow cannot be planned, or not yet.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "asked.json"
        command = [sys.executable, __file__, TELL, str(path), *options]
        done = subprocess.run(command, capture_output=True, text=True)
        if not path.exists():
            said = [line for line in done.stderr.splitlines() if not line.startswith(NO_NEWS)]
            why = shortened(" ".join(" ".join(said).split()), 1000)
            raise InputError(f"{what}: cannot be planned: {why}")
        asked = Asked(**json.loads(path.read_text(encoding="utf-8")))
    if asked.pending:
        raise InputError(
            f"{what}: {' and '.join(asked.pending)} must run first, because they decide "
            "what is needed; run the workflow, then prune"
        )
    return asked


def asked_in(asked: Asked) -> set[Path]:
    """Return the experiments' folders in which something is needed."""
    return folders_with(Path(asked.results), asked.files)


def everything_asked_for(options: Sequence[str]) -> list[Asked]:
    """Return what the given configuration and every other experiment of its corpus need.

    Raises:
        InputError: one of them cannot be planned.
    """
    given = asked_for(options, "the configuration")
    found = [given]
    for folder in experiment_folders(Path(given.results)):
        if folder.name == given.config["experiment"]["name"]:
            continue
        config = beside(read_record(folder), given.config)
        with TemporaryDirectory() as temporary:
            path = Path(temporary) / RECORD
            path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
            other = asked_for(["--configfile", str(path)], str(folder / RECORD))
        if folder not in asked_in(other):
            raise InputError(
                f"{folder / RECORD}: needs nothing in its folder; was the folder renamed "
                "or copied? run the experiment again, or delete the folder"
            )
        found.append(other)
    return found


def prune(options: Sequence[str], is_remove: bool) -> None:
    """List the strays of the corpus, and remove them if asked to."""
    everything = everything_asked_for(options)
    root = Path(everything[0].results)
    wanted = {file for asked in everything for file in asked.files}
    wanted |= {str(folder / RECORD) for asked in everything for folder in asked_in(asked)}
    kept = {folder for asked in everything for folder in asked.folders}
    for asked in everything:
        audio_dir = Path(asked.config["corpus"]["audio_dir"])
        kept |= {str(folder) for folder in recordings_below(root, audio_dir)}
    found = survey(root, wanted, kept)
    if not found.n_kept:
        raise InputError(
            f"{root}: none of the files there are needed by this configuration; is it the right "
            "one?"
        )
    print(describe(root, found), end="")
    if not is_remove:
        if found.strays:
            print("nothing is removed without --remove")
        return
    if any(asked.is_running for asked in everything):
        raise InputError(f"{root}: a workflow is running there; wait until it ends")
    remove(root, found.strays)
    print(f"removed: {len(found.strays)} files")


def main() -> None:
    """Read the command line and do what it says."""
    if sys.argv[1:2] == [TELL]:
        tell(sys.argv[2], sys.argv[3:])
        return
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--remove", action="store_true", help="remove what is listed")
    parser.add_argument("--configfile", nargs="+", default=[], help="as given to Snakemake")
    parser.add_argument("--config", nargs="+", default=[], help="as given to Snakemake")
    given = parser.parse_args()
    options = ["--configfile", *given.configfile] if given.configfile else []
    options += ["--config", *given.config] if given.config else []
    try:
        for path in given.configfile:
            if not Path(path).is_file():
                raise InputError(f"{path}: is not a file; name a configuration after --configfile")
        prune(options, given.remove)
    except InputError as error:
        sys.exit(f"prune: {error}")


if __name__ == "__main__":
    main()
