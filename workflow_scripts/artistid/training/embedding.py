"""Features of some test slices before a network's last layer, for a map of what it has learnt.

HDF5 with ``features`` (slices, features), float32, and ``track_id`` (slices,).
"""

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from artistid.storage.hdf5 import new_hdf5
from artistid.training.dataset import SliceSet

AT_MOST = 1000  # slices: as many as a map shows, and t-SNE takes in seconds


def write_embedding(
    path: Path,
    features: NDArray[np.float32],
    slices: SliceSet,
    positions: NDArray[np.int64],
) -> None:
    """Write features of slices.

    Args:
        path: the HDF5 file.
        features: shape (slices, features).
        slices: the subset that they are from.
        positions: of the slices in the subset, shape (slices,).
    """
    track_ids = [slices.track_ids[track] for track in slices.tracks[positions]]
    with new_hdf5(path) as file:
        file.create_dataset("features", data=features, chunks=True, fletcher32=True)
        file["track_id"] = np.array(track_ids, dtype="S")


def read_embedding(path: Path) -> tuple[NDArray[np.float32], list[str]]:
    """Return features (slices, features) and the slices' track ids."""
    with h5py.File(path, "r") as file:
        return file["features"][()], [name.decode() for name in file["track_id"][()]]
