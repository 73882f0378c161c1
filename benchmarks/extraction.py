"""The extraction stage, from its first job to its last, beside a plain loop over librosa.

    python benchmarks/extraction.py [--share 0.1] [--cores 2]

The benchmark generates a folder of artist20's shape (120 albums, 1,413 tracks of 237 s, 93 h;
`--share` scales it down) from a few distinct recordings whose tags differ. It scans the folder and
lets the workflow compute the log-mel spectrograms, one file per album.

The baseline calls librosa.load, melspectrogram and power_to_db for each file and writes the result
to HDF5, without counting imports. One such loop runs on each core, because two cores may share
hardware and then slow each other down, as the stage's jobs do. Half of the loop's `--plain` tracks
run before the stage and half after it.

`ratio_per_core` is the stage's rate per core divided by the baseline's. `ratio_of_cpu_seconds`
compares the processor time of both, including Snakemake's between the jobs; use it on a machine
that is doing other work.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
from recording import add_output, record

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from conftest import copy_workflow, environment_of  # noqa: E402

from artistid.demo.names import track_name  # noqa: E402
from artistid.demo.recordings import make_album  # noqa: E402
from artistid.storage.files import read_rows  # noqa: E402

ALBUMS, TRACKS, HOURS = 120, 1413, 93  # artist20
ALBUMS_PER_ARTIST = 6
DISTINCT = 4  # recordings that are composed; the files repeat them

# The baseline, as a separate process: argument 1 is the HDF5 file, the others are recordings.
PLAIN = """
import json, sys, time
import h5py, librosa
librosa.feature.melspectrogram  # librosa imports what it needs when it is asked for
started, cpu = time.perf_counter(), time.process_time()
with h5py.File(sys.argv[1], "w") as file:
    for number, path in enumerate(sys.argv[2:]):
        samples, _ = librosa.load(path, sr=16000)
        mel = librosa.feature.melspectrogram(
            y=samples, sr=16000, n_fft=2048, hop_length=512, n_mels=128, htk=True
        )
        file[str(number)] = librosa.power_to_db(mel)
print(json.dumps({"wall": time.perf_counter() - started, "cpu": time.process_time() - cpu}))
"""


def make_folder(folder: Path, n_albums: int, n_tracks: int, seconds: float) -> None:
    """Write albums of mp3 files, no two of them of the same bytes."""
    distinct = [folder.parent / f"distinct_{number}.mp3" for number in range(DISTINCT)]
    make_album(distinct, artist=0, album=0, seconds=seconds, seed=20)
    for track in range(n_tracks):
        album = track % n_albums
        path = folder / f"Artist {album // ALBUMS_PER_ARTIST}" / f"Album {album}"
        path.mkdir(parents=True, exist_ok=True)
        tag = b"TAG" + str(track).encode().ljust(125, b"\0")  # ID3v1, behind the sound
        content = distinct[track % DISTINCT].read_bytes() + tag
        (path / track_name(track // n_albums)).write_bytes(content)


def plain(paths: list[Path], output: Path, cores: int) -> dict[str, float]:
    """Run a plain loop on each core; return their seconds, summed: on the wall, of the processor.

    The first of them writes to `output`.
    """
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    files = [output, *(output.with_suffix(f".{number}.h5") for number in range(1, cores))]
    loops = [
        subprocess.Popen(
            [sys.executable, "-c", PLAIN, file, *paths[number::cores]],
            env=os.environ | one_thread,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # libmpg123's complaints
        )
        for number, file in enumerate(files)
    ]
    took = [json.loads(loop.communicate()[0]) for loop in loops]
    return {unit: sum(seconds[unit] for seconds in took) for unit in ("wall", "cpu")}


def snakemake(workdir: Path, *arguments: str) -> float:
    """Run Snakemake; return the processor seconds of it and of its jobs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--configfile", "extraction.json", *arguments],
        cwd=workdir,
        env=environment_of(workdir, PYTHONDONTWRITEBYTECODE=""),  # as in an installation
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def first_to_last(benchmarks: Path) -> tuple[float, float]:
    """Return the seconds from the start of the first job to the end of the last, and their sum."""
    ends, took = [], []
    for path in benchmarks.glob("*.tsv"):
        (row,) = (line.split("\t") for line in path.read_text().splitlines()[1:])
        ends.append(path.stat().st_mtime)
        took.append(float(row[0]))
    starts = [end - seconds for end, seconds in zip(ends, took, strict=True)]
    return max(ends) - min(starts), sum(took)


def difference_from_librosa(results: Path, music: Path, plain_file: Path, track: Path) -> float:
    """Return the largest difference (dB) of a track's cache from the plain loop's first result."""
    name = os.fsencode(track.relative_to(music)).decode()
    row = next(row for row in read_rows(results / "corpus/tracks.csv") if row["path"] == name)
    with h5py.File(results / f"log_mel/{row['album_id']}.h5") as ours, h5py.File(plain_file) as its:
        return float(np.abs(ours[row["track_id"]][()].astype(np.float32) - its["0"][()].T).max())


def measure(base: Path, args: argparse.Namespace) -> dict[str, float | int | str]:
    """Make the folder, run both ways, and return a row of what they took."""
    n_albums = max(2, round(ALBUMS * args.share))
    n_tracks = max(n_albums, round(TRACKS * args.share))
    workdir = copy_workflow(base / "workflow")
    make_folder(base / "music", n_albums, n_tracks, args.seconds)
    corpus = {"name": "extraction", "source": "folder", "audio_dir": str(base / "music")}
    (workdir / "extraction.json").write_text(json.dumps({"corpus": corpus}))
    results = workdir / "results/extraction"
    # The scan and what the stage only needs once come before it.
    filters = (results / "log_mel/mel_filters.npy").relative_to(workdir)
    snakemake(workdir, "--cores", str(args.cores), "corpus", str(filters))

    recordings = sorted((base / "music").rglob("*.mp3"))[: args.plain]
    half = max(1, len(recordings) // 2)
    before = plain(recordings[:half], base / "before.h5", args.cores)
    stage_cpu = snakemake(workdir, "--cores", str(args.cores), "features")
    # Again, with nothing to do: what Snakemake takes to start, before the first job.
    stage_cpu -= snakemake(workdir, "--cores", str(args.cores), "features")
    after = plain(recordings[-half:], base / "after.h5", args.cores)
    wall, jobs = first_to_last(results / "benchmarks/extract_log_mel")
    audio, plain_audio = n_tracks * args.seconds, 2 * half * args.seconds
    plain_rate = plain_audio / (before["wall"] + after["wall"])
    plain_cpu_rate = plain_audio / (before["cpu"] + after["cpu"])
    off = difference_from_librosa(results, base / "music", base / "before.h5", recordings[0])
    assert off <= 1 / 32 + 2e-3, off
    return {
        "albums": n_albums,
        "tracks": n_tracks,
        "hours": audio / 3600,
        "cores": args.cores,
        "caches": len(list((results / "log_mel").glob("*.h5"))),
        "stage_seconds": wall,
        "share_of_cores_busy": jobs / (wall * args.cores),
        "stage_cpu_seconds": stage_cpu,
        "plain_tracks": 2 * half,
        "plain_rate": plain_rate,
        "stage_rate_per_core": audio / (wall * args.cores),
        "ratio_per_core": audio / (wall * args.cores) / plain_rate,
        "ratio_of_cpu_seconds": audio / stage_cpu / plain_cpu_rate,
        "largest_difference_db": off,
    }


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=0.1, help="of artist20's albums and tracks")
    parser.add_argument("--seconds", type=float, default=3600 * HOURS / TRACKS, help="of a track")
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--plain", type=int, default=40, help="tracks that the plain loops take")
    add_output(parser, "extraction")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        row = measure(Path(folder), args)
    print(
        f"{row['albums']} albums, {row['tracks']} tracks, {row['hours']:.1f} h on {row['cores']} "
        f"cores: {row['stage_seconds']:.1f} s from first to last job, "
        f"{row['stage_rate_per_core']:.0f} x real time per core\n"
        f"plain librosa loops, {row['plain_tracks']} tracks: {row['plain_rate']:.0f} x real time "
        "per core\n"
        f"ratio per core {row['ratio_per_core']:.2f}; of processor seconds, Snakemake's "
        f"between the jobs included, {row['ratio_of_cpu_seconds']:.2f}"
    )
    record(args.output, [row])


if __name__ == "__main__":
    main()
