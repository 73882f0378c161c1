"""Freq-MixStyle: mix the band statistics of a slice with those of another slice.

The mean and the deviation of each mel band over time reflect the recording device or, here, the
production. They are mixed with those of another slice of the batch (Kim et al., arXiv:2206.12513,
after Zhou et al., arXiv:2104.02008; Schmid et al., arXiv:2305.07499).
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from artistid.models.settings import Positive, Share
from artistid.training.augmentation import Augmentation
from artistid.training.mixing import mixing_shares

WITHOUT_EFFECT = {"probability": 0}


@dataclass(frozen=True)
class Settings:
    """`probability`: that a slice is changed. `alpha`: of the Beta distribution of the shares."""

    probability: Share = 0.7
    alpha: Positive = 0.3


class Augment(Augmentation):
    """Standardise each band of a slice, then apply a mixed mean and deviation."""

    def __call__(
        self, slices: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """See `Augmentation`."""
        settings = self.settings
        share = mixing_shares(len(slices), settings.alpha, settings.probability, generator)
        share = share[:, None, None, None]
        mean = slices.mean(dim=3, keepdim=True)
        deviation = (slices.var(dim=3, keepdim=True, correction=0) + 1e-6).sqrt()
        # The order of an epoch is random, so the previous slice is a random one.
        mixed_mean = torch.lerp(mean.roll(1, 0), mean, share)
        mixed_deviation = torch.lerp(deviation.roll(1, 0), deviation, share)
        mixed = (slices - mean) * (mixed_deviation / deviation) + mixed_mean
        return torch.where(share < 1, mixed, slices), targets
