"""Front ends: means over tracks and windows, and relaxed normalisation."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_recipe import long_tracks

from artistid.models.front_end import FrontEnd, band_means, front_end_of, window_of
from artistid.training.batches import BatchLoader
from artistid.training.dataset import band_statistics, subtracted_means

MEAN = FrontEnd(subtracts_mean=True)
CPU = torch.device("cpu")


def test_settings_say_what_is_done():
    assert front_end_of({}, 31.25) == FrontEnd()
    assert front_end_of({"subtract_mean": None}, 31.25) == FrontEnd()
    assert front_end_of({"subtract_mean": "track"}, 31.25) == MEAN
    both = front_end_of({"subtract_mean": 10, "relaxed_normalisation": 0.4}, 31.25)
    assert both == FrontEnd(True, 312, 0.4)


@given(st.integers(1, 400), st.none() | st.integers(1, 150), st.integers(1, 60))
def test_means_of_windows_do_not_depend_on_the_blocks(n_frames, window_frames, block):
    front_end = replace(MEAN, window_frames=window_frames)
    log_mel = np.random.default_rng(n_frames).normal(-30, 9, (n_frames, 3)).astype(np.float16)
    blocks = (log_mel[first : first + block] for first in range(0, n_frames, block))
    means = band_means(blocks, n_frames, front_end)
    n_windows = front_end.n_windows(n_frames)
    ends = [*((window_frames or 0) * np.arange(n_windows)), n_frames]
    expected = [log_mel[start:end].mean(axis=0, dtype=float) for start, end in pairwise(ends)]
    assert np.allclose(means, expected, atol=1e-4)


def test_frames_after_the_last_whole_window_belong_to_it():
    front_end = replace(MEAN, window_frames=10)
    assert front_end.n_windows(37) == 3 and front_end.n_windows(9) == 1
    assert window_of(np.array([0, 9, 10, 29, 30, 36]), 3, front_end).tolist() == [0, 0, 1, 2, 2, 2]
    assert window_of(torch.tensor([0, 36]), torch.tensor([1, 3]), front_end).tolist() == [0, 2]


@pytest.mark.parametrize("window_frames", [None, 50])
def test_a_constant_added_to_the_bands_of_a_track_changes_nothing(window_frames):
    """A tone curve is a constant in each band."""
    front_end = replace(MEAN, window_frames=window_frames)
    plain = long_tracks(3, 0)
    curve = np.linspace(-8, 8, 128)
    log_mel = plain.log_mel.astype(np.float32)
    second = slice(plain.track_starts[1], plain.track_starts[2])
    log_mel[second] += curve
    filtered = replace(plain, log_mel=log_mel.astype(np.float16))
    means = [subtracted_means(part, front_end) for part in (plain, filtered)]
    normalisation = band_statistics(plain, means[0])
    every = torch.arange(len(plain))
    inputs = [
        BatchLoader(part, normalisation, CPU, front_end, own)
        for part, own in zip((plain, filtered), means, strict=True)
    ]
    one, other = (loader.inputs(every) for loader in inputs)
    assert torch.allclose(one, other, atol=0.02)  # float16 rounds by up to 1/32 dB
    assert abs(one.mean().item()) < 0.05
    assert one.std(dim=(0, 1, 3)).mean().item() == pytest.approx(1, abs=0.05)
    without = [BatchLoader(part, band_statistics(plain), CPU) for part in (plain, filtered)]
    one, other = (loader.inputs(every) for loader in without)
    assert not torch.allclose(one, other, atol=0.02)


def test_relaxed_normalisation_lies_between_bands_and_the_whole():
    slices = 3 + 2 * torch.randn(4, 1, 128, 31, generator=torch.Generator().manual_seed(0))
    slices[:, :, :40] *= 5
    by_band = FrontEnd(relaxed=0.0).normalised(slices)
    whole = FrontEnd(relaxed=1.0).normalised(slices)
    assert torch.allclose(by_band.mean(dim=3), torch.zeros(4, 1, 128), atol=1e-5)
    assert torch.allclose(by_band.var(dim=3, correction=0), torch.ones(4, 1, 128), atol=1e-3)
    assert torch.allclose(whole.mean(dim=(1, 2, 3)), torch.zeros(4), atol=1e-5)
    assert torch.allclose(whole.var(dim=(1, 2, 3), correction=0), torch.ones(4), atol=1e-3)
    half = FrontEnd(relaxed=0.25).normalised(slices)
    assert torch.allclose(half, 0.25 * whole + 0.75 * by_band, atol=1e-5)
    assert FrontEnd().normalised(slices) is slices
