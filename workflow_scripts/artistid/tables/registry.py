"""The tables, one module each, in the order in which they are shown.

A table is a module with a TITLE, a CAPTION, and three functions: `applies` says whether a
configuration has something to say in it, `build` makes it for machines, `show` turns that into
what people read. A module may also have a `note`, the text before the caption.
"""

from collections.abc import Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

TABLES = (
    "f1_by_model",
    "f1_of_songs",
    "f1_by_slice",
    "f1_by_artist",
    "album_effect",
    "album_confusions",
    "paired_tests",
    "unknown_artists",
    "calibration",
    "published",
    "training_time",
)


def load_table(name: str) -> ModuleType:
    """Return the module of a table."""
    return import_module(f"artistid.tables.{name}")


def applicable_tables(config: Mapping[str, Any]) -> list[str]:
    """Return the names of the tables that an experiment has something to say in."""
    return [name for name in TABLES if load_table(name).applies(config)]
