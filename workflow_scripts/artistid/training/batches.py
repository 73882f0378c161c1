"""Batches of slices, cut and standardised on the device that trains on them."""

import warnings
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from artistid.models.front_end import FrontEnd
from artistid.training.dataset import SliceSet, SubtractedMeans

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
        front_end: FrontEnd | None = None,
        means: SubtractedMeans | None = None,
    ) -> None:
        """Move what batches are cut from to the device, if it has room.

        Args:
            slices: the subset.
            normalisation: mean and deviation per mel band of the training set, dB.
            device: that batches are for.
            front_end: of the model; by default it does nothing.
            means: what the front end subtracts from this subset.
        """
        self.slices = slices
        self.front_end = front_end or FrontEnd()
        self.device = device
        # Cutting slices on the device costs nothing once the frames are there; if they would
        # take more than half of its free memory, they stay with the host.
        with warnings.catch_warnings():  # nothing is written to it, mapped or not
            warnings.filterwarnings("ignore", "The given NumPy array is not writable")
            self.log_mel = torch.from_numpy(slices.log_mel)
        if device.type == "cuda" and slices.log_mel.nbytes < torch.cuda.mem_get_info(device)[0] / 2:
            self.log_mel = self.log_mel.to(device)
        home = self.log_mel.device
        self.starts = torch.from_numpy(slices.starts.copy()).to(home)
        self.targets = torch.from_numpy(slices.targets).to(device)
        self.offsets = torch.arange(slices.slice_frames, device=home)
        self.mean, self.deviation = (torch.from_numpy(part).to(device) for part in normalisation)
        self.track_starts = torch.from_numpy(slices.track_starts[slices.tracks]).to(home)
        self.last_starts = self.track_starts + torch.from_numpy(
            slices.track_frames[slices.tracks] - slices.slice_frames
        ).to(home)
        self.tracks = torch.from_numpy(slices.tracks).to(home)
        self.means = means and replace(
            means,
            values=torch.from_numpy(means.values).to(device),
            first_windows=torch.from_numpy(means.first_windows).to(home),
            n_windows=torch.from_numpy(means.n_windows).to(home),
        )

    def move_starts(self, generator: torch.Generator) -> None:
        """Draw a new random start within its track for each slice, in place.

        Args:
            generator: on the processor.
        """
        drawn = torch.rand(len(self.starts), generator=generator, dtype=torch.float64)
        room = self.last_starts - self.track_starts + 1
        self.starts.copy_(self.track_starts + (drawn.to(room.device) * room).long())

    def batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return slices, without the front end's normalisation, and their classes."""
        here = positions.to(self.starts.device)
        frames = self.starts[here][:, None] + self.offsets
        log_mel = self.log_mel[frames].to(self.device, torch.float32)  # (batch, frames, n_mels)
        if self.means:
            frames_into_track = self.starts[here] - self.track_starts[here]
            places = self.means.places(frames_into_track, self.tracks[here])
            log_mel -= self.means.values[places.to(self.device)][:, None]
        standardised = ((log_mel - self.mean) / self.deviation).transpose(1, 2)[:, None]
        return (
            standardised.contiguous(memory_format=CHANNELS_LAST),
            self.targets[positions.to(self.device)],
        )

    def inputs(self, positions: Tensor) -> Tensor:
        """Return the slices at `positions` as a network takes them."""
        return self.front_end.normalised(self.batch(positions)[0])
