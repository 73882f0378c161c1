"""A moving average of a network's weights (Tarvainen & Valpola, arXiv:1703.01780)."""

import copy

import torch
from torch import nn


class WeightAverage:
    """A copy of a network whose weights are moving averages of those in training.

    After each step, an average moves towards its weight by a share of 1 - `decay` of the distance.
    In step n the share is at least 9 / (9 + n), so that the initial weights are soon forgotten. The
    statistics of batch normalisation are averaged in the same way.

    Attributes:
        network: the copy with the averages.
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
        """Update the averages after a step, without reading a number from the device."""
        self.steps += 1
        way = (9 / (9 + self.steps)).clamp(min=1 - self.decay)
        for average, source in self._pairs:
            if average.is_floating_point():
                average.lerp_(source, way.to(average.dtype))
            else:
                average.copy_(source)  # batch normalisation counts its batches

    def state(self) -> dict[str, torch.Tensor]:
        """Return everything that an update changes, by name."""
        return self.network.state_dict() | {"steps": self.steps}

    @torch.no_grad()
    def restore(self, state: dict[str, torch.Tensor]) -> None:
        """Copy a saved state into this object, in place."""
        for name, tensor in self.state().items():
            tensor.copy_(state[name])
