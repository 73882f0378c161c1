"""Write the listening page: one HTML file that opens from the disk and asks nobody for anything.

Names of artists, albums and files are data: they are in JSON without ``<``, ``>`` or
``&``, and the page's program only ever sets them as text. The page's policy allows this program and
this style alone, by their digests, and sound from the page's own place.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from artistid.storage.files import write_text

_HERE = Path(__file__).parent
PAGE_FILES = tuple(_HERE / name for name in ("page.html", "page.css", "page.js"))
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def embedded(value: Any) -> str:
    """Return JSON that no HTML element can end: ASCII, without ``<``, ``>`` and ``&``."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return re.sub("[<>&]", lambda found: _ESCAPES[found[0]], text)


def _data(name: str, value: Any) -> str:
    return f'<script type="application/json" id="{name}">{embedded(value)}</script>'


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def write_page(path: Path, page: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> int:
    """Write the page and return its size in bytes.

    Args:
        path: of the HTML file.
        page: what it shows at once (`artistid.listening.answers.page_data`).
        runs: what it shows of each run.
    """
    template, style, program = (file.read_text(encoding="utf-8") for file in PAGE_FILES)
    data = [_data("page", page), *(_data(f"run-{k}", run) for k, run in enumerate(runs))]
    parts = {
        "title": html.escape(page["title"].encode("ascii", "xmlcharrefreplace").decode("ascii")),
        "script_digest": _digest(program),
        "style_digest": _digest(style),
        "style": style,
        "data": "\n".join(data),
        "program": program,
    }
    # In one pass, so that filled-in text is never mistaken for a placeholder.
    write_text(path, _PLACEHOLDER.sub(lambda found: parts[found[1]], template))
    return path.stat().st_size
