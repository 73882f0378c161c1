"""What counts as another computation, and what the lock says of ours."""

import re

import pytest
from conftest import ROOT
from same_computation import differing

from artistid.errors import InputError
from artistid.models.registry import KINDS, available
from artistid.plan.computation import (
    BY_HAND,
    LOCK,
    Locked,
    _statements,
    code_of,
    digest_of,
    digests,
    files_of,
    parse_lock,
    read_lock,
    stages,
    write_lock,
)
from artistid.plan.sources import ROOT as SCRIPTS
from artistid.training import augmentation

CRNN = ("train_network.py", "artistid/models/networks/crnn.py")
# A little of everything that Python versions may write in their own ways.
SOURCE = '''\
"""A module."""

from dataclasses import dataclass

SHARE, NAMES = 0.1, {"a": [1, 2], 'b"': (3,)}


@dataclass(frozen=True)
class Settings:
    """Settings."""

    width: int = 64


class EndError(Exception):
    """Nothing else."""


def mean(values, *, scale=1.0):
    """Return a mean."""
    total = sum(value for value in values if value is not None)  # some are missing
    return f"{scale * total / len(values):>{8}.2f} of {NAMES['a']!r}: \\"it's {{}}\\"", -(2**-1)


async def nothing():
    """Do nothing."""


def choose(value):
    match value:
        case {"kind": "x", **rest} if rest:
            return lambda first, /, *others: (first, *others)
        case [1, *_] | None:
            with open("a") as one, open("b") as two:
                return one, two
    try:
        assert value, "text"
    except (KeyError, ValueError) as error:
        raise EndError from error
'''
DIGEST = "5a8e62081158a9bf"


@pytest.fixture
def digest(tmp_path):
    """The digest of sources by their names, in a separate folder."""

    def write_and_digest(**sources: str) -> str:
        for name, text in sources.items():
            (tmp_path / f"{name}.py").write_text(text)
        return digest_of([tmp_path / f"{name}.py" for name in sources], tmp_path)

    return write_and_digest


def edited(old: str, new: str) -> str:
    assert SOURCE.count(old) == 1
    return SOURCE.replace(old, new)


def test_digest_is_the_same_on_every_version_of_python(digest):
    assert digest(a=SOURCE) == DIGEST, "this Python's ast.unparse writes something in another way"


REWORDED = {
    "a comment": edited("some are missing", "some may be missing"),
    "no comment": edited("  # some are missing", ""),
    "the docstring of the module": edited('"""A module."""', '"""Another."""'),
    "no docstring of the module": edited('"""A module."""\n\n', ""),
    "the docstring of a class": edited('    """Settings."""\n\n', ""),
    "the only docstring of a class": edited('"""Nothing else."""', "pass"),
    "a docstring and a pass": edited('"""Nothing else."""', '"""Nothing."""\n\n    pass'),
    "the docstring of a function": edited('"""Return a mean."""', '"""Mean."""'),
    "the docstring of a coroutine": edited('"""Do nothing."""', "pass"),
    "quotes": edited("'b\"'", '"b\\""'),
    "a text with a u": edited('"kind"', 'u"kind"'),
    "line breaks": edited("sum(value for", "sum(\n        value for"),
    "brackets": edited("return one, two", "return (one, two)"),
    "another way to write a number": edited("0.1", "1e-1"),
    "the end of lines": SOURCE.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("text", REWORDED.values(), ids=REWORDED)
def test_digest_ignores_what_computes_nothing(text, digest):
    assert text != SOURCE
    assert digest(a=text) == digest(a=SOURCE)


COMPUTED = {
    "a constant": edited("SHARE, NAMES = 0.1", "SHARE, NAMES = 0.2"),
    "a default of a field": edited("64", "32"),
    "a default of a function": edited("scale=1.0", "scale=2.0"),
    "a type of a number": edited("scale=1.0", "scale=1"),
    "a decorator": edited("@dataclass(frozen=True)", "@dataclass"),
    "a name": edited("width", "breadth"),
    "a text in an f-string": edited(" of {", " in {"),
    "a format": edited(".2f", ".3f"),
    "a conversion": edited("!r", "!s"),
    "a message": edited('"text"', '"another text"'),
    "an operator": edited("-(2**-1)", "(-2) ** -1"),
    "one more statement": SOURCE + "\nmean = None\n",
    "a text that is no docstring": edited('"""A module."""', '__doc__ = """A module."""'),
}


@pytest.mark.parametrize("text", COMPUTED.values(), ids=COMPUTED)
def test_digest_notices_what_is_computed(text, digest):
    assert digest(a=text) != digest(a=SOURCE)


def test_digest_depends_on_paths_and_not_on_their_order(digest, tmp_path):
    one = digest(a="A = 1", b="B = 2")
    assert digest_of([tmp_path / "b.py", tmp_path / "a.py"], tmp_path) == one
    assert digest(a="A = 1", c="B = 2") != one
    assert digest(a="B = 2", b="A = 1") != one
    assert digest(a="A = 1\nB = 2", b="") != one


def test_digest_notices_an_edit_within_one_process(digest):
    first = digest(a="A = 1")
    assert digest(a="A = 10") != first
    assert digest(a="A = 1") == first


def test_cost_of_a_model_is_for_planning_only(tmp_path):
    path = tmp_path / "artistid/models/networks/mine.py"
    path.parent.mkdir(parents=True)
    found = []
    for text in (
        "WIDTH = 1",
        "from artistid.models.costs import NetworkCost\nCOST = NetworkCost(step_mb=1)\nWIDTH = 1",
        "from artistid.models.costs import NetworkCost\nCOST = NetworkCost(step_mb=22)\nWIDTH = 1",
        "COST = 1\nWIDTH = 12",
    ):
        path.write_text(text)
        found.append(digest_of([path], tmp_path))
    assert found[0] == found[1] == found[2] != found[3]
    assert str(SCRIPTS / "artistid/models/costs.py") not in files_of(*CRNN)
    elsewhere = tmp_path / "a.py"
    elsewhere.write_text("COST = 1")
    before = digest_of([elsewhere], tmp_path)
    elsewhere.write_text("COST = 12")
    assert digest_of([elsewhere], tmp_path) != before


def test_source_that_is_no_python_is_named_in_a_line(digest):
    for text in ("def f(:", "a = '\0'"):
        with pytest.raises(
            InputError, match=r"a\.py: is not valid Python \(.*\); correct it"
        ) as raised:
            digest(a=text)
        assert "\n" not in str(raised.value)


def test_lock_agrees_with_the_sources_of_every_stage():
    now, locked = digests(), read_lock()
    assert locked.keys() == now.keys(), "run: python tests/same_computation.py"
    assert differing(locked, now) == [], (
        "these stages have other sources than computation.lock; if they compute the same, run: "
        "make same-computation; if not: python tests/same_computation.py --changed STAGE..."
    )


def test_every_script_of_the_rules_has_a_stage():
    rules = "\n".join(path.read_text() for path in ROOT.glob("rules/*.smk"))
    scripts = set(re.findall(r'"\.\./workflow_scripts/(\w+)\.py"', rules))
    assert len(scripts) > 15
    on_disk = {path.stem for path in SCRIPTS.glob("*.py") if path.name not in BY_HAND}
    assert scripts <= on_disk
    found = {stage.partition("/")[0] for stage in stages()}
    assert found == on_disk | set(augmentation.available())
    models = {stage.partition("/")[2] for stage in stages()} - {""}
    assert models == {name for kind in KINDS for name in available(kind)}


def test_tables_count_for_the_stage_that_makes_them():
    """They are loaded by name; a new one must rerun the tables."""
    names = {path.removeprefix(f"{SCRIPTS}/") for path in files_of("make_tables.py")}
    tables = {f"artistid/tables/{path.name}" for path in SCRIPTS.glob("artistid/tables/*.py")}
    assert tables <= names
    assert not any(name.startswith("artistid/training/") for name in names)


def test_code_is_a_version_while_the_sources_are_those_of_the_lock(tmp_path):
    lock = tmp_path / "computation.lock"
    digest = digest_of(files_of(*CRNN))
    for locked, expected in (
        ({"train_network/crnn": Locked(3, digest)}, 3),
        ({"train_network/crnn": Locked(3, "0" * 16)}, digest),
        ({"train_network/resnet50": Locked(3, digest)}, digest),
        ({}, digest),
    ):
        write_lock(locked, lock)
        assert code_of(*CRNN, lock=lock) == {"train_network/crnn": expected}


def test_code_of_one_stage_reads_no_other(monkeypatch):
    read = []
    monkeypatch.setattr(
        "artistid.plan.computation._statements", lambda _, path, name: read.append(path) or ""
    )
    code_of("make_demo_album.py")
    assert SCRIPTS / "make_demo_album.py" in read
    assert len(read) < 15


def test_stages_share_the_work_on_the_files_that_they_share():
    _statements.cache_clear()
    digests()
    files = {path for parts in stages().values() for path in files_of(*parts)}
    assert _statements.cache_info().misses == len(files)


def test_lock_is_read_as_it_was_written(tmp_path):
    lock = tmp_path / "computation.lock"
    locked = {"b/x": Locked(12, "0123456789012345"), "a": Locked(1, "00000000000000ff")}
    write_lock(locked, lock)
    assert read_lock(lock) == locked
    lines = [line for line in lock.read_text().splitlines() if not line.startswith("#")]
    assert lines == [
        'a: {version: 1, digest: "00000000000000ff"}',
        'b/x: {version: 12, digest: "0123456789012345"}',
    ]
    write_lock({}, lock)
    assert read_lock(lock) == {}


LINE = 'a: {version: 1, digest: "00000000000000ff"}\n'


@pytest.mark.parametrize(
    "text",
    [
        f"<<<<<<< HEAD\n{LINE}",
        LINE + LINE.replace("1,", "2,"),
        LINE.replace("1,", "0,"),
        LINE.replace("ff", "f"),
        LINE[:20],
        "\udcff\0",
    ],
)
def test_damaged_lock_is_an_error_of_one_line(text):
    with pytest.raises(InputError, match=r"^computation.lock: line \d: .*; restore") as raised:
        parse_lock(text, "computation.lock")
    assert "\n" not in str(raised.value)


def test_lock_that_cannot_be_read_is_an_error_of_one_line(tmp_path):
    for path in (tmp_path / "computation.lock", tmp_path):
        with pytest.raises(InputError, match=r"cannot be read \(.*\); restore it") as raised:
            code_of("scan_corpus.py", lock=path)
        assert "\n" not in str(raised.value)
    (tmp_path / "computation.lock").write_bytes(b"\xff\xfe\0")
    with pytest.raises(InputError, match="line 1"):
        read_lock(tmp_path / "computation.lock")


def test_lock_lies_at_the_root():
    assert LOCK == ROOT / "computation.lock"
