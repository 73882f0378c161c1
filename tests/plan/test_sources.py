"""A rule's list of sources is what its job loads."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ON_DEMAND, TARGETS, rules_of

from artistid.plan.computation import BY_HAND, files_of, stages
from artistid.plan.sources import ROOT as SCRIPTS
from artistid.plan.sources import source_files

ALL_SCRIPTS = sorted(path.name for path in SCRIPTS.glob("*.py") if path.name not in BY_HAND)
# What each kind of job must not pay for (seconds of import, hundreds of megabytes).
HEAVY = ("torch", "librosa", "sklearn", "pandas", "matplotlib", "scipy")
ALLOWED = {
    "train_network.py": {"torch"},
    "make_demo_album.py": {"scipy"},
    "train_frame_system.py": {"scipy"},
    "train_song_system.py": {"scipy"},
    "plot_log_mels.py": {"matplotlib"},
    "plot_learning_curves.py": {"matplotlib"},
    "plot_confusion.py": {"matplotlib"},
    "plot_f1_by_slice.py": {"matplotlib"},
    "plot_album_effect.py": {"matplotlib"},
    "plot_embedding_map.py": {"matplotlib"},
    "plot_resources.py": {"matplotlib"},
    "plot_reliability.py": {"matplotlib", "scipy"},
    "score_calibration.py": {"scipy"},
}


def imports_of(path):
    """The import statements of a script and of what it imports, run alone."""
    tree = ast.parse(path.read_text())
    nodes = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(ast.unparse(node) for node in nodes)


@pytest.mark.parametrize("script", ALL_SCRIPTS)
def test_list_holds_every_module_that_importing_the_script_loads(script):
    code = imports_of(SCRIPTS / script) + (
        "\nimport sys\n"
        "print('\\n'.join(m.__file__ for m in sys.modules.values() if getattr(m,'__file__',None)))"
        "\nprint('\\n'.join('module ' + name for name in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    loaded = {line for line in done.stdout.splitlines() if line.startswith(str(SCRIPTS))}
    listed = set(source_files(script))
    assert loaded <= listed
    heavy = {name for name in HEAVY if f"module {name}" in done.stdout.splitlines()}
    assert heavy <= ALLOWED.get(script, set())


def test_list_of_a_training_holds_its_own_network_only():
    listed = source_files("train_network.py", "artistid/models/networks/resnet50.py")
    names = {path.removeprefix(str(SCRIPTS) + "/") for path in listed}
    assert {
        "artistid/training/fit.py",
        "artistid/models/layers/residual.py",
        "artistid/models/networks/resnet50.py",
    } <= names
    assert "artistid/models/networks/inception_rnn.py" not in names
    assert "artistid/models/layers/recurrent_head.py" not in names
    assert "artistid/tables/cells.py" not in names


def test_each_stage_is_exactly_what_its_jobs_loaded(finished):
    notes = [json.loads(path.read_text()) for path in (finished / "job_notes").iterdir()]
    rules = set(rules_of(finished, "--configfile", "tiny.yaml"))
    # This experiment has no user's list, no unknown artists, no ensembles, and no table of several
    # experiments.
    others = {"read_list", "score_calibration", "average_predictions", "compare_experiments"}
    assert {note["rule"] for note in notes} == rules - TARGETS - others - ON_DEMAND
    scripts = (finished / "workflow_scripts").resolve()
    for note in notes:
        parts = stages()[note["stage"]]
        listed = {Path(path).relative_to(SCRIPTS).as_posix() for path in files_of(*parts)}
        loaded = {Path(path).resolve().relative_to(scripts).as_posix() for path in note["loaded"]}
        # What models cost is for planning, and computes nothing.
        assert loaded - listed <= {"artistid/models/costs.py"}, note["rule"]
        # Not every table applies, and only the one on unknown artists needs the names of scores.
        tables = {path for path in listed if path.startswith("artistid/tables/")}
        tables.add("artistid/scoring/open_set_metrics.py")
        # The script is run, and not loaded.
        not_loaded = listed - loaded - (tables if note["stage"] == "make_tables" else set())
        assert not_loaded == {parts[0]}, note["rule"]


def test_missing_script_is_an_error():
    with pytest.raises(FileNotFoundError):
        source_files("no_such_script.py")
