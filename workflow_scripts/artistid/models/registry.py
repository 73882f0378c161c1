"""Finding models by name: one module each, in a folder for each kind.

A model is a new file in its kind's folder, whose one class is decorated with `register`. Its name
in the configuration is the file's. Nothing else needs an edit.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistid.errors import InputError

if TYPE_CHECKING:
    from torch import nn

NETWORKS, FRAME_SYSTEMS, SONG_SYSTEMS = "networks", "frame_systems", "song_systems"
KINDS = (NETWORKS, FRAME_SYSTEMS, SONG_SYSTEMS)

_REGISTRY: dict[str, tuple[type, type]] = {}


@cache
def available(kind: str) -> tuple[str, ...]:
    """Return the names of the models of a kind, sorted, without importing one of them."""
    return tuple(sorted(path.stem for path in (Path(__file__).parent / kind).glob("[a-z]*.py")))


def kind_of(name: str) -> str:
    """Return the kind of a model.

    Raises:
        InputError: there is no such model.
    """
    for kind in KINDS:
        if name in available(kind):
            return kind
    known = ", ".join(name for kind in KINDS for name in available(kind))
    raise InputError(f"unknown model {name!r}; there are: {known}")


def file_of(name: str) -> Path:
    """Return the file of a model.

    Raises:
        InputError: there is no such model.
    """
    return Path(__file__).parent / kind_of(name) / f"{name}.py"


def register(settings_type: type) -> Callable[[type], type]:
    """Register a model under its module's name.

    Args:
        settings_type: a dataclass of the model's settings, with defaults.
    """

    def decorate(model_type: type) -> type:
        _REGISTRY[model_type.__module__.rpartition(".")[2]] = (model_type, settings_type)
        return model_type

    return decorate


def load_model(name: str, settings: Mapping[str, Any] | None = None) -> tuple[type, Any]:
    """Return a model's class and its settings, defaults filled in.

    Raises:
        InputError: an unknown model, or a setting that it does not have.
    """
    importlib.import_module(f"artistid.models.{kind_of(name)}.{name}")
    model_type, settings_type = _REGISTRY[name]
    known = [field.name for field in fields(settings_type)]
    for key in settings or {}:
        if key not in known:
            raise InputError(f"models.{name}.{key}: no such setting; there are: {', '.join(known)}")
    return model_type, settings_type(**(settings or {}))


def build_network(
    name: str, n_mels: int, n_classes: int, settings: Mapping[str, Any] | None = None
) -> "nn.Module":
    """Return a network with fresh weights from torch's current random state.

    Args:
        name: one of the networks.
        n_mels: mel bands of a slice.
        n_classes: number of artists.
        settings: what differs from the network's default settings.

    Raises:
        InputError: an unknown network, or a setting that it does not have.
    """
    network_type, filled = load_model(name, settings)
    return network_type(n_mels, n_classes, filled)
