"""mixup: two slices and their artists, mixed (Zhang et al., arXiv:1710.09412)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from artistid.models.settings import Positive, Share
from artistid.training.augmentation import Augmentation
from artistid.training.mixing import mixing_shares

WITHOUT_EFFECT = {"probability": 0}


@dataclass(frozen=True)
class Settings:
    """`probability`: that a slice is mixed. `alpha`: of the Beta distribution of the shares."""

    probability: Share = 0.5
    alpha: Positive = 0.3


class Augment(Augmentation):
    """Mix each slice with the previous one in the batch."""

    def __call__(
        self, slices: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """See `Augmentation`."""
        settings = self.settings
        share = mixing_shares(len(slices), settings.alpha, settings.probability, generator)
        mixed = torch.lerp(slices.roll(1, 0), slices, share[:, None, None, None])
        return mixed, torch.lerp(targets.roll(1, 0), targets, share[:, None])
