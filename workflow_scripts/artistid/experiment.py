"""The experiment of a configuration: its models, its grid of runs, the paper's two steps.

Everything here takes the configuration in force (`artistid.plan.config.effective_config`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from artistid.features.slices import frames_in_slice
from artistid.models.registry import NETWORKS, SONG_SYSTEMS, kind_of
from artistid.runs import Run
from artistid.splits.definitions import Split, definitions

BEST = "best"  # follow-up with the best of all networks on validation
# Keys of a model that are not settings of its architecture.
NETWORK, SYSTEM, TRAINING, FRONT_END = "network", "system", "training", "front_end"
_NO_SETTINGS = (NETWORK, SYSTEM, TRAINING, FRONT_END)
# Keys of an ensemble: the models that it averages, and whether over all seeds.
ENSEMBLE, OVER_SEEDS = "ensemble", "over_seeds"
# The kind of ensembles, beside the kinds of models that are trained (`registry.KINDS`).
ENSEMBLES = "ensembles"


def architecture_of(config: Mapping[str, Any], model: str) -> str:
    """Return the architecture of a model: a network or classical system, or ``ensemble``.

    By default, the architecture has the same name as the model.
    """
    given = config["models"].get(model, {})
    if ENSEMBLE in given:
        return ENSEMBLE
    return given.get(NETWORK) or given.get(SYSTEM) or model


def members_of(config: Mapping[str, Any], model: str) -> list[str]:
    """Return the models that an ensemble averages; none for a model that is trained."""
    return list(config["models"].get(model, {}).get(ENSEMBLE, []))


def kind_of_model(config: Mapping[str, Any], model: str) -> str:
    """Return the kind of a model: one of `registry.KINDS`, or ``ensembles``.

    Raises:
        InputError: its architecture is unknown.
    """
    if members_of(config, model):
        return ENSEMBLES
    return kind_of(architecture_of(config, model))


def settings_of(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return the settings that the configuration gives a model's architecture."""
    given = config["models"].get(model, {})
    return {key: value for key, value in given.items() if key not in _NO_SETTINGS}


def training_of(config: Mapping[str, Any], model: str) -> dict[str, Any]:
    """Return a network's training settings: ``training``, overridden by its own.

    An augmentation whose settings are null is left out.
    """
    own: Mapping[str, Any] = config["models"].get(model, {}).get(TRAINING, {})
    training = {**config["training"], **own}
    named = training["augmentations"].items()
    used = {name: settings for name, settings in named if settings is not None}
    return training | {"augmentations": used}


def models_of_kind(config: Mapping[str, Any], kind: str) -> list[str]:
    """Return the models of the experiment that are of a kind, in its order."""
    models = config["experiment"]["models"]
    return [model for model in models if kind_of_model(config, model) == kind]


def networks(config: Mapping[str, Any]) -> list[str]:
    """Return the models of the experiment that are neural networks, in its order."""
    return models_of_kind(config, NETWORKS)


def has_slices(config: Mapping[str, Any]) -> bool:
    """Return whether some model takes slices, and not whole songs."""
    models = config["experiment"]["models"]
    return any(kind_of_model(config, model) != SONG_SYSTEMS for model in models)


def by_track(config: Mapping[str, Any]) -> list[str]:
    """Return the splits of the experiment that take an album's tracks apart."""
    return [name for name, split in definitions(config).items() if not split.keeps_albums]


def by_album(config: Mapping[str, Any]) -> list[str]:
    """Return the splits of the experiment that keep an album's tracks together."""
    return [name for name, split in definitions(config).items() if split.keeps_albums]


def has_unknown_artists(config: Mapping[str, Any]) -> bool:
    """Return whether some split has artists that are not trained on."""
    return any(split.may_have_unknown_artists for split in definitions(config).values())


def candidates(config: Mapping[str, Any]) -> list[str]:
    """Return the networks that the second step may use; one of several is chosen."""
    follow_up = config["experiment"]["follow_up"]
    if follow_up == BEST:
        return networks(config)
    return [follow_up] if isinstance(follow_up, str) else list(follow_up or [])


def first_runs(config: Mapping[str, Any]) -> list[Run]:
    """Return the runs of the paper's first step: every model at the first slice lengths."""
    experiment = config["experiment"]
    return [
        run
        for model in experiment["models"]
        for run in _runs(
            config,
            model,
            [None] if kind_of_model(config, model) == SONG_SYSTEMS else experiment["slice_seconds"],
        )
    ]


def follow_up_runs(config: Mapping[str, Any], model: str) -> list[Run]:
    """Return the runs of the paper's second step: one model at the other slice lengths."""
    first = set(first_runs(config))
    runs = _runs(config, model, config["experiment"]["follow_up_seconds"])
    return [run for run in runs if run not in first]


def _runs(config: Mapping[str, Any], model: str, lengths: Sequence[float | None]) -> list[Run]:
    experiment = config["experiment"]
    return [
        Run(
            config["corpus"]["name"],
            experiment["name"],
            model,
            name,
            split.cut_of_seed(seed),
            seconds,
            frames_in_slice(config, seconds),
            seed,
        )
        for seconds in lengths
        for name, split in definitions(config).items()
        for seed in _seeds_of(config, model)
    ]


def _seeds_of(config: Mapping[str, Any], model: str) -> list[int]:
    """Return the seeds that a model has runs of; the first one if it averages over them."""
    seeds = config["experiment"]["seeds"]
    return list(seeds[:1] if _averages_seeds(config, model) else seeds)


def _averages_seeds(config: Mapping[str, Any], model: str) -> bool:
    return bool(config["models"].get(model, {}).get(OVER_SEEDS))


def averaged_runs(config: Mapping[str, Any], run: Run) -> list[Run]:
    """Return the runs whose predictions a run of an ensemble averages.

    Args:
        config: the configuration in force.
        run: of an ensemble, or of one of its folds. Over seeds it has the first seed, and averages
            all of them: their cut is the same.
    """
    seeds = config["experiment"]["seeds"] if _averages_seeds(config, run.model) else [run.seed]
    members = members_of(config, run.model)
    return [replace(run, model=member, seed=seed) for member in members for seed in seeds]


def parts_of(splits: Mapping[str, Split], run: Run) -> list[Run]:
    """Return the runs that are predicted for a run that is scored: its folds, or itself."""
    return [replace(run, cut=cut) for cut in splits[run.split].parts(run.cut)]


def has_several_lengths(config: Mapping[str, Any]) -> bool:
    """Return whether a model runs at more than one slice length."""
    experiment = config["experiment"]
    lengths = set(experiment["slice_seconds"]) if has_slices(config) else set()
    follow_up = experiment["follow_up_seconds"] if candidates(config) else []
    return len(lengths | set(follow_up)) > 1
