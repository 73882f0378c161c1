"""The recurrent part that the paper's networks share with the baseline CRNN.

Nasrullah & Zhao 2019 (arXiv:1901.04555), figure 2: two stacked GRUs of 32 units, dropout of 0.3,
one dense layer. The paper (section 4) changed the convolutions before it and nothing here.
"""

import torch
from torch import Tensor, nn


class RecurrentHead(nn.Module):
    """Stacked GRUs over time; the last step's state represents the slice."""

    def __init__(self, n_features: int, units: int, layers: int, dropout: float) -> None:
        super().__init__()
        self.gru = nn.GRU(n_features, units, layers, batch_first=True)
        self.dropout = nn.Dropout(dropout)

    def forward(self, feature_maps: Tensor) -> Tensor:
        """Return (batch, units) for feature maps of (batch, channels, mel bands, time)."""
        sequence = feature_maps.flatten(1, 2).transpose(1, 2)  # (batch, time, channels * bands)
        # In float32 also where convolutions run in 16 bits: recurrence is a small part of the work,
        # and not every GPU library has it in bfloat16.
        with torch.autocast(sequence.device.type, enabled=False):
            states, _ = self.gru(sequence.float())
        return self.dropout(states[:, -1])
