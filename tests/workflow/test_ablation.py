"""The ablation of the recipe for unseen albums: what it trains, and how it reads the tables."""

import json

import ablation
import pandas as pd
import pytest
import yaml
from conftest import ROOT

from artistid.experiment import first_runs, kind_of_model
from artistid.models.registry import NETWORKS
from artistid.plan.config import (
    check_config,
    effective_config,
    merged,
    model_parameters,
    read_schema,
)


@pytest.fixture(scope="module")
def schema():
    return read_schema(ROOT / "schemas")


def experiment(size, against=None):
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return merged(config, ablation.experiment_of("mine", "/music", size, against))


@pytest.mark.parametrize("size", ["small", "full"])
def test_each_model_differs_from_the_recipe_in_one_part(size, schema):
    config = experiment(size)
    check_config(config, schema)
    effective = effective_config(config)
    models = effective["experiment"]["models"]
    assert set(ablation.PAPER) < set(models) and len(models) == len(set(models))
    recipe = flat(model_parameters(effective, schema, ablation.RECIPE))
    for model in models:
        if not model.startswith(("without_", "with_")):
            continue
        own = flat(model_parameters(effective, schema, model))
        changed = {key for key in own.keys() | recipe.keys() if own.get(key) != recipe.get(key)}
        if model == "without_training":
            assert len(changed) == 6 and all(key.startswith("training.") for key in changed)
        elif model == "without_cosine":
            assert changed == {"training.schedule", "training.warm_up_epochs"}
        else:
            assert len(changed) == 1, (model, changed)
            assert model.partition("_")[2].partition("_")[0] in "".join(changed).replace(
                "average_decay", "averages"
            ).replace("subtract_mean", "track_mean")


def test_network_alone_has_no_part_of_the_recipe(schema):
    effective = effective_config(experiment("full"))
    recipe = effective["models"][ablation.RECIPE]
    defaults = {"epochs", "learning_rate", "batch_size", "patience"}
    for model, parts in (
        ("network_alone", set()),
        ("network_with_front_end", {"front_end"}),
        ("network_with_augmentations", {"random_crops", "augmentations"}),
    ):
        own = model_parameters(effective, schema, model)
        assert set(own["training"]) - defaults == parts - {"front_end"}
        assert own.get("front_end") == (recipe["front_end"] if "front_end" in parts else None)
        assert own["architecture"] == "cnn"


def flat(tree, prefix=""):
    found = {}
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            found |= flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def test_choices_are_made_on_validation_and_test_is_for_the_end(schema):
    config = experiment("small")
    assert config["experiment"]["report_on"] == "validation"
    final = experiment("small", "crnn")
    check_config(final, schema)
    assert final["experiment"]["report_on"] == "test"
    runs = [
        run
        for run in first_runs(effective_config(final))
        if run.model == "crnn" and kind_of_model(final, run.model) == NETWORKS
    ]
    assert [run.split for run in runs] == ["album_folds", "track_folds"]
    # What was trained on the album folds is not trained again.
    for model in ("crnn", ablation.RECIPE):
        parameters = [
            model_parameters(effective_config(of), schema, model) for of in (config, final)
        ]
        assert parameters[0] == parameters[1]


def test_full_form_trains_the_papers_networks_as_the_paper(schema):
    effective = effective_config(experiment("full"))
    for model in ablation.PAPER:
        parameters = model_parameters(effective, schema, model)
        assert parameters == {"architecture": model, "settings": {}, "training": {}}


def test_difference_is_that_from_the_recipe():
    other, recipe = "without_gain", ablation.RECIPE
    values = {"difference": 0.1, "low": 0.05, "high": 0.2, "p": 0.01}
    expected = {"difference": 0.1, "difference_low": 0.05, "difference_high": 0.2, "p": 0.01}
    pairs = pd.DataFrame([{"first": other, "second": recipe} | values])
    assert ablation.difference(pairs, other) == expected
    negated = {"difference": -0.1, "difference_low": -0.2, "difference_high": -0.05, "p": 0.01}
    pairs = pd.DataFrame([{"first": recipe, "second": other} | values])
    assert ablation.difference(pairs, other) == negated
    assert ablation.difference(pairs, recipe) == {}


def test_network_to_compare_with_is_the_best_on_validation_of_the_papers(tmp_path):
    results = tmp_path / "ablation.json"
    rows = [
        {"corpus": "a", "model": "crnn", "macro_f1": 0.2},
        {"corpus": "a", "model": "resnet50", "macro_f1": 0.3},
        {"corpus": "a", "model": ablation.RECIPE, "macro_f1": 0.9},
        {"corpus": "b", "model": "crnn", "macro_f1": 0.5},
    ]
    results.write_text(json.dumps({"rows": rows}))
    assert ablation.best_of_the_papers("a", results) == "resnet50"
    assert ablation.best_of_the_papers("b", results) == "crnn"
    with pytest.raises(SystemExit, match="no scores on c"):
        ablation.best_of_the_papers("c", results)
