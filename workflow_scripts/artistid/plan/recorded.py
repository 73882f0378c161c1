"""Experiments of the same corpus: the configuration that each recorded in its folder."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from artistid.errors import InputError
from artistid.storage.files import atomic_write

RECORD = "configuration.yaml"
EXPERIMENTS = "experiments"
# Keys that all experiments of a corpus share. Their values come from the configuration in force,
# because the shared files were made with it, whatever configuration an experiment recorded.
SHARED = ("corpus", "demo", "log_mel", "audit")


def experiment_folders(results: Path) -> list[Path]:
    """Return the folders of a corpus' experiments, sorted."""
    return sorted(path for path in (results / EXPERIMENTS).glob("*") if path.is_dir())


def folders_with(results: Path, files: Iterable[str]) -> set[Path]:
    """Return the folders of a corpus' experiments that at least one of the files lies in."""
    experiments = results / EXPERIMENTS
    return {
        parents[-1]
        for file in files
        if (parents := [path for path in Path(file).parents if path.parent == experiments])
    }


def write_record(folder: Path, given: Mapping[str, Any]) -> None:
    """Keep the configuration of an experiment in its folder.

    Args:
        folder: of the experiment's results.
        given: the configuration before the demo's reductions, as Snakemake merged it.
    """
    import yaml

    with atomic_write(folder / RECORD) as temporary:
        temporary.write_text(yaml.safe_dump(json.loads(json.dumps(given)), sort_keys=False))


def read_record(folder: Path) -> dict[str, Any]:
    """Return the configuration that an experiment recorded in its folder.

    Raises:
        InputError: there is no record, or the file is not a configuration.
    """
    import yaml

    path = folder / RECORD
    remedy = "run the experiment again, or delete its folder"
    try:
        record = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            f"{path}: is missing, so it is not known which files the experiment needs; {remedy}"
        ) from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise InputError(f"{path}: cannot be read as YAML; {remedy}") from None
    if not isinstance(record, dict) or not isinstance(record.get("experiment"), dict):
        raise InputError(f"{path}: is not a configuration; {remedy}")
    return record


def beside(record: Mapping[str, Any], in_force: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of another experiment of the corpus in force.

    Args:
        record: what the experiment recorded, before the demo's reductions.
        in_force: the effective configuration of the experiment that the corpus is looked at for.

    Returns:
        A configuration as a person could give it, to be merged over ``config.yaml``.
    """
    shared = {key: in_force[key] for key in SHARED if key in in_force}
    config = {**record, **shared}
    if splits := {**record.get("splits", {}), **in_force.get("splits", {})}:
        config["splits"] = splits
    if "demo" in config:
        reduced = record.get("demo", {}).get("reduced", {})
        config["demo"] = {**config["demo"], "reduced": reduced}
    return config
