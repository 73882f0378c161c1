"""The sound of the listening page: links to recordings, or excerpts that are copied beside it.

A clip is a mapping: ``source`` (a URL relative to the page, or None if there is no sound),
``start`` (second of the recording at which it begins) and ``clip_seconds`` (how long it is).
"""

import os
from collections.abc import Mapping, Sequence
from logging import Logger
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from artistid.corpus.audio import extension, mono_blocks
from artistid.errors import InputError
from artistid.storage.files import atomic_write

LINK, EXCERPTS = "link", "excerpts"
EXCERPTS_FOLDER = "excerpts"
EXCERPT_RATE = 22050  # Hz, one of those that mp3 has; excerpts are mono
# What browsers play: all of these in Chromium and Firefox, all but Ogg in Safari before 18.4.
PLAYABLE = frozenset(".mp3 .wav .wave .flac .ogg .oga .opus .m4a .aac".split())


def is_playable(path: str) -> bool:
    """Return whether browsers play a file of this name."""
    return extension(path) in PLAYABLE


def href(target: Path, folder: Path) -> str:
    """Return the URL of a file relative to a folder, every odd byte of it percent-encoded."""
    relative = os.path.relpath(target.absolute(), folder.absolute())
    return quote(os.fsencode(relative), safe="/")


def no_sound() -> dict[str, Any]:
    """Return the clip of a recording that cannot be read."""
    return {"source": None, "start": 0.0, "clip_seconds": 0.0}


def link(recording: Path, duration: float, folder: Path) -> dict[str, Any]:
    """Return a clip of the original, whole recording.

    Args:
        recording: the file.
        duration: of the recording, s.
        folder: of the page.
    """
    return {"source": href(recording, folder), "start": 0.0, "clip_seconds": round(duration, 3)}


def write_excerpt(
    recording: Path, duration: float, seconds: float, folder: Path, track_id: str
) -> dict[str, Any]:
    """Copy the middle of a recording beside the page as a small mp3, and return the clip.

    Args:
        recording: the file.
        duration: of the recording, s.
        seconds: of the excerpt, at most.
        folder: of the page.
        track_id: what the excerpt is called.

    Raises:
        InputError: the recording cannot be decoded.
    """
    import soundfile

    start = round(max(0.0, (duration - seconds) / 2), 3)
    first = round(start * EXCERPT_RATE)
    last = first + round(seconds * EXCERPT_RATE)
    target = folder / EXCERPTS_FOLDER / f"{track_id}.mp3"
    done = 0
    with (
        atomic_write(target) as temporary,
        soundfile.SoundFile(
            os.fsencode(temporary), "w", samplerate=EXCERPT_RATE, channels=1, format="MP3"
        ) as sound,
    ):
        for block in mono_blocks(recording, EXCERPT_RATE):
            part = block[max(0, first - done) : max(0, last - done)]
            if len(part):
                sound.write(np.clip(part, -1.0, 1.0))
            done += len(block)
            if done >= last:
                break
    length = round(min(seconds, duration - start), 3)
    return {"source": href(target, folder), "start": start, "clip_seconds": length}


def add_clips(
    rows: Sequence[Mapping[str, str]],
    audio_dir: Path,
    folder: Path,
    excerpt_seconds: float | None,
    log: Logger,
) -> tuple[list[dict[str, Any]], list[str]]:
    """Return the rows with a ``clip`` each, and sentences about sound that the page lacks.

    Args:
        rows: of the scan's ``tracks.csv``.
        audio_dir: folder of the recordings.
        folder: of the page.
        excerpt_seconds: of excerpts; None links the recordings instead.
        log: is told which recordings cannot be read.
    """
    tracks: list[dict[str, Any]] = []
    for row in rows:
        recording, duration = audio_dir / row["path"], float(row["duration"])
        try:
            if excerpt_seconds is None:
                if not recording.is_file():
                    raise InputError(f"{recording}: does not exist; restore it, or scan again")
                clip = link(recording, duration, folder)
            else:
                clip = write_excerpt(recording, duration, excerpt_seconds, folder, row["track_id"])
        except InputError as error:
            if error.__cause__ is not None:  # of writing, such as a full disk: that stops the job
                raise
            log.warning("%s", error)
            clip = no_sound()
        tracks.append({**row, "clip": clip})
    return tracks, _notes(tracks, excerpt_seconds)


def _notes(tracks: Sequence[Mapping[str, Any]], excerpt_seconds: float | None) -> list[str]:
    """Return notes for the reader about the page's sound."""
    notes = []
    silent = sum(track["clip"]["source"] is None for track in tracks)
    if silent:
        notes.append(f"Recordings that could not be read and have no sound: {silent}.")
    unplayable = [track["path"] for track in tracks if not is_playable(track["path"])]
    if unplayable and excerpt_seconds is None:
        kinds = ", ".join(sorted({extension(path) or "no ending" for path in unplayable}))
        notes.append(
            f"Recordings in formats that browsers may not play: {len(unplayable)} ({kinds}); "
            "with listening.audio: excerpts they are copied as mp3."
        )
    return notes
