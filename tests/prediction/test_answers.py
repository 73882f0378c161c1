"""Answers to recordings: what a run stores, for every kind of model, and several together."""

from pathlib import Path

import numpy as np
import pytest
import torch
from prediction_helpers import (
    CLASSES,
    demo_tracks,
    network_package,
    stored_log_mel,
    system_package,
)

from artistid.errors import InputError
from artistid.models.front_end import FrontEnd
from artistid.models.registry import FRAME_SYSTEMS, NETWORKS, SONG_SYSTEMS, available
from artistid.prediction import models
from artistid.prediction.answers import Ensemble
from artistid.prediction.output import (
    answer_columns,
    answer_row,
    as_json,
    as_text,
    best_by_name,
)
from artistid.prediction.package import Package, read_package
from artistid.scoring.pooling import MEAN, VOTE, count_answers, pooled
from artistid.scoring.predictions import Predictions
from artistid.storage.tensors import write_tensors
from artistid.training.batches import BatchLoader
from artistid.training.dataset import SliceSet, subtracted_means
from artistid.training.fit import predict
from artistid.training.settings import TrainingSettings
from artistid.training.weights import load_weights

SYSTEMS = available(FRAME_SYSTEMS) + available(SONG_SYSTEMS)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory) -> list[list[Path]]:
    return demo_tracks(tmp_path_factory.mktemp("music"), 3, 4)


def check(answer, predictions: Predictions, number: int, has_slices: bool) -> None:
    """Compare an answer with what a run stores of its track."""
    own = predictions.track == number
    mean = pooled(predictions)[number] / own.sum()
    expected = mean - np.log(np.exp(mean - mean.max()).sum()) - mean.max()
    assert np.abs(answer.log_probability - expected).max() < 1e-4
    assert answer.artist == CLASSES[count_answers(predictions, MEAN)[number].argmax()]
    if has_slices:
        assert len(answer.starts) == own.sum()
        assert np.abs(answer.over_time - predictions.log_probability[own]).max() < 1e-4
        assert answer.vote == CLASSES[count_answers(predictions, VOTE)[number].argmax()]
    else:
        assert answer.vote is None


@pytest.mark.parametrize("name", SYSTEMS)
def test_classical_system_answers_what_its_run_stores(name, tracks, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "CHUNK_FRAMES", 70)  # a track takes several
    package, predictions = system_package(tmp_path / "model.safetensors", name, tracks, CLASSES)
    ensemble = Ensemble([package])
    for number, own in enumerate(tracks):
        answer = ensemble.answer(own[-1])
        check(answer, predictions, number, has_slices=name in available(FRAME_SYSTEMS))
    assert np.ptp(predictions.log_probability) > 0.1


@pytest.mark.parametrize(
    ("name", "front_end"),
    [
        *((name, FrontEnd()) for name in available(NETWORKS)),
        ("crnn", FrontEnd(subtracts_mean=True)),
        ("crnn", FrontEnd(subtracts_mean=True, window_frames=40, relaxed=0.3)),
    ],
)
def test_network_answers_what_its_run_stores(name, front_end, tracks, tmp_path, monkeypatch):
    monkeypatch.setitem(models.BATCH_FRAMES, "cpu", 70)
    package = network_package(tmp_path / "model.safetensors", name, front_end=front_end)
    network, normalisation, _ = load_weights(tmp_path / "weights.safetensors")
    log_mels = [stored_log_mel(own[-1]) for own in tracks]
    starts = [range(0, len(log_mel) - 30, 31) for log_mel in log_mels]
    firsts = np.cumsum([0, *map(len, log_mels)])
    slices = SliceSet(
        np.concatenate(log_mels),
        np.concatenate([first + np.array(own) for first, own in zip(firsts, starts, strict=False)]),
        np.repeat(np.arange(3), list(map(len, starts))),
        np.repeat(np.arange(3), list(map(len, starts))),
        ["0", "1", "2"],
        [],
        31,
        firsts[:-1],
        np.array(list(map(len, log_mels))),
    )
    means = subtracted_means(slices, front_end)
    loader = BatchLoader(slices, normalisation, torch.device("cpu"), front_end, means)
    predictions = predict(network, loader, TrainingSettings())
    ensemble = Ensemble([package], "cpu")
    for number, own in enumerate(tracks):
        check(ensemble.answer(own[-1]), predictions, number, has_slices=True)


def test_models_of_other_lengths_orders_and_kinds_answer_together(tracks, tmp_path):
    folders = [tmp_path / name for name in "abc"]
    for folder in folders:
        folder.mkdir()
    packages = [
        network_package(folders[0] / "model.safetensors", seed=1),
        network_package(folders[1] / "model.safetensors", "crnn", CLASSES[::-1], 2, frames=62),
        system_package(folders[2] / "model.safetensors", "svm_song_kl", tracks, CLASSES)[0],
    ]
    path = tracks[1][-1]
    alone = [Ensemble([package], "cpu").answer(path) for package in packages]
    together = Ensemble(packages, "cpu").answer(path)
    by_artist = [dict(answer.ranked) for answer in alone]
    expected = {artist: np.mean([own[artist] for own in by_artist]) for artist in CLASSES}
    assert dict(together.ranked) == pytest.approx(expected)
    # Slices of 62 frames hold two of 31 each; the last of these has a half for itself.
    assert together.slice_seconds == pytest.approx(31 * 512 / 16000)
    assert len(together.starts) == len(alone[0].starts)
    later = np.exp(alone[1].over_time[1][::-1])  # from the other order of artists
    assert np.exp(together.over_time[2]) == pytest.approx(
        (np.exp(alone[0].over_time[2]) + later) / 2, abs=1e-6
    )


def test_artist_below_the_threshold_is_unknown_and_still_ranked(tracks, tmp_path):
    plain = network_package(tmp_path / "model.safetensors", seed=1)
    path = tracks[1][-1]
    own = Ensemble([plain], "cpu").answer(path)
    assert (own.threshold, own.is_unknown, as_json(own)["unknown"]) == (None, False, None)

    def package(name: str, threshold: float) -> Package:
        chosen = {"temperature": 2.0, "threshold": threshold}
        description = {**plain.description, "unknown": chosen}
        write_tensors(tmp_path / name, plain.arrays, description)
        return read_package(tmp_path / name)

    low, high = package("low.safetensors", 0.0), package("high.safetensors", 1.0)
    unknown = Ensemble([high], "cpu").answer(path)
    softer = own.log_probability / 2
    expected = softer - np.log(np.exp(softer).sum())
    assert unknown.log_probability == pytest.approx(expected)
    assert [artist for artist, _ in unknown.ranked] == [artist for artist, _ in own.ranked]
    assert as_text(unknown, 1).startswith(f"{path}: unknown (below 1.000); {own.artist} ")
    told = as_json(unknown)
    assert (told["artist"], told["unknown"], told["threshold"]) == (None, True, 1.0)
    assert told["artists"][0]["artist"] == own.artist
    row = answer_row(told, 1)
    assert (row["unknown"], row["artist"], row["top_1"]) == ("true", None, own.artist)
    assert row.keys() <= set(answer_columns(3, 1))
    known = as_json(Ensemble([low], "cpu").answer(path))
    assert (known["artist"], known["unknown"]) == (own.artist, False)
    assert answer_row(known, 1)["unknown"] == "false"
    assert "unknown" not in as_text(Ensemble([low], "cpu").answer(path), 1)
    # Together: the mean of the thresholds, where each has one.
    assert Ensemble([low, high], "cpu").threshold == 0.5
    assert Ensemble([low, plain], "cpu").threshold is None


def test_models_of_other_artists_do_not_answer_together(tmp_path):
    (tmp_path / "b").mkdir()
    first = network_package(tmp_path / "model.safetensors")
    other = network_package(tmp_path / "b" / "model.safetensors", classes=["b", "c", "d"])
    with pytest.raises(InputError, match=r"b/model.safetensors: has other artists than .*'d'"):
        Ensemble([first, other], "cpu")


def test_short_recordings_are_refused(tracks, tmp_path):
    package = network_package(tmp_path / "model.safetensors", frames=310)
    with pytest.raises(InputError, match=r"3\.mp3: is shorter than a slice of 9\.92 s"):
        Ensemble([package], "cpu").answer(tracks[0][-1])


def test_passages_are_the_slices_in_a_row_that_agree(tracks, tmp_path):
    answer = Ensemble([network_package(tmp_path / "model.safetensors", seed=5)]).answer(
        tracks[0][0]
    )
    answer.over_time[:] = np.log(
        [[0.8, 0.1, 0.1], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.6, 0.2, 0.2]]
    )
    assert [artist for _, _, artist in answer.passages()] == [CLASSES[0], "b", CLASSES[0]]
    ends = [end for _, end, _ in answer.passages()]
    assert ends == pytest.approx([1.984, 2.976, 3.968])
    assert answer.vote == CLASSES[0]
    assert as_text(answer, 2, with_passages=True).count("\n") == 3
    told = as_json(answer)
    assert [row["artist"] for row in told["over_time"]] == [CLASSES[0]] * 2 + ["b", CLASSES[0]]
    assert told["slices"] == 4


def test_best_artists_go_by_name_or_by_path_where_names_repeat():
    answers = [
        {"path": path, "artists": [{"artist": a} for a in "xyz"]}
        for path in ("001.mp3", "a/002.mp3", "b/002.wav")
    ]
    best, twice = best_by_name(answers, 2)
    assert best == {"001": ["x", "y"], "a/002.mp3": ["x", "y"], "b/002.wav": ["x", "y"]}
    assert twice == ["002"]
