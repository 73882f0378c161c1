"""scipy's FFT of real float32 rows, in jobs that are too short to import `scipy.fft`.

scipy transforms several rows at once, in 0.6 of the time that numpy takes. But `scipy.fft` takes
0.2 s to import, as much as the FFTs of half an hour of music: nearly all of it is for scipy.special
and for other kinds of arrays, and the FFT itself is one extension module that needs neither.
"""

from collections.abc import Callable
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MODULE = "fft/_pocketfft/pypocketfft"  # below scipy; private, so it may move


def rfft(rows: NDArray[np.float32], out: NDArray[np.complex64]) -> None:
    """Write ``scipy.fft.rfft(rows, axis=1)``, the same bits, to `out`.

    Args:
        rows: one signal per row.
        out: C-contiguous, shape (rows, 1 + columns // 2).
    """
    _rfft()(rows, out)


@cache
def _rfft() -> Callable[[NDArray[np.float32], NDArray[np.complex64]], Any]:
    module = _extension()
    if module is None:  # another scipy: by its own door, to the same bits
        import scipy.fft

        return lambda rows, out: np.copyto(out, scipy.fft.rfft(rows, axis=1))
    along, forward, unscaled, threads = (1,), True, 0, 1
    return lambda rows, out: module.r2c(rows, along, forward, unscaled, out, threads)


def _extension() -> Any:
    """Return scipy's extension module of FFTs, or None if it is not where we expect it."""
    import scipy

    for suffix in EXTENSION_SUFFIXES:
        path = Path(scipy.__file__).parent / f"{_MODULE}{suffix}"
        spec = spec_from_file_location("pypocketfft", path)
        if path.is_file() and spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    return None
