"""The state of an unfinished training, so that a killed job resumes where it was saved.

It is outside the declared outputs of its job, which Snakemake deletes before it runs a job again,
and is bound by a key to what the run is trained on: the state of other settings, another split,
other spectrograms or sources that compute something else is never resumed.
"""

import hashlib
import json
import logging
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch

from artistid.storage.files import atomic_write
from artistid.training.dataset import SliceSet

log = logging.getLogger(__name__)
FORMAT = "artistid training state 5"


def training_key(
    settings: Mapping[str, Any], slices: Iterable[SliceSet], code: Mapping[str, int | str]
) -> str:
    """Return what binds a state to a training, a SHA-256 in hexadecimal.

    Args:
        settings: of the run, plain types.
        slices: what it is trained and validated on; of spectrograms their checksums are taken, so
            that it does not depend on where they are.
        code: version or digest of what the training computes, by its stage.
    """
    bound = {"settings": dict(settings), "code": dict(code)}
    digest = hashlib.sha256(json.dumps(bound, sort_keys=True).encode())
    for part in slices:
        digest.update(f" {part.sha256} {part.slice_frames} {len(part)} ".encode())
        digest.update(part.tracks.tobytes() + part.targets.tobytes())
    return digest.hexdigest()


class SavedState:
    """The file that an unfinished training is kept in.

    Args:
        path: of the file.
        key: what `training_key` returns.
        seconds: that pass at least between two savings.
    """

    def __init__(self, path: Path, key: str, seconds: float) -> None:
        self.path = path
        self.key = key
        self.seconds = seconds
        self.saved = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """Return the saved state, or None if there is none with this key."""
        if not self.path.exists():
            return None
        try:
            # Tensors and plain types only: nothing in the file is executed.
            content = torch.load(self.path, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, ValueError, KeyError, UnpicklingError) as error:
            log.warning(
                "%s cannot be read (%s): training starts from the beginning",
                self.path,
                _short(error),
            )
            return None
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            log.warning(
                "%s is not a state of this version: training starts from the beginning", self.path
            )
            return None
        if content["key"] != self.key:
            log.info(
                "%s has other settings, data or sources: training starts from the beginning",
                self.path,
            )
            return None
        return content["state"]

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep a state, as a whole, unless one was saved only just before.

        Args:
            state: tensors and plain types.
        """
        if time.monotonic() - self.saved < self.seconds:
            return
        with atomic_write(self.path) as temporary:
            torch.save({"format": FORMAT, "key": self.key, "state": dict(state)}, temporary)
        self.saved = time.monotonic()

    def remove(self) -> None:
        """Remove the file: the training is over, and its results are written."""
        self.path.unlink(missing_ok=True)


def _short(error: Exception) -> str:
    return str(error).partition("\n")[0]
