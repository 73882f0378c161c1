"""Ensembles average the probabilities of runs that predict the same slices, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from artistid.errors import InputError
from artistid.runs import Run
from artistid.scoring.ensembles import average, cost
from artistid.scoring.predictions import Predictions

RUN = Run("c", "e", "both", "song", "draw1-fold2", 1.0, 31, 1)
CLASSES = ["a", "b", "c"]
TRACK = np.array([0, 0, 1, 1, 1])


def predictions(probability: list[list[float]], **changed) -> Predictions:
    log_probability = np.log(np.array(probability, np.float32))
    own = Predictions(log_probability, np.array([0, 0, 2, 2, 2]), TRACK, ["t1", "t2"])
    return replace(own, **changed)


def drawn(seed: int, **changed) -> Predictions:
    return predictions(np.random.default_rng(seed).dirichlet(np.ones(3), 5).tolist(), **changed)


def member(model: str, seed: int = 1, **subsets: Predictions) -> tuple:
    return replace(RUN, model=model, seed=seed), CLASSES, subsets


SURE = [[0.98, 0.01, 0.01]] * 5
UNSURE = [[0.02, 0.90, 0.08]] * 5


def test_probabilities_are_averaged_and_not_their_logarithms():
    members = [
        member("m", validation=predictions(SURE), test=predictions(UNSURE)),
        member("n", validation=predictions(UNSURE), test=predictions(UNSURE)),
    ]
    classes, subsets = average(iter(members), RUN)
    assert classes == CLASSES
    assert list(subsets) == ["validation", "test"]
    for row in subsets["validation"].probability:
        assert row.tolist() == pytest.approx([0.5, 0.455, 0.045])
    assert subsets["test"].probability == pytest.approx(np.array(UNSURE))
    for found in subsets.values():
        assert found.log_probability.dtype == np.float32
        assert found.track_id == ["t1", "t2"]
        assert found.track.tolist() == TRACK.tolist()
        assert found.track_target.tolist() == [0, 2]


@given(st.lists(st.integers(0, 99), min_size=1, max_size=6, unique=True))
def test_an_average_is_a_distribution_whatever_the_order_of_the_members(seeds):
    members = [member("m", seed, test=drawn(seed)) for seed in seeds]
    found = average(members, RUN)[1]["test"].probability
    expected = np.mean([drawn(seed).probability for seed in seeds], axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(average(members[::-1], RUN)[1]["test"].probability, found, rtol=1e-5)


def test_probabilities_that_underflow_keep_their_order():
    """The generative systems are so certain that only the logarithms can be told apart."""
    certain = predictions(SURE, log_probability=np.array([[-900, 0, -800]] * 5, np.float32))
    [row, *_] = average([member("m", 1, test=certain), member("m", 2, test=certain)], RUN)[1][
        "test"
    ].log_probability
    assert row.tolist() == pytest.approx([-900, 0, -800])


def test_unknown_artists_are_averaged_too():
    unknown = drawn(3, target=np.full(5, -1))
    members = [member(m, test=drawn(1), unknown_test=unknown) for m in ("m", "n")]
    found = average(members, RUN)[1]["unknown_test"]
    assert found.target.tolist() == [-1] * 5
    assert found.log_probability == pytest.approx(unknown.log_probability, abs=1e-6)


FIRST = member("m", test=drawn(1))


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (replace(RUN, model="n", cut="draw2-fold2"), "whose cut is 'draw2-fold2' instead of 'dr"),
        (replace(RUN, model="n", split="album"), "whose split is 'album'"),
        (replace(RUN, model="n", slice_seconds=3.0), "whose slice_seconds is 3.0 instead of 1.0"),
        (replace(RUN, model="n", slice_frames=32), "whose slice_frames is 32"),
        (replace(RUN, model="n", corpus="d"), "whose corpus is 'd'"),
        (["a", "b", "d"], "n .* predicts other artists than m .*; delete the predictions"),
        (["b", "a", "c"], "predicts other artists"),
        ({"validation": drawn(1)}, "predicts other subsets"),
        ({"test": drawn(1, track_id=["t1", "t3"])}, "predicts other test slices"),
        ({"test": drawn(1, track=np.array([0, 0, 0, 1, 1]))}, "predicts other test slices"),
        ({"test": drawn(1, target=np.array([0, 0, 1, 1, 1]))}, "predicts other test slices"),
    ],
)
def test_members_that_do_not_match_are_refused_in_a_line(second, message):
    run, classes, subsets = member("n", test=drawn(2))
    run = second if isinstance(second, Run) else run
    classes = second if isinstance(second, list) else classes
    subsets = second if isinstance(second, dict) else subsets
    with pytest.raises(InputError, match=message) as error:
        average([FIRST, (run, classes, subsets)], RUN)
    assert "\n" not in str(error.value)


def test_no_members_are_refused():
    with pytest.raises(InputError, match=r"both .* has no members; name some in models\.both\.ens"):
        average([], RUN)


def test_cost_is_that_of_the_members_together():
    row = {"seconds": "10.5", "epochs": "3", "peak_mb": "300.5", "gpu_peak_mb": "20.0"}
    row |= {"device": "cuda", "started": "2026-01-02T10:00:00", "finished": "2026-01-02T10:00:11"}
    other = row | {"seconds": "4.25", "epochs": "", "peak_mb": "500.0", "gpu_peak_mb": ""}
    other |= {"device": "cpu", "started": "2026-01-01T10:00:00", "finished": "2026-01-01T10:00:05"}
    assert cost([row, other, row]) == {
        "seconds": 25.25,
        "epochs": None,
        "peak_mb": 500.0,
        "gpu_peak_mb": 20.0,
        "device": "cuda and cpu",
        "started": "2026-01-01T10:00:00",
        "finished": "2026-01-02T10:00:11",
    }
    assert cost([other])["gpu_peak_mb"] is None
