"""Augmentations: nothing at strength zero, what each changes, and where they draw from."""

from importlib import import_module

import numpy as np
import pytest
import torch

from artistid.errors import InputError
from artistid.training.augmentation import Augmentations, available, load_augmentation
from artistid.training.mixing import mixing_shares

N_SLICES, N_MELS, N_FRAMES, N_CLASSES = 12, 128, 40, 3
# 1 dB of each band in standardised slices; bands differ.
DECIBEL = torch.linspace(0.05, 0.2, N_MELS)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    slices = torch.randn(N_SLICES, 1, N_MELS, N_FRAMES, generator=generator)
    targets = torch.nn.functional.one_hot(torch.arange(N_SLICES) % N_CLASSES, N_CLASSES).float()
    return slices.contiguous(memory_format=torch.channels_last), targets


def augmented(name, batch, settings=None, seed=1):
    augment = load_augmentation(name, settings or {}, DECIBEL)
    return augment(*batch, torch.Generator().manual_seed(seed))


def in_decibels(changed, slices):
    return ((changed - slices) / DECIBEL[:, None])[:, 0].numpy()


@pytest.mark.parametrize("name", available())
def test_nothing_changes_at_strength_zero(name, batch):
    module = import_module(f"artistid.augmentations.{name}")
    slices, targets = augmented(name, batch, module.WITHOUT_EFFECT)
    assert torch.allclose(slices, batch[0], atol=1e-6)
    assert torch.equal(targets, batch[1])


@pytest.mark.parametrize("name", available())
def test_shapes_stay_and_the_given_generator_decides(name, batch):
    before = batch[0].clone()
    torch.manual_seed(5)
    slices, targets = augmented(name, batch)
    torch.manual_seed(6)  # torch's own generator is not used
    again, _ = augmented(name, batch)
    other, _ = augmented(name, batch, seed=2)
    assert torch.equal(batch[0], before), "the slices that are given stay as they are"
    assert slices.shape == batch[0].shape and targets.shape == batch[1].shape
    assert torch.equal(slices, again)
    assert not torch.equal(slices, other)
    assert not torch.equal(slices, before)


@pytest.mark.parametrize("name", available())
def test_a_generator_resumes(name, batch):
    """What a second batch gets depends on nothing but the generator's state."""
    augment = load_augmentation(name, {}, DECIBEL)
    generator = torch.Generator().manual_seed(1)
    augment(*batch, generator)
    state = generator.get_state()
    expected, _ = augment(*batch, generator)
    resumed = torch.Generator()
    resumed.set_state(state)
    found, _ = load_augmentation(name, {}, DECIBEL)(*batch, resumed)
    assert torch.equal(found, expected)


def test_gain_is_one_number_of_decibels_for_a_slice(batch):
    gains = in_decibels(augmented("gain", batch, {"decibels": 6})[0], batch[0])
    assert np.ptp(gains, axis=(1, 2)).max() < 1e-3
    assert (np.abs(gains) <= 6.001).all()
    assert len(np.unique(gains[:, 0, 0].round(3))) == N_SLICES


def test_filters_are_lines_between_random_frequencies():
    slices, targets = torch.zeros(500, 1, N_MELS, 2), torch.zeros(500, N_CLASSES)
    settings = {"decibels": 6, "min_bands": 2, "max_bands": 4}
    curves = in_decibels(augmented("filter_augment", (slices, targets), settings)[0], slices)
    assert np.ptp(curves, axis=2).max() < 1e-4, "a filter does not change over time"
    curves = curves[:, :, 0]
    assert np.abs(curves).max() <= 6.001 and np.abs(curves).max() > 5
    corners = (np.abs(np.diff(curves, 2)) > 1e-2).sum(axis=1)
    # A corner between two bands bends the curve at one or both of them.
    assert corners.max() <= 2 * 3
    assert corners.min() >= 0 and 1 <= np.median(corners) <= 5
    assert abs(curves.mean()) < 0.5, "gains are up as often as down"


def test_freq_mixstyle_mixes_mean_and_deviation_with_the_neighbour(batch):
    slices = (
        batch[0] * torch.arange(1, 13)[:, None, None, None] + torch.arange(12)[:, None, None, None]
    )
    changed, targets = augmented(
        "freq_mixstyle", (slices, batch[1]), {"probability": 1, "alpha": 1}
    )
    assert torch.equal(targets, batch[1])
    mean, neighbour = slices.mean(dim=3), slices.roll(1, 0).mean(dim=3)
    share = (changed.mean(dim=3) - neighbour) / (mean - neighbour)
    assert torch.allclose(share, share[:, :, :1].expand_as(share), atol=1e-2), "one for a slice"
    assert ((share > -1e-3) & (share < 1.001)).all()
    # What is left after normalising each band is what it was.
    normalised = (slices - mean[..., None]) / slices.std(dim=3, keepdim=True)
    found = (changed - changed.mean(dim=3, keepdim=True)) / changed.std(dim=3, keepdim=True)
    assert torch.allclose(found, normalised, atol=1e-3)


def test_mixup_mixes_slices_and_targets_by_one_share(batch):
    slices, targets = augmented("mixup", batch, {"probability": 1, "alpha": 1})
    assert torch.allclose(targets.sum(dim=1), torch.ones(N_SLICES))
    share = targets.gather(1, batch[1].argmax(dim=1, keepdim=True))[:, :, None, None]
    expected = share * batch[0] + (1 - share) * batch[0].roll(1, 0)
    assert torch.allclose(slices, expected, atol=1e-5)
    assert (share < 0.99).any()


def test_masks_cover_bands_and_times_up_to_their_share():
    slices, targets = torch.ones(400, 1, N_MELS, N_FRAMES), torch.zeros(400, N_CLASSES)
    one_band = {"band_masks": 1, "largest_band": 0.25, "time_masks": 0}
    masked = augmented("spec_augment", (slices, targets), one_band)[0][:, 0] == 0
    bands = masked.all(dim=2)
    assert torch.equal(masked, bands[:, :, None].expand_as(masked)), "over all times"
    widths = bands.sum(dim=1)
    assert widths.max() == 0.25 * N_MELS and widths.min() == 0
    assert bands.any(dim=0).all(), "anywhere"
    runs = (bands[:, 1:] & ~bands[:, :-1]).sum(dim=1) + bands[:, 0]
    assert runs.max() == 1, "in one piece"
    one_time = {"band_masks": 0, "time_masks": 1, "largest_time": 0.5}
    masked = augmented("spec_augment", (slices, targets), one_time)[0][:, 0] == 0
    assert masked.all(dim=1).sum(dim=1).max() == 0.5 * N_FRAMES


def test_shares_follow_the_beta_distribution():
    shares = mixing_shares(20_000, 0.3, 0.5, torch.Generator().manual_seed(1))
    assert ((shares >= 0) & (shares <= 1)).all()
    assert (shares == 1).float().mean().item() == pytest.approx(0.5, abs=0.02)
    mixed = shares[shares < 1]
    assert mixed.mean().item() == pytest.approx(0.5, abs=0.02)
    # The variance of Beta(a, a) is 1 / (4 (2 a + 1)).
    assert mixed.var().item() == pytest.approx(1 / (4 * 1.6), abs=0.01)


def test_several_are_applied_in_the_order_of_their_names(batch):
    both = Augmentations({"spec_augment": {}, "gain": {}}, DECIBEL)
    found, _ = both(*batch, torch.Generator().manual_seed(1))
    generator = torch.Generator().manual_seed(1)
    expected = batch
    for name in ("gain", "spec_augment"):
        expected = load_augmentation(name, {}, DECIBEL)(*expected, generator)
    assert torch.equal(found, expected[0])


def test_unknown_augmentations_and_settings_are_named():
    with pytest.raises(InputError, match=r"augmentations\.echo: no such augmentation"):
        load_augmentation("echo", {}, DECIBEL)
    with pytest.raises(InputError, match=r"gain\.level: no such setting; there are: decibels"):
        load_augmentation("gain", {"level": 3}, DECIBEL)
