"""The training loop and the slices it is fed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from artistid.errors import InputError
from artistid.features.mel_cache import write_album
from artistid.features.slices import frames_per_slice, slice_starts
from artistid.jobs.memory import Peaks
from artistid.models.registry import build_network
from artistid.plan.sources import ROOT as SCRIPTS
from artistid.training.batches import BatchLoader
from artistid.training.dataset import (
    SliceSet,
    band_statistics,
    class_names,
    load_slices,
    slices_per_track,
    without_a_slice,
)
from artistid.training.fit import embed, fit, predict
from artistid.training.precision import Precision
from artistid.training.settings import TrainingSettings

FRAMES = 31
CPU = torch.device("cpu")


def test_slices_of_the_paper():
    assert [frames_per_slice(seconds, 16000, 512) for seconds in (1, 3, 6)] == [31, 93, 186]
    assert frames_per_slice(1.5, 16000, 512) == 46
    # 50 * 2.3 is 114.99999999999999 in binary.
    assert frames_per_slice(2.3, 25600, 512) == 115
    with pytest.raises(InputError, match=r"0\.5 is less than 1 s"):
        frames_per_slice(0.5, 16000, 512)


@pytest.mark.parametrize(("n_frames", "count"), [(30, 0), (31, 1), (61, 1), (62, 2), (94, 3)])
def test_every_whole_slice_counts(n_frames, count):
    starts = slice_starts(n_frames, FRAMES)
    assert len(starts) == count
    assert all(start + FRAMES <= n_frames for start in starts)


@pytest.fixture
def manifest_and_cache(tmp_path):
    """Two artists, each an album of three tracks of 65 frames but for one of 20."""
    generator = np.random.default_rng(0)
    manifest = []
    for number, artist in enumerate(["b", "a"]):
        tracks = []
        for track in range(3):
            track_id = f"{artist}{track}"
            n_frames = 20 if track_id == "a2" else 65
            row = {"track_id": track_id, "sha256": "", "sampling_rate": 16000, "duration": 1}
            tracks.append((row, [generator.normal(10 * number, 1, (n_frames, 128))]))
            manifest.append(
                {"track_id": track_id, "album_id": artist, "artist": artist, "subset": "train"}
            )
        write_album(tmp_path / f"{artist}.h5", tracks, {"top_db": 80.0})
    return manifest, tmp_path


def test_slices_are_cut_within_tracks_and_short_tracks_are_named(manifest_and_cache):
    manifest, folder = manifest_and_cache
    slices = load_slices(manifest, "train", folder, FRAMES)
    assert class_names(manifest) == ["a", "b"]
    assert slices.track_ids == ["a0", "a1", "b0", "b1", "b2"]
    assert slices.too_short == ["a2"]
    assert slices.describe().endswith("1 tracks are shorter than one slice and are left out: a2")
    assert without_a_slice(["a", "b", "c"], np.array([2, 0, 2])) == ["b"]
    assert slices.starts.tolist() == [0, 31, 65, 96, 130, 161, 195, 226, 260, 291]
    assert slices.targets.tolist() == [0] * 4 + [1] * 6
    assert slices.tracks.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]
    track_ids, targets, n_slices = slices_per_track(manifest, "train", folder, FRAMES)
    assert track_ids == slices.track_ids
    assert targets.tolist() == [0, 0, 1, 1, 1]
    assert n_slices.tolist() == [2, 2, 2, 2, 2]
    with pytest.raises(InputError, match="no train track is as long"):
        load_slices(manifest, "train", folder, 100)


def test_statistics_are_those_of_the_slices_frames(manifest_and_cache):
    manifest, folder = manifest_and_cache
    slices = load_slices(manifest, "train", folder, FRAMES)
    frames = np.concatenate([slices.log_mel[s : s + FRAMES] for s in slices.starts])
    mean, deviation = band_statistics(slices)
    assert np.allclose(mean, frames.mean(axis=0, dtype=np.float64), atol=1e-4)
    assert np.allclose(deviation, frames.std(axis=0, dtype=np.float64), atol=1e-4)
    slices_fed, targets = BatchLoader(slices, (mean, deviation), CPU).batch(torch.tensor([2, 0]))
    assert slices_fed.shape == (2, 1, 128, FRAMES)
    expected = (slices.log_mel[65 : 65 + FRAMES].astype(np.float32) - mean) / deviation
    assert np.allclose(slices_fed[0, 0].numpy(), expected.T, atol=1e-5)
    assert targets.tolist() == [0, 0]


def toy_set(n_tracks: int, seed: int) -> SliceSet:
    """Two classes whose spectra differ, one slice per track."""
    generator = np.random.default_rng(seed)
    targets = np.arange(n_tracks) % 2
    log_mel = generator.normal(-40, 5, (n_tracks, FRAMES, 128))
    log_mel[targets == 1, :, :64] += 6
    return SliceSet(
        log_mel.reshape(-1, 128).astype(np.float16),
        np.arange(n_tracks) * FRAMES,
        targets,
        np.arange(n_tracks),
        [str(number) for number in range(n_tracks)],
        [],
        FRAMES,
        np.arange(n_tracks) * FRAMES,
        np.full(n_tracks, FRAMES),
    )


def train_toy(settings: TrainingSettings, seed: int = 1):
    train, validation = toy_set(33, 0), toy_set(16, 1)
    normalisation = band_statistics(train)
    torch.manual_seed(seed)
    network = build_network("inception_rnn", 128, 2, {"width": 16})
    loaders = [BatchLoader(part, normalisation, CPU) for part in (train, validation)]
    return network, fit(network, *loaders, settings, seed), loaders


SETTINGS = TrainingSettings(epochs=4, learning_rate=3e-3, batch_size=8, patience=None)


def test_same_seed_same_bits():
    torch.set_num_threads(1)
    networks = []
    for seed in (1, 1, 2):
        torch.rand(3)  # whatever happened before
        network, result, _ = train_toy(SETTINGS, seed)
        networks.append((network.state_dict(), result.history))
    first, again, other = networks
    assert first[1] == again[1]
    assert all(torch.equal(first[0][key], again[0][key]) for key in first[0])
    assert first[1] != other[1]


def test_best_validation_weights_are_kept():
    network, result, (_, validation) = train_toy(SETTINGS)
    losses = [row["validation_loss"] for row in result.history]
    assert result.best_epoch == 1 + int(np.argmin(losses))
    predictions = predict(network, validation, SETTINGS)
    hits = predictions.probability[np.arange(16), predictions.target]
    assert -np.log(hits).mean() == pytest.approx(min(losses), rel=1e-4)
    assert np.allclose(predictions.probability.sum(axis=1), 1, atol=1e-5)


def test_embedding_is_what_the_last_layer_sees():
    network, _, (_, validation) = train_toy(SETTINGS)
    features, positions = embed(network, validation, SETTINGS, at_most=5)
    assert features.shape == (5, 32)
    assert positions.tolist() == [0, 4, 8, 11, 15]
    predictions = predict(network, validation, SETTINGS)
    with torch.inference_mode():
        logits = network.classifier(torch.from_numpy(features)).log_softmax(1).numpy()
    assert np.allclose(logits, predictions.log_probability[positions], atol=1e-4)
    assert len(embed(network, validation, SETTINGS, at_most=100)[0]) == 16


def test_patience_stops_training():
    # At such a rate the loss does not fall for long.
    settings = TrainingSettings(epochs=40, learning_rate=0.3, batch_size=8, patience=2)
    _, result, _ = train_toy(settings)
    assert len(result.history) == result.best_epoch + 2 < 40


def test_it_learns():
    settings = TrainingSettings(epochs=12, learning_rate=3e-3, batch_size=8, patience=None)
    _, result, _ = train_toy(settings)
    assert max(row["validation_macro_f1"] for row in result.history) > 0.9


def test_validation_and_test_are_computed_in_float32(monkeypatch):
    calls = []

    class Counted(Precision):
        def autocast(self):
            calls.append(self)
            return super().autocast()

    monkeypatch.setattr("artistid.training.fit.Precision", Counted)
    network, _, (train, validation) = train_toy(SETTINGS)
    n_batches = -(-len(train.slices) // SETTINGS.batch_size) - 1  # the last has a single slice
    assert len(calls) == SETTINGS.epochs * n_batches
    predict(network, validation, SETTINGS)
    embed(network, validation, SETTINGS, at_most=5)
    assert len(calls) == SETTINGS.epochs * n_batches


def precision_of_a_process(deterministic: bool) -> list[str]:
    code = (
        "import os, torch\n"
        "from artistid.training.precision import set_precision\n"
        f"set_precision({deterministic})\n"
        "b = torch.backends\n"
        "print(b.cuda.matmul.fp32_precision, b.cudnn.conv.fp32_precision, "
        "b.cudnn.rnn.fp32_precision, b.cudnn.benchmark, "
        "torch.are_deterministic_algorithms_enabled(), os.environ['CUBLAS_WORKSPACE_CONFIG'])\n"
    )
    environment = os.environ | {"CUBLAS_WORKSPACE_CONFIG": "as it was"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=SCRIPTS,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split(maxsplit=5)


def test_float32_is_ieee_and_determinism_a_choice():
    float32 = ["ieee", "ieee", "ieee", "False"]  # cuDNN's own default is TF32
    assert precision_of_a_process(False) == [*float32, "False", "as it was\n"]
    assert precision_of_a_process(True) == [*float32, "True", ":4096:8\n"]


def test_memory_of_all_sessions_is_kept():
    assert Peaks(500, None).highest(Peaks(400, None)) == Peaks(500, None)
    assert Peaks(500, 70.5).highest(Peaks(600, None)) == Peaks(600, 70.5)
    assert Peaks(500, 70.5).highest(Peaks(600, 80.0)) == Peaks(600, 80.0)
    _, result, _ = train_toy(SETTINGS)
    assert result.peaks.process_mb > 100
    assert result.peaks.gpu_mb is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, and there is none")
def test_gpu_learns_with_mixed_precision():
    assert max(row["validation_macro_f1"] for row in gpu_history(deterministic=False)) > 0.9


def gpu_history(deterministic: bool) -> list[dict[str, float]]:
    train, validation = toy_set(64, 0), toy_set(16, 1)
    device, normalisation = torch.device("cuda"), band_statistics(train)
    torch.manual_seed(1)
    network = build_network("resnet50_rnn", 128, 2, {"width": 16}).to(device)
    loaders = [BatchLoader(part, normalisation, device) for part in (train, validation)]
    settings = TrainingSettings(12, 3e-3, batch_size=8, patience=None, deterministic=deterministic)
    return fit(network, *loaders, settings, 1).history


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU, and there is none")
def test_deterministic_training_repeats_on_a_gpu():
    code = (
        "import torch\n"
        "from artistid.training.precision import set_precision\n"
        "set_precision(True)\n"
        "from test_fit import gpu_history\n"
        "print(gpu_history(deterministic=True))\n"
    )
    environment = os.environ | {"PYTHONPATH": f"{SCRIPTS}{os.pathsep}{Path(__file__).parent}"}
    said = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1]
