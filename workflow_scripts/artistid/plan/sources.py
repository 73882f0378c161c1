"""Which of our source files a script depends on.

Snakemake knows a rule's script but not what the script imports. What these files compute decides
whether a rule runs again (`artistid.plan.computation`).
"""

import ast
from functools import cache
from pathlib import Path

from artistid.errors import InputError

ROOT = Path(__file__).resolve().parents[2]  # workflow_scripts/


def source_files(*scripts: str) -> list[str]:
    """Return the scripts and all our modules that they import, directly or not, sorted.

    Args:
        scripts: paths below ``workflow_scripts/``.

    Raises:
        FileNotFoundError: a script does not exist.
        InputError: a file is not valid Python.
    """
    found: set[Path] = set()
    pending = [ROOT / script for script in scripts]
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += [*_imports(path), *_packages(path)]
    return sorted(str(path) for path in found)


def parsed(content: bytes, path: Path) -> ast.Module:
    """Return the syntax tree of a file's content.

    Raises:
        InputError: the file, which `path` names, is not valid Python.
    """
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{path}: is not valid Python ({error}); correct it") from None


@cache
def _imports(path: Path) -> tuple[Path, ...]:
    modules: set[str] = set()
    for node in ast.walk(parsed(path.read_bytes(), path)):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
            modules.update(f"{node.module}.{alias.name}" for alias in node.names)
    return tuple(file for module in modules if (file := _file_of(module)))


def _file_of(module: str) -> Path | None:
    """Return the file of one of our modules; None if it is not ours."""
    stem = ROOT.joinpath(*module.split("."))
    return next((f for f in (stem.with_suffix(".py"), stem / "__init__.py") if f.is_file()), None)


def _packages(path: Path) -> list[Path]:
    """Return the ``__init__`` of each package that contains a file: importing it runs them."""
    folders = path.relative_to(ROOT).parents
    return [file for folder in folders if (file := ROOT / folder / "__init__.py").is_file()]
