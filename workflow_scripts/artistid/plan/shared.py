"""What the experiments of one corpus share, so that none overwrites another's.

The scan, the spectrograms, the near-duplicates and the splits of a corpus belong to all of its
experiments. Each experiment keeps the configuration that it was last run with in its folder; one
that defines a shared thing differently is refused.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artistid.errors import InputError, shortened
from artistid.plan.config import DEMO, read_yaml
from artistid.splits.definitions import definition
from artistid.storage.files import atomic_write

CONFIGURATION = "configuration.yaml"
# Keys of the corpus that decide which tracks there are. The folder is none of them: a corpus that
# moves is still the same corpus.
OF_CORPUS = ("source", "exclude", "min_albums", "min_tracks")


def record_configuration(given: Mapping[str, Any], experiment: Path) -> None:
    """Keep the configuration of an experiment in its folder.

    Args:
        given: the configuration before the demo's reductions, as Snakemake merged it.
        experiment: folder of the experiment's results.
    """
    import yaml

    with atomic_write(experiment / CONFIGURATION) as temporary:
        temporary.write_text(yaml.safe_dump(json.loads(json.dumps(given)), sort_keys=False))


def check_shared(given: Mapping[str, Any], experiment: Path) -> None:
    """Stop if another experiment of the corpus defines differently what both share.

    Args:
        given: the configuration before the demo's reductions.
        experiment: folder of the experiment's results, beside those of the others.

    Raises:
        InputError: names the other experiment, the key, and how both can be kept.
    """
    for path in sorted(experiment.parent.glob(f"*/{CONFIGURATION}")):
        # One of which nothing was computed, such as of `snakemake corpus`, shares nothing.
        if path.parent == experiment or [*path.parent.iterdir()] == [path]:
            continue
        try:
            other = read_yaml(path)
            problems = list(_differences(shared(given), shared(other)))
        except Exception as error:  # of another version, or edited: whatever it holds
            raise InputError(
                f"{path}: cannot be read ({type(error).__name__}); if this experiment is no longer "
                f"wanted, delete {path.parent}"
            ) from error
        if problems:
            raise InputError(
                f"experiment {path.parent.name!r} of this corpus shares what {experiment.name!r} "
                f"defines differently: {'; '.join(problems)}; or give one of them a corpus.name of "
                f"its own; or, if that experiment is no longer wanted, delete {path.parent}"
            )


def shared(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a configuration says of things that experiments share, by dotted key."""
    is_demo = given["corpus"]["source"] == DEMO
    reduced = given["demo"]["reduced"] if is_demo else {}
    used = reduced.get("experiment", {}).get("splits") or given["experiment"]["splits"]
    parts: dict[str, Any] = {f"corpus.{key}": given["corpus"][key] for key in OF_CORPUS}
    if is_demo:
        parts |= {f"demo.{k}": value for k, value in given["demo"].items() if k != "reduced"}
    parts |= {f"log_mel.{key}": value for key, value in given["log_mel"].items()}
    copies = given["audit"]["near_duplicates"]
    parts["audit.near_duplicates"] = copies
    if copies == "one_side":  # what is accepted then decides which tracks a split has
        parts["audit.accept"] = given["audit"]["accept"]
    splits = {f"splits.{name}": definition(name, given["splits"][name]).plain() for name in used}
    return parts | splits


def _differences(own: Mapping[str, Any], other: Mapping[str, Any]) -> Iterator[str]:
    for key, value in own.items():
        if key in other and other[key] != value:
            wanted = f"{key} is {_text(value)} here and {_text(other[key])} there"
            if key.startswith("splits."):
                yield f"{wanted}; give one of the splits another name"
            else:
                yield f"{wanted}; write the same"


def _text(value: Any) -> str:
    return shortened(json.dumps(value))
