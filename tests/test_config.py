"""The configuration: every wrong key is named; the demo's reductions reach nothing else."""

import copy
import itertools

import pytest
import yaml
from conftest import ROOT

from artistid.config import (
    check_config,
    effective_config,
    frames_in_slice,
    grid,
    has_several_lengths,
    reductions,
    with_types,
)
from artistid.errors import InputError
from artistid.networks import available

ARTIST20 = ROOT / "configs/artist20.yaml"


def merged(base: dict, over: dict) -> dict:
    """Merge as Snakemake merges --configfile and --config: mappings deeply, the rest replaced."""
    result = copy.deepcopy(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def folder(config: dict, **over) -> dict:
    return merged(config, {"corpus": {"name": "x", "source": "folder", "audio_dir": "/m"}} | over)


WRONG = [
    ({"epochs": 3}, "epochs: no such key; there are: corpus, demo"),
    ({"training": {"epoch": 3}}, "training.epoch: no such key; there are: epochs"),
    (
        {"training": {"epochs": "many"}},
        "training.epochs: 'many' .*; write a whole number",
    ),
    ({"training": {"epochs": 0}}, "training.epochs: 0 is less .*write a whole number"),
    ({"training": {"learning_rate": 0}}, "training.learning_rate: .*write a number above 0"),
    ({"training": None}, "training: None is not of type 'object'"),
    ({"corpus": {"source": "web"}}, "corpus.source: 'web' .*write demo, or folder"),
    ({"corpus": {"name": "../x"}}, "corpus.name: .*write a name of letters"),
    ({"corpus": {"source": "folder", "name": "x"}}, "corpus.audio_dir: is empty"),
    ({"corpus": {"source": "folder", "audio_dir": "/m"}}, "corpus.name: 'demo' is the demo"),
    ({"song_split": {"test": 0.2}}, "song_split: the fractions sum to 1.1"),
    ({"song_split": {"test": 1.2}}, "song_split.test: .*write a share"),
    ({"experiment": {"models": ["resnet51"]}}, "experiment.models: unknown model 'resnet51'"),
    ({"experiment": {"models": []}}, "experiment.models: .*write a list of one or more"),
    ({"experiment": {"seeds": []}}, "experiment.seeds: .*write a list of one or more"),
    ({"experiment": {"seeds": [1, 1]}}, "experiment.seeds: .*non-unique.*each once"),
    (
        {"experiment": {"splits": ["artist"]}},
        "experiment.splits.0: 'artist' .*write song,",
    ),
    ({"experiment": {"slice_seconds": [0.5]}}, r"slice_seconds.0: 0.5 .*write seconds, 1 or more"),
    ({"experiment": {"follow_up": "resnet"}}, "experiment.follow_up: unknown model 'resnet'"),
    ({"experiment": {"slice_frames": {"1": 5}}}, "slice_frames.1: 5 .*write frames, 31 or more"),
    ({"networks": {"resnet50": {"depth": 3}}}, "networks.resnet50.depth: no such key"),
    ({"networks": {"resnet51": {}}}, "networks: unknown model 'resnet51'"),
    ({"networks": {"inception_rnn": {"width": 20}}}, "width: 20 .*write a multiple of 16"),
    ({"log_mel": {"n_fft": 1023}}, "log_mel.n_fft: 1023 .*write an even number"),
    ({"demo": {"reduced": {"corpus": {}}}}, "demo.reduced.corpus: no such key"),
]


@pytest.mark.parametrize(("over", "message"), WRONG, ids=[message for _, message in WRONG])
def test_wrong_key_is_named_with_what_to_write(config, schema, over, message):
    with pytest.raises(InputError, match=message) as error:
        check_config(merged(config, over), schema)
    assert "\n" not in str(error.value)


def test_text_from_the_command_line_becomes_what_the_schema_wants(config, schema):
    text = {
        "training": {"epochs": "5", "learning_rate": "1e-4", "mixed_precision": "false"},
        "experiment": {"seeds": ["1", "2"], "follow_up": "null", "slice_frames": {1: "32"}},
        "corpus": {"name": "007"},
    }
    typed = with_types(merged(config, text), schema)
    check_config(typed, schema)
    assert typed["training"]["epochs"] == 5
    assert typed["training"]["learning_rate"] == 1e-4
    assert typed["training"]["mixed_precision"] is False
    assert typed["experiment"]["seeds"] == [1, 2]
    assert typed["experiment"]["follow_up"] is None
    assert typed["experiment"]["slice_frames"] == {"1": 32}
    assert typed["corpus"]["name"] == "007"


def test_missing_key_is_named(config, schema):
    broken = copy.deepcopy(config)
    del broken["training"]["epochs"]
    with pytest.raises(InputError, match=r"training\.epochs: is missing"):
        check_config(broken, schema)


def test_shipped_configurations_are_valid(config, schema):
    check_config(config, schema)
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        shipped = merged(config, yaml.safe_load(path.read_text()))
        check_config(merged(shipped, {"corpus": {"audio_dir": "/m"}}), schema)


def leaves(tree, prefix=()):
    if not isinstance(tree, dict) or not tree:
        yield prefix, tree
        return
    for key, value in tree.items():
        yield from leaves(value, (*prefix, key))


def resolve(schema: dict, node: dict) -> dict:
    if "$ref" in node:
        return merged(schema["$defs"][node["$ref"].rpartition("/")[2]], node)
    return node


def test_schema_describes_every_key_and_its_defaults_are_the_shipped_values(config, schema):
    own = {"corpus.name", "corpus.source"}  # a choice without a default
    for path, value in leaves(config):
        node = schema
        for key in path:
            node = resolve(schema, resolve(schema, node)["properties"][key])
        assert node.get("description"), path
        if path[0] != "demo" and ".".join(path) not in own:
            assert node["default"] == value, path


def test_every_key_of_the_configuration_has_a_comment():
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    start, end = text.index("  reduced:\n"), text.index("# Log-mel spectrograms")
    lines = (text[:start] + text[end:]).splitlines()  # what is reduced has its comment elsewhere
    for above, line in itertools.pairwise(lines):
        is_leaf = line.startswith(" ") and "#" not in line and not line.endswith(":")
        shares = above.startswith(("  train", "  validation"))  # song_split
        assert not is_leaf or above.strip().startswith("#") or shares or "train: 0.81" in line, line


def test_network_settings_equal_the_networks_own_defaults(config):
    from dataclasses import asdict
    from importlib import import_module

    for name in available():
        settings = asdict(import_module(f"artistid.networks.{name}").Settings())
        assert config["networks"][name] == settings


def test_demo_is_reduced_and_says_so(config):
    effective = effective_config(config)
    assert effective["training"]["epochs"] == config["demo"]["reduced"]["training"]["epochs"]
    assert effective["networks"]["resnet50"] == {"width": 8}
    assert "training.epochs: 300 -> 8" in reductions(config)
    assert grid(effective) and not has_several_lengths(grid(effective))


def test_reductions_reach_no_other_corpus(config):
    effective = effective_config(folder(config))
    assert "demo" not in effective
    expected = {key: value for key, value in config.items() if key not in ("demo", "corpus")}
    assert {key: effective[key] for key in expected} == expected
    assert reductions(folder(config)) == []


def test_artist20_is_the_papers_experiment(config):
    """Effective values after Snakemake's merge over config.yaml, whatever that says."""
    own = yaml.safe_load(ARTIST20.read_text())
    tampered = merged(
        config, {"training": {"epochs": 1}, "experiment": {"seeds": [9]}, "networks": {}}
    )
    effective = effective_config(merged(merged(tampered, own), {"corpus": {"audio_dir": "/m"}}))
    assert effective["training"] == {
        "epochs": 300,
        "learning_rate": 1e-4,
        "batch_size": 16,
        "patience": 10,
        "mixed_precision": True,
    }
    assert effective["networks"]["resnet50"] == {"width": 64}
    assert effective["networks"]["inception_rnn"]["width"] == 64
    assert effective["corpus"]["expect"] == {"artists": 20, "albums_per_artist": 6, "tracks": 1413}
    runs = grid(effective)
    assert len(runs) == 30
    assert sum(run.slice_seconds == 1 for run in runs) == 18
    assert {run.model for run in runs if run.slice_seconds > 1} == {"resnet50_rnn"}
    assert {run.slice_seconds for run in runs} == {1, 3, 6}
    assert {run.seed for run in runs} == {1, 2, 3}


def test_artist20_names_everything_that_its_results_depend_on(config):
    own = yaml.safe_load(ARTIST20.read_text())
    for key in ("log_mel", "song_split", "experiment", "training", "networks"):
        assert own[key] == config[key], "the defaults are the paper's, and so is artist20.yaml"


def test_grid_has_no_repeats_and_slice_frames_can_be_set(config):
    experiment = {"slice_seconds": [1, 3], "follow_up": "resnet50", "follow_up_seconds": [3, 6]}
    effective = effective_config(folder(config, experiment=experiment))
    runs = grid(effective)
    assert len(runs) == len(set(runs)) == (3 * 2 + 1) * 2 * 3
    assert frames_in_slice(effective, 1.0) == 31
    set_frames = folder(config, experiment={"slice_frames": {1: 32}})
    assert frames_in_slice(effective_config(set_frames), 1.0) == 32
    assert frames_in_slice(effective_config(set_frames), 3.0) == 93
