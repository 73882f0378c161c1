"""What a stage computes with: a version if its sources match the lock, otherwise their digest.

An edit that only rewords a source must not cost a training. So a rule does not depend on the files
of its script but on one parameter, `code_of` its stage. The digest leaves out what computes
nothing, such as comments, and ``computation.lock`` gives sources that compute the same one version.
"""

import ast
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from artistid.errors import InputError
from artistid.models.registry import FRAME_SYSTEMS, KINDS, NETWORKS, SONG_SYSTEMS, available
from artistid.plan.sources import ROOT, parsed, source_files
from artistid.storage.files import write_text
from artistid.training import augmentation

LOCK = ROOT.parent / "computation.lock"
# A training is a stage for each model of its kind.
TRAININGS = {
    "train_network.py": NETWORKS,
    "train_frame_system.py": FRAME_SYSTEMS,
    "train_song_system.py": SONG_SYSTEMS,
}
# Commands that are run by hand, by no rule.
BY_HAND = ("prune.py",)
# Scripts that load modules by name, which no import statement shows, and the folder of these.
LOADED_BY_NAME = {"make_tables.py": "artistid/tables"}
# What models cost is for planning: jobs load it, and compute nothing with it.
COSTS = "artistid.models.costs"
_HEADER = """\
# The version of what each stage computes, and the digest of the sources that compute it: see
# "How it works" in docs/reruns.md. Written by `make same-computation`; not to be edited by hand.
"""
_LINE = re.compile(r'([\w/]+): \{version: ([1-9]\d*), digest: "([0-9a-f]{16})"\}')


@dataclass(frozen=True)
class Locked:
    """What the lock says of a stage.

    Attributes:
        version: of its results; a higher one recomputes them.
        digest: of the sources that compute them.
    """

    version: int
    digest: str


def stages() -> dict[str, tuple[str, ...]]:
    """Return each stage with its script and its model's file, paths below ``workflow_scripts/``.

    Each augmentation is also a stage.
    """
    found: dict[str, tuple[str, ...]] = {}
    for script in sorted({path.name for path in ROOT.glob("*.py")} - set(BY_HAND)):
        of_script: list[tuple[str, ...]] = [(script,)]
        if kind := TRAININGS.get(script):
            of_script = [(script, f"artistid/models/{kind}/{name}.py") for name in available(kind)]
        found |= {stage_of(*parts): parts for parts in of_script}
    # An augmentation's version is a parameter only of the trainings that use it.
    return found | {name: (augmentation.file_of(name),) for name in augmentation.available()}


def stage_of(script: str, *more_files: str) -> str:
    """Return the name of a stage: its script's, and its model's after a slash."""
    return "/".join(Path(part).stem for part in (script, *more_files))


def files_of(script: str, *more_files: str) -> list[str]:
    """Return the files that a stage computes with, sorted.

    Args:
        script: path below ``workflow_scripts/``.
        more_files: what the script loads by name, such as the file of a model.

    Raises:
        FileNotFoundError: a file does not exist.
        InputError: a file is not valid Python.
    """
    folder = LOADED_BY_NAME.get(script)
    by_name = [_name(path, ROOT) for path in (ROOT / folder).glob("*.py")] if folder else []
    costs = str(ROOT.joinpath(*COSTS.split(".")).with_suffix(".py"))
    return [path for path in source_files(script, *more_files, *by_name) if path != costs]


def code_of(script: str, *more_files: str, lock: Path = LOCK) -> dict[str, int | str]:
    """Return the parameter that reruns a stage's jobs if what they compute changed.

    Args:
        script: path below ``workflow_scripts/``.
        more_files: what the script loads by name, such as the file of a model.
        lock: the file of versions.

    Returns:
        The stage with its version if its sources are those of the lock; with their digest if they
        are others, or if the lock does not know the stage, such as somebody's own network.

    Raises:
        InputError: the lock is missing or damaged, or a source is not valid Python.
    """
    stage, digest = stage_of(script, *more_files), digest_of(files_of(script, *more_files))
    locked = read_lock(lock).get(stage)
    return {stage: locked.version if locked and locked.digest == digest else digest}


def digests() -> dict[str, str]:
    """Return the digest of every stage's current sources."""
    return {stage: digest_of(files_of(*parts)) for stage, parts in stages().items()}


def digest_of(files: Iterable[str | Path], root: Path = ROOT) -> str:
    """Return a digest of what Python files compute, 16 hexadecimal digits of a SHA-256.

    Comments, docstrings, quotes and formatting do not count, nor does the order of the files; their
    paths do, because a module is imported by its path.

    Args:
        files: Python files.
        root: what their paths are relative to.

    Raises:
        InputError: a file is not valid Python.
    """
    digest = hashlib.sha256()
    for name, path in sorted((_name(Path(file), root), Path(file)) for file in files):
        digest.update(f"{name}\0{_statements(path.read_bytes(), path, name)}\0".encode())
    return digest.hexdigest()[:16]


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


@cache
def _statements(content: bytes, path: Path, name: str) -> str:
    """Return what of a file's content computes something; most stages share most files."""
    tree = parsed(content, path)
    if any(name.startswith(f"artistid/models/{kind}/") for kind in KINDS):
        tree.body = [node for node in tree.body if not _is_for_planning(node)]
    return ast.unparse(_Bare().visit(tree))


def _is_for_planning(node: ast.stmt) -> bool:
    """Return whether a statement of a model's file says what the model costs."""
    if isinstance(node, ast.Assign):
        return [ast.unparse(target) for target in node.targets] == ["COST"]
    return isinstance(node, ast.ImportFrom) and node.module == COSTS


class _Bare(ast.NodeTransformer):
    """Takes from a syntax tree what says nothing about the computation."""

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Remove a docstring; Python knows one by its place."""
        documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
        return super().generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        """Forget that a text was written with a u."""
        node.kind = None
        return node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Write an f-string as a call: the quotes that unparse takes depend on Python's version."""
        return self.generic_visit(ast.Call(ast.Name("f-string"), node.values, []))

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.AST:
        """Write a value in an f-string, how it is converted, and its format."""
        parts = [node.value, ast.Constant(node.conversion), node.format_spec or ast.Constant(None)]
        return self.generic_visit(ast.Call(ast.Name("value"), parts, []))


def read_lock(path: Path = LOCK) -> dict[str, Locked]:
    """Return what the lock says of each stage.

    Raises:
        InputError: it is missing, cannot be read or is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); restore it (git checkout {path.name})"
        ) from None
    return parse_lock(text, str(path))


def parse_lock(text: str, name: str) -> dict[str, Locked]:
    """Return what the text of a lock says of each stage.

    Args:
        text: lines of YAML, a stage each.
        name: of the file, for messages.

    Raises:
        InputError: a line is none of a lock's, or a stage appears twice.
    """
    found: dict[str, Locked] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.rstrip())
        if match is None or match[1] in found:
            wrong = "is not a line of a lock" if match is None else f"{match[1]} appears twice"
            raise InputError(
                f"{name}: line {number}: {wrong}; restore the file (git checkout), or after a "
                "merge keep each stage's line with the higher version"
            )
        found[match[1]] = Locked(int(match[2]), match[3])
    return found


def write_lock(locked: Mapping[str, Locked], path: Path = LOCK) -> None:
    """Write a lock, sorted, a line for each stage, so that differences and merges are readable.

    Raises:
        InputError: the file cannot be written.
    """
    lines = [
        f'{stage}: {{version: {entry.version}, digest: "{entry.digest}"}}\n'
        for stage, entry in sorted(locked.items())
    ]
    write_text(path, _HEADER + "".join(lines))
