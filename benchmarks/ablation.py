"""What each part of the recipe for unseen albums contributes: docs/unseen_albums.md.

    python benchmarks/ablation.py demo_hard=FOLDER scores=FOLDER [--size small] [--cores 2]

The folders are corpora that `benchmarks/corpora/` makes, or any others of <artist>/<album>/<track>.
On each one, the recipe of configs/unseen_albums.yaml is trained whole, without each of its parts,
with parts that it does not have, and its network alone and with some of the parts. Every model is
trained on six folds by album, with one seed, and is scored on validation albums: all albums are
validated once, and test is not used.

`--size full` is for a GPU. `--size small` takes about four core-hours on two cores: narrow
networks, few epochs, and parts that belong together as one.

The experiment is resumed where it was interrupted. At the end, `--test` compares the recipe on test
with the paper's network that was the best one on validation: on the same folds, and on six folds by
track.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from recording import add_output, record

ROOT = Path(__file__).resolve().parent.parent
SPLIT, SONG_SPLIT = "album_folds", "track_folds"
PAPER = ("inception_rnn", "resnet50", "resnet50_rnn", "crnn")
RECIPE, SE_RESNET, BOTH = "cnn_unseen", "se_resnet_unseen", "both_unseen"
# Parts that are left out one by one, each as keys of the model with the values that switch it off.
TRAINING_PARTS: dict[str, dict[str, Any]] = {
    "cosine": {"training": {"schedule": "constant", "warm_up_epochs": 0}},
    "averages": {"training": {"average_decay": None}},
    "label_smoothing": {"training": {"label_smoothing": 0.0}},
    "weight_decay": {"training": {"weight_decay": 0.0}},
}
PARTS: dict[str, dict[str, Any]] = {
    "track_mean": {"front_end": {"subtract_mean": None}},
    "random_crops": {"training": {"random_crops": False}},
    "filter_augment": {"training": {"augmentations": {"filter_augment": None}}},
}
MORE: dict[str, dict[str, Any]] = {
    "relaxed_normalisation": {"front_end": {"relaxed_normalisation": 0.5}},
    **{
        name: {"training": {"augmentations": {name: {}}}}
        for name in ("freq_mixstyle", "gain", "mixup", "spec_augment")
    },
}
# What makes the form for two cores smaller.
SMALL = {
    "width": 16,
    "training": {"epochs": 12, "learning_rate": 0.003, "warm_up_epochs": 1, "average_decay": 0.95},
}
SMALL_WIDTHS = {"crnn": 16, "inception_rnn": 16, "resnet50": 8, "resnet50_rnn": 8}
SMALL_PAPER_TRAINING = {"epochs": 12, "learning_rate": 0.0005}


def changed(model: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model with some keys written over; None removes an augmentation."""
    result = deepcopy(dict(model))
    for key, value in change.items():
        if isinstance(value, Mapping) and key != "augmentations":
            result[key] = changed(result.get(key, {}), value)
        elif key == "augmentations":
            joined = {**result.get(key, {}), **value}
            result[key] = {name: own for name, own in joined.items() if own is not None}
        else:
            result[key] = value
    return result


def models_of(size: str) -> dict[str, dict[str, Any]]:
    """Return the models by name: the paper's, the recipe, and the recipe with and without parts."""
    shipped = yaml.safe_load((ROOT / "configs/unseen_albums.yaml").read_text())["models"]
    recipe = shipped[RECIPE]
    if size == "small":
        recipe = changed(recipe, SMALL)
        paper = {
            name: {"width": SMALL_WIDTHS[name], "training": SMALL_PAPER_TRAINING} for name in PAPER
        }
        # Without them, the weights are chosen as the paper does.
        together: dict[str, Any] = {"training": {"select_by": "validation_loss"}}
        for part in TRAINING_PARTS.values():
            together = changed(together, part)
        parts = {**PARTS, "training": together}
        more = {name: change for name, change in MORE.items() if name != "gain"}
        others = {"network_alone": alone(recipe)["network_alone"]}
    else:
        paper = {name: {} for name in PAPER}
        parts, more = {**PARTS, **TRAINING_PARTS}, MORE
        others = {**alone(recipe), "crnn_unseen": changed(recipe, {"network": "crnn"})}
    return {
        **paper,
        RECIPE: recipe,
        SE_RESNET: changed(recipe, {"network": "se_resnet"}),
        **{f"without_{name}": changed(recipe, change) for name, change in parts.items()},
        **{f"with_{name}": changed(recipe, change) for name, change in more.items()},
        **others,
    }


def alone(recipe: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the recipe's network without every part, and with the parts of one kind only."""
    bare = changed(recipe, {"training": {"select_by": "validation_loss"}})
    for part in (*PARTS.values(), *TRAINING_PARTS.values()):
        bare = changed(bare, part)
    training = recipe["training"]
    augmented = {key: training[key] for key in ("random_crops", "augmentations")}
    return {
        "network_alone": bare,
        "network_with_front_end": changed(bare, {"front_end": recipe["front_end"]}),
        "network_with_augmentations": changed(bare, {"training": augmented}),
    }


def experiment_of(corpus: str, folder: str, size: str, against: str | None) -> dict[str, Any]:
    """Return the configuration of the experiment on a corpus."""
    models = models_of(size)
    own = [against, RECIPE, SE_RESNET] if against else list(models)
    folds = {"kind": "folds", "folds": 6, "draw": 1}
    return {
        "corpus": {"name": corpus, "source": "folder", "audio_dir": folder},
        "splits": {SPLIT: {**folds, "by": "album"}, SONG_SPLIT: {**folds, "by": "track"}},
        "experiment": {
            "name": f"ablation_{size}",
            "models": [*own, BOTH],
            "splits": [SPLIT, SONG_SPLIT] if against else [SPLIT],
            "seeds": [1],
            "slice_seconds": [5],
            "follow_up": None,
            "report_on": "test" if against else "validation",
        },
        "models": {**models, BOTH: {"ensemble": [RECIPE, SE_RESNET]}},
    }


def run(configuration: Path, cores: int) -> None:
    """Run the workflow up to its tables."""
    command = [sys.executable, "-m", "snakemake", "tables", "--cores", str(cores)]
    subprocess.run([*command, "--configfile", configuration], cwd=ROOT, check=True)


def rows_of(corpus: str, size: str) -> list[dict[str, Any]]:
    """Return a row for each model and split: F1 of songs, difference from the recipe, cost."""
    folder = ROOT / f"results/{corpus}/experiments/ablation_{size}/tables"
    scores, pairs, timings = (
        pd.read_csv(folder / f"{name}.csv", keep_default_na=False, na_values=[""])
        for name in ("f1_of_songs", "paired_tests", "all_timings")
    )
    guesses = scores["model"].isin(["chance", "majority"])
    scores = scores[(scores["pooling"] == "mean") & ~guesses]
    pairs = pairs[(pairs["level"] == "song") & (pairs["pooling"] == "mean")]
    rows = []
    for _, score in scores.iterrows():
        model, split = score["model"], score["split"]
        own = timings[(timings["model"] == model) & (timings["split"] == split)]
        row = {"corpus": corpus, "split": split, "model": model}
        row |= {"macro_f1": score["macro_f1_mean"], "low": score["macro_f1_low"]}
        row |= {"high": score["macro_f1_high"], "seconds": own["seconds"].mean()}
        rows.append(row | difference(pairs[pairs["split"] == split], model))
    return rows


def difference(pairs: pd.DataFrame, model: str) -> dict[str, float]:
    """Return by how much a model is better than the recipe; empty for the recipe itself."""
    for first, second, sign in ((model, RECIPE, 1), (RECIPE, model, -1)):
        pair = pairs[(pairs["first"] == first) & (pairs["second"] == second)]
        if not pair.empty:
            found = pair.iloc[0]
            low, high = sorted((sign * found["low"], sign * found["high"]))
            of_means = {"difference": sign * found["difference"], "difference_low": low}
            return of_means | {"difference_high": high, "p": found["p"]}
    return {}


def best_of_the_papers(corpus: str, results: Path) -> str:
    """Return which of the paper's networks has the highest validation F1 on a corpus."""
    rows = json.loads(results.read_text(encoding="utf-8"))["rows"]
    scores = {
        row["model"]: row["macro_f1"]
        for row in rows
        if row["corpus"] == corpus and row["model"] in PAPER
    }
    if not scores:
        raise SystemExit(f"{results}: has no scores on {corpus}; run the ablation without --test")
    return max(scores, key=scores.__getitem__)


def main() -> None:
    """Run the experiment on each corpus, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpora", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--size", choices=["small", "full"], default="small")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--test", action="store_true", help="see above; after the same without")
    add_output(parser, "ablation")
    args = parser.parse_args()
    output = args.output.with_stem(f"{args.output.stem}_test") if args.test else args.output
    rows = []
    for corpus in args.corpora:
        name, _, folder = corpus.partition("=")
        against = best_of_the_papers(name, args.output) if args.test else None
        configuration = ROOT / f"results/ablation_{name}_{args.size}.json"
        configuration.parent.mkdir(exist_ok=True)
        experiment = experiment_of(name, folder, args.size, against)
        configuration.write_text(json.dumps(experiment, indent=2))
        run(configuration, args.cores)
        rows += rows_of(name, args.size)
    record(output, rows, {"size": args.size})


if __name__ == "__main__":
    main()
