"""Every benchmark still runs, at the smallest size; its numbers do not matter here."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import update_performance
from conftest import ROOT
from demo import seconds_by_rule
from recording import record

# Arguments that make it small, and a line that it prints.
SMALL = {
    # Rounding moves the end of a step less than the tolerance, another dropout moves it more.
    "captured_steps.py": (
        "--width 16 --networks crnn --steps 2",
        r"crnn +step 1: rounded anew 0\.[01]\d+, other dropout (1|0\.[3-9])",
    ),
    "classical.py": ("--tracks 60 --systems gaussian_mfcc", r"\| gaussian_mfcc \| \d"),
    "comparison.py": ("", r"album confusions +\d"),
    # It ends with an error where the forms of the data give different batches.
    "data.py": (
        "--frames 400000 --width 16 --steps 1 --turns 1",
        r"mapped data save ([89]\d|1[01]\d) % of their size in memory",
    ),
    "extraction.py": ("--share 0.01 --seconds 2 --plain 2", r"ratio per core \d+\.\d\d"),
    "listening.py": ("--runs 1", r"1 runs: 0\.\d MB"),
    "log_mel.py": ("--seconds 4 --rounds 1", r"log-mel .*\d % of its limit"),
    "memory.py": ("--seconds 1 --width 16", r"resnet50_rnn +1 s: .*\d"),
    "near_duplicates.py": (
        "distinct --artists 2 --albums 1 --tracks 2 --seconds 6 --pairs 2",
        "0 of 6 pairs taken for the same",
    ),
    # Where albums matter much, songs as units reject equal models far more often than albums do.
    "paired_tests.py": (
        "--simulations 40",
        r"\| album \| 1.5 \| [2-9]\d\.\d% \| \d\.\d% \|",
    ),
    "predict.py": (
        "--minutes 0.1 --hours 0 --tracks 1 --output {folder}/predict.json",
        r"'times_real_time': \d",
    ),
    "scale.py": ("--albums 20 --extract", "20 albums, 20 caches and 40 splits"),
    "training.py": (
        "--seconds 0.01 --repeats 1 --networks crnn --width 8",
        r"network crnn, dtype (bfloat16|float32), plain \d",
    ),
}
# Which tests/scoring/test_intervals.py, tests/scoring/test_calibration.py,
# tests/training/test_gpu_benchmark.py and tests/workflow/test_ablation.py run, and the whole demo,
# whose sums a test below checks.
ELSEWHERE = {"interval_coverage.py", "calibration.py", "gpu.py", "demo.py", "ablation.py"}
# Where the others write what they measured.
SHARED = {"recording.py"}
# Those that write what they measured, and what a row of theirs holds.
WRITTEN = {
    "data.py": {"batch_size": 16},
    "extraction.py": {"albums": 2, "caches": 2, "tracks": 14},
    "log_mel.py": {"what": "limit: decode, FFT"},
    "training.py": {"comparison": "step", "network": "crnn"},
}


def test_every_benchmark_is_run():
    assert {path.name for path in (ROOT / "benchmarks").glob("*.py")} == set(
        SMALL
    ) | ELSEWHERE | SHARED


def test_measurements_are_written_with_the_machine(tmp_path):
    record(tmp_path / "new" / "some.json", [{"what": "decode", "rate": 2.5}], {"gpu": None})
    content = json.loads((tmp_path / "new" / "some.json").read_text())
    assert content["rows"] == [{"what": "decode", "rate": 2.5}]
    assert content["machine"]["processor"]
    assert content["machine"]["cores"] >= 1
    assert content["machine"]["numpy"] == np.__version__
    assert content["machine"]["gpu"] is None


def test_seconds_of_the_demo_are_summed_by_rule(tmp_path):
    row = "s\tcpu_time\n{}\t{}\n"
    for path, numbers in {
        "benchmarks/scan_corpus.tsv": (1.5, "NA"),
        "benchmarks/draw_split/song/draw1.tsv": (0.5, 0.2),
        "experiments/paper/benchmarks/train/crnn/song/draw1/1s/seed1.tsv": (3.0, 2.5),
        "experiments/paper/benchmarks/train/crnn/album/draw1/1s/seed1.tsv": (4.0, 3.5),
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(row.format(*numbers))
    assert [tuple(row.values()) for row in seconds_by_rule(tmp_path)] == [
        ("train crnn", 2, 7.0, 6.0),
        ("scan_corpus", 1, 1.5, 0.0),
        ("draw_split", 1, 0.5, 0.2),
    ]


def test_pages_hold_what_the_benchmarks_wrote(tmp_path, monkeypatch):
    pages = {update_performance.PERFORMANCE, *update_performance.PAGES.values()}
    for page in pages:
        shutil.copy(ROOT / "docs" / page, tmp_path)
    monkeypatch.setattr(update_performance, "DOCS", tmp_path)
    update_performance.main()
    for page in pages:
        is_same = (tmp_path / page).read_text() == (ROOT / "docs" / page).read_text()
        assert is_same, "run: python docs/update_performance.py"


def test_table_has_the_rows_of_its_comparison(tmp_path):
    rows = [
        {"comparison": "step", "network": "crnn", "plain": 78.6, "ratio": 1.5},
        {"comparison": "threads", "network": "crnn", "one_with_two": 99.0},
    ]
    record(tmp_path / "training.json", rows)
    table = update_performance.measured("step", tmp_path)
    assert "| crnn | 79 | – | – | – | 1.50 |" in table
    assert "99" not in table.partition("`python")[0]
    assert "`python benchmarks/training.py` on " in table
    assert "Not measured yet" in update_performance.measured("step", tmp_path / "empty")
    record(
        tmp_path / "ablation.json", [{"model": "crnn", "macro_f1": 0.5, "low": 0.4, "high": 0.6}]
    )
    table = update_performance.measured("ablation", tmp_path)
    assert "| – | crnn | 0.500 (0.400 to 0.600) | – | – |" in table


@pytest.mark.parametrize("script", SMALL)
def test_benchmark_runs(script, tmp_path):
    arguments, line = SMALL[script]
    output = ["--output", tmp_path / "measured.json"] if script in WRITTEN else []
    done = subprocess.run(
        [
            sys.executable,
            ROOT / "benchmarks" / script,
            *arguments.format(folder=tmp_path).split(),
            *output,
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(line, done.stdout), done.stdout
    if script in WRITTEN:
        row = json.loads((tmp_path / "measured.json").read_text())["rows"][0]
        assert row.items() >= WRITTEN[script].items()
