"""Tables in Markdown: every name appears as it was written.

The reader below is a small part of GitHub's Markdown, and refuses what would be markup.
"""

import html
import re
import string

import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from artistid.tables.rendering import markdown, write_markdown

PUNCTUATION = re.escape(string.punctuation)
# An escape, an entity, a plain character.
TOKEN = re.compile(rf"\\([{PUNCTUATION}])|(&#?\w+;)|(.)", re.DOTALL)
MARKUP = re.compile(r"[<`*~|]|\]\(|://|www\.|(?<![^\W_])_|_(?![^\W_])", re.IGNORECASE)
ODD = st.text(st.sampled_from("\\`*_~|[]()<>&;#!amp1é \n\r:/.w-\u2028"))


def shown(cell: str) -> str:
    """What GitHub shows of a cell; fails where it would show something else than text."""
    plain = TOKEN.sub(lambda token: token[3] or "\0", cell)  # what is not escaped
    assert not MARKUP.search(plain), cell
    return TOKEN.sub(lambda token: token[1] or token[3] or html.unescape(token[2]), cell)


def cells(row: str) -> list[str]:
    """Split a row at the bars that are not escaped."""
    parts = re.findall(r"(?:\\.|[^|\\])+", row.strip().strip("|"))
    return [part.strip() for part in parts]


@given((ODD | st.text(st.characters(exclude_characters="\0"))).filter(str.strip))
@example("a|b\n<script>")
@example("a|b\r\n<script>")
@example("a\rb")
@example("back\\|slash\\")
@example("&lt; &amp;amp; &#124;")
@example("<!-- end -->")
@example("**bold** _thin_ __init__ ~~gone~~ `code`")
@example("[text](https://x.y/_a_)")
@example("www.x.y/_a_")
def test_a_name_is_a_cell_and_shows_as_written(name):
    table = pd.DataFrame({"Artist": [name, "b"], "F1": [0.5, 0.25]})
    lines = re.split(r"\r\n|\r|\n", markdown(table).removesuffix("\n"))
    assert len(lines) == 4
    first, second = cells(lines[2])
    assert shown(first).split() == name.split()
    assert second == "0.5"
    assert lines[3] == "| b | 0.25 |"


@pytest.mark.parametrize(
    "name",
    [
        "resnet50_rnn",
        "svm_song_mahalanobis",
        "Simon & Garfunkel",
        "Ünï 日本語",
        "0.906 ± 0.027 (0.862 to 0.949 †)",
        "AC/DC [Live] #1 - 2.0 (50 %)",
    ],
)
def test_names_that_need_no_escape_read_as_they_are(name):
    assert f"\n| {name} |\n" in markdown(pd.DataFrame({"Model": [name]}))


def test_escapes_are_in_the_head_and_in_the_file_too(tmp_path):
    table = pd.DataFrame({"a|b\n<script>": ["x\r\ny"]})
    write_markdown(table, tmp_path / "t.md", "Title", "Caption")
    assert (tmp_path / "t.md").read_bytes() == (
        b"## Title\n\n| a\\|b &lt;script> |\n| :--- |\n| x y |\n\nCaption\n"
    )
