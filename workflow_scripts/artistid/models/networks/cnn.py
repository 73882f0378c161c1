"""A convolutional network without recurrence that keeps frequency apart up to its last layer.

Four blocks of a 3x3 convolution, batch normalisation, ReLU and max-pooling (Simonyan & Zisserman
2014, arXiv:1409.1556, for spectrograms: Kong et al., arXiv:1912.10211, section III-A); mean over
time; mean over a few ranges of frequency, which are not averaged further because the same pattern
means something else at another pitch; dropout; a dense layer.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from artistid.models.costs import NetworkCost
from artistid.models.registry import register
from artistid.models.settings import Count, Dropout

CHANNELS = (1, 2, 4, 4)  # of the blocks, multiplied by the width

# Measured by benchmarks/memory.py; the rate is an estimate.
COST = NetworkCost(step_mb=7, weights_mb=50, saved_mb=4, slices_per_second=1500)


@dataclass(frozen=True)
class Settings:
    """Size of the network.

    `width`: channels of the first block; the next have twice, four and four times as many.
    `frequency_ranges`: that the last layer distinguishes, at most one for each 16 mel bands.
    """

    width: Count = 64
    frequency_ranges: Literal[1, 2, 4, 8] = 4
    dropout: Dropout = 0.4


@register(Settings)
class Cnn(nn.Module):
    """Four blocks, means over time and over ranges of frequency, dropout, one dense layer."""

    def __init__(self, n_mels: int, n_classes: int, settings: Settings) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = 1
        for factor in CHANNELS:
            out_channels = settings.width * factor
            layers += [
                nn.Conv2d(channels, out_channels, 3, padding=1, bias=False),
                nn.BatchNorm2d(out_channels),
                nn.ReLU(inplace=True),
                nn.MaxPool2d(2),
            ]
            channels = out_channels
        self.blocks = nn.Sequential(*layers)
        rows = n_mels >> len(CHANNELS)
        rows_per_range = max(1, rows // settings.frequency_ranges)
        self.by_range = nn.AvgPool1d(rows_per_range)
        self.dropout = nn.Dropout(settings.dropout)
        self.classifier = nn.Linear(channels * (rows // rows_per_range), n_classes)

    def embed(self, slices: Tensor) -> Tensor:
        """Return (batch, 4 * width * frequency_ranges); slices are (batch, 1, n_mels, frames)."""
        over_time = self.blocks(slices).mean(dim=3)
        return self.dropout(self.by_range(over_time).flatten(1))

    def forward(self, slices: Tensor) -> Tensor:
        """Return logits (batch, classes) for slices of (batch, 1, n_mels, frames)."""
        return self.classifier(self.embed(slices))
