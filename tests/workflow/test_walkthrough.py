"""The walk-through of docs/experiments.md, followed to the letter on a small demo."""

import textwrap

from conftest import ROOT, copy_workflow, python, snakemake, write_config
from test_recipes import BLOCK

from artistid.storage.files import read_rows

SMALL = {
    "demo": {
        "artists": 3,
        "albums": 4,
        "tracks": 1,
        "seconds": 3,
        "reduced": {"training": {"epochs": 1}},
    }
}


def test_own_folds_three_initialisations_of_two_variants(tmp_path):
    text = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    workdir = copy_workflow(tmp_path / "clone")
    write_config(workdir / "small.yaml", SMALL)
    followed = []
    for _, name, what, code in BLOCK.findall(text):
        assert name == "experiment"
        kind, _, path = what.partition(" ")
        code = textwrap.dedent(code)
        followed.append(kind)
        if kind == "file":
            (workdir / path).write_text(code)
        elif kind == "python":
            done = python(workdir, "-c", code)
            assert done.returncode == 0, done.stderr
        else:
            [command] = [line.split() for line in code.splitlines()]
            assert command[0] == "snakemake"
            arguments = command[1:] + ([] if "--configfile" in command else ["--configfile"])
            done = snakemake(workdir, *arguments, "small.yaml")
            assert done.returncode == 0, done.stdout + done.stderr
    assert followed == ["commands", "python", "file", "file", "commands"]
    tables = workdir / "results/demo/experiments/variants/tables"
    table = (tables / "f1_by_model.md").read_text()
    assert "| narrow | mine | 1 s |" in table
    assert "| wide | mine | 1 s |" in table
    assert "mine: over 3 weight seeds on one cut, each run over 3 folds" in table
    assert (tables / "paired_tests.md").exists()
    runs = workdir / "results/demo/experiments/variants/runs/wide/mine"
    trained = {path.parts[-4] for path in runs.glob("*/1s/seed*/weights.safetensors")}
    assert trained == {"list-fold1", "list-fold2", "list-fold3"}
    # What the lists of the three folds test, each track once: three of the four albums.
    rows = read_rows(runs / "list/1s/seed1/tracks.csv")
    tested = [row["track_id"] for row in rows if row["subset"] == "test"]
    lists = [read_rows(workdir / f"lists/fold{fold}.csv") for fold in (1, 2, 3)]
    named = [r["track_id"] for rows in lists for r in rows if r["subset"] == "test"]
    assert sorted(tested) == sorted(named)
    assert len(set(tested)) == 9
