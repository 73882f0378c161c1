"""Residual stages (He et al. 2015, arXiv:1512.03385), shared by the ResNet-50 networks."""

from torch import Tensor, nn

EXPANSION = 4
BLOCKS = (3, 4, 6, 3)  # bottlenecks in conv2_x to conv5_x of ResNet-50 (He et al., table 1)


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 with an identity shortcut (He et al., figure 5, right).

    A down-sampling block has its stride on the 3x3 convolution, the now usual variant; He et al.
    have it on the first 1x1.
    """

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        out_channels = EXPANSION * channels
        self.residual = nn.Sequential(
            nn.Conv2d(in_channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
                nn.BatchNorm2d(out_channels),
            )
        self.activation = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return (batch, 4 * channels, height / stride, width / stride)."""
        return self.activation(self.residual(x) + self.shortcut(x))


def residual_stages(width: int, n_stages: int, in_channels: int = 1) -> nn.Sequential:
    """Return the first stages of ResNet-50: the stem is stage 1, conv2_x stage 2, and so on.

    Args:
        width: channels of the stem; 64 in the paper.
        n_stages: 2 to 5.
        in_channels: 1 for spectrograms, 3 for the reference's images.
    """
    layers = [
        nn.Conv2d(in_channels, width, 7, 2, padding=3, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, padding=1),
    ]
    channels = width
    for stage, n_blocks in enumerate(BLOCKS[: n_stages - 1]):
        for block in range(n_blocks):
            stride = 2 if stage > 0 and block == 0 else 1
            layers.append(Bottleneck(channels, width * 2**stage, stride))
            channels = EXPANSION * width * 2**stage
    stages = nn.Sequential(*layers)
    for module in stages.modules():
        if isinstance(module, nn.Conv2d):  # He et al. 2015, arXiv:1502.01852
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return stages


def stage_channels(width: int, n_stages: int) -> int:
    """Return the channels that `residual_stages` ends with."""
    return EXPANSION * width * 2 ** (n_stages - 2)
