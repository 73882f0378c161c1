"""Tables as files: CSV for machines, Markdown and HTML for people."""

import csv
import html
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistid.storage.files import write_text

if TYPE_CHECKING:
    import pandas as pd

# What GitHub's Markdown takes for more than itself in a cell: an escape, code, emphasis, the end of
# the cell, the middle of a link, `_` at a word's edge, and what turns an address into a link, in
# which escapes would show.
_MARKUP = re.compile(
    r"[\\`*~|]|\](?=\()|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.", re.IGNORECASE
)
_TAG_OR_ENTITY = re.compile(r"<|&(?=#?\w+;)")
_STYLE = """
body { font-family: sans-serif; font-size: 14px; margin: 1.5em; color: #222; }
table { border-collapse: collapse; }
th { border-bottom: 2px solid #444; text-align: left; padding: 4px 10px; vertical-align: bottom; }
td { border-bottom: 1px solid #ddd; padding: 4px 10px; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
p { max-width: 60em; line-height: 1.4; }
"""


def write_csv(table: "pd.DataFrame", path: str | Path) -> None:
    """Write a table for machines."""
    write_text(path, table.to_csv(index=False, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC))


def write_markdown(table: "pd.DataFrame", path: str | Path, title: str, caption: str) -> None:
    """Write a table for people: a title, the table, and what its numbers mean."""
    write_text(path, f"## {title}\n\n{markdown(table)}\n{caption}\n")


def write_html(table: "pd.DataFrame", path: str | Path, title: str, caption: str) -> None:
    """Write a table as a separate, self-contained page."""
    left = _left_columns(table)
    head = "".join(f"<th{_align(is_left)}>{_text(c)}</th>" for c, is_left in left.items())
    body = "".join(
        "<tr>"
        + "".join(
            f"<td{_align(is_left)}>{_text(_shown(value))}</td>"
            for value, is_left in zip(row, left.values(), strict=True)
        )
        + "</tr>\n"
        for row in table.itertuples(index=False)
    )
    write_text(
        path,
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head>\n<body><h1>{_text(title)}</h1>\n"
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n"
        f"<p>{_text(caption)}</p></body></html>\n",
    )


def markdown(table: "pd.DataFrame") -> str:
    """Return a table in Markdown; text to the left, everything else to the right."""
    left = _left_columns(table)
    rules = [":---" if is_left else "---:" for is_left in left.values()]
    rows = [[_cell(value) for value in row] for row in table.itertuples(index=False)]
    return "".join(f"| {' | '.join(row)} |\n" for row in [[_cell(c) for c in left], rules, *rows])


def _left_columns(table: "pd.DataFrame") -> dict[str, bool]:
    return {str(column): table[column].map(_is_word).all() for column in table.columns}


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value[:1] not in "0123456789+-–"


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:g}"
    return str(value)


def _cell(value: Any) -> str:
    """Return text that a Markdown table shows as it was written, with blanks for line breaks."""
    text = _MARKUP.sub(r"\\\g<0>", " ".join(_shown(value).splitlines()))
    return _TAG_OR_ENTITY.sub(lambda found: html.escape(found[0]), text)


def _align(is_left: bool) -> str:
    return "" if is_left else ' class="number"'


def _text(text: str) -> str:
    return html.escape(text, quote=True)
