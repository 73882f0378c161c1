"""Where the time of the demo goes: seconds of its jobs by rule, beside those of the whole run.

    python benchmarks/demo.py [--cores 2] [--results results/demo]

The workflow is copied to a temporary folder and run there from nothing, as `make run` does when its
environment is there; with `--results` a run that is there is summed up instead, without the seconds
of the whole. A job's seconds are those of Snakemake's benchmark files: they start when its
process does. ``processor_seconds`` of a rule are sampled, and miss jobs of less than a second;
those of the run are complete.
"""

import argparse
import csv
import resource
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from recording import add_output, n_cores, record

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from conftest import copy_workflow, environment_of  # noqa: E402


def seconds_by_rule(results: Path) -> list[dict[str, str | float]]:
    """Return jobs, their seconds and their processor seconds by rule, the longest first.

    Args:
        results: the folder of a corpus' results. Trainings are listed by model.
    """
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for path in results.rglob("benchmarks/**/*.tsv"):
        parts = path.relative_to(results).parts
        inside = parts[parts.index("benchmarks") + 1 :]
        rule = f"train {inside[1]}" if inside[0] == "train" else inside[0].removesuffix(".tsv")
        with path.open(newline="") as stream:
            row = next(csv.DictReader(stream, delimiter="\t"))
        sums[rule][0] += 1
        sums[rule][1] += float(row["s"])
        sums[rule][2] += _number(row["cpu_time"])
    rows = [
        {
            "rule": rule,
            "jobs": int(jobs),
            "seconds": round(seconds, 1),
            "processor_seconds": round(processor, 1),
        }
        for rule, (jobs, seconds, processor) in sums.items()
    ]
    return sorted(rows, key=lambda row: -float(row["seconds"]))


def _number(text: str) -> float:
    """Return a number, 0 for a job that ended before it was measured."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def main() -> None:
    """Run, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", type=int, default=n_cores())
    add_output(parser, "demo")
    parser.add_argument("--results", type=Path, help="of a run from nothing, results/demo")
    args = parser.parse_args()
    rows = seconds_by_rule(args.results) if args.results else run_demo(args.cores)
    for row in rows:
        print(
            f"{row['rule']:28} {row['jobs']:4} jobs {row['seconds']:8.1f} s "
            f"{row['processor_seconds']:8.1f} s of the processor"
        )
    record(args.output, rows)


def run_demo(cores: int) -> list[dict[str, str | float]]:
    """Run the workflow on the demo corpus; return a row for the whole, and those of its rules."""
    with tempfile.TemporaryDirectory() as folder:
        workdir = copy_workflow(Path(folder) / "clone")
        command = [sys.executable, "-m", "snakemake", "--cores", str(cores), "--quiet", "all"]
        started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, cwd=workdir, env=environment_of(workdir), check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        whole = {
            "rule": "all of the run",
            "seconds": round(time.perf_counter() - started, 1),
            "processor_seconds": round(
                after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1
            ),
        }
        rules = seconds_by_rule(workdir / "results/demo")
    return [whole | {"jobs": sum(int(row["jobs"]) for row in rules), "cores": cores}, *rules]


if __name__ == "__main__":
    main()
