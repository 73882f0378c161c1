"""Predictions of folds are joined into those of one run, and nothing else is."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistid.errors import InputError
from artistid.runs import Run
from artistid.scoring.predictions import (
    Predictions,
    cut_of_all_folds,
    join_folds,
    read_predictions,
    require_one_cut,
    write_predictions,
)

RUN = Run("c", "e", "m", "jackknife", "draw1", 1.0, 31, 1)
CLASSES = ["a", "b"]


def predictions(ids: list[str], n_slices: int = 2) -> Predictions:
    """Slices whose log-probabilities name their track and their order within it."""
    track = np.repeat(np.arange(len(ids)), n_slices)
    first = np.array([float(track_id[1:]) for track_id in ids])[track]
    order = np.tile(np.arange(n_slices), len(ids))
    log_probability = np.stack([first, order], axis=1).astype(np.float32)
    return Predictions(log_probability, track % 2, track, ids)


def fold(number: int, tested: list[str], validated: list[str]) -> tuple:
    run = replace(RUN, cut=f"draw1-fold{number}")
    return run, CLASSES, {"test": predictions(tested), "validation": predictions(validated)}


PARTS = [
    fold(1, ["t4", "t1"], ["t2"]),
    fold(2, ["t2"], ["t3", "t5"]),
    fold(3, ["t3", "t5"], ["t4", "t1"]),
]


def test_folds_are_one_run_with_every_track_once_in_each_subset():
    run, classes, subsets = join_folds(PARTS[::-1], RUN)
    assert (run, classes) == (RUN, CLASSES)
    for joined in subsets.values():
        assert joined.track_id == ["t1", "t2", "t3", "t4", "t5"]
        assert joined.track.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
        assert joined.log_probability.tolist() == [[n, s] for n in range(1, 6) for s in (0, 1)]
    assert subsets["test"].track_target.tolist() == [1, 0, 0, 0, 1]


@given(st.permutations([f"t{n}" for n in range(8)]), st.lists(st.integers(1, 7), max_size=3))
def test_however_tracks_are_dealt_the_join_is_the_same(ids, ends):
    bounds = [0, *sorted(set(ends)), 8]
    parts = [
        fold(number, ids[start:end], ids[start:end])
        for number, (start, end) in enumerate(itertools.pairwise(bounds), start=1)
    ]
    joined = join_folds(parts, RUN)[2]["test"]
    assert joined.track_id == sorted(ids)
    assert joined.log_probability[:, 0].tolist() == [n for n in range(8) for _ in range(2)]


def test_a_track_that_several_folds_validate_counts_for_each():
    """Folds of somebody's own may share their validation set."""
    parts = [fold(1, ["t1"], ["t3", "t4"]), fold(2, ["t2"], ["t4"])]
    validated = join_folds(parts, RUN)[2]["validation"]
    assert validated.track_id == ["t3", "t4", "t4"]
    assert validated.track.tolist() == [0, 0, 1, 1, 2, 2]
    assert validated.log_probability[:, 0].tolist() == [3, 3, 4, 4, 4, 4]


def test_a_run_without_folds_is_itself():
    run = replace(RUN, cut="list")
    subsets = {"test": predictions(["t2", "t1"])}
    joined = join_folds([(run, CLASSES, subsets)], run)
    assert joined == (run, CLASSES, subsets)
    assert joined[2]["test"] is subsets["test"]


def changed(number: int, **columns) -> list[tuple]:
    run, classes, subsets = PARTS[number]
    return [(replace(run, **columns), classes, subsets)]


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (PARTS[:1] + changed(1, seed=2) + PARTS[2:], "seed 2 instead of 1"),
        (PARTS[:2] + changed(2, model="n"), "model 'n' instead of 'm'"),
        (PARTS[:2] + changed(2, experiment="f"), "experiment 'f' instead of 'e'"),
        (PARTS[:2] + changed(2, slice_frames=32), "slice_frames 32 instead of 31"),
        (PARTS[:2] + changed(2, cut="draw2-fold3"), "different cuts"),
        (PARTS[:2] + changed(2, split="song"), "different cuts"),
        (PARTS[:2] + changed(2, corpus="d"), "different cuts"),
        (PARTS[:1] + PARTS[2:], "give each fold once"),
        (PARTS[1:], "give each fold once"),
        (PARTS + PARTS[:1], "give each fold once"),
        ([*PARTS[:2], (PARTS[2][0], ["a", "c"], PARTS[2][2])], r"other artists .*: 'b', 'c'"),
        (
            [*PARTS[:2], (PARTS[2][0], CLASSES, {"test": PARTS[2][2]["test"]})],
            "other subsets .*: 'validation'",
        ),
        ([*PARTS[:2], fold(3, ["t3", "t4"], ["t1"])], "one fold tests: 1, such as 't4'; test each"),
    ],
)
def test_what_is_no_set_of_folds_of_the_run_is_refused_in_a_line(parts, message):
    with pytest.raises(InputError, match=message) as error:
        join_folds(parts, RUN)
    assert "\n" not in str(error.value)


def test_only_predictions_of_one_cut_are_joined():
    require_one_cut([RUN, replace(RUN, model="n", seed=2, slice_seconds=3.0)])
    for column, value in {"cut": "draw2", "split": "song", "corpus": "d"}.items():
        with pytest.raises(InputError, match="different cuts"):
            require_one_cut([RUN, replace(RUN, **{column: value})])


def test_a_fold_knows_its_cut():
    cuts = ("draw1-fold3", "list-fold12", "draw1", "list")
    assert [cut_of_all_folds(cut) for cut in cuts] == ["draw1", "list", "draw1", "list"]


def test_subsets_that_are_not_asked_for_stay_on_the_disk(tmp_path):
    run, classes, subsets = PARTS[0]
    write_predictions(tmp_path / "p.h5", run, classes, subsets)
    assert list(read_predictions(tmp_path / "p.h5", ["validation"])[2]) == ["validation"]
    write_predictions(tmp_path / "p.h5", run, classes, {"validation": subsets["validation"]})
    with pytest.raises(InputError, match=r"p\.h5: has no predictions of the test subset"):
        read_predictions(tmp_path / "p.h5", ["validation", "test"])
