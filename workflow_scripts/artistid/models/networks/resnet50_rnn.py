"""The first stages of ResNet-50 and the baseline's recurrent head (the paper, section 4.3).

The paper takes "the first 3 stages". The usual drawing of five stages counts the stem as stage 1,
so these are the stem, conv2_x and conv3_x, which leave four time steps of a 1 s slice. With
``stages: 4``, the other reading, conv4_x joins them and leaves two.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from artistid.models.costs import NetworkCost
from artistid.models.layers.recurrent_head import RecurrentHead
from artistid.models.layers.residual import residual_stages, stage_channels
from artistid.models.registry import register
from artistid.models.settings import Count, Dropout

# Measured by benchmarks/memory.py; the rate is an estimate.
COST = NetworkCost(step_mb=11, weights_mb=200, saved_mb=10, slices_per_second=1500)


@dataclass(frozen=True)
class Settings:
    """`width`: channels of the stem; `stages`: 3 (to conv3_x) or 4 (to conv4_x)."""

    width: Count = 64
    stages: Literal[3, 4] = 3
    gru_units: Count = 32
    gru_layers: Count = 2
    dropout: Dropout = 0.3


@register(Settings)
class ResNet50Rnn(nn.Module):
    """Three stages of ResNet-50, two GRUs, one dense layer."""

    def __init__(self, n_mels: int, n_classes: int, settings: Settings) -> None:
        super().__init__()
        self.stages = residual_stages(settings.width, settings.stages)
        bands = -(-n_mels // 2**settings.stages)  # the stem halves twice, conv3_x and conv4_x once
        self.head = RecurrentHead(
            stage_channels(settings.width, settings.stages) * bands,
            settings.gru_units,
            settings.gru_layers,
            settings.dropout,
        )
        self.classifier = nn.Linear(settings.gru_units, n_classes)

    def embed(self, slices: Tensor) -> Tensor:
        """Return (batch, gru_units) for slices of (batch, 1, n_mels, frames)."""
        return self.head(self.stages(slices))

    def forward(self, slices: Tensor) -> Tensor:
        """Return logits (batch, classes) for slices of (batch, 1, n_mels, frames)."""
        return self.classifier(self.embed(slices))
