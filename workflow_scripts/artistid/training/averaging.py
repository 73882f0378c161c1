"""A moving average of a network's weights (Tarvainen & Valpola, arXiv:1703.01780)."""

import copy

import torch
from torch import nn


class WeightAverage:
    """A second network, whose weights follow those of the one in training.

    A step moves each average by 1 - `decay` of the way to its weight; in the first steps by more,
    9 / (9 + n) in step n, so that the random first weights do not count for long. The statistics
    of batch normalisation are averaged too.

    Attributes:
        network: with the averages.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network)
        self.decay = decay
        sources, averages = network.state_dict(), self.network.state_dict()
        # `state_dict` returns the tensors themselves, so these lists stay up to date.
        self._pairs = [(averages[name], sources[name]) for name in sources]
        self.steps = torch.zeros((), device=next(network.parameters()).device)

    @torch.no_grad()
    def update(self) -> None:
        """Follow the weights after a step, without a number read from the device."""
        self.steps += 1
        way = (9 / (9 + self.steps)).clamp(min=1 - self.decay)
        for average, source in self._pairs:
            if average.is_floating_point():
                average.lerp_(source, way.to(average.dtype))
            else:
                average.copy_(source)  # batch normalisation counts its batches

    def state(self) -> dict[str, torch.Tensor]:
        """Return all that an update changes, by name."""
        return self.network.state_dict() | {"steps": self.steps}

    @torch.no_grad()
    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Copy a state into this one, in place."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
