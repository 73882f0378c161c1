"""Results of the older layout: what is taken over, how it is converted, and what is refused.

`tests/workflow/test_adoption.py` runs the command as a whole.
"""

import copy
import importlib.util
import json
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest
from conftest import ROOT

from artistid.adoption import (
    NOT_ASKED,
    NOT_VOUCHED,
    OLD_PREDICTIONS,
    OTHER_CODE,
    Move,
    adopt,
    chosen,
    describe,
    in_new_words,
    moves,
    run_of_predictions,
)
from artistid.errors import InputError
from artistid.plan.computation import stage_of
from artistid.runs import Run
from artistid.scoring.predictions import Predictions, read_predictions, write_predictions
from artistid.storage.files import read_rows, write_json, write_rows

spec = importlib.util.spec_from_file_location(
    "adopt_results", ROOT / "workflow_scripts/adopt_results.py"
)
adopt_results = importlib.util.module_from_spec(spec)
spec.loader.exec_module(adopt_results)

RUN = Run("tiny", "mine", "crnn", "song", "draw2", 1.0, 31, 2)
FOLDER = Path("runs/crnn/song/1s/seed2")
OLD_COLUMNS = {k: v for k, v in RUN.columns.items() if k not in ("experiment", "cut")}
PREDICTIONS = Predictions(
    np.log(np.array([[0.9, 0.1], [0.2, 0.8]], np.float32)),
    np.array([0, 1]),
    np.array([0, 1]),
    ["a/1", "b/2"],
)
OTHERS = {
    "audio/A/B/01.mp3": "audio/A/B/01.mp3",
    "corpus/albums/a.csv": "corpus/albums/a.csv",
    "corpus/tracks.csv": "corpus/tracks.csv",
    "log_mel/a.h5": "log_mel/a.h5",
    "audit/near_duplicates.csv": "audit/near_duplicates.csv",
    "splits/song/seed2.csv": "splits/song/draw2.csv",
    "follow_up/choice.json": "experiments/mine/follow_up/choice.json",
}
OF_RUN = ("predictions.h5", "history.csv", "weights.safetensors", "provenance.json")
LEFT_OUT = (
    *("corpus/check.txt", "corpus/albums/.snakemake_timestamp", "audit/summary.txt"),
    *("tables/f1_by_model.csv", "audit/song/seed2.csv", f"{FOLDER}/metrics.csv"),
)


def make_old_predictions(path: Path) -> None:
    """Take from predictions what those of the old layout did not have."""
    with h5py.File(path, "r+") as file:
        file.attrs["format"] = OLD_PREDICTIONS
        file.attrs["axes"] = json.dumps(OLD_COLUMNS)


@pytest.fixture
def before(config) -> dict:
    """A configuration of the old layout, in force."""
    old = copy.deepcopy(config)
    old["song_split"] = old.pop("splits")["song"]["shares"]
    for key in ("exclude", "min_albums", "min_tracks"):
        del old["corpus"][key]
    old["demo"].pop("reduced", None)
    old["experiment"] |= {"seeds": [1, 2], "follow_up": "best"}
    for key in ("name", "report_on", "top_k"):
        del old["experiment"][key]
    return old


@pytest.fixture
def now(config) -> dict:
    """The same configuration in the new layout, in force."""
    new = copy.deepcopy(config)
    new["demo"].pop("reduced", None)
    new["experiment"] |= {"name": "mine", "seeds": [1, 2], "follow_up": "best"}
    return new


@pytest.fixture
def old(tmp_path, before) -> Path:
    """Results of the old layout, with one run."""
    results = tmp_path / "old/results/tiny"
    for name in (*OTHERS, *LEFT_OUT, f"{FOLDER}/weights.safetensors"):
        (results / name).parent.mkdir(parents=True, exist_ok=True)
        (results / name).write_text(name)
    write_rows(
        results / FOLDER / "history.csv", [OLD_COLUMNS | {"epoch": 1}], [*OLD_COLUMNS, "epoch"]
    )
    write_predictions(
        results / FOLDER / "predictions.h5", RUN, ["A", "B"], {"validation": PREDICTIONS}
    )
    make_old_predictions(results / FOLDER / "predictions.h5")
    write_json(results / FOLDER / "provenance.json", {"configuration": before})
    return results


def vouched(old: Path, but: str = "") -> frozenset[Path]:
    paths = (path for path in old.rglob("*") if path.is_file() and path.parent.name != "albums")
    return frozenset(path for path in paths if but not in path.as_posix() or not but) | {
        old / "corpus/albums"
    }


def test_everything_expensive_gets_its_place_and_nothing_else(old, now):
    kept, left = chosen(moves(old, "mine"), vouched(old), now, [])
    own = "experiments/mine/runs/crnn/song/draw2/1s/seed2"
    expected = OTHERS | {f"{FOLDER}/{name}": f"{own}/{name}" for name in OF_RUN}
    places = {move.old.relative_to(old).as_posix(): move.new.as_posix() for move in kept}
    assert places == expected
    assert left == {}


@pytest.mark.parametrize(
    ("experiment", "but", "other", "reason", "n_left"),
    [
        ({"models": ["resnet50"]}, "", [], NOT_ASKED, 2),  # with one candidate nothing is chosen
        ({"seeds": [1, 3]}, "", [], NOT_ASKED, 2),  # the run, and its split
        ({"slice_seconds": [2]}, "", [], NOT_ASKED, 1),
        ({"follow_up": None}, "", [], NOT_ASKED, 1),
        ({}, "runs/", [], NOT_VOUCHED, 1),
        ({}, "tracks.csv", [], NOT_VOUCHED, 1),
        ({}, "", ["crnn"], OTHER_CODE, 1),
    ],
)
def test_what_is_left_behind_is_named_with_the_reason(
    old, now, experiment, but, other, reason, n_left
):
    now["experiment"] |= experiment
    kept, left = chosen(moves(old, "mine"), vouched(old, but), now, other)
    assert {why: len(units) for why, units in left.items()} == {reason: n_left}
    assert not {move.unit for move in kept} & set(left[reason])
    said = describe(kept, left)
    assert f"left behind, as {reason}: {n_left}, such as {left[reason][0]}" in said


def test_second_step_is_asked_for_whichever_network_it_takes_on(old, now):
    (old / "runs/crnn/song/1s").rename(old / "runs/crnn/song/3s")
    kept, left = chosen(moves(old, "mine"), vouched(old), now, [])
    assert {move.run for move in kept if move.run} == {"crnn/song/draw2/3s/seed2"}
    assert left == {}


def test_predictions_and_rows_get_the_new_columns_and_keep_the_rest(old, tmp_path):
    found = [move for move in moves(old, "mine") if move.run]
    for move in found:
        adopt(move, tmp_path / "new")
    folder = tmp_path / "new" / found[0].new.parent
    run, classes, subsets = read_predictions(folder / "predictions.h5")
    assert (run, classes) == (RUN, ["A", "B"])
    kept = subsets["validation"]
    assert np.array_equal(kept.log_probability, PREDICTIONS.log_probability)
    assert np.array_equal(kept.track, PREDICTIONS.track)
    assert kept.track_id == PREDICTIONS.track_id
    assert read_rows(folder / "history.csv") == [
        {column: str(value) for column, value in (RUN.columns | {"epoch": 1}).items()}
    ]
    for name in ("weights.safetensors", "provenance.json"):
        assert (folder / name).read_bytes() == (old / FOLDER / name).read_bytes()
    assert {path.name for path in folder.iterdir()} == set(OF_RUN)


@pytest.mark.parametrize("name", ["predictions.h5", "history.csv"])
def test_files_that_are_not_of_the_old_layout_are_refused(old, tmp_path, name):
    for move in [move for move in moves(old, "mine") if move.old.name == name]:
        adopt(move, tmp_path / "new")
        again = Move(tmp_path / "new" / move.new, move.new, move.run, experiment="mine")
        with pytest.raises(InputError, match=name):
            adopt(again, tmp_path / "newer")
        assert not (tmp_path / "newer" / move.new).exists()


def test_predictions_of_another_run_are_refused(old):
    path = old / FOLDER / "predictions.h5"
    with pytest.raises(InputError, match="holds the run crnn song draw2 1s seed2, of which this"):
        run_of_predictions(Move(path, path, "crnn/song/draw3/1s/seed3", experiment="mine"))


def test_failure_leaves_no_results(old, tmp_path):
    found = list(moves(old, "mine"))
    (old / FOLDER / "predictions.h5").write_bytes(b"damaged")
    with pytest.raises(InputError, match=r"predictions\.h5"):
        adopt_results.take_over(found, tmp_path / "results/tiny")
    assert not (tmp_path / "results/tiny").exists()
    # What was left behind then is in nobody's way.
    other = [move for move in found if not move.run]
    adopt_results.take_over(other, tmp_path / "results/tiny")
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["tiny"]
    assert sorted(path.name for path in (tmp_path / "results/tiny/splits/song").iterdir()) == [
        "draw2.csv"
    ]


def test_moving_removes_what_was_taken_over_and_nothing_else(old):
    adopt_results.remove_originals(list(moves(old, "mine")), old)
    left = {path.relative_to(old).as_posix() for path in old.rglob("*") if path.is_file()}
    assert left == set(LEFT_OUT)
    assert not (old / "log_mel").exists()


def set_at(tree: dict, dotted: str, value: object) -> None:
    *parents, key = dotted.split("/")
    for parent in parents:
        tree = tree[parent]
    tree[key] = value


# Each decides something that is taken over, and the message names it.
DECISIVE = {
    "corpus/exclude": ({"artists": ["A"], "albums": []}, r"corpus\.exclude"),
    "corpus/min_tracks": (5, r"corpus\.min_tracks was 1"),
    "corpus/audio_dir": ("/elsewhere", r"corpus\.audio_dir"),
    "corpus/max_bad_share": (0.5, r"corpus\.max_bad_share"),
    "demo/seed": (21, r"demo\.seed"),
    "log_mel/top_db": (60.0, r"log_mel\.top_db was 80\.0 .* and is 60\.0 now"),
    "audit/near_duplicates": ("one_side", r"audit\.near_duplicates"),
    "splits/song": ({"kind": "folds", "by": "track", "folds": 3}, r"splits\.song"),
    "splits/song/draw": (2, r"splits\.song"),
    "splits/song/by": ("album", r"splits\.song"),
    "models/crnn/width": (8, r"models\.crnn\.width"),
    "models/crnn/network": ("resnet50", r"models\.crnn\.network"),
    "models/crnn/training": ({"epochs": 7}, r"training\.epochs of crnn"),
    "training/patience": (3, r"training\.patience of crnn"),
    "experiment/slice_frames": ({"1": 32}, r"experiment\.slice_frames\.1 was 31"),
}
ALBUMS = {"kind": "random", "by": "album", "albums": {"validation": 1, "test": 1}}


@pytest.mark.parametrize("key", DECISIVE)
def test_what_decides_otherwise_is_refused(old, before, now, schema, key):
    value, message = DECISIVE[key]
    kept, _ = chosen(moves(old, "mine"), vouched(old), now, [])
    adopt_results.check_all(kept, in_new_words(before), now, schema, old)
    set_at(now, key, value)
    if key == "splits/song/by":
        now["splits"]["song"] = ALBUMS
    with pytest.raises(InputError, match=message):
        adopt_results.check_all(kept, in_new_words(before), now, schema, old)


def test_what_a_run_recorded_counts_more_than_the_old_configuration(old, before, now, schema):
    """Somebody may have touched the old results after an edit."""
    kept, _ = chosen(moves(old, "mine"), vouched(old), now, [])
    now["training"]["epochs"] = before["training"]["epochs"] = 7
    with pytest.raises(InputError, match=r"provenance\.json: training\.epochs of crnn"):
        adopt_results.check_all(kept, in_new_words(before), now, schema, old)


def test_keys_that_came_later_and_have_their_defaults_decide_nothing(old, before, now, schema):
    kept, _ = chosen(moves(old, "mine"), vouched(old), now, [])
    later = copy.deepcopy(schema)
    later["$defs"]["training"]["properties"]["warm_up"] = {"default": 0}
    now["training"]["warm_up"] = 0
    adopt_results.check_all(kept, in_new_words(before), now, later, old)
    now["training"]["warm_up"] = 1
    with pytest.raises(InputError, match=r"training\.warm_up of crnn was 0"):
        adopt_results.check_all(kept, in_new_words(before), now, later, old)


SUMMARY = "output_file\tdate\trule\tlog-file(s)\tstatus\tplan\n"


def answer(*rows: str, returncode: int = 0) -> subprocess.CompletedProcess:
    return subprocess.CompletedProcess([], returncode, SUMMARY + "\n".join(rows), "")


@pytest.mark.parametrize(
    ("answered", "message"),
    [
        (
            answer("a\t-\tscan\tl\tok\tno update", "b\t-\ttrain\tl\tok\tupdate pending"),
            r"\(train\)",
        ),
        (answer("a\t-\tscan\t-\tok\tno update"), "no record of 1 files there, such as a"),
        (answer(returncode=1), "cannot be planned"),
    ],
)
def test_old_workflow_has_to_say_the_same(monkeypatch, answered, message):
    monkeypatch.setattr(adopt_results, "run_snakemake", lambda *arguments: answered)
    with pytest.raises(InputError, match=message):
        adopt_results.vouched_by(Path("old"), [])


def test_old_workflow_vouches_for_what_it_makes(monkeypatch):
    rows = answer("results/a b.csv\t-\tscan\tl\tok\tno update")
    monkeypatch.setattr(adopt_results, "run_snakemake", lambda *arguments: rows)
    assert adopt_results.vouched_by(Path("old"), []) == {Path("old/results/a b.csv")}


@pytest.mark.parametrize("other", [{"version": 2}, {"digest": "0123456789abcdef"}])
def test_only_what_is_computed_as_then_is_taken_over(monkeypatch, now, other):
    code = next(iter(other.values()))

    def code_of(*parts: str) -> dict:
        stage = stage_of(*parts)
        return {stage: code if stage == edited else 1}

    monkeypatch.setattr(adopt_results, "code_of", code_of)
    edited = "train_network/crnn"
    assert adopt_results.computed_otherwise(now) == ["crnn"]
    edited = "extract_log_mel"
    with pytest.raises(InputError, match=r"extract_log_mel\.py: .* computes something else"):
        adopt_results.computed_otherwise(now)


def test_configuration_of_a_new_workflow_is_no_old_one(tmp_path, schema):
    (tmp_path / "config.yaml").write_bytes((ROOT / "config.yaml").read_bytes())
    with pytest.raises(InputError, match="is no workflow of before November 2026"):
        adopt_results.config_in_force(tmp_path, [], [], schema, is_old=True)
    with pytest.raises(InputError, match=r"missing\.yaml: is no file; both workflows need"):
        adopt_results.config_in_force(tmp_path, ["missing.yaml"], [], schema)
