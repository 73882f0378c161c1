"""A residual network of moderate size with squeeze-and-excitation, for slices of 5 to 10 s.

Three stages of two basic blocks (He et al. 2015, arXiv:1512.03385, figure 5, left), each with
squeeze-and-excitation before the shortcut is added (Hu et al., arXiv:1709.01507); mean over time
and frequency; dropout; a dense layer. It has no recurrence.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from artistid.models.costs import NetworkCost
from artistid.models.registry import register
from artistid.models.settings import Count, Dropout

STRIDES = (1, 2, 2)  # of the three stages

# Measured by benchmarks/memory.py; the rate is an estimate.
COST = NetworkCost(step_mb=3.5, weights_mb=60, saved_mb=12, slices_per_second=2000)


@dataclass(frozen=True)
class Settings:
    """Size of the network.

    `width`: channels of the first stage; the next have twice and four times as many. `blocks`: in
    each stage. `reduction`: channels for each hidden unit of squeeze-and-excitation.
    """

    width: Count = 64
    blocks: Count = 2
    reduction: Count = 8
    dropout: Dropout = 0.3


class SqueezeExcitation(nn.Module):
    """Scales each channel by what the means of all channels say (Hu et al., figure 3)."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        squeezed = max(1, channels // reduction)
        self.excitation = nn.Sequential(
            nn.Linear(channels, squeezed), nn.ReLU(), nn.Linear(squeezed, channels), nn.Sigmoid()
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, channels, height, width), as it is given."""
        return x * self.excitation(x.mean(dim=(2, 3)))[:, :, None, None]


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and squeeze-and-excitation, with a shortcut."""

    def __init__(self, in_channels: int, channels: int, stride: int, reduction: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            SqueezeExcitation(channels, reduction),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, channels, height / stride, width / stride)."""
        return self.activation(self.residual(x) + self.shortcut(x))


@register(Settings)
class SeResNet(nn.Module):
    """Stem, three stages, mean, dropout, one dense layer."""

    def __init__(self, n_mels: int, n_classes: int, settings: Settings) -> None:
        super().__init__()
        width = settings.width
        layers: list[nn.Module] = [
            nn.Conv2d(1, width, 5, 2, padding=2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        ]
        channels = width
        for stage, stride in enumerate(STRIDES):
            for block in range(settings.blocks):
                out_channels = width * 2**stage
                of_block = stride if block == 0 else 1
                layers.append(BasicBlock(channels, out_channels, of_block, settings.reduction))
                channels = out_channels
        self.stages = nn.Sequential(*layers)
        self.dropout = nn.Dropout(settings.dropout)
        self.classifier = nn.Linear(channels, n_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):  # He et al. 2015, arXiv:1502.01852
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def embed(self, slices: Tensor) -> Tensor:
        """Return (batch, 4 * width) for slices of (batch, 1, n_mels, frames)."""
        return self.dropout(self.stages(slices).mean(dim=(2, 3)))

    def forward(self, slices: Tensor) -> Tensor:
        """Return logits (batch, classes) for slices of (batch, 1, n_mels, frames)."""
        return self.classifier(self.embed(slices))
