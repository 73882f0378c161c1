"""Settings of a training beyond the paper's: schedule, decay, averages, selection, random crops."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_fit import FRAMES, SETTINGS, toy_set
from test_state import KilledError, toy_network

from artistid.training.adam import Adam
from artistid.training.augmentation import Augmentations
from artistid.training.averaging import WeightAverage
from artistid.training.batches import BatchLoader
from artistid.training.dataset import SliceSet, band_statistics
from artistid.training.fit import _score, embed, fit, predict
from artistid.training.schedule import is_constant, learning_rate
from artistid.training.settings import TrainingSettings
from artistid.training.state import SavedState

CPU = torch.device("cpu")
RECIPE = replace(
    SETTINGS,
    epochs=4,
    patience=None,
    schedule="cosine",
    warm_up_epochs=1,
    weight_decay=0.01,
    label_smoothing=0.1,
    average_decay=0.9,
    select_by="song_macro_f1",
    random_crops=True,
    augmentations={"gain": {}, "mixup": {}},
)


def test_cosine_falls_to_zero_after_the_warm_up():
    settings = TrainingSettings(epochs=10, learning_rate=0.2, schedule="cosine", warm_up_epochs=2)
    rates = [learning_rate(settings, done) for done in (0, 1, 2, 6, 10, 11)]
    assert rates == pytest.approx([0, 0.1, 0.2, 0.1, 0, 0])
    assert not is_constant(settings)


def test_constant_rate_may_warm_up():
    settings = TrainingSettings(epochs=10, learning_rate=0.2, warm_up_epochs=4)
    assert [learning_rate(settings, done) for done in (1, 4, 9)] == pytest.approx([0.05, 0.2, 0.2])
    assert not is_constant(settings) and is_constant(TrainingSettings())
    assert is_constant(TrainingSettings(epochs=10, learning_rate=0.2))


def test_weight_decay_is_adamws_on_weights_only():
    torch.manual_seed(1)
    ours, its = (torch.nn.Linear(4, 3) for _ in range(2))
    its.load_state_dict(ours.state_dict())
    groups = [
        {"params": [its.weight], "weight_decay": 0.1},
        {"params": [its.bias], "weight_decay": 0.0},
    ]
    adamw = torch.optim.AdamW(groups, lr=0.01)
    adam = Adam(ours.parameters(), 0.01, weight_decay=0.1)
    for _ in range(3):
        for layer, optimiser in ((ours, adam), (its, adamw)):
            layer(torch.ones(2, 4)).square().sum().backward()
            optimiser.step()
            optimiser.zero_grad()
    assert torch.equal(ours.weight, its.weight) and torch.equal(ours.bias, its.bias)


def test_average_follows_weights_and_statistics():
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.BatchNorm1d(2))
    average = WeightAverage(network, decay=0.6)
    expected = average.network[0].weight.clone()
    for step in range(1, 30):
        with torch.no_grad():
            network[0].weight.add_(1)
        network[1].running_mean.fill_(step)
        network[1].num_batches_tracked.fill_(step)
        average.update()
        way = max(1 - 0.6, 9 / (9 + step))
        expected = torch.lerp(expected, network[0].weight.detach(), way)
    assert torch.allclose(average.network[0].weight, expected)
    assert 20 < average.network[1].running_mean[0].item() < 29
    assert average.network[1].num_batches_tracked.item() == 29


def long_tracks(n_tracks: int, seed: int) -> SliceSet:
    """Two classes in tracks of four slices and a bit."""
    generator = np.random.default_rng(seed)
    n_frames = 4 * FRAMES + 7
    targets = np.arange(n_tracks) % 2
    log_mel = generator.normal(-40, 5, (n_tracks, n_frames, 128))
    log_mel[targets == 1, :, :64] += 6
    firsts = np.arange(n_tracks) * n_frames
    return SliceSet(
        log_mel.reshape(-1, 128).astype(np.float16),
        (firsts[:, None] + np.arange(4) * FRAMES).ravel(),
        np.repeat(targets, 4),
        np.repeat(np.arange(n_tracks), 4),
        [str(number) for number in range(n_tracks)],
        [],
        FRAMES,
        firsts,
        np.full(n_tracks, n_frames),
    )


def test_random_crops_start_anywhere_in_their_track():
    slices = long_tracks(5, 0)
    loader = BatchLoader(slices, band_statistics(slices), CPU)
    before = slices.starts.copy()
    generator, seen = torch.Generator().manual_seed(1), []
    for _ in range(2000):
        loader.move_starts(generator)
        seen.append(loader.starts - loader.track_starts)
    places = torch.stack(seen)
    assert places.min() == 0 and places.max() == 3 * FRAMES + 7, "the last whole slice of a track"
    assert np.array_equal(slices.starts, before), "validation and others see the same slices"
    frames, _ = loader.batch(torch.tensor([6]))
    start = int(loader.starts[6])
    mean, deviation = band_statistics(slices)
    expected = (slices.log_mel[start : start + FRAMES].astype(np.float32) - mean) / deviation
    assert np.allclose(frames[0, 0].numpy().T, expected, atol=1e-5)


def test_what_selects_the_weights():
    validation = BatchLoader(long_tracks(2, 0), band_statistics(long_tracks(2, 0)), CPU)
    # Track 0 is of class 0: three of its slices say so, and the fourth is very sure of class 1.
    logits = torch.tensor([[1.0, 0.0]] * 3 + [[0.0, 9.0]] + [[0.0, 1.0]] * 4)
    assert _score("validation_loss", 3, 0.7, logits, validation) == (0.7, 0.0)
    assert _score("last", 3, 0.7, logits, validation) == (-3, 0.7)
    # By the mean log-probability both tracks are class 1: F1 0 and 2/3.
    assert _score("song_macro_f1", 3, 0.7, logits, validation) == pytest.approx((-1 / 3, 0.7))


def train(settings, saved=None, killed_after=None):
    def report(line: str) -> None:
        if killed_after and f"epoch {killed_after}/" in line:
            raise KilledError

    torch.set_num_threads(1)
    parts = long_tracks(8, 0), long_tracks(4, 1)
    network = toy_network()
    loaders = [BatchLoader(part, band_statistics(parts[0]), CPU) for part in parts]
    augment = Augmentations(settings.augmentations, 1 / loaders[0].deviation)
    result = fit(network, *loaders, settings, 1, report, saved, augment)
    return network.state_dict(), result


def test_a_recipe_resumes_with_the_same_bits(tmp_path):
    whole, result = train(RECIPE)
    with pytest.raises(KilledError):
        train(RECIPE, SavedState(tmp_path / "state.pt", "key", 0), killed_after=2)
    resumed, again = train(RECIPE, SavedState(tmp_path / "state.pt", "key", 0))
    assert result.history == again.history and len(again.history) == 4
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_averages_are_what_is_validated_and_kept():
    plain = replace(RECIPE, average_decay=None)
    without, averaged = train(plain)[0], train(RECIPE)[0]
    # A decay of 0 takes the weights as they are after each step.
    same = train(replace(RECIPE, average_decay=0.0))[0]
    name = "classifier.weight"
    assert not torch.equal(without[name], averaged[name])
    # In the first steps 9 / (9 + n) of the way is less than all of it, and 1 - 0 is all.
    assert torch.allclose(without[name], same[name])


def test_the_last_epoch_is_kept_on_request():
    assert train(replace(RECIPE, select_by="last"))[1].best_epoch == 4


def test_patience_waits_for_what_selects():
    said = []
    parts = toy_set(8, 0), toy_set(8, 1)
    loaders = [BatchLoader(part, band_statistics(parts[0]), CPU) for part in parts]
    # Without a learning rate to speak of nothing gets better after the first epoch.
    settings = replace(
        SETTINGS, epochs=9, patience=2, learning_rate=1e-30, select_by="song_macro_f1"
    )
    fit(toy_network(), *loaders, settings, 1, said.append)
    assert "stopped: no better validation macro F1 of songs in 2 epochs" in said[-1]


def test_only_training_slices_are_augmented():
    seen = []

    def noted(slices, targets, generator):
        seen.append(len(slices))
        return slices, targets

    parts = long_tracks(8, 0), long_tracks(4, 1)
    loaders = [BatchLoader(part, band_statistics(parts[0]), CPU) for part in parts]
    network, settings = toy_network(), replace(SETTINGS, epochs=2)
    fit(network, *loaders, settings, 1, augment=noted)
    assert seen == [8] * (2 * 32 // 8), "the batches of two epochs, and nothing of validation"
    predict(network, loaders[1], settings)
    embed(network, loaders[1], settings, 5)
    assert len(seen) == 8
