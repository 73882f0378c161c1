"""Batches of slices, cut and standardised on the device that trains on them."""

import warnings

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artistid.training.dataset import SliceSet

# Convolutions run up to 1.6 times as fast on the CPU as with channels first, and on GPUs 16-bit
# convolutions benefit too: benchmarks/training.py measures it.
CHANNELS_LAST = torch.channels_last


class BatchLoader:
    """Batches of one subset: standardised slices of shape (batch, 1, n_mels, frames)."""

    def __init__(
        self,
        slices: SliceSet,
        normalisation: tuple[NDArray[np.float32], NDArray[np.float32]],
        device: torch.device,
    ) -> None:
        self.slices = slices
        self.device = device
        # Cutting slices on the device costs nothing once the frames are there; if they would
        # take more than half of its free memory, they stay with the host.
        with warnings.catch_warnings():  # nothing is written to it, mapped or not
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            self.log_mel = torch.from_numpy(slices.log_mel)
        if device.type == "cuda" and slices.log_mel.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
            self.log_mel = self.log_mel.to(device)
        home = self.log_mel.device
        self.starts = torch.from_numpy(slices.starts).to(home)
        self.targets = torch.from_numpy(slices.targets).to(device)
        self.offsets = torch.arange(slices.slice_frames, device=home)
        self.mean, self.deviation = (torch.from_numpy(part).to(device) for part in normalisation)

    def batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the slices at `positions` and their classes."""
        frames = self.starts[positions.to(self.starts.device)][:, None] + self.offsets
        log_mel = self.log_mel[frames].to(self.device, torch.float32)  # (batch, frames, n_mels)
        standardised = ((log_mel - self.mean) / self.deviation).transpose(1, 2)[:, None]
        return (
            standardised.contiguous(memory_format=CHANNELS_LAST),
            self.targets[positions.to(self.device)],
        )
