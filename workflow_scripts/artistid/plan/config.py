"""The configuration: checked, with messages for people, and the demo's reductions applied."""

import copy
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from artistid.errors import InputError, shortened
from artistid.experiment import networks
from artistid.features.slices import frames_in_slice
from artistid.models.registry import KINDS, NETWORKS, available

DEMO = "demo"


BEST = "best"  # follow-up with the best network on validation
MIN_FRAMES = 16  # of a slice: the CRNNs halve them four times
_LENGTHS = ("slice_seconds", "follow_up_seconds")


def with_types(config: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration in which text that should be a number, a truth value or null is one.

    Snakemake hands over what stands in ``--config 'training={"epochs": 5}'`` as text, and YAML
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
    return extend(Draft202012Validator, type_checker=checker)(schema).iter_errors(config)


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
    """Lengths stand in paths with six digits, and a slice has to have frames."""
    config = effective_config(config)
    experiment = config["experiment"]
    needed = MIN_FRAMES if networks(config) or experiment["follow_up"] else 1
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
            f"experiment.slice_frames.{seconds}: no slice of {seconds} s is asked for; remove it, "
            "or add the length to experiment.slice_seconds"
        )


def _check_corpus(config: Mapping[str, Any]) -> Iterator[str]:
    corpus = config["corpus"]
    if corpus["source"] == DEMO and corpus["dataset"]:
        yield (
            f"corpus.dataset: the demo corpus is not {corpus['dataset']}; write null, or corpus: "
            "{source: folder}"
        )
    if corpus["source"] == "folder":
        if not corpus["audio_dir"]:
            yield "corpus.audio_dir: is empty; write the folder that holds <artist>/<album>/<track>"
        if corpus["name"] == DEMO:
            yield (
                "corpus.name: 'demo' is the demo corpus' own; write another name, so that results "
                "do not mix"
            )


def _check_log_mel(config: Mapping[str, Any]) -> Iterator[str]:
    n_fft, hop_length = config["log_mel"]["n_fft"], config["log_mel"]["hop_length"]
    if hop_length > n_fft:
        yield (
            f"log_mel.hop_length: {hop_length} is more than log_mel.n_fft ({n_fft}), and samples "
            "between the windows would be lost; write n_fft or less"
        )


def _check_fractions(config: Mapping[str, Any]) -> Iterator[str]:
    total = sum(config["song_split"].values())
    if abs(total - 1) > 1e-6:
        yield f"song_split: the fractions sum to {total:g}; write fractions that sum to 1"


def _check_models(config: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown_models(config)
    yield from _unknown_models(config["demo"]["reduced"], "demo.reduced.")
    if config["experiment"]["follow_up"] == BEST and not networks(config):
        yield "experiment.follow_up: best needs a network in experiment.models; write null"
    effective = effective_config(config)
    follow_up, trained = effective["experiment"]["follow_up"], networks(effective)
    # Its scores at the first slice lengths are what the others are compared with.
    if follow_up in available(NETWORKS) and follow_up not in trained:
        choice = f"one of it ({', '.join(trained)}), best, or null" if trained else "null"
        yield f"experiment.follow_up: {follow_up} is not in experiment.models; write {choice}"


def _unknown_models(config: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Find unknown names of models in a configuration, or in a part of one."""
    experiment = config.get("experiment", {})
    known = tuple(model for kind in KINDS for model in available(kind))
    named = [("experiment.models", model, known) for model in experiment.get("models", [])]
    named += [("models", model, known) for model in config.get("models", {})]
    follow_up = experiment.get("follow_up")
    if follow_up and follow_up != BEST:
        named.append(("experiment.follow_up", follow_up, available(NETWORKS)))
    for key, model, models in named:
        if model not in models:
            yield f"{prefix}{key}: unknown model {model!r}; there are: {', '.join(models)}"


_CHECKS = (_check_numbers, _check_corpus, _check_log_mel, _check_fractions, _check_models)
# What only makes sense for a configuration that passed the others.
_LATER_CHECKS = (_check_lengths,)


def effective_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration in force: the demo's reductions applied if the corpus is the demo.

    The reductions stand in a block of their own, ``demo.reduced``, and are dropped for every other
    corpus, so that they can never reach it, whatever was merged.
    """
    effective = copy.deepcopy(_with_text_keys(config))
    demo = effective.pop("demo")
    if effective["corpus"]["source"] == DEMO:
        reduced = demo.pop("reduced")
        effective = _merged(effective, reduced) | {"demo": demo}
        if effective["experiment"]["follow_up"] == BEST and not networks(effective):
            effective["experiment"]["follow_up"] = None  # there is none to take on
    experiment = effective["experiment"]
    experiment["slice_frames"] = {  # 1.0 and 01 are 1
        f"{float(seconds):g}": frames for seconds, frames in experiment["slice_frames"].items()
    }
    return effective


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


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            value = _merged(merged[key], value)
        merged[key] = value
    return merged


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


def read_schema(folder: str | Path) -> dict[str, Any]:
    """Return the schema of the configuration, with the settings of each model.

    Args:
        folder: of ``config.schema.yaml`` and of ``models.schema.yaml``, which is generated and
            defines the settings of each architecture.
    """
    schema = read_yaml(Path(folder) / "config.schema.yaml")
    architectures = read_yaml(Path(folder) / "models.schema.yaml")
    schema["$defs"]["architectures"] = architectures
    schema["$defs"]["models"]["properties"] = {
        name: {"$ref": f"#/$defs/architectures/{name}"} for name in architectures
    }
    return schema


def read_yaml(path: str | Path) -> Any:
    """Return the content of a YAML file."""
    import yaml

    return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
