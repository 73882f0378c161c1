"""Adam without torch's compiler computes what torch's Adam computes."""

import copy
import subprocess
import sys

import pytest
import torch

from artistid.training.adam import Adam

CPU = torch.device("cpu")


def gradients(step, network):
    """Give each parameter but the last a gradient that depends on the number of the step."""
    random = torch.Generator().manual_seed(step)
    for parameter in list(network.parameters())[:-1]:
        # In the parameter's memory format, as autograd leaves it: the fused kernel relies on that.
        parameter.grad = torch.empty_like(parameter).copy_(
            torch.randn(parameter.shape, generator=random)
        )


def new_network():
    torch.manual_seed(1)
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 16, 3), torch.nn.Linear(16, 5))
    return network.to(memory_format=torch.channels_last)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("is_tensor", [False, True])
def test_adam_equals_torchs_to_the_bit(fused, is_tensor):
    ours, theirs = new_network(), new_network()
    rate = torch.tensor(3e-3) if is_tensor else 3e-3
    adam = Adam(ours.parameters(), rate, fused)
    reference = torch.optim.Adam(theirs.parameters(), lr=rate, fused=fused or None)
    for step in range(20):
        for network, optimiser in ((ours, adam), (theirs, reference)):
            gradients(step, network)
            optimiser.step()
            optimiser.zero_grad()
            assert all(parameter.grad is None for parameter in network.parameters())
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, other)
    start = list(new_network().parameters())
    assert not torch.equal(next(ours.parameters()), start[0])
    assert torch.equal(list(ours.parameters())[-1], start[-1])  # it had no gradient


@pytest.mark.parametrize("other_kernel", [False, True])
def test_a_loaded_state_continues_where_it_was_saved(other_kernel):
    network = new_network()
    adam = Adam(network.parameters(), 3e-3)
    for step in range(5):
        gradients(step, network)
        adam.step()
    saved = copy.deepcopy(adam.state_dict())
    resumed = copy.deepcopy(network)
    again = Adam(resumed.parameters(), 3e-3, fused=other_kernel)
    again.load_state_dict(saved)
    for model, optimiser in ((network, adam), (resumed, again)):
        gradients(6, model)
        optimiser.step()
    for one, other in zip(network.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6 * other_kernel, atol=1e-8 * other_kernel)


def test_a_loaded_state_is_a_copy():
    adam = Adam(new_network().parameters(), 3e-3)
    saved = copy.deepcopy(adam.state_dict())
    other = new_network()
    optimiser = Adam(other.parameters(), 3e-3)
    optimiser.load_state_dict(saved)
    gradients(1, other)
    optimiser.step()
    assert all(state["step"] == 0 for state in saved.values())


def test_loss_scaling_of_torch_skips_steps_with_infinite_gradients():
    network = new_network()
    adam = Adam(network.parameters(), 3e-3)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    before = copy.deepcopy(network.state_dict())
    gradients(1, network)
    next(network.parameters()).grad[0, 0] = float("inf")
    scaler.scale(torch.zeros(()))
    scaler.step(adam)
    scaler.update()
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)
    assert scaler.get_scale() == 2.0
    gradients(1, network)
    scaled = [parameter.grad.clone() for parameter in list(network.parameters())[:-1]]
    scaler.scale(torch.zeros(()))
    scaler.step(adam)
    for parameter, gradient in zip(network.parameters(), scaled, strict=False):
        assert torch.equal(parameter.grad, gradient / 2)
    assert not torch.equal(network.state_dict()["0.weight"], before["0.weight"])


def test_a_training_step_does_not_import_torchs_compiler():
    code = """
import sys, torch
from artistid.models.registry import build_network
from artistid.training.precision import Precision
from artistid.training.step import new_optimiser
network = build_network("crnn", 128, 3, {"width": 4})
optimiser = new_optimiser(network, 1e-3, Precision(torch.device("cpu"), True))
logits = network(torch.zeros(2, 1, 128, 31))
torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
optimiser.step()
optimiser.zero_grad()
print("torch._dynamo" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
