"""HDF5 files: written whole on disks that may be full, and read with errors for people."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import Any

import h5py

from artistid.errors import InputError
from artistid.storage.files import atomic_write


class _Guarded(FileIO):
    """A file that keeps the first error of writing to itself.

    HDF5 ends the process with a segmentation fault when it cannot write what is left on closing a
    file (seen with 2.0.0, the pinned h5py's). So it never hears of a full disk, and we do.
    """

    error: OSError | None = None

    def write(self, data: Any) -> int:
        """Write all of the data, or note why that is impossible."""
        data = memoryview(data).cast("B")
        done = 0
        while self.error is None and done < len(data):
            try:
                done += super().write(data[done:])
            except OSError as error:
                self.error = error
        if self.error is not None:
            self.seek(len(data) - done, os.SEEK_CUR)
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        """Set the file's size, or note why that is impossible."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.error = self.error or error
            return size or 0


@contextmanager
def new_hdf5(path: str | os.PathLike[str]) -> Iterator[h5py.File]:
    """Yield a new HDF5 file, which bears its name when it is whole.

    Raises:
        InputError: the disk is full or fails, or the folder cannot be written to.
    """
    with atomic_write(Path(path)) as temporary, _Guarded(temporary, "w+") as stream:
        try:
            with h5py.File(stream, "w") as file:
                yield file
        finally:
            if stream.error is not None:
                raise stream.error


@contextmanager
def open_hdf5(path: Path, file_format: str) -> Iterator[h5py.File]:
    """Yield an HDF5 file, open for reading, whose attribute ``format`` is `file_format`.

    Raises:
        InputError: the file is damaged, of another version of the workflow, or something else.
    """
    try:
        with h5py.File(path, "r") as file:
            found = file.attrs.get("format")
            if found != file_format:
                raise InputError(_other_format(path, found, file_format))
            yield file
    except OSError as error:
        raise InputError(f"{path}: cannot be read as HDF5 ({error}); delete it") from None


def _other_format(path: Path, found: Any, expected: str) -> str:
    """Return what is wrong with a file of another format than the expected one."""
    name, _, _ = expected.rpartition(" ")
    if isinstance(found, str) and found.rpartition(" ")[0] == name:
        return (
            f"{path}: was written by another version of the workflow, as {found!r}; this one reads "
            f"{expected!r}; delete the file, and it will be recomputed"
        )
    return f"{path}: is not in the format {expected!r}; delete it"
