"""Find augmentations by name, and apply several."""

import importlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistid.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# What `Augmentation.__call__` is.
Augment = Callable[["Tensor", "Tensor", "torch.Generator"], tuple["Tensor", "Tensor"]]
_FOLDER = Path(__file__).parents[1] / "augmentations"


class Augmentation(ABC):
    """Changes a batch of standardised slices, and their targets if it mixes slices."""

    def __init__(self, settings: Any, decibel: "Tensor") -> None:
        """Store the settings.

        Args:
            settings: of the augmentation, its dataclass.
            decibel: 1 dB in each mel band of the standardised slices, shape (n_mels,), on the
                device.
        """
        self.settings = settings
        self.decibel = decibel

    @abstractmethod
    def __call__(
        self, slices: "Tensor", targets: "Tensor", generator: "torch.Generator"
    ) -> tuple["Tensor", "Tensor"]:
        """Return new slices (batch, 1, n_mels, frames) and targets (batch, classes).

        Args:
            slices: standardised, in channels-last memory format.
            targets: probability of each class.
            generator: on the slices' device; the only source of random numbers.
        """


@cache
def available() -> tuple[str, ...]:
    """Return the names of the augmentations, sorted, without importing one of them."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("[a-z]*.py")))


def file_of(name: str) -> str:
    """Return the file of an augmentation, below ``workflow_scripts/``."""
    return f"artistid/augmentations/{name}.py"


def load_augmentation(name: str, settings: Mapping[str, Any], decibel: "Tensor") -> Augmentation:
    """Return an augmentation.

    Args:
        name: of its file.
        settings: what differs from its defaults.
        decibel: 1 dB in each mel band of the standardised slices, shape (n_mels,), on the device.

    Raises:
        InputError: an unknown augmentation, or a setting that it does not have.
    """
    key = f"training.augmentations.{name}"
    if name not in available():
        raise InputError(f"{key}: no such augmentation; there are: {', '.join(available())}")
    module = importlib.import_module(f"artistid.augmentations.{name}")
    known = [field.name for field in fields(module.Settings)]
    for setting in settings:
        if setting not in known:
            raise InputError(f"{key}.{setting}: no such setting; there are: {', '.join(known)}")
    augmentation: Augmentation = module.Augment(module.Settings(**settings), decibel)
    return augmentation


class Augmentations:
    """Several augmentations, applied one after the other in the order of their names."""

    def __init__(self, settings: Mapping[str, Mapping[str, Any]], decibel: "Tensor") -> None:
        self.augmentations = [
            load_augmentation(name, settings[name], decibel) for name in sorted(settings)
        ]

    def __call__(
        self, slices: "Tensor", targets: "Tensor", generator: "torch.Generator"
    ) -> tuple["Tensor", "Tensor"]:
        """See `Augmentation`."""
        for augmentation in self.augmentations:
            slices, targets = augmentation(slices, targets, generator)
        return slices, targets
