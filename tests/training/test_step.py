"""A step of training, the batches of an epoch, and the slot for augmentation."""

from dataclasses import replace

import pytest
import torch
from test_fit import CPU, SETTINGS, toy_set
from test_state import KilledError, toy_loader, toy_network
from torch.nn import functional

from artistid.training.batches import BatchLoader
from artistid.training.dataset import band_statistics
from artistid.training.fit import fit
from artistid.training.precision import Precision
from artistid.training.state import SavedState
from artistid.training.step import TrainingStep, epoch_batches, new_optimiser


@pytest.mark.parametrize(
    ("n_slices", "sizes"), [(8, [4, 4]), (10, [4, 4, 2]), (9, [4, 4]), (3, [3]), (1, [1])]
)
def test_an_epoch_has_every_slice_once_but_no_batch_of_one(n_slices, sizes):
    batches = epoch_batches(n_slices, 4, torch.Generator().manual_seed(1), CPU)
    assert [len(batch) for batch in batches] == sizes
    positions = torch.cat(batches).tolist()
    assert len(set(positions)) == sum(sizes)
    assert set(positions) <= set(range(n_slices))


def test_each_epoch_has_an_order_of_its_own():
    order = torch.Generator().manual_seed(1)
    first, second = (torch.cat(epoch_batches(50, 4, order, CPU)) for _ in range(2))
    assert first.tolist() != second.tolist()


def new_step(augment=None, capturable=False):
    network, loader = toy_network(), toy_loader()
    network.train()
    precision = Precision(CPU, False)
    optimiser = new_optimiser(network, 3e-3, precision, capturable)
    generator = torch.Generator().manual_seed(5)
    step = TrainingStep(network, loader, optimiser, precision, generator, augment)
    torch.manual_seed(2)
    return step


BATCHES = torch.arange(32).reshape(4, 8)


def test_a_step_is_the_plain_loop():
    torch.set_num_threads(1)
    step = new_step()
    for positions in BATCHES:
        step(positions)
    assert all(parameter.grad is None for parameter in step.network.parameters())

    network, loader = toy_network(), toy_loader()
    network.train()
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    torch.manual_seed(2)
    total = 0.0
    for positions in BATCHES:
        slices, targets = loader.batch(positions)
        loss = functional.cross_entropy(network(slices), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item() * len(positions)
    assert step.total.item() == pytest.approx(total, rel=1e-6)
    same = zip(step.network.state_dict().values(), network.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in same)


def test_augmentation_changes_the_slices_that_are_trained_on():
    seen = []

    def halve(slices, targets, generator):
        seen.append((slices.shape, generator.initial_seed()))
        return slices / 2, targets

    step, plain = new_step(halve), new_step()
    step(BATCHES[0])
    plain(BATCHES[0])
    assert seen == [((8, 1, 128, 31), 5)]
    assert step.total.item() != plain.total.item()


def noisy(slices, targets, generator):
    noise = torch.randn(slices.shape, generator=generator, device=slices.device)
    return slices + noise, targets


def only_draws(slices, targets, generator):
    torch.randn(3, generator=generator)
    return slices, targets


def train(augment, saved=None, killed_after=None):
    def report(line: str) -> None:
        if killed_after and f"epoch {killed_after}/" in line:
            raise KilledError

    parts = toy_set(17, 0), toy_set(8, 1)
    network = toy_network()
    loaders = [BatchLoader(part, band_statistics(parts[0]), CPU) for part in parts]
    result = fit(network, *loaders, replace(SETTINGS, epochs=3), 1, report, saved, augment)
    return [row["train_loss"] for row in result.history]


def test_augmentation_draws_from_a_generator_of_its_own():
    torch.set_num_threads(1)
    # Only the targets are probabilities, which rounds the loss differently.
    assert train(only_draws) == pytest.approx(train(None), rel=1e-5)
    assert train(noisy) != train(None)


def test_augmentation_goes_on_after_a_resume_bit_for_bit(tmp_path):
    torch.set_num_threads(1)
    with pytest.raises(KilledError):
        train(noisy, SavedState(tmp_path / "state.pt", "key", 0), killed_after=2)
    assert train(noisy, SavedState(tmp_path / "state.pt", "key", 0)) == train(noisy)
