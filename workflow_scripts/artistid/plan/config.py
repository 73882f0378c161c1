"""The configuration: checked, with messages for people, and the demo's reductions applied."""

import copy
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artistid.errors import InputError, shortened
from artistid.experiment import (
    BEST,
    ENSEMBLE,
    ENSEMBLES,
    FRONT_END,
    NETWORK,
    OVER_SEEDS,
    SYSTEM,
    TRAINING,
    architecture_of,
    averaged_runs,
    candidates,
    first_runs,
    kind_of_model,
    members_of,
    models_of_kind,
    networks,
    settings_of,
    training_of,
)
from artistid.features.slices import frames_in_slice
from artistid.models.registry import KINDS, NETWORKS, SONG_SYSTEMS, available
from artistid.splits.definitions import definitions
from artistid.training import augmentation

DEMO = "demo"
FOLDERS = "folders"  # corpus.names by default
# What the tables call rows that no model made, and a model's name may not be.
RESERVED = ("chance", "majority", BEST)
MIN_FRAMES = 16  # of a slice: the CRNNs halve them four times
_LENGTHS = ("slice_seconds", "follow_up_seconds")


def with_types(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration in which text that should be a number, a truth value or null is one.

    Snakemake passes ``--config 'training={"epochs": 5}'`` on as text, and YAML
    takes ``1e-4`` for text. Only values that the schema refuses as text are changed.
    """
    typed = _with_text_keys(config)
    for error in list(_errors(typed, schema)):
        if isinstance(error.instance, str) and "propertyNames" not in error.schema_path:
            *parents, key = error.absolute_path
            node = typed
            for parent in parents:
                node = node[parent]
            node[key] = _parsed(error.instance)
    return typed


def _errors(config: Mapping[str, Any], schema: Mapping[str, Any]) -> Iterator[Any]:
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    # JSON takes 3.0 for a whole number; Python's range does not.
    checker = Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )
    validator = extend(Draft202012Validator, type_checker=checker)
    return validator(_with_models(schema, config)).iter_errors(config)


def _parsed(text: str) -> Any:
    words = {"true": True, "false": False}
    for parse in (words.__getitem__, int, float):
        try:
            return parse(text)
        except (KeyError, ValueError):
            continue
    return text


def check_config(config: Mapping[str, Any], schema: Mapping[str, Any]) -> None:
    """Check a configuration as given, before the demo's reductions.

    Args:
        config: what Snakemake merged from ``config.yaml``, other files and the command line.
        schema: the content of ``schemas/config.schema.yaml``.

    Raises:
        InputError: names every wrong key, what is wrong with it, and what to write.
    """
    errors = sorted(
        _errors(_with_text_keys(config), schema),
        key=lambda error: [str(part) for part in error.absolute_path],
    )
    # The validator reports each missing key, and each report names all of them.
    problems = list(dict.fromkeys(problem for error in errors for problem in _explain(error)))
    for checks in (_CHECKS, _LATER_CHECKS):
        problems = problems or [problem for check in checks for problem in check(config)]
    if problems:
        raise InputError("configuration: " + "; ".join(problems))


def _with_text_keys(value: Any) -> Any:
    if value == "null":  # from the command line; nothing of ours is called so
        return None
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_text_keys(item) for item in value]
    return value


def _explain(error: Any) -> Iterator[str]:
    where = ".".join(str(part) for part in error.absolute_path)
    prefix = f"{where}." if where else ""
    description = error.schema.get("description", "")
    if error.validator == "additionalProperties" and isinstance(error.instance, Mapping):
        known = list(error.schema.get("properties", {}))
        for key in error.instance:
            if key not in known:
                yield f"{prefix}{key}: no such key; there are: {', '.join(known)}"
    elif error.validator == "required":
        for key in error.validator_value:
            if key not in error.instance:
                yield f"{prefix}{key}: is missing"
    else:
        wanted = f"; write {description[0].lower()}{description[1:]}" if description else ""
        # The message quotes what was written, which may be a whole block.
        yield f"{where or 'the whole'}: {shortened(error.message)}{wanted}"


def _check_numbers(config: Mapping[str, Any]) -> Iterator[str]:
    for key, value in _leaves(config):
        for number in value if isinstance(value, list) else [value]:
            if isinstance(number, float) and not math.isfinite(number):
                yield f"{key}: is {number}; write a finite number"


def _check_lengths(config: Mapping[str, Any]) -> Iterator[str]:
    """Lengths appear in paths with six digits, and a slice must have frames."""
    config = effective_config(config)
    experiment = config["experiment"]
    needed = MIN_FRAMES if networks(config) else 1
    for key in _LENGTHS:
        for seconds in experiment[key]:
            if "e" in f"{seconds:g}" or float(f"{seconds:g}") != seconds:
                yield f"experiment.{key}: {seconds} has too many digits; write six at most"
            elif (frames := frames_in_slice(config, seconds)) < needed:
                yield (
                    f"experiment.{key}: a slice of {seconds:g} s has {frames} frames, and "
                    f"{needed} are needed; lower log_mel.hop_length"
                )
    lengths = {f"{seconds:g}" for key in _LENGTHS for seconds in experiment[key]}
    for seconds in sorted(set(experiment["slice_frames"]) - lengths):
        yield (
            f"experiment.slice_frames.{seconds}: no slice of {seconds} s is requested; remove it, "
            "or add the length to experiment.slice_seconds"
        )


def _check_corpus(config: Mapping[str, Any]) -> Iterator[str]:
    corpus = config["corpus"]
    if corpus["source"] == DEMO and corpus["dataset"]:
        yield (
            f"corpus.dataset: the demo corpus is not {corpus['dataset']}; write null, or corpus: "
            "{source: folder}"
        )
    if corpus["source"] == DEMO and corpus["names"] != FOLDERS:
        yield f"corpus.names: the demo corpus' recordings have no tags; write {FOLDERS}"
    if corpus["source"] == "folder":
        if not corpus["audio_dir"]:
            yield "corpus.audio_dir: is empty; write the folder that holds <artist>/<album>/<track>"
        if corpus["name"] == DEMO:
            yield (
                "corpus.name: 'demo' is reserved for the demo corpus; write another name, "
                "so that results do not mix"
            )


def _check_log_mel(config: Mapping[str, Any]) -> Iterator[str]:
    n_fft, hop_length = config["log_mel"]["n_fft"], config["log_mel"]["hop_length"]
    if hop_length > n_fft:
        yield (
            f"log_mel.hop_length: {hop_length} is more than log_mel.n_fft ({n_fft}), so "
            "samples between the windows would be lost; write n_fft or less"
        )


def _check_splits(config: Mapping[str, Any]) -> Iterator[str]:
    """Check the definitions that the experiment uses; others may be meant for another corpus."""
    experiment = config["experiment"]
    if config["corpus"]["source"] == DEMO:
        experiment = merged(experiment, config["demo"]["reduced"].get("experiment", {}))
    try:
        found = definitions({"splits": config["splits"], "experiment": experiment})
    except InputError as error:
        yield str(error)
        return
    for name, split in found.items():
        if experiment["report_on"] not in split.subsets:
            yield (
                f"experiment.report_on: the split {name!r} has no {experiment['report_on']} subset "
                f"(splits.{name}.subsets); write validation"
            )


def _check_models(config: Mapping[str, Any]) -> Iterator[str]:
    wrong = [*_wrong_architectures(config), *_unknown_models(config)]
    wrong += _unknown_augmentations(config)
    yield from wrong
    if wrong:
        return
    if config["experiment"]["follow_up"] == BEST and not networks(config):
        yield "experiment.follow_up: best needs a network in experiment.models; write null"
    effective = effective_config(config)
    trained = networks(effective)
    for model in candidates(effective):
        # Its scores at the first slice lengths are what the others are compared with.
        if model not in trained:
            choice = f"{', '.join(trained)}, best or null" if trained else "null"
            key = "experiment.follow_up"
            yield f"{key}: {model} is not a network in experiment.models; write {choice}"


def _wrong_architectures(config: Mapping[str, Any]) -> Iterator[str]:
    """Find models whose `network` or `system` does not exist, or that have a wrong name."""
    systems = tuple(name for kind in KINDS if kind != NETWORKS for name in available(kind))
    for key, known in ((NETWORK, available(NETWORKS)), (SYSTEM, systems)):
        for model, given in config["models"].items():
            if (named := given.get(key)) is not None and named not in known:
                there_are = ", ".join(known)
                yield f"models.{model}.{key}: unknown {key} {named!r}; there are: {there_are}"
    for model, given in config["models"].items():
        if model in RESERVED:
            yield f"models.{model}: this name is reserved for a row of the tables; choose another"
        if given.get(NETWORK) and given.get(SYSTEM):
            yield f"models.{model}: has a network and a system; write one of them"
        for key in (TRAINING, FRONT_END):
            if key in given and architecture_of(config, model) not in available(NETWORKS):
                yield f"models.{model}.{key}: only networks have it; remove it"


def _unknown_augmentations(config: Mapping[str, Any]) -> Iterator[str]:
    trained = {
        f"models.{model}.{TRAINING}": own.get(TRAINING, {})
        for model, own in config["models"].items()
    }
    for key, training in {TRAINING: config[TRAINING], **trained}.items():
        for name in training.get("augmentations", {}):
            if name not in augmentation.available():
                there_are = ", ".join(augmentation.available())
                yield (
                    f"{key}.augmentations.{name}: unknown augmentation {name!r}; there are: "
                    f"{there_are}"
                )


def _unknown_models(config: Mapping[str, Any]) -> Iterator[str]:
    """Find names of models that neither the configuration nor the library defines."""
    reduced = config["demo"]["reduced"]
    for part, prefix in ((config, ""), (reduced, "demo.reduced.")):
        experiment = part.get("experiment", {})
        named = [("experiment.models", model) for model in experiment.get("models", [])]
        named += [("models", model) for model in part.get("models", {})]
        follow_up = experiment.get("follow_up") or []
        if follow_up != BEST:
            of_step = [follow_up] if isinstance(follow_up, str) else follow_up
            named += [("experiment.follow_up", model) for model in of_step]
        for key, model in named:
            architecture = architecture_of(config, model)
            is_known = any(architecture in available(kind) for kind in KINDS)
            if not is_known and not members_of(config, model):
                defined = [name for name in config["models"] if name != model]
                plain = model if model.isprintable() else repr(model)  # the message is one line
                known = dict.fromkeys(defined + [n for kind in KINDS for n in available(kind)])
                yield (
                    f"{prefix}{key}: unknown model {model!r}; there are: {', '.join(sorted(known))}"
                    f"; for a custom model, write its network: models.{plain}.network"
                )


def _check_ensembles(config: Mapping[str, Any]) -> Iterator[str]:
    """Check the ensembles that the experiment names; others may be meant for another one."""
    config = effective_config(config)
    for model in models_of_kind(config, ENSEMBLES):
        problems = [*_wrong_members(config, model), *_without_common_cut(config, model)]
        yield from problems
        run = next(run for run in first_runs(config) if run.model == model)
        if not problems and len(averaged_runs(config, run)) < 2:
            yield (
                f"models.{model}.{ENSEMBLE}: has one run to average; name another member, or write "
                f"{OVER_SEEDS}: true and several experiment.seeds"
            )


def _wrong_members(config: Mapping[str, Any], model: str) -> Iterator[str]:
    for member in members_of(config, model):
        prefix = f"models.{model}.{ENSEMBLE}: {member}"
        if member not in config["experiment"]["models"]:
            yield f"{prefix} is not in experiment.models; add it there, or name another member"
        elif kind_of_model(config, member) == ENSEMBLES:
            yield f"{prefix} is an ensemble; name its members instead"
        elif kind_of_model(config, member) == SONG_SYSTEMS:
            yield f"{prefix} takes whole songs, and an ensemble averages slices; remove it"


def _without_common_cut(config: Mapping[str, Any], model: str) -> Iterator[str]:
    """Find splits on which an ensemble over seeds has nothing to average."""
    if not config["models"][model].get(OVER_SEEDS):
        return
    for name, split in definitions(config).items():
        if split.varies(config["experiment"]["seeds"]):
            yield (
                f"models.{model}.{OVER_SEEDS}: the split {name!r} draws a different cut for each "
                f"seed, so no two seeds predict the same tracks; write splits.{name}.draw: 1, or "
                f"remove {OVER_SEEDS}"
            )


_CHECKS = (_check_numbers, _check_corpus, _check_log_mel, _check_splits, _check_models)
# What only makes sense for a configuration that passed the others.
_LATER_CHECKS = (_check_lengths, _check_ensembles)


def effective_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration in force: the demo's reductions applied if the corpus is the demo.

    The reductions are in a separate block, ``demo.reduced``, and are dropped for every other
    corpus, so that they can never reach it, whatever was merged.
    """
    effective = copy.deepcopy(_with_text_keys(config))
    demo = effective.pop("demo")
    if effective["corpus"]["source"] == DEMO:
        reduced = demo.pop("reduced")
        effective = merged(effective, reduced) | {"demo": demo}
        _reduce_training_of_models(effective["models"], reduced)
        if effective["experiment"]["follow_up"] == BEST and not networks(effective):
            effective["experiment"]["follow_up"] = None  # there is none to take on
    experiment = effective["experiment"]
    experiment["slice_frames"] = {  # 1.0 and 01 are 1
        f"{float(seconds):g}": frames for seconds, frames in experiment["slice_frames"].items()
    }
    return _in_order(effective)


def _in_order(value: Any) -> Any:
    """Return a tree with its keys in order: Snakemake compares parameters by their text."""
    if isinstance(value, Mapping):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value


def _reduce_training_of_models(models: Mapping[str, Any], reduced: Mapping[str, Any]) -> None:
    """Let what the demo reduces win over what a model trains with: the demo ends in minutes."""
    for name, settings in models.items():
        if TRAINING in settings:
            of_model = reduced.get("models", {}).get(name, {}).get(TRAINING, {})
            settings[TRAINING] = {**settings[TRAINING], **reduced.get(TRAINING, {}), **of_model}


def reductions(config: Mapping[str, Any]) -> list[str]:
    """Return what the demo computes smaller than configured, as ``key: from -> to``."""
    if config["corpus"]["source"] != DEMO:
        return []
    config = _with_text_keys(config)
    return [
        f"{key}: {_at(config, key)} -> {value}"
        for key, value in _leaves(config["demo"]["reduced"])
        if _at(config, key) != value
    ]


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with another's keys written over its own, as Snakemake merges files."""
    joined = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(joined.get(key), Mapping):
            value = merged(joined[key], value)
        joined[key] = value
    return joined


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _at(tree: Mapping[str, Any], dotted: str) -> Any:
    for key in dotted.split("."):
        tree = tree.get(key, {}) if isinstance(tree, Mapping) else {}
    return None if tree == {} else tree


def model_parameters(
    config: Mapping[str, Any], schema: Mapping[str, Any], model: str
) -> dict[str, Any]:
    """Return what decides how a model is trained: its architecture, and what is not the default.

    A key at its default is left out, so that a key that a later version adds retrains nothing.

    Args:
        config: the configuration in force.
        schema: what `read_schema` returns.
        model: of the experiment.
    """
    architecture = architecture_of(config, model)
    own = schema["$defs"]["architectures"].get(architecture, {})
    parameters: dict[str, Any] = {
        "architecture": architecture,
        "settings": without_defaults(settings_of(config, model), own),
    }
    if kind_of_model(config, model) == NETWORKS:
        training = training_of(config, model)
        parameters["training"] = without_defaults(training, schema["$defs"]["training"])
        given = config["models"].get(model, {}).get(FRONT_END, {})
        if front_end := without_defaults(given, schema["$defs"]["front_end"]):
            parameters["front_end"] = front_end
    return parameters


def without_defaults(values: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a mapping whose values differ from the defaults in its schema."""
    defaults = _defaults(schema)
    return {k: v for k, v in values.items() if k not in defaults or defaults[k] != v}


def with_defaults(values: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with the defaults of its schema for the keys that it lacks."""
    return {**_defaults(schema), **values}


def _defaults(schema: Mapping[str, Any]) -> dict[str, Any]:
    checks = schema.get("properties", {})
    return {key: own["default"] for key, own in checks.items() if "default" in own}


def read_schema(folder: str | Path) -> dict[str, Any]:
    """Return the schema of the configuration, with the settings of each architecture.

    Args:
        folder: of ``config.schema.yaml``, and of ``models.schema.yaml`` and
            ``augmentations.schema.yaml``, which are generated and define the settings of each
            architecture and of each augmentation.
    """
    schema = read_yaml(Path(folder) / "config.schema.yaml")
    schema["$defs"]["architectures"] = read_yaml(Path(folder) / "models.schema.yaml")
    schema["$defs"]["augmentations"] = read_yaml(Path(folder) / "augmentations.schema.yaml")
    return schema


def _with_models(schema: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema with the settings of each model that a configuration names.

    A model's settings are those of its architecture, beside the keys that every model has.
    """
    joined: dict[str, Any] = copy.deepcopy(dict(schema))
    definitions = joined["$defs"]
    reduced = _mapping(_mapping(config.get("demo")).get("reduced"))
    models = _mapping(config.get("models"))
    shipped = [*definitions["architectures"]]
    for model in dict.fromkeys([*shipped, *models, *_mapping(reduced.get("models"))]):
        given = _mapping(models.get(model))
        if ENSEMBLE in given:
            definitions["models"]["properties"][model] = definitions["ensemble"]
            continue
        architecture = given.get(NETWORK) or given.get(SYSTEM) or model
        own = definitions["architectures"].get(architecture) if _is_text(architecture) else None
        if own is not None:
            keys = {**definitions["model"]["properties"], **own["properties"]}
            definitions["models"]["properties"][model] = {**own, "properties": keys}
    return joined


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def read_yaml(path: str | Path) -> Any:
    """Return the content of a YAML file."""
    import yaml

    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
