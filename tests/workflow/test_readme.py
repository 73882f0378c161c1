"""The graphs that docs/update_readme.py derives from the rules."""

import re

from conftest import ROOT
from update_readme import stage_edges, stages_of


def test_stages_are_those_of_the_files():
    stages = stages_of(["draw_split", "scan_corpus", "train_song_system"])
    assert stages == {
        "draw_split": "splits",
        "scan_corpus": "corpus",
        "train_song_system": "training",
    }


def test_arrows_that_others_imply_are_left_out():
    stages = {
        "scan": "corpus",
        "cut": "splits",
        "mel": "features",
        "fit": "training",
        "fit2": "training",
    }
    edges = {("scan", "cut"), ("scan", "mel"), ("cut", "fit"), ("mel", "fit")}
    implied = {("scan", "fit"), ("fit", "fit2")}
    assert stage_edges(edges | implied, stages) == {
        ("corpus", "splits"),
        ("corpus", "features"),
        ("splits", "training"),
        ("features", "training"),
    }


def test_readme_shows_every_stage():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    graph = readme.partition("<!-- generated: stage graph -->")[2].partition("<!-- end -->")[0]
    drawn = re.findall(r"(\w+) --> (\w+)", graph)
    files = {path.stem for path in (ROOT / "rules").glob("*.smk")}
    assert {name for pair in drawn for name in pair} == files - {
        "common",
        "needs",
        "repairs",
        "terminal",
        "prediction",  # targets that `all` does not include
        "listening",
    }
