"""A trained network in one safetensors file, with all that is needed to use it again."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from artistid.errors import InputError
from artistid.files import replacing
from artistid.networks import build_network

FORMAT = "artistid weights 1"
# One key: safetensors writes several in random order, and equal runs have to be equal bytes.
_KEY = "artistid"
_MEAN, _DEVIATION = "normalisation.mean", "normalisation.deviation"


def save_weights(
    path: Path,
    network: nn.Module,
    normalisation: tuple[NDArray[np.float32], NDArray[np.float32]],
    description: Mapping[str, Any],
) -> None:
    """Write a network.

    Args:
        path: the safetensors file.
        network: its state is written, from any device.
        normalisation: mean and deviation per mel band, dB, each of shape (n_mels,).
        description: ``model``, ``settings``, ``classes``, ``log_mel`` (parameters) and
            ``slice_frames``; plain types.
    """
    tensors = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    tensors[_MEAN], tensors[_DEVIATION] = (torch.from_numpy(part) for part in normalisation)
    text = json.dumps(dict(description) | {"format": FORMAT}, sort_keys=True)
    with replacing(path) as temporary:
        save_file(tensors, temporary, {_KEY: text})


def load_weights(
    path: Path,
) -> tuple[nn.Module, tuple[NDArray[np.float32], NDArray[np.float32]], dict[str, Any]]:
    """Read a network back, in evaluation mode on the CPU, without any configuration.

    Returns:
        The network, its normalisation (mean and deviation per mel band) and its description.

    Raises:
        InputError: the file is damaged or not one of ours.
    """
    try:
        with safe_open(path, "pt") as file:
            description = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path}: cannot be read as safetensors ({error})") from None
    if description.get("format") != FORMAT:
        raise InputError(f"{path}: holds no weights of this workflow")
    normalisation = tensors.pop(_MEAN).numpy(), tensors.pop(_DEVIATION).numpy()
    network = build_network(
        description["model"],
        description["log_mel"]["n_mels"],
        len(description["classes"]),
        description["settings"],
    )
    network.load_state_dict(tensors)
    return network.eval(), normalisation, description
