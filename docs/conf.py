"""Settings of the documentation site, which `make docs` builds with Sphinx.

The pages are Markdown and read well on GitHub, too. generate_pages.py adds what is generated. Every
reference is checked: links and anchors between pages, files of the repository, names of the
library.
"""

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))

import generate_pages  # noqa: E402

from artistid import __version__  # noqa: E402

generate_pages.main(DOCS / "reference")

project = "Music artist classification"
author = "The maintainers of the artist classification workflow"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinxcontrib.mermaid",
]
root_doc = "index"
nitpicky = True
# Nothing is fetched, so that names of other packages lead nowhere; private ones have no page.
nitpick_ignore_regex = [("py:.*", r"(?!artistid\.).*|.*\._\w+")]

# Headings get the anchors that GitHub gives them.
myst_heading_anchors = 6
# Diagrams that GitHub draws. Here the reader's browser fetches what draws them, and without a
# network shows their text.
myst_fence_as_directive = ["mermaid"]

default_role = "code"  # docstrings have code in single backticks
napoleon_numpy_docstring = False
napoleon_use_ivar = True
autodoc_member_order = "bysource"
autodoc_use_type_comments = False
# What takes seconds to import, and is not needed to read docstrings.
autodoc_mock_imports = ["torch", "librosa", "sklearn", "scipy", "matplotlib", "pandas", "onnx"]

html_theme = "furo"
html_title = project
html_copy_source = False
html_show_copyright = False


def link_pages(app: object, name: str, source: list[str]) -> None:
    """Let a link to a file of the repository lead to its page in the site."""
    for file, page in generate_pages.PAGES.items():
        source[0] = source[0].replace(f"](../{file}", f"](reference/{page}")


def setup(app: object) -> None:
    """Connect what Sphinx calls."""
    app.connect("source-read", link_pages)
