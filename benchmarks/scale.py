"""What planning and scheduling cost on corpora of thousands of albums.

    python benchmarks/scale.py [--albums 500 1000 2000] [--extract] [--cores 2]
    python benchmarks/scale.py --albums 120 --seconds 6.2 --configfile configs/artist20.yaml

For each number of albums (12 short tracks each, 10 albums to an artist) a tree is made below a
temporary folder; the corpus is scanned, and 200 runs are planned with `snakemake -n`. With
`--extract` the albums' log-mel spectrograms, the splits and their audits are computed too, and the
runs planned again; with `--configfile` that file's experiment is planned instead.
Printed: wall and processor seconds and peak memory of each Snakemake process, jobs' not included.
"""

import argparse
import io
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from conftest import copy_workflow, environment_of  # noqa: E402

SAMPLING_RATE, N_TRACKS, ALBUMS_PER_ARTIST = 16000, 12, 10
# 5 models, 2 splits, 20 seeds: 200 runs.
EXPERIMENT = {
    "models": ["inception_rnn", "resnet50", "resnet50_rnn", "crnn", "gaussian_mfcc"],
    "splits": ["song", "album"],
    "seeds": list(range(1, 21)),
    "slice_seconds": [1],
    "follow_up": None,
}


def make_tree(folder: Path, n_albums: int, seconds: float = 1.1) -> None:
    """Write albums of short recordings of noise (8 bit), none of them a copy of another."""
    n_samples = int(seconds * SAMPLING_RATE)
    noise = np.random.default_rng(0)
    template = io.BytesIO()
    soundfile.write(template, np.zeros(n_samples), SAMPLING_RATE, "PCM_U8", format="WAV")
    header = template.getvalue()[:-n_samples]
    for album in range(n_albums):
        path = folder / f"artist_{album // ALBUMS_PER_ARTIST:03d}" / f"album_{album:05d}"
        path.mkdir(parents=True)
        for track in range(N_TRACKS):
            samples = noise.integers(100, 156, n_samples, np.uint8)
            (path / f"{track:02d}.wav").write_bytes(header + samples.tobytes())


def snakemake(workdir: Path, *arguments: str) -> tuple[str, dict[str, float]]:
    """Run Snakemake; return its output, and what its process alone took."""
    environment = environment_of(workdir, OMP_NUM_THREADS="1")
    with tempfile.TemporaryFile("w+") as output:
        started = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *arguments],
            cwd=workdir,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        peak = 0
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
                stat = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            except OSError:
                break
            if found := re.search(r"VmHWM:\s+(\d+)", status):
                peak = int(found[1]) / 1024
                cpu = (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")
            time.sleep(0.05)
        process.wait()
        wall = time.monotonic() - started
        output.seek(0)
        text = output.read()
    if process.returncode:
        raise SystemExit(text)
    return text, {"wall": wall, "cpu": cpu, "mb": peak}


def report(n_albums: int, what: str, took: dict[str, float]) -> None:
    """Print a line."""
    print(
        f"{n_albums:6} albums, {what:32} {took['wall']:8.1f} s, {took['cpu']:8.1f} s of processor, "
        f"{took['mb']:6.0f} MB",
        flush=True,
    )


def measure(
    base: Path, n_albums: int, seconds: float, cores: int, extract: bool, configfiles: list[str]
) -> None:
    """Make a tree and time what Snakemake does with it."""
    workdir = copy_workflow(base / f"work{n_albums}")
    started = time.monotonic()
    make_tree(base / f"tree{n_albums}", n_albums, seconds)
    print(f"{n_albums:6} albums, tree made in {time.monotonic() - started:.0f} s", flush=True)
    corpus = {"name": "scale", "source": "folder", "audio_dir": str(base / f"tree{n_albums}")}
    scaled = {"corpus": corpus} if configfiles else {"corpus": corpus, "experiment": EXPERIMENT}
    (workdir / "scale.yaml").write_text(json.dumps(scaled))
    common = ("--configfile", *configfiles, "scale.yaml")
    plan = (*common, "-n", "--quiet", "rules", "host")

    def planned(what: str) -> None:
        text, took = snakemake(workdir, *plan)
        jobs = dict(re.findall(r"^(\w+) +(\d+)$", text, re.MULTILINE))
        report(n_albums, f"{what} ({jobs.get('total', 0)} jobs)", took)

    planned("plan before the scan")
    _, took = snakemake(workdir, "corpus", *common, "--cores", str(cores))
    report(n_albums, "corpus", took)
    planned("plan of all runs")
    if extract:
        for stage in ("features", "audit"):
            _, took = snakemake(workdir, stage, *common, "--cores", str(cores))
            report(n_albums, stage, took)
        found = len(list((workdir / "results").glob("*/log_mel/*.h5")))
        splits = len(list((workdir / "results").glob("*/splits/*/*.csv")))
        print(f"{n_albums:6} albums, {found} caches and {splits} splits", flush=True)
        planned("plan, all extracted")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--albums", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.1, help="of a track")
    parser.add_argument("--extract", action="store_true")
    parser.add_argument("--configfile", nargs="+", default=[], help="such as configs/artist20.yaml")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for n_albums in args.albums:
            measure(Path(folder), n_albums, args.seconds, args.cores, args.extract, args.configfile)


if __name__ == "__main__":
    main()
