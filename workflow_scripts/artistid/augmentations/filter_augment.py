"""FilterAugment: apply a random filter to a slice (arXiv:2110.03282).

This is the paper's linear type: gains are drawn at random frequencies and interpolated linearly.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from artistid.models.settings import Count, NonNegative
from artistid.training.augmentation import Augmentation

WITHOUT_EFFECT = {"decibels": 0}


@dataclass(frozen=True)
class Settings:
    """Strength of the filters, by default that of the paper.

    `decibels`: the largest gain, up or down. `min_bands`, `max_bands`: limits of the number of
    frequency bands between the gains, which is drawn for each slice.
    """

    decibels: NonNegative = 6.0
    min_bands: Count = 3
    max_bands: Count = 6


class Augment(Augmentation):
    """Add a piecewise linear curve over the mel bands, in dB, to each slice."""

    def __init__(self, settings: Settings, decibel: Tensor) -> None:
        """See `Augmentation`."""
        super().__init__(settings, decibel)
        self.bands = torch.arange(len(decibel), device=decibel.device, dtype=torch.float32)

    def __call__(
        self, slices: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """See `Augmentation`."""
        curves = self._curves(len(slices), generator) * self.decibel
        return slices + curves[:, None, :, None], targets

    def _curves(self, n_slices: int, generator: torch.Generator) -> Tensor:
        """Return gains in dB, shape (slices, n_mels)."""
        most, device = max(self.settings.max_bands, self.settings.min_bands), self.decibel.device
        drawn = torch.rand(n_slices, 2 * most + 1, generator=generator, device=device)
        n_bands = self._numbers_of_bands(drawn[:, -1:], most)
        gains = torch.rand(n_slices, most + 1, generator=generator, device=device)
        last = self.bands[-1]
        # The first and the last frequency are fixed. A slice with fewer bands has its unused
        # frequencies at the last one, where they have no effect.
        inner = torch.where(
            torch.arange(most - 1, device=device) < n_bands - 1, drawn[:, : most - 1], 1.0
        )
        ends = torch.zeros(n_slices, 1, device=device)
        places = torch.cat([ends, inner.sort(dim=1).values, ends + 1], dim=1) * last
        decibels = self.settings.decibels * (2 * gains - 1)
        wanted = self.bands.expand(n_slices, -1).contiguous()
        right = torch.searchsorted(places, wanted).clamp(1, most)
        before, after = places.gather(1, right - 1), places.gather(1, right)
        share = ((wanted - before) / (after - before).clamp(min=1e-6)).clamp(0, 1)
        return torch.lerp(decibels.gather(1, right - 1), decibels.gather(1, right), share)

    def _numbers_of_bands(self, drawn: Tensor, most: int) -> Tensor:
        least = min(self.settings.min_bands, most)
        return least + (drawn * (most - least + 1)).floor()
