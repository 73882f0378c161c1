"""Slices: runs of consecutive frames cut from a track, without overlap."""

import math
from collections.abc import Mapping
from typing import Any, overload

from artistid.errors import InputError


def frames_per_slice(seconds: float, sampling_rate: int, hop_length: int) -> int:
    """Return the frames of a slice of `seconds`: whole frames per second times seconds.

    floor(16000 / 512) = 31 frames per second, so 1, 3 and 6 s are 31, 93 and 186 frames (the
    paper, section 3).

    Raises:
        InputError: less than one second.
    """
    if seconds < 1:
        raise InputError(f"slice_seconds: {seconds:g} is less than 1 s; write 1 or more")
    # 50 * 2.3 is 114.99999999999999 in binary: what a person would call 115 is rounded first.
    return math.floor(round(sampling_rate // hop_length * seconds, 6))


def slice_starts(n_frames: int, slice_frames: int) -> range:
    """Return the first frame of every whole slice of a track, the last one included."""
    return range(0, n_frames - slice_frames + 1, slice_frames)


@overload
def frames_in_slice(config: Mapping[str, Any], seconds: float) -> int: ...
@overload
def frames_in_slice(config: Mapping[str, Any], seconds: float | None) -> int | None: ...
def frames_in_slice(config: Mapping[str, Any], seconds: float | None) -> int | None:
    """Return the frames of a slice, unless `experiment.slice_frames` sets another number.

    None for a system that takes whole songs.
    """
    if seconds is None:
        return None
    log_mel = config["log_mel"]
    exceptions = config["experiment"]["slice_frames"]
    computed = frames_per_slice(seconds, log_mel["sampling_rate"], log_mel["hop_length"])
    return exceptions.get(f"{seconds:g}", computed)
