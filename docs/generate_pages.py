"""Write the pages of the site that are generated, into docs/reference/, which is not committed.

docs/conf.py calls this: the configuration's keys come from config.yaml and the schema, the library
from its docstrings, and CONTRIBUTING.md and CHANGELOG.md are copied.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from artistid.plan.config import read_schema

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "workflow_scripts" / "artistid"
# Files of the repository that have a page in the site.
PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "config.yaml": "configuration.md",
}


def modules_by_room() -> dict[str, list[str]]:
    """Return the public modules of each package of the library."""
    rooms: dict[str, list[str]] = {}
    for path in sorted(LIBRARY.rglob("*.py")):
        package = ".".join(("artistid", *path.parent.relative_to(LIBRARY).parts))
        rooms.setdefault(package, [])
        if not path.stem.startswith("_"):
            rooms[package].append(f"{package}.{path.stem}")
    return rooms


def library_page(room: str, modules: list[str]) -> str:
    """Return the page of a room in reStructuredText, the language of docstrings in Sphinx."""
    parts = [f"{room}\n{'=' * len(room)}\n", f".. automodule:: {room}\n"]
    for module in modules:
        name = module.rpartition(".")[2]
        parts.append(f"{name}\n{'-' * len(name)}\n")
        parts.append(f".. automodule:: {module}\n   :members:\n")
    return "\n".join(parts)


def keys_with_comments(text: str) -> Iterator[tuple[tuple[str, ...], str, yaml.Node]]:
    """Yield each key of a YAML file by its path, with the comment above it and its value."""
    lines = text.splitlines()

    def below(node: yaml.MappingNode, path: tuple[str, ...]) -> Iterator[Any]:
        for key, value in node.value:
            first = last = key.start_mark.line
            while first and lines[first - 1].lstrip().startswith("#"):
                first -= 1
            comment = "\n".join(line.lstrip().removeprefix("#") for line in lines[first:last])
            here = (*path, key.value)
            yield here, comment, value
            if isinstance(value, yaml.MappingNode) and not value.flow_style:
                yield from below(value, here)

    yield from below(yaml.compose(text, yaml.SafeLoader), ())


def as_markdown(comment: str) -> str:
    """Return a comment as Markdown: an indented example is code, and pages are links."""
    lines = []
    for line in comment.splitlines():
        if line.startswith("   "):
            lines.append(f"    {line}")
        else:
            escaped = re.sub(r"([<*])", r"\\\1", line.removeprefix(" "))
            lines.append(re.sub(r"docs/(\w+\.md)", r"[\1](../\1)", escaped))
    return "\n".join(lines)


def described(schema: dict[str, Any], path: tuple[str, ...]) -> str:
    """Return what the schema says of a key's value."""
    found = schema
    for name in (*path, None):
        if "$ref" in found:
            found = schema["$defs"][found["$ref"].rpartition("/")[2]] | found
        if name is not None:
            found = found.get("properties", {}).get(name) or found["additionalProperties"]
    return found["description"]


def configuration_page() -> str:
    """Return the page of the configuration: every key with its default and what it may be."""
    text = (ROOT / "config.yaml").read_text(encoding="utf-8")
    schema = read_schema(ROOT / "schemas")
    schema["$defs"]["models"]["properties"] |= schema["$defs"]["architectures"]
    head = re.match(r"(?:#.*\n)+", text)[0]
    intro = "\n".join(line.removeprefix("#") for line in head.splitlines())
    parts = [
        "# Configuration",
        as_markdown(intro),
        "This page is generated from [config.yaml](../../config.yaml) and its schema.",
    ]
    for path, comment, value in keys_with_comments(text):
        name = ".".join(path)
        is_block = isinstance(value, yaml.MappingNode) and not value.flow_style
        parts.append(f"{'##' if len(path) == 1 else '###'} `{name}`")
        parts.append(as_markdown(comment))
        if not is_block:
            default = yaml.safe_load(yaml.serialize(value))
            shown = yaml.safe_dump(default, default_flow_style=True, width=1000, sort_keys=False)
            shown = shown.removesuffix("\n").removesuffix("\n...")
            parts.append(f"Default: `{shown}`. Allowed: {as_markdown(described(schema, path))}.")
    return "\n\n".join(part for part in parts if part) + "\n"


def main(folder: Path) -> None:
    """Write all pages into a folder, and remove what else is in it."""
    pages = {PAGES["config.yaml"]: configuration_page()}
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        pages[PAGES[name]] = text.replace("](docs/", "](../")
    for room, modules in modules_by_room().items():
        pages[f"library/{room}.rst"] = library_page(room, modules)
    (folder / "library").mkdir(parents=True, exist_ok=True)
    for path in folder.rglob("*.*"):
        if path.relative_to(folder).as_posix() not in pages:
            path.unlink()  # of a module that has gone
    for name, text in pages.items():
        path = folder / name
        # An unchanged page is not read again.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
