"""A trained network in one safetensors file, with all that is needed to use it again."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from artistid.errors import InputError, shortened
from artistid.features.log_mel import LogMelParameters
from artistid.models.registry import NETWORKS, available, build_network, load_model
from artistid.storage.files import atomic_write

FORMAT = "artistid weights 1"
# One key: safetensors writes several in random order, and equal runs must give equal bytes.
_KEY = "artistid"
_LARGEST = 100_000  # of any setting; a network of that size is not ours
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
            ``slice_frames``, and with a front end, ``front_end``; plain types.
    """
    tensors = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    tensors[_MEAN], tensors[_DEVIATION] = (torch.from_numpy(part) for part in normalisation)
    text = json.dumps(dict(description) | {"format": FORMAT}, sort_keys=True)
    with atomic_write(path) as temporary:
        save_file(tensors, temporary, {_KEY: text})


def load_weights(
    path: Path,
) -> tuple[nn.Module, tuple[NDArray[np.float32], NDArray[np.float32]], dict[str, Any]]:
    """Read a network back, in evaluation mode on the CPU, without any configuration.

    Returns:
        The network, its normalisation (mean and deviation per mel band) and its description.

    Raises:
        InputError: the file is damaged or not one of ours; nothing in it is ever run.
    """
    try:
        with safe_open(path, "pt") as file:
            description = json.loads((file.metadata() or {}).get(_KEY, "{}"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        why = shortened(" ".join(str(error).split()))
        raise InputError(f"{path}: cannot be read as safetensors ({why})") from None
    return network_of(path, description, tensors)


def network_of(
    path: Path, description: Any, tensors: dict[str, torch.Tensor]
) -> tuple[nn.Module, tuple[NDArray[np.float32], NDArray[np.float32]], dict[str, Any]]:
    """Return what `load_weights` does, of what a file holds.

    Args:
        path: of the file, for messages.
        description: what `save_weights` takes, and the ``format``.
        tensors: the network's state and the normalisation.

    Raises:
        InputError: description or tensors are none of ours.
    """
    problem = next(_problems(description, tensors), None)
    if problem:
        raise InputError(f"{path}: is not a weights file of this workflow ({problem})")
    normalisation = tensors.pop(_MEAN).numpy(), tensors.pop(_DEVIATION).numpy()
    network = _network(description)
    network.load_state_dict(tensors)
    return network.eval(), normalisation, description


def _network(description: Mapping[str, Any]) -> nn.Module:
    return build_network(
        description["model"],
        description["log_mel"]["n_mels"],
        len(description["classes"]),
        description["settings"],
    )


def _problems(description: Any, tensors: Mapping[str, torch.Tensor]) -> Iterator[str]:
    """Yield what does not belong in a file of ours; a later check relies on the earlier ones."""
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        yield f"its format is not {FORMAT!r}"
        return
    if description.get("model") not in available(NETWORKS):
        yield f"there is no network {shortened(repr(description.get('model')))}"
        return
    _, defaults = load_model(description["model"])
    yield from _unlike("settings", description.get("settings"), asdict(defaults), complete=False)
    log_mel = asdict(LogMelParameters())
    yield from _unlike("log_mel", description.get("log_mel"), log_mel, complete=True)
    classes = description.get("classes")
    if not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
        yield "classes are not a list of names"
    elif not classes or len(set(classes)) < len(classes):
        yield "classes are none, or not unique"
    if not _is_like(description.get("slice_frames"), 1):
        yield "slice_frames is not a number of frames"
    yield from _wrong_tensors(description, tensors)


def _unlike(name: str, found: Any, wanted: Mapping[str, Any], complete: bool) -> Iterator[str]:
    """Yield what differs from a mapping of settings in keys or in types."""
    if not isinstance(found, dict):
        yield f"{name} are not a mapping"
    elif found.keys() - wanted.keys() or (complete and found.keys() != wanted.keys()):
        yield f"{name} have other keys than {', '.join(wanted)}"
    else:
        for key, value in found.items():
            if not _is_like(value, wanted[key]):
                yield f"{name}.{key} cannot be {shortened(repr(value))}"


def _is_like(value: Any, example: Any) -> bool:
    """Return whether a value has the type of another, and as a number is one that can be."""
    if example is None or isinstance(example, tuple | list):  # the network's own business
        return True
    if isinstance(example, bool | str):
        return isinstance(value, type(example))
    if isinstance(example, int):
        return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _LARGEST
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= _LARGEST


def _wrong_tensors(
    description: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]
) -> Iterator[str]:
    """Yield what differs from the network's own tensors, which take no memory for that."""
    n_mels = description["log_mel"]["n_mels"]
    wanted = dict.fromkeys((_MEAN, _DEVIATION), torch.empty(n_mels, device="meta"))
    try:
        with torch.device("meta"):
            wanted |= _network(description).state_dict()
    except (RuntimeError, ValueError, ZeroDivisionError) as error:
        yield f"its settings make no network: {shortened(' '.join(str(error).split()))}"
        return
    if odd := sorted(tensors.keys() ^ wanted.keys()):
        yield f"tensors are missing or unknown, such as {shortened(odd[0])}"
        return
    for name, tensor in tensors.items():
        if (tensor.shape, tensor.dtype) != (wanted[name].shape, wanted[name].dtype):
            yield f"{name} has another shape or type"
    for name in (_MEAN, _DEVIATION):
        if not tensors[name].isfinite().all():
            yield f"{name} is not finite"
    if not (tensors[_DEVIATION] > 0).all():
        yield f"{_DEVIATION} is not above 0"
