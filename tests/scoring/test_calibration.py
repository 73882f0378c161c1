"""Temperatures of songs, and how far their probabilities can be believed."""

import re
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
import scipy.special
from conftest import ROOT

from artistid.runs import Run
from artistid.scoring.calibrated_runs import (
    CALIBRATION_COLUMNS,
    calibration_of,
    calibration_rows,
    chosen_for_unknown,
    open_sets,
    read_calibrated,
)
from artistid.scoring.calibration import Songs, fit_song_temperature, reliability, songs_of
from artistid.scoring.comparison import by_cell
from artistid.scoring.predictions import Predictions, write_predictions
from artistid.splits.subsets import TEST, UNKNOWN, VALIDATION

RUN = Run("c", "e", "m", "song", "draw1", 1.0, 31, 1)


def songs(n: int, temperature: float, seed: int = 0) -> Songs:
    """Songs whose artists are drawn from the probabilities at a temperature."""
    generator = np.random.default_rng(seed)
    scores = generator.normal(0, 3, (n, 5))
    noise = generator.gumbel(size=scores.shape)
    target = (scores / temperature + noise).argmax(axis=1)
    return Songs(scores, target, [f"t{number}" for number in range(n)])


def predictions(seed: int, n_tracks: int, target: int | None = None) -> Predictions:
    generator = np.random.default_rng(seed)
    track = np.repeat(np.arange(n_tracks), 3)
    targets = np.full(len(track), target) if target is not None else track % 4
    logits = generator.normal(size=(len(track), 4))
    if target is None:
        logits[np.arange(len(track)), targets] += 2
    log_probability = scipy.special.log_softmax(logits, axis=1).astype(np.float32)
    ids = [f"{seed}-{number}" for number in range(n_tracks)]
    return Predictions(log_probability, targets, track, ids)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_temperature_of_many_songs_is_that_of_their_artists(temperature):
    found = fit_song_temperature(songs(4000, temperature))
    assert found == pytest.approx(temperature, rel=0.08)


def test_few_songs_move_the_temperature_less_than_many():
    few, many = (fit_song_temperature(songs(n, 3.0)) for n in (4, 4000))
    assert 1 < few < 0.8 * many
    # The optimum itself, by the derivative in log T of what is minimised.
    given, step = songs(30, 3.0), 1e-4

    def loss(log_temperature):
        of_songs = 30 * given.cross_entropy(float(np.exp(log_temperature)))
        return of_songs + log_temperature**2 / (2 * 0.3**2)

    found = np.log(fit_song_temperature(given, 0.3))
    assert loss(found + step) - loss(found - step) == pytest.approx(0, abs=1e-6)


def test_songs_that_are_all_right_do_not_lead_to_certainty():
    scores = np.log(np.where(np.eye(4, dtype=bool), 0.7, 0.1))
    given = Songs(scores, np.arange(4), list("abcd"))
    assert given.is_right.all()
    assert 0.5 < fit_song_temperature(given) < 1
    assert given.confidence(fit_song_temperature(given)).max() < 0.95
    hopeless = replace(given, target=np.array([1, 2, 3, 0]))
    assert 1 < fit_song_temperature(hopeless) < 4


def test_song_is_the_mean_of_its_slices():
    given = predictions(0, 12)
    found = songs_of(given)
    assert found.scores[5] == pytest.approx(given.log_probability[15:18].mean(axis=0), abs=1e-6)
    assert found.target.tolist() == [number % 4 for number in range(12)]
    assert np.exp(found.log_probability(1.7)).sum(axis=1) == pytest.approx(1)
    assert (found.log_probability(1.7).argmax(axis=1) == found.scores.argmax(axis=1)).all()


def test_reliability_of_bins_and_their_error():
    confidence = np.array([0.05, 0.3, 0.34, 0.95, 1.0])
    is_right = np.array([False, True, False, True, True])
    found = reliability(confidence, is_right)
    assert found.songs.tolist() == [1, 2, 2]
    assert found.confidence == pytest.approx([0.05, 0.32, 0.975])
    assert found.accuracy == pytest.approx([0, 0.5, 1])
    assert found.expected_error == pytest.approx((0.05 + 2 * 0.18 + 2 * 0.025) / 5)


def test_validation_alone_chooses(tmp_path):
    subsets = {VALIDATION: predictions(1, 40), TEST: predictions(2, 40)}
    subsets |= {UNKNOWN[VALIDATION]: predictions(3, 20, -1), UNKNOWN[TEST]: predictions(4, 20, -1)}
    write_predictions(tmp_path / "one.h5", RUN, list("abcd"), subsets)
    other = subsets | {TEST: predictions(5, 30), UNKNOWN[TEST]: predictions(6, 9, -1)}
    write_predictions(tmp_path / "other.h5", RUN, list("abcd"), other)
    first, second = (read_calibrated(tmp_path / f"{name}.h5", TEST) for name in ("one", "other"))
    assert first.calibration == second.calibration == calibration_of(subsets)
    assert 0 < first.calibration.threshold < 1
    assert chosen_for_unknown(tmp_path / "one.h5") == asdict(first.calibration)
    assert first.unknown.track_id == subsets[UNKNOWN[TEST]].track_id
    # Where validation is reported the test set is not looked at.
    judged = read_calibrated(tmp_path / "one.h5", VALIDATION)
    assert judged.unknown.track_id == subsets[UNKNOWN[VALIDATION]].track_id


def test_cell_has_the_songs_of_all_its_runs(tmp_path):
    runs = []
    for seed in (1, 2):
        subsets = {VALIDATION: predictions(seed, 40), TEST: predictions(10 + seed, 30 * seed)}
        path = tmp_path / f"{seed}.h5"
        write_predictions(path, replace(RUN, seed=seed), list("abcd"), subsets)
        runs.append(read_calibrated(path, TEST))
    other = replace(runs[0], run=replace(RUN, slice_seconds=3.0))
    cells = by_cell([*runs, other])
    row, _ = calibration_rows(cells, TEST)
    assert row.keys() == set(CALIBRATION_COLUMNS)
    assert (row["model"], row["runs"], row["songs"]) == ("m", 2, 90)
    temperatures = [one.calibration.temperature for one in runs]
    assert [row["temperature_low"], row["temperature_high"]] == sorted(temperatures)
    for when, used in (("before", [1, 1]), ("after", temperatures)):
        of_runs = [
            scipy.special.softmax(one.known.scores / t, axis=1)
            for one, t in zip(runs, used, strict=True)
        ]
        probability = np.concatenate(of_runs)
        target = np.concatenate([one.known.target for one in runs])
        right = probability[np.arange(90), target]
        assert row[f"nll_{when}"] == pytest.approx(-np.log(right).mean())
        found = reliability(probability.max(axis=1), probability.argmax(axis=1) == target)
        assert row[f"ece_{when}"] == pytest.approx(found.expected_error)
    assert open_sets(cells, {}, {}) == {}, "none has unknown artists"


def test_split_without_unknown_artists_has_a_temperature_alone(tmp_path):
    subsets = {VALIDATION: predictions(1, 40), TEST: predictions(2, 40)}
    write_predictions(tmp_path / "p.h5", RUN, list("abcd"), subsets)
    found = read_calibrated(tmp_path / "p.h5", TEST)
    assert (found.unknown, found.calibration.threshold) == (None, None)
    assert chosen_for_unknown(tmp_path / "p.h5") is None


def test_ways_to_fit_are_compared_on_an_experiment(tmp_path):
    folder = tmp_path / "runs/m/song/draw1/1s/seed1"
    folder.mkdir(parents=True)
    subsets = {VALIDATION: predictions(1, 40), TEST: predictions(2, 40)}
    write_predictions(folder / "predictions.h5", RUN, list("abcd"), subsets)
    command = [sys.executable, ROOT / "benchmarks/calibration.py", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("1 cell of 1 run; ")
    assert re.search(r"^songs, prior of 0\.5 +\d +\d +[-+]0\.\d+ ", done.stdout, re.MULTILINE)
