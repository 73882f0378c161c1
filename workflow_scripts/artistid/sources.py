"""Which of our source files a script depends on.

Snakemake knows a rule's script but not what the script imports. A rule lists these files as
inputs, so that an edit reruns exactly the rules whose code it touches.
"""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent  # workflow_scripts/


def source_files(*scripts: str) -> list[str]:
    """Return the scripts and all our modules that they import, directly or not, sorted.

    Args:
        scripts: paths below ``workflow_scripts/``.

    Raises:
        FileNotFoundError: a script does not exist.
    """
    found: set[Path] = set()
    pending = [ROOT / script for script in scripts]
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += _imports(path)
    return sorted(str(path) for path in found)


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    modules = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
            modules.update(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(file for module in modules for file in _files_of(module))


def _files_of(module: str) -> list[Path]:
    """Return the file of one of our modules and its packages' ``__init__``; else nothing."""
    parts = module.split(".")
    stem = ROOT.joinpath(*parts)
    file = next((f for f in (stem.with_suffix(".py"), stem / "__init__.py") if f.is_file()), None)
    if file is None:
        return []
    packages = (ROOT.joinpath(*parts[:depth], "__init__.py") for depth in range(1, len(parts)))
    return [*packages, file]
