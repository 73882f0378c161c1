"""Albums of several discs: how folders and tags call a disc, and what they are without it."""

import re

_NUMBER = r"(?:\d{1,2}|one|two|three|four|five|six)"
_DISC = rf"(?:bonus[\s._-]*)?(?:cd|dis[ck])[\s._#-]*{_NUMBER}(?:\s*(?:of|/)\s*{_NUMBER})?"
# `CD1`, `Disc 2`, `disk_03`, `CD 1 - The Early Years`, `Album (Disc 2)`, `Bonus CD`; not `CD16x`.
_FOLDER = re.compile(
    rf"(?:.*[\s(\[_,-])?(?:{_DISC}|bonus[\s._-]*(?:cd|dis[ck]))(?![a-z0-9]).*",
    re.IGNORECASE | re.DOTALL,
)
_ENDING = re.compile(rf"[\s,;:–(\[_-]+{_DISC}[\s)\]]*", re.IGNORECASE)


def is_disc(folder: str) -> bool:
    """Return whether a folder in an album's folder is one of its discs, by its name."""
    return bool(_FOLDER.fullmatch(folder))


def without_disc(album: str) -> str:
    """Return an album's name without the disc that ends it; unchanged if nothing else is left."""
    for match in _ENDING.finditer(album):
        if match.end() == len(album) and match.start():
            return album[: match.start()]
    return album
