"""Arrays and a description in one safetensors file: nothing in it is ever run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.errors import InputError, shortened
from artistid.storage.files import atomic_write

# One key: safetensors writes several in random order, and equal contents must give equal bytes.
KEY = "artistid"


def write_tensors(
    path: Path, arrays: Mapping[str, NDArray[Any]], description: Mapping[str, Any]
) -> None:
    """Write arrays by name, and a description of plain types.

    Raises:
        InputError: the file cannot be written.
    """
    from safetensors.numpy import save

    contiguous = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    content = save(contiguous, {KEY: json.dumps(dict(description), sort_keys=True)})
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)  # safetensors itself would write a file for its owner only


def read_tensors(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return arrays by name, and the description; an empty one for another program's file.

    Raises:
        InputError: the file is missing, damaged, or no safetensors.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "np") as file:
            description = json.loads((file.metadata() or {}).get(KEY, "{}"))
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    # TypeError: numpy lacks some types, such as bfloat16.
    except (OSError, SafetensorError, ValueError, RecursionError, TypeError) as error:
        why = shortened(" ".join(str(error).split()))
        raise InputError(f"{path}: cannot be read as safetensors ({why})") from None
    return arrays, description if isinstance(description, dict) else {}
