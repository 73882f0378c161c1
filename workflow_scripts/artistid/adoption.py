"""Results of the layout before experiments (until November 2026), as those of an experiment.

What is expensive is kept: the corpus' files, the log-mel caches, near-duplicates, splits, and what
trainings wrote. Scores, audits, tables and figures are computed anew. Files that carry the columns
of their run get those that the run has now.
"""

import json
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py

from artistid.errors import InputError, shortened
from artistid.experiment import (
    architecture_of,
    candidates,
    first_runs,
    follow_up_runs,
    kind_of_model,
    settings_of,
    training_of,
)
from artistid.features.slices import frames_in_slice
from artistid.models.registry import NETWORKS
from artistid.plan.config import with_defaults
from artistid.plan.shared import shared
from artistid.runs import COLUMNS, PATH, PATH_OF_SPLIT, Run
from artistid.scoring.predictions import FORMAT as PREDICTIONS
from artistid.storage.files import atomic_write, read_rows, write_rows
from artistid.storage.hdf5 import open_hdf5

OLD_PREDICTIONS = "artistid predictions 2"
SHARED = ("audio", "corpus", "log_mel", "audit/near_duplicates.csv", "audit/not_compared.csv")
# Of a run: those that say which run they are of get its new columns, the others stay as they are.
CONVERTED = ("predictions.h5", "history.csv", "timing.csv")
KEPT = ("weights.safetensors", "embedding.h5", "provenance.json")
# What a configuration of the old layout could not say otherwise.
_ALBUM_SPLIT = {"kind": "random", "by": "album", "albums": {"validation": 1, "test": 1}}
_WHOLE_CORPUS = {"exclude": {"artists": [], "albums": []}, "min_albums": 1, "min_tracks": 1}
# Keys of the corpus that decide what the scan writes, and whether it stops.
OF_SCAN = ("source", "audio_dir", *_WHOLE_CORPUS, "max_bad_share", "expect")
_OLD_RUN = re.compile(r"(?P<model>[^/]+)/(?P<split>[^/]+)/(?P<slice>[^/]+)/seed(?P<seed>\d+)")

NOT_VOUCHED = "the old configuration does not ask for it"
NOT_ASKED = "the new configuration does not ask for it"
OTHER_CODE = "it would be computed otherwise now"


@dataclass(frozen=True)
class Move:
    """A file of the old layout, and where it goes.

    Attributes:
        old: the file.
        new: its place, a path below the corpus' results.
        run: the run that it is of, a path below ``runs/``; empty for other files.
        split: the cut that it is the manifest of, a path below ``splits/``; empty for other files.
        experiment: of a file that is converted.
    """

    old: Path
    new: Path
    run: str = ""
    split: str = ""
    experiment: str = ""

    @property
    def unit(self) -> str:
        """What people count it as a part of."""
        return self.run or self.new.as_posix()


def moves(old: Path, experiment: str) -> Iterator[Move]:
    """Yield what may be kept of a corpus' results.

    Args:
        old: folder of the corpus' results in the old layout.
        experiment: name of the experiment that the runs are to be of.
    """
    for part in SHARED:
        for path in _files(old / part):
            if path.name not in ("check.txt", ".snakemake_timestamp"):
                yield Move(path, path.relative_to(old))
    for path in _files(old / "splits"):
        if found := re.fullmatch(r"seed(\d+)\.csv", path.name):
            split = PATH_OF_SPLIT.format(split=path.parent.name, cut=_cut(found[1]))
            yield Move(path, Path("splits", f"{split}.csv"), split=split)
    own = Path("experiments") / experiment
    for path in _files(old / "follow_up"):
        yield Move(path, own / path.relative_to(old))
    for path in _files(old / "runs"):
        found = _OLD_RUN.fullmatch(path.parent.relative_to(old / "runs").as_posix())
        if found and path.name in (*KEPT, *CONVERTED):
            run = PATH.format(**found.groupdict(), cut=_cut(found["seed"]))
            converted = experiment if path.name in CONVERTED else ""
            yield Move(path, own / "runs" / run / path.name, run=run, experiment=converted)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file())


def _cut(seed: str) -> str:
    """Return the cut of a run of the old layout: its seed was its draw's number, too."""
    return f"draw{seed}"


def chosen(
    found: Iterable[Move],
    vouched: frozenset[Path],
    config: Mapping[str, Any],
    other: Collection[str],
) -> tuple[list[Move], dict[str, list[str]]]:
    """Part what is taken over from what is left behind.

    Args:
        found: what may be kept.
        vouched: files and folders of which the old workflow says that they are up to date.
        config: the new configuration in force.
        other: models that are computed otherwise now.

    Returns:
        The files that are taken over; what is left behind (runs, and other files), by the reason.
    """
    runs = {path_of_run(run): run for run in asked_runs(config)}
    splits = {PATH_OF_SPLIT.format(split=run.split, cut=run.cut) for run in runs.values()}
    is_choice_asked = len(candidates(config)) > 1
    kept, left = [], {}
    for move in found:
        is_asked = (
            (not move.run or move.run in runs)
            and (not move.split or move.split in splits)
            and (move.new.parent.name != "follow_up" or is_choice_asked)
        )
        if vouched.isdisjoint((move.old, *move.old.parents)):
            left[move.unit] = NOT_VOUCHED
        elif not is_asked:
            left[move.unit] = NOT_ASKED
        elif move.run and runs[move.run].model in other:
            left[move.unit] = OTHER_CODE
        else:
            kept.append(move)
    reasons = sorted(set(left.values()))
    return kept, {reason: [unit for unit in left if left[unit] == reason] for reason in reasons}


def describe(kept: Sequence[Move], left: Mapping[str, Sequence[str]]) -> str:
    """Return what is taken over and what is left behind, as `chosen` parts them, for people."""
    runs = {move.run for move in kept if move.run}
    n_caches = sum(move.new.match("log_mel/*.h5") for move in kept)
    n_splits = sum(bool(move.split) for move in kept)
    lines = [
        f"taken over: {len(runs)} runs, {n_splits} splits and {n_caches} log-mel caches "
        f"({len(kept)} files)"
    ]
    for reason, units in left.items():
        lines.append(f"left behind, as {reason}: {len(units)}, such as {units[0]}")
    return "\n".join(lines)


def asked_runs(config: Mapping[str, Any]) -> list[Run]:
    """Return the runs that a configuration asks for, whichever network its second step takes on."""
    followed = [run for model in candidates(config) for run in follow_up_runs(config, model)]
    return list(dict.fromkeys([*first_runs(config), *followed]))


def path_of_run(run: Run) -> str:
    """Return where the files of a run lie, below ``runs/``."""
    return PATH.format(**run.columns, slice=run.slice)


def adopt(move: Move, folder: Path) -> None:
    """Copy a file to its new place, with its run's new columns where it has them.

    Args:
        move: the file.
        folder: what its new place is relative to.

    Raises:
        InputError: the file is not one of the old layout, or cannot be written.
    """
    to = folder / move.new
    if move.experiment and move.old.suffix == ".csv":
        _adopt_rows(move, to)
        return
    with atomic_write(to) as temporary:
        shutil.copyfile(move.old, temporary)
        if move.experiment:
            run = run_of_predictions(move)
            with h5py.File(temporary, "r+") as file:
                file.attrs["format"] = PREDICTIONS
                file.attrs["axes"] = json.dumps(run.columns, sort_keys=True)


def _adopt_rows(move: Move, to: Path) -> None:
    rows = read_rows(move.old)
    of_run = [column for column in COLUMNS if column not in ("experiment", "cut")]
    if not rows or any(column not in rows[0] for column in of_run) or "cut" in rows[0]:
        raise InputError(f"{move.old}: has other columns than a run of the old layout")
    others = [column for column in rows[0] if column not in COLUMNS]
    added = [row | _added(row["seed"], move.experiment) for row in rows]
    write_rows(to, added, (*COLUMNS, *others))


def run_of_predictions(move: Move) -> Run:
    """Return the run that predictions of the old layout are of, with its new columns.

    Raises:
        InputError: the file is not one of the old layout, or of another run than its folder says.
    """
    with open_hdf5(move.old, OLD_PREDICTIONS) as file:
        columns = json.loads(file.attrs["axes"])
    run = Run(**(columns | _added(columns["seed"], move.experiment)))
    if path_of_run(run) != move.run:
        raise InputError(f"{move.old}: holds the run {run.label}, of which this is not the folder")
    return run


def _added(seed: str | int, experiment: str) -> dict[str, str]:
    return {"experiment": experiment, "cut": _cut(str(seed))}


def in_new_words(old: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration of the old layout, in force, as the new one would say it."""
    splits = {"song": {"kind": "random", "by": "track", "shares": old["song_split"]}}
    return {
        **{key: value for key, value in old.items() if key != "song_split"},
        "corpus": _WHOLE_CORPUS | old["corpus"],
        "splits": splits | {"album": _ALBUM_SPLIT},
    }


def decides_corpus(
    config: Mapping[str, Any], schema: Mapping[str, Any], splits: Iterable[str]
) -> dict[str, Any]:
    """Return what decides the files that all runs share, by dotted key.

    Args:
        config: in force, in the new words.
        schema: of the new configuration; a key that a configuration lacks has its default.
        splits: names of those that matter.
    """
    log_mel = with_defaults(config["log_mel"], schema["properties"]["log_mel"])
    return shared({**config, "log_mel": log_mel}, splits, OF_SCAN)


def decides_run(config: Mapping[str, Any], schema: Mapping[str, Any], run: Run) -> dict[str, Any]:
    """Return what decides how a run is computed from its spectrograms and split, by dotted key.

    Args:
        config: in force, in the new words.
        schema: of the new configuration; a key that a configuration lacks has its default.
        run: the run.
    """
    architecture = architecture_of(config, run.model)
    own = schema["$defs"]["architectures"].get(architecture, {})
    settings = with_defaults(settings_of(config, run.model), own)
    parts: dict[str, Any] = {f"models.{run.model}.network": architecture}
    parts |= {f"models.{run.model}.{key}": value for key, value in settings.items()}
    if kind_of_model(config, run.model) == NETWORKS:
        training = with_defaults(training_of(config, run.model), schema["$defs"]["training"])
        parts |= {f"training.{key} of {run.model}": value for key, value in training.items()}
    if run.slice_seconds is not None:
        frames = frames_in_slice(config, run.slice_seconds)
        parts[f"experiment.slice_frames.{run.slice.removesuffix('s')}"] = frames
    return parts


def check_agreement(then: Mapping[str, Any], now: Mapping[str, Any], where: Path) -> None:
    """Stop if what decided results decides otherwise now.

    Args:
        then: values by dotted key, of the old configuration or of what a run recorded.
        now: the same of the new configuration.
        where: what `then` stands in, for the message.

    Raises:
        InputError: names the first key that differs.
    """
    for key in dict.fromkeys([*then, *now]):
        if then.get(key) != now.get(key):
            raise InputError(
                f"{where}: {key} was {shortened(repr(then.get(key)))} when the results were "
                f"computed and is {shortened(repr(now.get(key)))} now; write what it was"
            )
