"""What tables say of themselves follows from the runs that they show."""

from dataclasses import replace

import pandas as pd
import pytest

from artistid.errors import InputError
from artistid.tables import (
    album_confusions,
    album_effect,
    experiments,
    f1_by_artist,
    f1_by_model,
    f1_by_slice,
    f1_of_songs,
    paired_tests,
    published,
)
from artistid.tables.captions import cuts_and_seeds, deviation, intervals
from artistid.tables.inputs import DATASET, Inputs
from artistid.tables.reading import in_order, read_table
from artistid.tables.rendering import write_csv

CUTS = {
    "song": [("draw1", 1), ("draw2", 2), ("draw3", 3)],
    "album": [("draw1", 1), ("draw2", 2), ("draw3", 3)],
    "mine": [("list", 1), ("list", 2), ("list", 3)],
    "jackknife": [("draw1", 1), ("draw1", 2)],
    "grid": [("draw1", 1), ("draw1", 2), ("draw2", 1), ("draw2", 2)],
    "once": [("draw1", 1)],
}
RESAMPLED = dict.fromkeys(CUTS, "songs") | {"mine": "albums", "jackknife": "albums"}
KEEPS = {split: split not in ("song", "once") for split in CUTS}


def metrics(splits, subsets=("validation", "test"), experiment="paper", model="net"):
    scores = dict.fromkeys(("macro_f1", "weighted_f1", "accuracy", "top_k_accuracy"), 0.5)
    rows = [
        {"experiment": experiment, "model": name, "split": split, "cut": cut, "seed": seed}
        | {"slice_seconds": 1.0, "subset": subset, "level": level, "pooling": pooling}
        | scores
        | {"macro_f1": 0.5 + seed / 10 + 0.2 * (subset == "validation")}
        | {"top_k": 3, "n_tracks": 9, "n_answers": 90}
        for name in (model, "chance")
        for split in splits
        for cut, seed in CUTS[split]
        for subset in subsets
        for level, pooling in (("slice", "none"), ("song", "vote"), ("song", "mean"))
    ]
    return pd.DataFrame(rows)


def interval_rows(splits, model="net"):
    bounds = {"mean": 0.6, "low": 0.4, "high": 0.8, "too_few": False, "artist": ""}
    rows = [
        {"model": model, "split": split, "slice_seconds": 1.0, "level": level, "pooling": pooling}
        | bounds
        | {"metric": "macro_f1", "resampled": RESAMPLED[split]}
        for split in splits
        for level, pooling in (("slice", "none"), ("song", "mean"))
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def inputs(tmp_path):
    """A function from splits to what tables are made of."""

    def make(*splits, reported="test"):
        files = {"metrics": metrics(splits), "intervals": interval_rows(splits)}
        paths = {name: str(tmp_path / f"{'-'.join(splits)}-{name}.csv") for name in files}
        for name, table in files.items():
            write_csv(table, paths[name])
        folds = {split: 6 * (split == "jackknife") for split in splits}
        keeps = {split: KEEPS[split] for split in splits}
        return Inputs(
            paths, ["net"], [1.0], None, {}, {"net": "net"}, splits, keeps, folds, reported
        )

    return make


def test_cuts_and_seeds_are_counted_from_the_runs():
    counts = cuts_and_seeds(metrics(CUTS))
    assert counts == {
        **dict.fromkeys(("song", "album"), (3, 3, 3)),
        "mine": (1, 3, 3),
        "jackknife": (1, 2, 2),
        "grid": (2, 2, 4),
        "once": (1, 1, 1),
    }


def test_deviation_says_what_it_is_over():
    assert deviation(metrics(CUTS), {"jackknife": 6}) == (
        "Values are mean ± sample standard deviation (song, album: over 3 seeds, each with its "
        "own cut and weights; mine: over 3 weight seeds on one cut; "
        "jackknife: over 2 weight seeds on one cut, each run over 6 folds; "
        "grid: over 4 runs with 2 cuts and 2 weight seeds; "
        "once: a single run, without deviation). "
    )
    assert deviation(metrics(CUTS).head(0), {}) == ""


def test_an_average_over_seeds_has_one_run_for_each_cut():
    single = metrics(["mine"], model="nets")
    rows = pd.concat([metrics(["mine", "once"]), single[single["seed"] == 1]])
    told = deviation(rows, {})
    assert "mine: over 3 weight seeds on one cut; once: a single run, without" in told
    assert told.endswith("). An average over seeds has one run for each cut (nets). ")


def test_intervals_say_what_is_resampled_and_what_is_not_in_them(inputs):
    plain = intervals(inputs("song"))
    assert "(docs/statistics.md). †" in plain
    assert "album" not in plain
    text = intervals(inputs("song", "album", "mine", "jackknife"))
    assert "; album: each cut tests different albums, so the variance between albums is" in text
    assert (
        "; mine: whole albums are resampled for artists with several of them in a test set" in text
    )
    assert (
        "; jackknife: every album of the folds is tested once, and albums are resampled; the "
        "overlap of the folds' training sets and the choice of which albums share a fold are not "
        "accounted for. †"
    ) in text
    assert "song: " not in text


@pytest.mark.parametrize(
    "table",
    [
        album_confusions,
        album_effect,
        f1_by_artist,
        f1_by_model,
        f1_by_slice,
        f1_of_songs,
        paired_tests,
    ],
    ids=lambda module: module.__name__,
)
def test_tables_say_which_subset_they_show(inputs, table):
    shown = table.note(inputs("song", "album")) + table.CAPTION
    assert shown.startswith("Test set. ")
    told = table.note(inputs("song", "album", reported="validation")) + table.CAPTION
    assert told.startswith("Validation set. ")
    assert "{" not in shown


@pytest.mark.parametrize(("reported", "score"), [("test", "0.700"), ("validation", "0.900")])
def test_tables_show_the_reported_subset(inputs, reported, score):
    given = inputs("song", reported=reported)
    for table in (f1_by_model, f1_of_songs):
        shown = table.show(table.build(given))
        column = next(name for name in shown if name.startswith("Macro F1"))
        assert shown[column].iloc[0] == f"{score} ± 0.100 (0.400 to 0.800)"
        assert shown["Top-3 accuracy"].iloc[0] == "0.500"


def test_published_test_results_stand_beside_test_scores_only(inputs, tmp_path):
    results = {"system": "n", "source": "s", "year": 2000, "model": "net", "split": "song"}
    results |= {"level": "slice", "slice_seconds": 1, "metric": "macro F1", "statistic": "mean"}
    results |= {"runs": 1, "value": 0.9, "protocol": "p", "features": "f"}
    write_csv(pd.DataFrame([results]), tmp_path / "published.csv")
    for reported, measured in (("test", "0.700"), ("validation", "–")):
        given = inputs("song", reported=reported)
        files = {**given.files, "published": str(tmp_path / "published.csv")}
        given = replace(given, files=files, dataset=DATASET)
        assert published.show(published.build(given))["Measured"].tolist() == [measured]
        assert ("validation set was scored" in published.note(given)) == (reported != "test")


def test_splits_stand_in_the_papers_order_and_then_in_the_experiments():
    splits = ["zz", "mine", "album", "aa", "song"]
    table = pd.DataFrame({"model": "net", "slice_seconds": 1.0, "split": splits})
    ordered = in_order(table, ["net"], ["mine", "aa", "zz"])["split"].tolist()
    assert ordered == ["song", "album", "mine", "aa", "zz"]
    assert in_order(table, ["net"])["split"].tolist() == ["song", "album", "zz", "mine", "aa"]


def effects(pairs):
    rows = [
        {"model": "net", "slice_seconds": 1.0, "split_by_track": a, "split_by_album": b}
        | {"level": "song", "pooling": "mean", "mean": 0.3, "low": 0.2, "high": 0.4}
        | {"too_few": False}
        for a, b in pairs
    ]
    return pd.DataFrame(rows)


def test_album_effect_names_its_splits_where_there_are_several():
    columns = ["Model", "Slice", "Level", "Song minus album", "95 % interval"]
    assert album_effect.show(effects([("song", "album")])).columns.tolist() == columns
    shown = album_effect.show(effects([("song", "album"), ("song", "jackknife")]))
    assert shown["Splits"].tolist() == ["song minus album", "song minus jackknife"]
    assert shown["Difference"].tolist() == ["+0.300"] * 2


@pytest.mark.parametrize(
    ("splits", "applies"),
    [(["song", "album"], (True, True)), (["song"], (False, False)), (["jack"], (False, True))],
)
def test_tables_about_albums_ask_the_splits_definitions(splits, applies):
    definitions = {
        "song": {"by": "track", "shares": {"train": 0.8, "validation": 0.1, "test": 0.1}},
        "album": {"by": "album", "albums": {"validation": 1, "test": 1}},
        "jack": {"by": "album", "kind": "folds", "folds": 5},
    }
    definitions = {name: {"kind": "random"} | given for name, given in definitions.items()}
    experiment = {"models": ["crnn"], "splits": splits}
    config = {"splits": definitions, "experiment": experiment, "models": {}}
    assert (album_effect.applies(config), album_confusions.applies(config)) == applies


def test_albums_of_two_splits_are_told_apart():
    columns = ["split", "artist", "album", "answered", "share"]
    rows = [
        ("album", "a", "1", "a", 0.4),
        ("album", "a", "1", "b", 0.6),
        ("jackknife", "a", "1", "a", 0.8),
        ("jackknife", "a", "1", "b", 0.2),
    ]
    shown = album_confusions.show(pd.DataFrame(rows, columns=columns))
    assert shown["Split"].tolist() == ["album", "jackknife"]
    assert shown["Share"].tolist() == ["60.0%", "20.0%"]


def test_experiments_stand_side_by_side_with_their_subset_and_runs():
    first = metrics(["song", "mine"]), interval_rows(["song", "mine"])
    second = (
        metrics(["song"], subsets=("validation",), experiment="007", model="svm"),
        interval_rows(["song"], model="svm"),
    )
    table = experiments.build([first, second])
    assert set(table["experiment"]) == {"paper", "007"}
    shown = experiments.show(table)
    of_net = shown[(shown["Model"] == "net") & (shown["Split"] == "song")]
    assert of_net["Level"].tolist() == ["slice", "song"]
    assert of_net["Macro F1"].tolist() == ["0.700 ± 0.100 (0.400 to 0.800)"] * 2
    numbers = ["Runs", "Cuts", "Seeds", "Subset"]
    assert of_net[numbers].iloc[0].tolist() == [3, 3, 3, "test"]
    mine = shown[(shown["Model"] == "net") & (shown["Split"] == "mine")]
    assert mine[numbers].iloc[0].tolist() == [3, 1, 3, "test"]
    svm = shown[shown["Model"] == "svm"]
    assert svm[numbers].iloc[0].tolist() == [3, 3, 3, "validation"]
    assert svm["Macro F1"].iloc[0].startswith("0.900")
    assert (shown["Model"] == "chance").sum() == 2 * 3


def test_an_experiment_is_shown_once():
    one = metrics(["song"]), interval_rows(["song"])
    with pytest.raises(InputError, match="has rows of 'paper', and should have those of one"):
        experiments.build([one, one])


def test_names_of_answers_are_read_as_text(tmp_path):
    row = {"experiment": "007", "cut": "1", "track_id": "2", "answer": "NA", "answer_by_vote": "3"}
    row |= {"top_1": "NA", "p_1": 0.5, "top_k": 3, "top_k_accuracy": None}
    write_csv(pd.DataFrame([row]), tmp_path / "t.csv")
    [found] = read_table(tmp_path / "t.csv").to_dict("records")
    assert found.pop("top_k_accuracy") != row.pop("top_k_accuracy")
    assert found == row
