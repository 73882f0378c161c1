"""Gain: change the level of a slice."""

from dataclasses import dataclass

import torch
from torch import Tensor

from artistid.models.settings import NonNegative
from artistid.training.augmentation import Augmentation

WITHOUT_EFFECT = {"decibels": 0}


@dataclass(frozen=True)
class Settings:
    """`decibels`: the largest change of the level, up or down."""

    decibels: NonNegative = 6.0


class Augment(Augmentation):
    """Add a gain, drawn uniformly for each slice, to all of its bands."""

    def __call__(
        self, slices: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """See `Augmentation`."""
        drawn = torch.rand(len(slices), 1, 1, 1, generator=generator, device=slices.device)
        gains = self.settings.decibels * (2 * drawn - 1)
        return slices + gains * self.decibel[:, None], targets
