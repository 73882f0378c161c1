"""Strays, files of a corpus' results that nothing needs: find, describe and remove them."""

import math
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from artistid.errors import InputError

UNITS = ("kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Stray:
    """A file that nothing needs.

    Attributes:
        path: the file, or a link, which is never followed.
        n_bytes: its size; of a link, its own.
    """

    path: Path
    n_bytes: int


@dataclass(frozen=True)
class Survey:
    """What is below a folder.

    Attributes:
        strays: files that nothing needs, sorted by path.
        whole: the topmost folders that hold strays and nothing that is kept, sorted.
        n_kept: existing files that are needed, without those in folders that are kept.
    """

    strays: Sequence[Stray]
    whole: Sequence[Path]
    n_kept: int


def survey(root: Path, wanted: Iterable[str], kept: Iterable[str]) -> Survey:
    """Look for strays below a folder.

    No link is followed: what it leads to is not looked at, and the link itself is kept if anything
    that is needed is behind it.

    Args:
        root: the folder.
        wanted: needed files, as paths from where `root` starts.
        kept: folders that nothing is looked for in.
    """
    files = {Path(os.path.normpath(path)) for path in wanted}
    folders = {Path(os.path.normpath(path)) for path in kept}
    above = {parent for path in files | folders for parent in path.parents}
    strays, kept_files = [], []
    for entry in _files_below(root, folders):
        path = Path(entry.path)
        # A link may be above a needed file; a file cannot.
        if path in files or path in folders or path in above:
            kept_files.append(path)
        else:
            strays.append(Stray(path, entry.stat(follow_symlinks=False).st_size))
    holding = {parent for path in (*kept_files, *folders) for parent in path.parents}
    whole = {
        parents[-1]
        for stray in strays
        if (parents := [folder for folder in _below(stray.path, root) if folder not in holding])
    }
    return Survey(sorted(strays, key=lambda stray: stray.path), sorted(whole), len(kept_files))


def _files_below(folder: Path, but: Collection[Path]) -> Iterator[os.DirEntry[str]]:
    """Yield everything except folders, including links, outside some folders."""
    for entry in os.scandir(folder):
        if not entry.is_dir(follow_symlinks=False):
            yield entry
        elif Path(entry.path) not in but:
            yield from _files_below(Path(entry.path), but)


def _below(path: Path, root: Path) -> Iterator[Path]:
    """Yield the folders that a path is in, from its own up to the topmost below `root`."""
    for parent in path.parents:
        if parent == root:
            return
        yield parent


def recordings_below(root: Path, audio_dir: Path) -> list[Path]:
    """Return the folder of the recordings as a path below `root`, if it is there.

    Raises:
        InputError: `root` is among the recordings.
    """
    audio, results = audio_dir.resolve(), root.resolve()
    if results.is_relative_to(audio):
        raise InputError(
            f"{root}: is inside corpus.audio_dir ({audio_dir}), and nothing is removed among "
            "recordings; remove results by hand"
        )
    return [root / audio.relative_to(results)] if audio.is_relative_to(results) else []


def describe(root: Path, found: Survey) -> str:
    """Return the strays for people: a line for each folder of nothing else, and for each file."""
    if not found.strays:
        return f"{root}: nothing to remove\n"
    lines = [f"{root}: {_amount(found.strays)} that no configuration needs"]
    whole = set(found.whole)
    below: dict[Path, list[Stray]] = defaultdict(list)
    for stray in found.strays:
        folder = next((parent for parent in stray.path.parents if parent in whole), None)
        below[folder or stray.path].append(stray)
    for path, strays in sorted(below.items()):
        shown = path.relative_to(root).as_posix()
        amount = _amount(strays) if path in whole else _size(strays[0].n_bytes)
        lines.append(f"  {_printable(shown)}{'/' if path in whole else ''}: {amount}")
    return "\n".join(lines) + "\n"


def _amount(strays: Sequence[Stray]) -> str:
    size = _size(sum(stray.n_bytes for stray in strays))
    return f"{len(strays)} file{'' if len(strays) == 1 else 's'}, {size}"


def _size(n_bytes: int) -> str:
    if n_bytes < 1000:
        return f"{n_bytes} B"
    power = min(len(UNITS), int(math.log10(n_bytes)) // 3)
    return f"{n_bytes / 1000**power:.1f} {UNITS[power - 1]}"


def _printable(name: str) -> str:
    """Return a name, quoted if a line cannot show it as it is."""
    return name if name.isprintable() else repr(name)


def remove(root: Path, strays: Iterable[Stray]) -> None:
    """Remove files, and the folders below `root` that this leaves empty.

    Raises:
        ValueError: a file is not below `root`; nothing is removed then.
        OSError: a file cannot be removed.
    """
    paths = [stray.path for stray in strays]
    if outside := [path for path in paths if ".." in path.parts or root not in path.parents]:
        raise ValueError(f"{outside[0]}: is not below {root}")
    for path in paths:
        path.unlink(missing_ok=True)
    folders = {parent for path in paths for parent in _below(path, root)}
    for folder in sorted(folders, key=lambda folder: -len(folder.parts)):
        with suppress(OSError):  # it holds something else
            folder.rmdir()
