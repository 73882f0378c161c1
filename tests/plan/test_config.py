"""The configuration: every wrong key is named; the demo's reductions reach nothing else."""

import copy
import itertools

import pytest
import yaml
from conftest import ROOT
from update_schema import SCHEMAS, augmentations_schema, models_schema

from artistid.errors import InputError
from artistid.experiment import (
    architecture_of,
    averaged_runs,
    candidates,
    first_runs,
    follow_up_runs,
    has_several_lengths,
    networks,
    parts_of,
    training_of,
)
from artistid.features.slices import frames_in_slice
from artistid.models.registry import KINDS, available
from artistid.plan.config import (
    check_config,
    effective_config,
    model_parameters,
    reductions,
    with_types,
)
from artistid.runs import PATH, Run, seconds_of_slice
from artistid.splits.definitions import definitions


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
    ({"corpus": {"source": "folder", "audio_dir": "/m"}}, "corpus.name: 'demo' is reserved"),
    (
        {"splits": {"song": {"shares": {"test": 0.2}}}},
        "splits.song.shares: sum to 1.1; write shares",
    ),
    ({"splits": {"song": {"shares": {"test": 1.2}}}}, "splits.song.shares.test: .*write a share"),
    (
        {"splits": {"song": {"kind": "folds"}}},
        "splits.song.shares: does not apply to a folds split",
    ),
    ({"splits": {"song": {"shuffle": True}}}, "splits.song.shuffle: no such key; there are: kind"),
    (
        {"splits": {"song": {"kind": "fold"}}},
        "splits.song.kind: 'fold' .*write random, folds or man",
    ),
    ({"experiment": {"name": "My experiment"}}, "experiment.name: .*write a name of a-z, 0-9, dot"),
    ({"experiment": {"report_on": "train"}}, "report_on: 'train' .*write test, or validation"),
    ({"experiment": {"top_k": 0}}, "top_k: 0 .*write a whole number, 1 or more"),
    ({"experiment": {"follow_up": "a\nb"}}, r"write its network: models\.'a\\nb'\.network"),
    ({"models": {"mine": {"network": "crn"}}}, "models.mine.network: unknown network 'crn'; there"),
    (
        {"models": {"mine": {"network": "gmm_mfcc"}}},
        "models.mine.network: unknown network 'gmm_mfcc'",
    ),
    ({"models": {"mine": {"system": "crnn"}}}, "models.mine.system: unknown system 'crnn'; there"),
    (
        {"models": {"mine": {"network": "crnn", "depth": 3}}},
        "models.mine.depth: no such key; there",
    ),
    (
        {"models": {"mine": {"network": "crnn", "training": {"epoch": 3}}}},
        "models.mine.training.epoch: no such key; there are: epochs",
    ),
    (
        {"models": {"mine": {"network": "crnn", "system": "gmm_mfcc"}}},
        "models.mine: has a network and a system; write one",
    ),
    (
        {"models": {"gmm_mfcc": {"training": {"epochs": 3}}}},
        "models.gmm_mfcc.training: only networks have it; remove it",
    ),
    (
        {"models": {"chance": {"network": "crnn"}}},
        "models.chance: this name is reserved for a row",
    ),
    (
        {"models": {"Mine": {"network": "crnn"}}},
        "models: 'Mine' does not match .*write a name of a-",
    ),
    ({"experiment": {"models": ["resnet51"]}}, "experiment.models: unknown model 'resnet51'"),
    ({"experiment": {"models": []}}, "experiment.models: .*write a list of one or more"),
    ({"experiment": {"seeds": []}}, "experiment.seeds: .*write a list of one or more"),
    ({"experiment": {"seeds": [1, 1]}}, "experiment.seeds: .*non-unique.*each once"),
    (
        {"experiment": {"splits": ["artist"]}},
        r"experiment.splits: 'artist' is not defined; define it in `splits`, or .*: song, album",
    ),
    ({"experiment": {"slice_seconds": [0.5]}}, r"slice_seconds.0: 0.5 .*write seconds, 1 or more"),
    ({"experiment": {"follow_up": "resnet"}}, "experiment.follow_up: unknown model 'resnet'"),
    ({"experiment": {"slice_frames": {"1": 5}}}, "slice_frames.1: 5 .*write frames, 31 or more"),
    ({"models": {"resnet50": {"depth": 3}}}, "models.resnet50.depth: no such key"),
    (
        {
            "corpus": {"name": "x", "source": "folder", "audio_dir": "/m"},
            "experiment": {"follow_up": "gmm_mfcc"},
        },
        "experiment.follow_up: gmm_mfcc is not a network in experiment.models; write incept",
    ),
    (
        {"experiment": {"models": ["gmm_mfcc"], "follow_up": "best"}},
        "experiment.follow_up: best needs a network",
    ),
    ({"models": {"resnet51": {}}}, "models: unknown model 'resnet51'"),
    (
        {"demo": {"reduced": {"experiment": {"models": ["resnet51"]}}}},
        "demo.reduced.experiment.models: unknown model 'resnet51'",
    ),
    (
        {"demo": {"reduced": {"experiment": {"follow_up": "resnet"}}}},
        "demo.reduced.experiment.follow_up: unknown model 'resnet'",
    ),
    (
        {"demo": {"reduced": {"models": {"resnet51": {}}}}},
        "demo.reduced.models: unknown model 'resnet51'",
    ),
    (
        {"demo": {"reduced": {"experiment": {"follow_up": "crnn", "models": ["resnet50"]}}}},
        r"follow_up: crnn is not a network in experiment.models; write resnet50, best or null",
    ),
    (
        {
            "corpus": {"name": "x", "source": "folder", "audio_dir": "/m"},
            "experiment": {"models": ["svm_song_kl"]},
        },
        "follow_up: resnet50_rnn is not a network in experiment.models; write null",
    ),
    ({"corpus": {"dataset": "artist20"}}, "corpus.dataset: the demo corpus is not artist20; write"),
    (
        {"corpus": {"names": "tags"}},
        "corpus.names: the demo corpus' recordings have no tags; write",
    ),
    ({"log_mel": {"n_fft": 256}}, r"log_mel.hop_length: 512 is more than log_mel.n_fft \(256\)"),
    ({"experiment": {"seeds": [2**32]}}, "seeds.0: 4294967296 .*write a whole number from 0 to"),
    ({"experiment": {"slice_frames": {"2": 62}}}, "slice_frames.2: no slice of 2 s is requested"),
    ({"models": {"inception_rnn": {"width": 20}}}, "width: 20 .*write a multiple of 16"),
    ({"models": {"cnn": {"frequency_ranges": 3}}}, "frequency_ranges: 3 .*write 1, 2, 4 or 8"),
    ({"log_mel": {"n_fft": 1023}}, "log_mel.n_fft: 1023 .*write an even number"),
    ({"audit": {"near_duplicates": "keep"}}, "audit.near_duplicates: 'keep' .*write stop, or one_"),
    ({"audit": {"accept": ["one"]}}, "audit.accept.0: 'one' .*write a pair of track ids"),
    ({"audit": {"accept": [["one"]]}}, r"audit.accept.0: \['one'\] .*write a pair of track ids"),
    ({"demo": {"reduced": {"corpus": {}}}}, "demo.reduced.corpus: no such key"),
    ({"training": {"epochs": 3.0}}, "training.epochs: 3.0 .*write a whole number"),
    ({"training": {"learning_rate": float("nan")}}, "training.learning_rate: is nan; write a fin"),
    (
        {"splits": {"song": {"shares": {"train": float("nan")}}}},
        "shares.train: is nan; write a fin",
    ),
    ({"corpus": {"name": "x" * 300}}, "corpus.name: 'x+ ... x+' .*, 100 at most"),
    ({"experiment": {"slice_frames": {"x": 40}}}, "slice_frames: 'x' does not match .*write seco"),
    ({"experiment": {"slice_seconds": [1, 1.0000001]}}, "1.0000001 has too many digits; write six"),
    ({"log_mel": {"hop_length": 2000}}, "a slice of 1 s has 8 frames, and 16 are needed; lower"),
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


def test_song_shares_may_be_rounded(config, schema):
    thirds = {"train": 0.3333333, "validation": 0.3333333, "test": 0.3333333}
    check_config(merged(config, {"splits": {"song": {"shares": thirds}}}), schema)


def test_shipped_configurations_are_valid(config, schema):
    check_config(config, schema)
    for path in sorted((ROOT / "configs").glob("*.yaml")):
        check_config(
            merged(merged(config, read(path.name)), {"corpus": {"audio_dir": "/m"}}), schema
        )


def leaves(tree, prefix=()):
    if not isinstance(tree, dict) or not tree:
        yield prefix, tree
        return
    for key, value in tree.items():
        yield from leaves(value, (*prefix, key))


def resolve(schema: dict, node: dict) -> dict:
    if "$ref" in node:
        found = schema
        for key in node["$ref"].removeprefix("#/").split("/"):
            found = found[key]
        return merged(found, node)
    return node


def test_schema_describes_every_key_and_its_defaults_are_the_shipped_values(config, schema):
    own = {"corpus.name", "corpus.source", "experiment.name"}  # a choice without a default
    for path, value in leaves(config):
        if path[0] in ("splits", "models") or path[:3] == ("demo", "reduced", "models"):
            continue  # definitions by name
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
        is_leaf = line.startswith(" ") and "#" not in line and ": " in line
        assert not is_leaf or above.strip().startswith("#"), line


def test_settings_of_every_model_equal_its_own_defaults(config):
    from dataclasses import asdict
    from importlib import import_module

    for kind in KINDS:
        for name in available(kind):
            settings = asdict(import_module(f"artistid.models.{kind}.{name}").Settings())
            plain = {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}
            assert config["models"][name] == plain, name


def test_demo_is_reduced_and_says_so(config):
    effective = effective_config(config)
    assert effective["training"]["epochs"] == config["demo"]["reduced"]["training"]["epochs"]
    assert effective["models"]["resnet50"] == {"width": 8}
    assert "training.epochs: 300 -> 6" in reductions(config)
    assert effective["experiment"]["follow_up"] == "best"


def test_reductions_reach_no_other_corpus(config):
    effective = effective_config(folder(config))
    assert "demo" not in effective
    expected = {key: value for key, value in config.items() if key not in ("demo", "corpus")}
    assert {key: effective[key] for key in expected} == expected
    assert reductions(folder(config)) == []


def read(name: str) -> dict:
    return yaml.safe_load((ROOT / "configs" / name).read_text())


def runs_of(config: dict) -> list[Run]:
    return first_runs(config) + follow_up_runs(config, config["experiment"]["follow_up"])


def test_artist20_is_the_papers_experiment(config):
    """Effective values after Snakemake's merge over config.yaml, whatever that says."""
    tampered = merged(
        config, {"training": {"epochs": 1}, "experiment": {"seeds": [9], "models": ["crnn"]}}
    )
    own = read("artist20.yaml")
    effective = effective_config(merged(merged(tampered, own), {"corpus": {"audio_dir": "/m"}}))
    assert effective["training"] == {
        "epochs": 300,
        "learning_rate": 1e-4,
        "batch_size": 16,
        "patience": 10,
        "mixed_precision": True,
        "deterministic": False,
        "cuda_graphs": False,
        "schedule": "constant",
        "warm_up_epochs": 0,
        "weight_decay": 0.0,
        "label_smoothing": 0.0,
        "average_decay": None,
        "select_by": "validation_loss",
        "random_crops": False,
        "augmentations": {},
    }
    assert effective["models"]["resnet50"] == {"width": 64}
    assert effective["models"]["inception_rnn"]["width"] == 64
    assert effective["corpus"]["expect"] == {"artists": 20, "albums_per_artist": 6, "tracks": 1413}
    assert effective["corpus"]["dataset"] == "artist20"
    runs = runs_of(effective)
    assert len(runs) == len(set(runs)) == 30
    assert sum(run.slice_seconds == 1 for run in runs) == 18
    assert {run.model for run in runs if run.slice_seconds > 1} == {"resnet50_rnn"}
    assert {run.slice_seconds for run in runs} == {1, 3, 6}
    assert {run.seed for run in runs} == {1, 2, 3}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"training": {"augmentations": {"echo": {}}}},
            "training.augmentations.echo: unknown augmentation 'echo'; there are: filter_augment",
        ),
        (
            {"models": {"crnn": {"training": {"augmentations": {"echo": {}}}}}},
            "models.crnn.training.augmentations.echo: unknown augmentation 'echo'",
        ),
        (
            {"training": {"augmentations": {"gain": {"decibels": -1}}}},
            "training.augmentations.gain.decibels: -1 is less than the minimum of 0; write a",
        ),
        (
            {"models": {"gmm_mfcc": {"front_end": {"subtract_mean": "track"}}}},
            "models.gmm_mfcc.front_end: only networks have it; remove it",
        ),
        (
            {"models": {"crnn": {"front_end": {"subtract_mean": "album"}}}},
            "models.crnn.front_end.subtract_mean: 'album' does not match '^track$'; write track, a",
        ),
        (
            {"training": {"select_by": "song_f1"}},
            "training.select_by: 'song_f1' is not one of ['validation_loss', 'song_macro_f1',",
        ),
    ],
)
def test_what_is_wrong_with_a_recipe_is_named(config, schema, given, message):
    with pytest.raises(InputError) as error:
        check_config(merged(config, given), schema)
    assert message in str(error.value)


def test_recipe_is_a_parameter_of_its_model_alone(config, schema):
    front_end = {"subtract_mean": 30, "relaxed_normalisation": None}
    training = {"augmentations": {"gain": {}, "mixup": None}, "schedule": "cosine"}
    mine = {"network": "crnn", "front_end": front_end, "training": training}
    effective = effective_config(merged(config, {"models": {"mine": mine}}))
    parameters = model_parameters(effective, schema, "mine")
    assert parameters["front_end"] == {"subtract_mean": 30}
    assert parameters["training"]["augmentations"] == {"gain": {}}, "null is off"
    others = effective_config(config)
    for model in others["experiment"]["models"]:
        assert model_parameters(effective, schema, model) == model_parameters(others, schema, model)


def test_unseen_albums_builds_on_every_corpus(config, schema):
    unseen = merged(config, read("unseen_albums.yaml"))
    check_config(unseen, schema)
    assert {run.slice_seconds for run in first_runs(effective_config(unseen))} == {5}
    artist20 = merged(merged(config, read("artist20.yaml")), read("unseen_albums.yaml"))
    artist20 = merged(artist20, read("artist20_unseen_albums.yaml"))
    check_config(merged(artist20, {"corpus": {"audio_dir": "/m"}}), schema)
    effective = effective_config(artist20)
    assert effective["experiment"]["name"] == "unseen_albums"
    assert training_of(effective, "crnn")["select_by"] == "validation_loss"
    assert training_of(effective, "cnn_unseen")["epochs"] == 100
    parameters = model_parameters(effective, schema, "crnn")
    assert parameters == {"architecture": "crnn", "settings": {}, "training": {}}


def test_artist20_retrains_nothing_for_settings_that_came_later(config, schema):
    """Params of the jobs, as they were before there were front ends and augmentations."""
    effective = effective_config(merged(config, read("artist20.yaml")))
    for model in effective["experiment"]["models"]:
        parameters = model_parameters(effective, schema, model)
        assert parameters == {"architecture": model, "settings": {}, "training": {}}


def test_artist20_names_everything_that_its_results_depend_on(config):
    own = read("artist20.yaml")
    for key in ("log_mel", "splits", "training"):
        assert own[key] == config[key], "the defaults are the paper's, and so is artist20.yaml"
    assert own["experiment"].keys() == config["experiment"].keys()
    for model, settings in own["models"].items():
        assert settings == config["models"][model]
    assert set(own["models"]) == set(own["experiment"]["models"])


def test_all_systems_and_the_baseline_build_on_artist20(config):
    artist20 = merged(config, read("artist20.yaml"))
    every = effective_config(merged(artist20, read("artist20_all_systems.yaml")))
    assert every["corpus"]["name"] == "artist20"
    assert every["experiment"]["name"] == artist20["experiment"]["name"], "it adds to it"
    assert len(first_runs(every)) == 10 * 2 * 3
    assert every["training"]["epochs"] == 300
    assert networks(every) == ["inception_rnn", "resnet50", "resnet50_rnn", "crnn", "crnn_1e-4"]
    assert candidates(every) == ["inception_rnn", "resnet50", "resnet50_rnn"]
    assert architecture_of(every, "crnn_1e-4") == "crnn"
    assert training_of(every, "crnn")["learning_rate"] == 1e-3
    assert training_of(every, "crnn_1e-4")["learning_rate"] == 1e-4
    baseline = effective_config(merged(artist20, read("artist20_baseline.yaml")))
    assert baseline["corpus"]["name"] == "artist20"
    assert baseline["experiment"]["name"] == "baseline"
    assert training_of(baseline, "crnn")["learning_rate"] == 1e-3
    assert {run.model for run in first_runs(baseline)} == {"crnn"}
    assert {run.slice_seconds for run in first_runs(baseline)} >= {1, 3, 5, 10, 20, 30}


def test_systems_on_whole_songs_run_once_and_have_no_slices(config):
    experiment = {"models": ["svm_song_kl", "gmm_mfcc"], "slice_seconds": [1, 3]}
    runs = first_runs(effective_config(folder(config, experiment=experiment)))
    assert [run.slice for run in runs if run.model == "svm_song_kl"] == ["whole"] * 6
    assert {run.slice for run in runs if run.model == "gmm_mfcc"} == {"1s", "3s"}
    assert seconds_of_slice("whole") is None
    assert seconds_of_slice("1.5s") == 1.5
    assert frames_in_slice(config, None) is None


def test_a_run_has_one_path_one_label_and_its_columns():
    run = Run("demo", "paper", "crnn", "album", "draw2", 1.5, 46, 3)
    path = PATH.format(model="crnn", split="album", cut="draw2", slice=run.slice, seed=3)
    assert path == "crnn/album/draw2/1.5s/seed3"
    assert run.label == "crnn album draw2 1.5s seed3"
    assert Run(**run.columns) == run
    whole = Run("demo", "paper", "", "song", "list", None, None, 1)
    assert (whole.slice, whole.label) == ("whole", "references song list whole seed1")


@pytest.mark.parametrize("what", ["models", "augmentations"])
def test_schema_is_generated_from_the_settings(what):
    content = {"models": models_schema, "augmentations": augmentations_schema}[what]()
    assert (SCHEMAS / f"{what}.schema.yaml").read_text("utf-8") == content, "run `make schema`"


def test_demo_of_classical_systems_has_no_second_step(config, schema):
    given = merged(config, {"experiment": {"models": ["gmm_mfcc"]}})
    check_config(given, schema)
    assert effective_config(given)["experiment"]["follow_up"] is None


def test_whole_songs_have_one_length(config):
    experiment = {"models": ["svm_song_kl"], "slice_seconds": [1, 3], "follow_up": None}
    assert not has_several_lengths(effective_config(folder(config, experiment=experiment)))


def test_runs_do_not_repeat_and_slice_frames_can_be_set(config):
    experiment = {"slice_seconds": [1, 3], "follow_up_seconds": [3, 6], "models": ["resnet50"]}
    effective = effective_config(folder(config, experiment=experiment | {"follow_up": "resnet50"}))
    assert len(first_runs(effective)) == 2 * 2 * 3
    assert {run.slice for run in follow_up_runs(effective, "resnet50")} == {"6s"}
    assert has_several_lengths(effective)
    assert frames_in_slice(effective, 1.0) == 31
    for one in (1, 1.0, "1", "01"):
        set_frames = folder(config, experiment={"slice_frames": {one: 32}})
        assert frames_in_slice(effective_config(set_frames), 1.0) == 32
        assert frames_in_slice(effective_config(set_frames), 3.0) == 93


VARIANTS = {
    "models": {
        "crnn": {"width": 32, "training": {"patience": 5}},
        "crnn_1e-3": {"network": "crnn", "training": {"learning_rate": 0.001, "epochs": 50}},
        "few_frames": {"system": "gmm_mfcc", "frames_per_track": 10},
    }
}


def test_a_model_is_a_name_for_an_architecture_with_its_settings(config, schema):
    models = ["crnn", "crnn_1e-3", "few_frames"]
    experiment = {"models": models, "follow_up": ["crnn", "crnn_1e-3"]}
    given = merged(folder(config, experiment=experiment), VARIANTS)
    check_config(given, schema)
    effective = effective_config(given)
    assert networks(effective) == ["crnn", "crnn_1e-3"]
    assert model_parameters(effective, schema, "crnn") == {
        "architecture": "crnn",
        "settings": {"width": 32},
        "training": {"patience": 5},
    }
    # A variant starts from the architecture's defaults, and not from another model's settings.
    assert model_parameters(effective, schema, "crnn_1e-3") == {
        "architecture": "crnn",
        "settings": {},
        "training": {"epochs": 50, "learning_rate": 0.001},
    }
    assert model_parameters(effective, schema, "few_frames") == {
        "architecture": "gmm_mfcc",
        "settings": {"frames_per_track": 10},
    }


ENSEMBLES = {
    "splits": {
        "mine": {"kind": "manifest", "by": "album", "files": ["1.csv", "2.csv"]},
        "fixed": {
            "kind": "random",
            "by": "album",
            "draw": 4,
            "albums": {"validation": 1, "test": 1},
        },
    },
    "experiment": {
        "models": ["all", "crnn", "crnns", "gmm_mfcc", "svm_song_kl", "both"],
        "splits": ["fixed", "mine"],
        "seeds": [3, 1, 2],
        "slice_seconds": [1, 5],
        "follow_up": "best",
    },
    "models": {
        "both": {"ensemble": ["crnn", "gmm_mfcc"]},
        "crnns": {"ensemble": ["crnn"], "over_seeds": True},
        "all": {"ensemble": ["crnn", "gmm_mfcc"], "over_seeds": True},
        # Not in the experiment: meant for another one.
        "unused": {"ensemble": ["resnet50"]},
    },
}


def test_an_ensemble_averages_runs_of_its_cut(config, schema):
    given = folder(config, **ENSEMBLES)
    check_config(given, schema)
    effective = effective_config(given)
    runs = first_runs(effective)
    assert len(runs) == len(set(runs))
    by_model = {model: [run for run in runs if run.model == model] for model in given["models"]}
    # Both splits at both lengths; over seeds one run, which has the first seed.
    assert len(by_model["both"]) == len(by_model["crnn"]) == 2 * 2 * 3
    assert {run.seed for run in by_model["crnns"] + by_model["all"]} == {3}
    assert len(by_model["crnns"]) == len(by_model["all"]) == 2 * 2
    assert by_model["unused"] == []
    splits = definitions(effective)
    trained = {part for run in runs for part in parts_of(splits, run)}
    for model, members, seeds in (
        ("both", ["crnn", "gmm_mfcc"], None),
        ("crnns", ["crnn"], [3, 1, 2]),
        ("all", ["crnn", "gmm_mfcc"], [3, 1, 2]),
    ):
        for run in by_model[model]:
            for part in parts_of(splits, run):
                averaged = averaged_runs(effective, part)
                assert set(averaged) <= trained
                found = [(run.model, run.seed) for run in averaged]
                assert found == [(m, seed) for m in members for seed in seeds or [part.seed]]
                for own in averaged:
                    same = ("split", "cut", "slice_seconds", "slice_frames")
                    assert [getattr(own, name) for name in same] == [
                        getattr(part, name) for name in same
                    ]
    assert {part.cut for run in by_model["all"] for part in parts_of(splits, run)} == {
        *("draw4", "list-fold1", "list-fold2")
    }


def test_an_ensemble_is_no_network_and_changes_nothing_of_its_members(config, schema):
    given = folder(config, **ENSEMBLES)
    effective = effective_config(given)
    assert networks(effective) == candidates(effective) == ["crnn"]
    assert architecture_of(effective, "both") == "ensemble"
    without = merged(given, {"experiment": {"models": ["crnn", "gmm_mfcc"]}})
    for model in ("crnn", "gmm_mfcc"):
        alone = effective_config(without)
        assert model_parameters(alone, schema, model) == model_parameters(effective, schema, model)
        own = [run for run in first_runs(effective) if run.model == model]
        assert [run for run in first_runs(alone) if run.model == model] == own


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (
            {"models": {"both": {"ensemble": ["crnn", "resnet50"]}}},
            r"models.both.ensemble: resnet50 is not in experiment.models; add it there, or",
        ),
        (
            {"models": {"both": {"ensemble": ["crnn", "crnns"]}}},
            "models.both.ensemble: crnns is an ensemble; name its members instead",
        ),
        (
            {"models": {"both": {"ensemble": ["crnn", "both"]}}},
            "models.both.ensemble: both is an ensemble; name its members",
        ),
        (
            {"models": {"both": {"ensemble": ["crnn", "svm_song_kl"]}}},
            "models.both.ensemble: svm_song_kl takes whole songs, and an ensemble averages slices",
        ),
        (
            {"models": {"both": {"ensemble": ["crnn"]}}},
            r"models.both.ensemble: has one run to average; name another member, or",
        ),
        (
            {"experiment": {"seeds": [1]}},
            r"models.crnns.ensemble: has one run to average; name another member, or",
        ),
        (
            {"experiment": {"splits": ["fixed", "song"]}},
            "models.crnns.over_seeds: the split 'song' draws a different cut for each seed, so no "
            "two seeds .*; write splits.song.draw: 1, or remove over_seeds",
        ),
        (
            {"experiment": {"follow_up": "both"}},
            "experiment.follow_up: both is not a network in experiment.models; write crnn, best",
        ),
        ({"models": {"both": {"ensemble": []}}}, r"models.both.ensemble: \[\] .*write a list of"),
        ({"models": {"both": {"ensemble": "crnn"}}}, "models.both.ensemble: 'crnn' is not of type"),
        (
            {"models": {"both": {"ensemble": ["crnn"] * 2}}},
            "both.ensemble: .*non-unique.*each once",
        ),
        (
            {"models": {"both": {"over_seeds": 1}}},
            "models.both.over_seeds: 1 .*write true, or false",
        ),
        (
            {"models": {"both": {"network": "crnn"}}},
            "models.both.network: no such key; there are: ensemble, over_seeds",
        ),
        ({"models": {"crnn": {"ensemble": ["gmm_mfcc"]}}}, "models.crnn.width: no such key; there"),
        ({"models": {"crnn": {"over_seeds": True}}}, "models.crnn.over_seeds: no such key; there"),
    ],
)
def test_what_cannot_be_averaged_is_refused_in_a_line(config, schema, over, message):
    with pytest.raises(InputError, match=message) as error:
        check_config(merged(folder(config, **ENSEMBLES), over), schema)
    assert "\n" not in str(error.value)


def test_text_from_the_command_line_may_say_over_seeds(config, schema):
    given = merged(folder(config, **ENSEMBLES), {"models": {"all": {"over_seeds": "true"}}})
    typed = with_types(given, schema)
    assert typed["models"]["all"]["over_seeds"] is True
    check_config(typed, schema)


def test_training_then_the_models_own_then_what_the_demo_reduces(config):
    """The precedence that docs/methods.md writes down."""
    given = merged(config, VARIANTS | {"training": {"batch_size": 8, "patience": 3}})
    on_folder = training_of(effective_config(folder(given)), "crnn_1e-3")
    assert on_folder["batch_size"] == 8
    assert (on_folder["patience"], on_folder["epochs"]) == (3, 50)
    assert on_folder["learning_rate"] == 0.001
    on_demo = training_of(effective_config(given), "crnn_1e-3")
    assert (on_demo["epochs"], on_demo["learning_rate"]) == (6, 0.002)
    assert (on_demo["patience"], on_demo["batch_size"]) == (3, 8)
    assert training_of(effective_config(given), "crnn")["patience"] == 5
    reduced = {"demo": {"reduced": {"models": {"crnn_1e-3": {"training": {"epochs": 1}}}}}}
    assert training_of(effective_config(merged(given, reduced)), "crnn_1e-3")["epochs"] == 1


def test_a_key_at_its_default_is_no_parameter(config, schema):
    """So that a key which a later version adds retrains nothing."""
    effective = effective_config(folder(config))
    for model in effective["experiment"]["models"]:
        parameters = model_parameters(effective, schema, model)
        assert parameters.pop("architecture") == model
        assert set(map(str, parameters.values())) == {"{}"}, model
    later = copy.deepcopy(schema)
    later["$defs"]["training"]["properties"]["warm_up"] = {"type": "integer", "default": 0}
    effective["training"]["warm_up"] = 0
    assert model_parameters(effective, later, "crnn")["training"] == {}
    effective["training"]["cuda_graphs"] = (
        True  # Adam's kernel is another one, and rounds differently
    )
    assert model_parameters(effective, schema, "crnn")["training"]["cuda_graphs"] is True


def test_the_order_of_keys_is_nothing(config):
    def backwards(value):
        if isinstance(value, dict):
            return {key: backwards(value[key]) for key in reversed(value)}
        return value

    given = merged(folder(config), VARIANTS)
    assert repr(effective_config(backwards(given))) == repr(effective_config(given))


def test_defaults_of_training_and_log_mel_are_those_of_the_library(schema):
    from dataclasses import asdict

    from artistid.features.log_mel import LogMelParameters
    from artistid.training.settings import TrainingSettings

    log_mel = schema["properties"]["log_mel"]
    for own, checks in (
        (TrainingSettings(), schema["$defs"]["training"]),
        (LogMelParameters(), log_mel),
    ):
        assert {key: c["default"] for key, c in checks["properties"].items()} == asdict(own)


def test_seeds_on_one_cut_and_folds(config):
    splits = {
        "fixed": {
            "kind": "random",
            "by": "album",
            "albums": {"validation": 1, "test": 1},
            "draw": 7,
        },
        "folds": {"kind": "folds", "by": "album", "folds": 3},
    }
    experiment = {"models": ["crnn"], "splits": [*splits], "seeds": [1, 2], "follow_up": None}
    effective = effective_config(folder(config, experiment=experiment, splits=splits))
    runs = first_runs(effective)
    assert [(run.split, run.cut, run.seed) for run in runs] == [
        ("fixed", "draw7", 1),
        ("fixed", "draw7", 2),
        ("folds", "draw1", 1),
        ("folds", "draw2", 2),
    ]
    assert parts_of(definitions(effective), runs[0]) == [runs[0]]
    assert [part.cut for part in parts_of(definitions(effective), runs[3])] == [
        "draw2-fold1",
        "draw2-fold2",
        "draw2-fold3",
    ]
