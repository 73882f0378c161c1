"""The neural networks, one module each (see `artistid.registry`).

A network takes log-mel slices of shape (batch, 1, n_mels, frames), standardised per mel band, and
returns logits of shape (batch, classes). `embed` returns the features before `classifier`, its
last layer.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.registry import load_model

if TYPE_CHECKING:
    from torch import nn


def build_network(
    name: str, n_mels: int, n_classes: int, settings: Mapping[str, Any] | None = None
) -> "nn.Module":
    """Return a network with fresh weights from torch's current random state.

    Args:
        name: one of the modules of this package.
        n_mels: mel bands of a slice.
        n_classes: number of artists.
        settings: what differs from the network's default settings.

    Raises:
        InputError: an unknown network, or a setting that it does not have.
    """
    network_type, filled = load_model(name, settings)
    return network_type(n_mels, n_classes, filled)
