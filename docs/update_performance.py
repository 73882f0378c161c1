"""Regenerate the measured tables of docs/ from the benchmarks' results.

    make bench

A page holds each of its tables between ``<!-- generated: NAME -->`` and ``<!-- end -->``; the
numbers are those of ``benchmarks/results/<benchmark>.json``.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from update_readme import replaced

from artistid.tables.rendering import markdown

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
RESULTS = ROOT / "benchmarks/results"

Row = Mapping[str, Any]

DATA_COLUMNS = (
    ("form", "spectrograms", None),
    ("data_mb", "their size, MB", 0),
    ("peak_mb", "anonymous memory, MB", 0),
    ("load_seconds", "reading, s", 1),
    ("batch_ms", "batch, ms", 3),
    ("step_ms", "step, ms", 0),
    ("fixed_over_real_processor", "fixed / real, processor time", 3),
)

ABLATION_COLUMNS = (
    ("corpus", "corpus", None),
    ("model", "model", None),
    ("{macro_f1:.3f} ({low:.3f} to {high:.3f})", "macro F1 of songs", None),
    (
        "{difference:+.3f} ({difference_low:+.3f} to {difference_high:+.3f})",
        "difference from the recipe",
        None,
    ),
    ("seconds", "training, s", 0),
)

# Where a file of results does not have the name of its benchmark.
COMMANDS = {
    "extraction": "python benchmarks/extraction.py --share 1",
    "data_ten_times": "python benchmarks/data.py --frames 105000000 --forms mapped",
    "ablation": "python benchmarks/ablation.py demo_hard=FOLDER scores=FOLDER",
    "ablation_test": "python benchmarks/ablation.py demo_hard=FOLDER scores=FOLDER --test",
}

# Name of a table: the benchmark that measures it, what its rows have, and its columns: a key of the
# rows or a format of several, a heading, and decimals (None for text).
TABLES: dict[str, tuple[str, Row, tuple[tuple[str, str, int | None], ...]]] = {
    "log-mel": (
        "log_mel",
        {},
        (
            ("what", "what", None),
            ("times_real_time", "× real time", 0),
            ("share_of_limit", "share of its limit", 2),
        ),
    ),
    "extraction": (
        "extraction",
        {},
        (
            ("albums", "albums", 0),
            ("tracks", "tracks", 0),
            ("hours", "hours", 1),
            ("cores", "cores", 0),
            ("stage_seconds", "stage, s", 1),
            ("stage_rate_per_core", "× real time per core", 0),
            ("plain_rate", "librosa loops, × real time per core", 0),
            ("ratio_per_core", "ratio per core", 2),
            ("ratio_of_cpu_seconds", "of processor time", 2),
        ),
    ),
    "step": (
        "training",
        {"comparison": "step"},
        (
            ("network", "network", None),
            ("plain", "plain, slices/s", 0),
            ("float32", "float32, slices/s", 0),
            ("shipped", "shipped, slices/s", 0),
            ("dtype", "shipped in", None),
            ("ratio", "shipped / float32", 2),
        ),
    ),
    "threads": (
        "training",
        {"comparison": "threads"},
        (
            ("network", "network", None),
            ("one_with_two", "one with two threads, slices/s", 0),
            ("two_with_one", "two with one each, slices/s", 0),
            ("ratio", "ratio", 2),
        ),
    ),
    "data": ("data", {}, DATA_COLUMNS),
    "data ten times": ("data_ten_times", {}, DATA_COLUMNS),
    "predict": (
        "predict",
        {},
        (
            ("format", "files", None),
            ("sampling_rate", "Hz", 0),
            ("file_seconds", "seconds each", 0),
            ("times_real_time", "× real time", 0),
            ("peak_mb", "memory, MB", 0),
        ),
    ),
    "demo": (
        "demo",
        {},
        (
            ("rule", "what", None),
            ("jobs", "jobs", 0),
            ("seconds", "seconds", 0),
            ("processor_seconds", "of the processor", 0),
        ),
    ),
    "gpu step": (
        "gpu",
        {"measurement": "step"},
        (
            ("network", "network", None),
            ("frames", "frames", 0),
            ("mode", "step", None),
            ("ms", "ms", 2),
            ("kernels", "kernels", 0),
            ("share_of_peak", "share of the peak", 3),
        ),
    ),
    "gpu hours": (
        "gpu",
        {"measurement": "hours"},
        (
            ("network", "network", None),
            ("frames", "frames", 0),
            ("mode", "step", None),
            ("hours", "hours a run", 1),
            ("paper_hours", "the paper's", 0),
        ),
    ),
    "gpu side by side": (
        "gpu",
        {"measurement": "side_by_side"},
        (
            ("network", "network", None),
            ("mode", "step", None),
            ("processes", "at once", 0),
            ("mps", "MPS", None),
            ("steps_per_second", "steps/s of all", 0),
            ("ratio", "ratio to one", 2),
        ),
    ),
    "ablation": ("ablation", {}, ABLATION_COLUMNS),
    "unseen albums on test": (
        "ablation_test",
        {},
        (ABLATION_COLUMNS[0], ("split", "split", None), *ABLATION_COLUMNS[1:]),
    ),
}
# The page of a table; of the others it is the first one.
PERFORMANCE, UNSEEN_ALBUMS = "performance.md", "unseen_albums.md"
PAGES = {"ablation": UNSEEN_ALBUMS, "unseen albums on test": UNSEEN_ALBUMS}


def cell(row: Row, key: str, decimals: int | None) -> str:
    """Return a value of a row, or several in a format, as text; a dash where there is none."""
    if "{" in key:
        try:
            return key.format(**row)
        except KeyError:
            return "–"
    value = row.get(key)
    if value is None:
        return "–"
    return str(value) if decimals is None else f"{value:,.{decimals}f}"


def measured(name: str, results: Path = RESULTS) -> str:
    """Return a table with its machine, or a line that says that it was not measured."""
    benchmark, wanted, columns = TABLES[name]
    path = results / f"{benchmark}.json"
    command = f"`{COMMANDS.get(benchmark, f'python benchmarks/{benchmark}.py')}`"
    if not path.exists():
        return f"*Not measured yet: {command}.*\n"
    content = json.loads(path.read_text(encoding="utf-8"))
    rows: Sequence[Row] = [row for row in content["rows"] if row.items() >= wanted.items()]
    table = pd.DataFrame(
        {heading: [cell(row, key, decimals) for row in rows] for key, heading, decimals in columns}
    )
    machine = content["machine"]
    return (
        markdown(table) + f"\n{command} on {machine['processor']}, {machine['cores']} cores, "
        f"torch {machine['torch']}, {machine['date']}.\n"
    )


def main() -> None:
    """Update the pages in place."""
    for name in TABLES:
        page = DOCS / PAGES.get(name, PERFORMANCE)
        text = page.read_text(encoding="utf-8")
        page.write_text(replaced(text, name, measured(name)), encoding="utf-8")


if __name__ == "__main__":
    main()
