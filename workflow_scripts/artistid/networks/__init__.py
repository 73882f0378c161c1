"""The neural networks: one module each, found by its name.

A network is a new file in this folder whose one class is decorated with `register`. Its name in
the configuration is the file's. Nothing else has to be edited.

A network takes log-mel slices of shape (batch, 1, n_mels, frames), standardised per mel band, and
returns logits of shape (batch, classes). `embed` returns the features before the last layer.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistid.errors import InputError

if TYPE_CHECKING:
    from torch import nn

_REGISTRY: dict[str, tuple[type, type]] = {}


def available() -> list[str]:
    """Return the networks' names, sorted, without importing one of them."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[a-z]*.py"))


def register(settings_type: type) -> Callable[[type], type]:
    """Register a network under its module's name.

    Args:
        settings_type: a dataclass of the network's settings, whose defaults are the paper's.
    """

    def decorate(network_type: type) -> type:
        _REGISTRY[network_type.__module__.rpartition(".")[2]] = (network_type, settings_type)
        return network_type

    return decorate


def build_network(
    name: str, n_mels: int, n_classes: int, settings: Mapping[str, Any] | None = None
) -> "nn.Module":
    """Return a network with fresh weights from torch's current random state.

    Args:
        name: one of `available()`.
        n_mels: mel bands of a slice.
        n_classes: number of artists.
        settings: what differs from the network's default settings.

    Raises:
        InputError: an unknown network, or a setting that it does not have.
    """
    if name not in available():
        raise InputError(f"unknown network {name!r}; there are: {', '.join(available())}")
    importlib.import_module(f"artistid.networks.{name}")
    network_type, settings_type = _REGISTRY[name]
    known = [field.name for field in fields(settings_type)]
    for key in settings or {}:
        if key not in known:
            raise InputError(
                f"networks.{name}.{key}: no such setting; there are: {', '.join(known)}"
            )
    return network_type(n_mels, n_classes, settings_type(**(settings or {})))
