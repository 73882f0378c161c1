"""SpecAugment: mask bands and times of a slice (Park et al., arXiv:1904.08779).

Time warping is left out; the authors found that it helps least.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from artistid.models.settings import Share, Whole
from artistid.training.augmentation import Augmentation

WITHOUT_EFFECT = {"band_masks": 0, "time_masks": 0}


@dataclass(frozen=True)
class Settings:
    """Number and size of the masks.

    `band_masks`, `time_masks`: number of masks. `largest_band`, `largest_time`: the largest share
    of the mel bands and of the frames that one mask covers.
    """

    band_masks: Whole = 2
    largest_band: Share = 0.15
    time_masks: Whole = 2
    largest_time: Share = 0.15


class Augment(Augmentation):
    """Set bands and times to 0, the mean of the training set."""

    def __call__(
        self, slices: Tensor, targets: Tensor, generator: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """See `Augmentation`."""
        settings = self.settings
        n_slices, _, n_mels, n_frames = slices.shape
        for _ in range(settings.band_masks):
            mask = _mask(n_slices, n_mels, settings.largest_band, generator)
            slices = slices.masked_fill(mask[:, None, :, None], 0)
        for _ in range(settings.time_masks):
            mask = _mask(n_slices, n_frames, settings.largest_time, generator)
            slices = slices.masked_fill(mask[:, None, None, :], 0)
        return slices, targets


def _mask(n_slices: int, length: int, largest: float, generator: torch.Generator) -> Tensor:
    """Return for each slice a run of True, uniform in width and place, shape (slices, length)."""
    device = generator.device
    drawn = torch.rand(2, n_slices, 1, generator=generator, device=device)
    width = (drawn[0] * (largest * length + 1)).floor()
    first = (drawn[1] * (length - width + 1)).floor()
    places = torch.arange(length, device=device)
    return (places >= first) & (places < first + width)
