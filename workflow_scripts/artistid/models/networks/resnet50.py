"""ResNet-50 on a one-channel spectrogram (the paper, section 4.2; He et al. 2015, table 1)."""

from dataclasses import dataclass

from torch import Tensor, nn

from artistid.models.costs import NetworkCost
from artistid.models.layers.residual import residual_stages, stage_channels
from artistid.models.registry import register
from artistid.models.settings import Count

_STAGES = 5

# Measured by benchmarks/memory.py; the rate is an estimate.
COST = NetworkCost(step_mb=11, weights_mb=800, saved_mb=95, slices_per_second=1000)


@dataclass(frozen=True)
class Settings:
    """`width`: channels of the stem; 64 is ResNet-50's."""

    width: Count = 64


@register(Settings)
class ResNet50(nn.Module):
    """Five stages, global average pooling, one dense layer."""

    def __init__(
        self, n_mels: int, n_classes: int, settings: Settings, in_channels: int = 1
    ) -> None:
        super().__init__()
        self.stages = residual_stages(settings.width, _STAGES, in_channels)
        self.classifier = nn.Linear(stage_channels(settings.width, _STAGES), n_classes)

    def embed(self, slices: Tensor) -> Tensor:
        """Return (batch, 32 * width) for slices of (batch, 1, n_mels, frames)."""
        return self.stages(slices).mean(dim=(2, 3))

    def forward(self, slices: Tensor) -> Tensor:
        """Return logits (batch, classes) for slices of (batch, 1, n_mels, frames)."""
        return self.classifier(self.embed(slices))
