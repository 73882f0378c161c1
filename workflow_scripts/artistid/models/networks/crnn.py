"""The baseline CRNN, Nasrullah & Zhao 2019 (arXiv:1901.04555), figure 2.

Batch normalisation over frequency; four 3x3 convolutions of 64, 128, 128 and 128 filters, each with
ELU, batch normalisation, max-pooling and dropout 0.1; two GRUs of 32; dropout 0.3; a dense layer.

The authors trained with Keras 2.1.1 and left its defaults as they are, so batch normalisation and
the initial weights are Keras' here (its `BatchNormalization`, `Conv2D`, `Dense` and `GRU`).
docs/methods.md lists what still differs.
"""

from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from artistid.models.costs import NetworkCost
from artistid.models.layers.recurrent_head import RecurrentHead
from artistid.models.registry import register
from artistid.models.settings import Count, Dropout

POOLS = ((2, 2), (4, 2), (4, 2), (4, 2))  # (frequency, time)
# Keras' momentum is the share of the old average, 0.99; torch's is that of the new value.
KERAS_BATCH_NORM: dict[str, Any] = {"momentum": 0.01, "eps": 1e-3}

# Measured by benchmarks/memory.py; the rate is an estimate.
COST = NetworkCost(step_mb=10, weights_mb=150, saved_mb=2.5, slices_per_second=2000)


@dataclass(frozen=True)
class Settings:
    """`width`: filters of the first convolution; the others have twice as many."""

    width: Count = 64
    convolution_dropout: Dropout = 0.1
    gru_units: Count = 32
    gru_layers: Count = 2
    dropout: Dropout = 0.3


@register(Settings)
class Crnn(nn.Module):
    """Four convolutions, two GRUs, one dense layer."""

    def __init__(self, n_mels: int, n_classes: int, settings: Settings) -> None:
        super().__init__()
        self.over_frequency = nn.BatchNorm1d(n_mels, **KERAS_BATCH_NORM)
        layers, channels = [], 1
        for index, pool in enumerate(POOLS):
            filters = settings.width * (1 if index == 0 else 2)
            layers += [
                nn.Conv2d(channels, filters, 3, padding=1),
                nn.ELU(),
                nn.BatchNorm2d(filters, **KERAS_BATCH_NORM),
                nn.MaxPool2d(pool),
                nn.Dropout(settings.convolution_dropout),
            ]
            channels = filters
            n_mels //= pool[0]
        self.convolutions = nn.Sequential(*layers)
        self.head = RecurrentHead(
            channels * n_mels, settings.gru_units, settings.gru_layers, settings.dropout
        )
        self.classifier = nn.Linear(settings.gru_units, n_classes)
        self.apply(_initialise_as_keras)

    def embed(self, slices: Tensor) -> Tensor:
        """Return (batch, gru_units) for slices of (batch, 1, n_mels, frames)."""
        normalised = self.over_frequency(slices[:, 0])[:, None]
        return self.head(self.convolutions(normalised))

    def forward(self, slices: Tensor) -> Tensor:
        """Return logits (batch, classes) for slices of (batch, 1, n_mels, frames)."""
        return self.classifier(self.embed(slices))


def _initialise_as_keras(module: nn.Module) -> None:
    """Draw a layer's weights as Keras does: Glorot-uniform, recurrences orthogonal, biases zero.

    Keras holds the weights of a GRU's three gates in one matrix and draws them together, as torch's
    `weight_ih_l*` and `weight_hh_l*` do.
    """
    if not isinstance(module, nn.Conv2d | nn.Linear | nn.GRU):
        return
    for name, parameter in module.named_parameters():
        if name.startswith("bias"):
            nn.init.zeros_(parameter)
        elif name.startswith("weight_hh"):
            nn.init.orthogonal_(parameter)
        else:
            nn.init.xavier_uniform_(parameter)
