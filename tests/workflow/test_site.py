"""The documentation site builds without a warning, and links lead somewhere, on GitHub too."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, copy_workflow, python
from generate_pages import modules_by_room
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin

# What the pages link to, beside what the workflow consists of.
LINKED = ("docs", "CONTRIBUTING.md", "CHANGELOG.md")
NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
BROKEN = """# A page

[page](nowhere.md), [anchor](splits.md#nowhere), [file](../nowhere.yaml),
{py:func}`artistid.nowhere`
"""


def build(workdir: Path) -> subprocess.CompletedProcess:
    """Build the site as `make docs` does."""
    [command] = re.findall(r"^\tsphinx-build (.+) docs ", (ROOT / "Makefile").read_text(), re.M)
    return python(workdir, "-m", "sphinx", *command.split(), "docs", "site", **NO_NETWORK)


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> Path:
    """A copy of the workflow with its site."""
    workdir = copy_workflow(tmp_path_factory.mktemp("site") / "clone")
    for name in LINKED:
        source = ROOT / name
        ignored = shutil.ignore_patterns("reference", "__pycache__")
        if source.is_dir():
            shutil.copytree(source, workdir / name, ignore=ignored)
        else:
            shutil.copy2(source, workdir / name)
    done = build(workdir)
    assert done.returncode == 0, done.stderr
    return workdir


def test_every_public_function_is_in_the_library(workdir):
    pages = workdir / "site/reference/library"
    for room, modules in modules_by_room().items():
        html = (pages / f"{room}.html").read_text(encoding="utf-8")
        for module in modules:
            source = (ROOT / "workflow_scripts" / module.replace(".", "/")).with_suffix(".py")
            public = re.findall(r"^(?:def|class) ([A-Za-z]\w*)", source.read_text("utf-8"), re.M)
            missing = [name for name in public if f'id="{module}.{name}"' not in html]
            assert missing == [], module


def test_every_key_of_the_configuration_has_its_place(workdir):
    html = (workdir / "site/reference/configuration.html").read_text(encoding="utf-8")
    shown = re.findall(r'<h[23]><code.*?<span class="pre">(.+?)</span></code>', html)
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    config = yaml.safe_load(text)
    leaves = list(leaves_of(config))
    # What is written on one line, such as the shares of a split, is shown as one.
    on_a_line = re.findall(r"^ *(\w+): \{\w", text, re.MULTILINE)
    missing = {key for key in leaves if key not in shown}
    assert {key for key in missing if key.split(".")[-2] not in on_a_line} == set()
    assert {key.rpartition(".")[0] for key in missing} <= set(shown)
    assert all(any(f"{key}.".startswith(f"{name}.") for key in leaves) for name in shown)
    [comment] = re.findall(r"^  # (.+)\n  epochs: 300$", text, re.MULTILINE)
    epochs = html[html.index('id="training-epochs"') :]
    shown = re.sub("<.+?>", "", epochs[: epochs.index("</section>")])
    assert f"\n{comment}\nDefault: 300. Allowed: A whole number, 1 or more.\n" in shown


def leaves_of(config: dict, path: str = "") -> Iterator[str]:
    """Yield the dotted name of every key that holds no keys."""
    for key, value in config.items():
        if isinstance(value, dict) and value:
            yield from leaves_of(value, f"{path}{key}.")
        else:
            yield f"{path}{key}"


def test_reference_that_leads_nowhere_is_an_error(workdir):
    page = workdir / "docs/broken.md"
    page.write_text(BROKEN)
    done = build(workdir)
    page.unlink()
    assert done.returncode != 0
    for name in ("'nowhere.md'", "'nowhere'", "nowhere.yaml", "artistid.nowhere"):
        assert re.search(rf"broken\.md.*{re.escape(name)}", done.stderr), done.stderr


def pages_of_the_repository() -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return listed.stdout.split()


@cache
def parsed(path: Path) -> tuple[list[str], set[str]]:
    """Return the links of a page, and the anchors that GitHub gives its headings."""
    tokens = MarkdownIt().enable("table").use(anchors_plugin, max_level=6).parse(path.read_text())
    inline = [child for token in tokens for child in token.children or []]
    links = [str(token.attrs["href"]) for token in inline if token.type == "link_open"]
    return links, {str(token.attrs["id"]) for token in tokens if "id" in token.attrs}


@pytest.mark.parametrize("name", pages_of_the_repository())
def test_links_lead_somewhere_on_github(name):
    page = ROOT / name
    for link in parsed(page)[0]:
        target, _, anchor = link.partition("#")
        if re.match(r"https?:", target):
            continue  # the network is not asked
        path = page.parent / target if target else page
        assert path.exists(), link
        if anchor:
            assert anchor in parsed(path.resolve())[1], link
