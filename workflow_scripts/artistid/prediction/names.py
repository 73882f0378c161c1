"""Names of files and artists on a terminal, which may hold anything."""

import unicodedata


def shown(text: str) -> str:
    """Return a name on one line, its control characters as escapes, the rest as it is."""
    return "".join(
        letter if unicodedata.category(letter) != "Cc" else letter.encode("unicode_escape").decode()
        for letter in text
    )
