"""Inception blocks before the baseline's recurrent head (the paper, section 4.1).

Szegedy et al. 2015 (arXiv:1409.4842), figure 2b: the Inception module with dimension reduction.
The paper draws neither widths nor pooling; both are the baseline CRNN's (Nasrullah & Zhao 2019):
four blocks of 64, 128, 128 and 128 channels, pooled by (2, 2), (4, 2), (4, 2), (4, 2) in
(frequency, time). The split of a block's channels over its branches is Inception 3a's.
"""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from artistid.models.costs import NetworkCost
from artistid.models.layers.recurrent_head import RecurrentHead
from artistid.models.registry import register
from artistid.models.settings import Count, Dropout, schema

Width = Annotated[int, schema("A multiple of 16", type="integer", minimum=16, multipleOf=16)]
POOLS = ((2, 2), (4, 2), (4, 2), (4, 2))  # (frequency, time)

# Measured by benchmarks/memory.py; the rate is an estimate.
COST = NetworkCost(step_mb=14, weights_mb=150, saved_mb=2, slices_per_second=1000)


@dataclass(frozen=True)
class Settings:
    """`width`: channels of the first block, a multiple of 16; the others have twice as many."""

    width: Width = 64
    gru_units: Count = 32
    gru_layers: Count = 2
    dropout: Dropout = 0.3


@register(Settings)
class InceptionRnn(nn.Module):
    """Four Inception blocks, two GRUs, one dense layer."""

    def __init__(self, n_mels: int, n_classes: int, settings: Settings) -> None:
        super().__init__()
        layers, channels = [], 1
        for index, pool in enumerate(POOLS):
            out_channels = settings.width * (1 if index == 0 else 2)
            layers += [InceptionBlock(channels, out_channels), nn.MaxPool2d(pool)]
            channels = out_channels
            n_mels //= pool[0]
        self.convolutions = nn.Sequential(*layers)
        self.head = RecurrentHead(
            channels * n_mels, settings.gru_units, settings.gru_layers, settings.dropout
        )
        self.classifier = nn.Linear(settings.gru_units, n_classes)

    def embed(self, slices: Tensor) -> Tensor:
        """Return (batch, gru_units) for slices of (batch, 1, n_mels, frames)."""
        return self.head(self.convolutions(slices))

    def forward(self, slices: Tensor) -> Tensor:
        """Return logits (batch, classes) for slices of (batch, 1, n_mels, frames)."""
        return self.classifier(self.embed(slices))


class InceptionBlock(nn.Module):
    """1x1; 1x1 -> 3x3; 1x1 -> 5x5; 3x3 max-pool -> 1x1; side by side.

    Batch normalisation and ReLU follow the concatenation. They treat each channel alone, so this
    equals one of each per branch, and trains 1.4 times as fast on a processor: the gradient of a
    branch is a slice of channels, on which elementwise operations are slow.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        if out_channels % 16:
            raise ValueError(f"an Inception block's channels go by 16, not {out_channels}")
        # Inception 3a: 64, 128, 32 and 32 of 256 channels, reduced to 96 and 16 before 3x3 and 5x5.
        quarter, half, eighth = out_channels // 4, out_channels // 2, out_channels // 8
        reduced_3x3, reduced_5x5 = 3 * out_channels // 8, out_channels // 16
        self.branches = nn.ModuleList(
            [
                _convolution(in_channels, quarter, 1),
                nn.Sequential(
                    _convolution(in_channels, reduced_3x3, 1),
                    *_normalised_relu(reduced_3x3),
                    _convolution(reduced_3x3, half, 3),
                ),
                nn.Sequential(
                    _convolution(in_channels, reduced_5x5, 1),
                    *_normalised_relu(reduced_5x5),
                    _convolution(reduced_5x5, eighth, 5),
                ),
                nn.Sequential(nn.MaxPool2d(3, 1, 1), _convolution(in_channels, eighth, 1)),
            ]
        )
        self.activation = nn.Sequential(*_normalised_relu(out_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, out_channels, mel bands, time)."""
        return self.activation(torch.cat([branch(x) for branch in self.branches], dim=1))


def _convolution(in_channels: int, out_channels: int, kernel: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)


def _normalised_relu(channels: int) -> tuple[nn.Module, nn.Module]:
    return nn.BatchNorm2d(channels), nn.ReLU()
