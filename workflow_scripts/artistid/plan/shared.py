"""What the experiments of one corpus share, so that none overwrites another's.

The scan, the spectrograms, the near-duplicates and the splits of a corpus belong to all of its
experiments. Each experiment keeps the configuration that it was last run with in its folder; one
that defines a shared thing differently is refused.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from artistid.errors import InputError, shortened
from artistid.plan.config import DEMO, FOLDERS
from artistid.plan.recorded import RECORD, read_record
from artistid.splits.definitions import definition

# Keys of the corpus that decide which tracks there are. The folder is none of them: a corpus that
# moves is still the same corpus.
OF_CORPUS = ("source", "exclude", "min_albums", "min_tracks")


def check_shared(given: Mapping[str, Any], experiment: Path) -> None:
    """Stop if another experiment of the corpus defines differently what both share.

    Args:
        given: the configuration before the demo's reductions.
        experiment: folder of the experiment's results, beside those of the others.

    Raises:
        InputError: names the other experiment, the key, and how both can be kept.
    """
    own = shared(given, _used_splits(given))
    for path in sorted(experiment.parent.glob(f"*/{RECORD}")):
        folder = path.parent
        # One without results, such as of `snakemake corpus`, shares nothing.
        if folder == experiment or [*folder.iterdir()] == [path]:
            continue
        other = read_record(folder)
        try:
            problems = list(_differences(own, shared(other, _used_splits(other))))
        except (AttributeError, InputError, KeyError, TypeError) as error:
            raise InputError(
                f"{path}: is not a configuration of this version ({error}); run the experiment "
                f"again, or delete its folder"
            ) from error
        if problems:
            raise InputError(
                f"experiment {folder.name!r} of this corpus shares what {experiment.name!r} "
                f"defines differently: {'; '.join(problems)}; or give one of them "
                f"its own corpus.name; or, if you no longer need that experiment, delete {folder}"
            )


def shared(config: Mapping[str, Any], splits: Iterable[str]) -> dict[str, Any]:
    """Return what a configuration says of things that experiments share, by dotted key.

    Args:
        config: before or after the demo's reductions, which reach none of these.
        splits: names of those that matter.
    """
    corpus, copies = config["corpus"], config["audit"]["near_duplicates"]
    parts: dict[str, Any] = {f"corpus.{key}": corpus[key] for key in OF_CORPUS}
    parts["corpus.names"] = corpus.get("names", FOLDERS)  # an older configuration has none
    if corpus["source"] == DEMO:
        parts |= {f"demo.{k}": value for k, value in config["demo"].items() if k != "reduced"}
    parts |= {f"log_mel.{key}": value for key, value in config["log_mel"].items()}
    parts["audit.near_duplicates"] = copies
    if copies == "one_side":  # what is accepted then decides which tracks a split has
        parts["audit.accept"] = config["audit"]["accept"]
    return parts | {
        f"splits.{name}": definition(name, config["splits"][name]).plain() for name in splits
    }


def _used_splits(given: Mapping[str, Any]) -> Sequence[str]:
    """Return the splits of an experiment, on the demo those of what it reduces."""
    is_demo = given["corpus"]["source"] == DEMO
    reduced = given["demo"]["reduced"] if is_demo else {}
    splits: Sequence[str] = {**given["experiment"], **reduced.get("experiment", {})}["splits"]
    return splits


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
