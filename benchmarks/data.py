"""What a training's data take: memory while it reads and trains, and time of each step.

    python benchmarks/data.py [--frames 1000000] [--network crnn] [--width 64] [--batch-size 16]
    python benchmarks/data.py --frames 105000000 --forms mapped --folder /large/disk

A cache of noise is written to a temporary folder (256 bytes a frame, and as much again for the
mapped file: 54 GB for the second line, ten times artist20). A process for each form of the data
reads all of it and trains for some steps, by turns with batches as they come and with one batch
again and again. Printed, and written as JSON: the most anonymous memory of the process (RssAnon;
pages of the mapped file are not part of it), and the time of the fixed batch's steps over that of
the real batches', median of the turns. `processor` counts the process' own time, so that other
work on the machine does not matter; `wall` also counts waiting for the disk.
"""

import argparse
import hashlib
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from recording import add_output, record

from artistid.features.mel_cache import write_album, write_index
from artistid.storage.files import write_json

N_MELS, TRACK_FRAMES, TRACKS, N_ARTISTS = 128, 7430, 12, 20  # a track of artist20: 237 s
IN_MEMORY, WRITTEN, MAPPED = "in memory", "mapped, and written first", "mapped"


def write_cache(folder: Path, n_frames: int) -> list[dict[str, str]]:
    """Write albums of noise as the workflow writes them; return the rows of a manifest."""
    noise = np.random.default_rng(0).normal(-40, 15, (TRACK_FRAMES + TRACKS, N_MELS))
    noise = noise.astype(np.float32)
    facts = {"sha256": "", "sampling_rate": "16000", "duration": "237"}
    tracks = [
        ({"track_id": f"t{number:02d}"} | facts, [noise[number:][:TRACK_FRAMES]])
        for number in range(TRACKS)
    ]
    album = folder / "album"
    write_album(album, tracks, {"top_db": 200.0})
    manifest, caches = [], []
    for number in range(max(2, round(n_frames / TRACK_FRAMES / TRACKS))):
        cache = folder / f"a{number:05d}.h5"
        shutil.copyfile(album, cache)
        caches.append(cache)
        with h5py.File(cache, "r+") as file:
            for name in sorted(file):
                file.move(name, f"{cache.stem}{name}")
                subset = {"t00": "test", "t01": "validation"}.get(name, "train")
                row = {"track_id": f"{cache.stem}{name}", "album_id": cache.stem}
                row |= {"artist": f"artist {number % N_ARTISTS}", "subset": subset}
                manifest.append(row)
    write_index(folder / "index.csv", caches)
    return manifest


def anonymous_mb(process: int | str) -> float:
    """Return a process' anonymous resident memory, MB; 0 when it has ended."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"RssAnon:\s+(\d+)", status)
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def train(folder: Path, form: str, args: argparse.Namespace) -> dict[str, object]:
    """Read the data and train; return what was measured from inside."""
    import torch
    from torch.nn import functional

    from artistid.models.registry import build_network
    from artistid.training.batches import CHANNELS_LAST, BatchLoader
    from artistid.training.dataset import band_statistics, load_subsets
    from artistid.training.fit import choose_device

    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    device = choose_device()
    torch.ones(8, 8, device=device) @ torch.ones(8, 8, device=device)
    before = anonymous_mb("self")
    manifest = json.loads((folder / "manifest.json").read_text())
    subsets = ("train", "validation", "test")
    limit = float("inf") if form == IN_MEMORY else 0.0
    started = time.perf_counter()
    slices = load_subsets(
        manifest, subsets, folder / "index.csv", args.slice_frames, limit, str(folder)
    )
    seconds = time.perf_counter() - started
    normalisation = band_statistics(slices["train"])
    loaders = [BatchLoader(slices[subset], normalisation, device) for subset in subsets]
    network = build_network(args.network, N_MELS, N_ARTISTS, {"width": args.width}).to(device)
    network = network.to(memory_format=CHANNELS_LAST)
    optimiser = torch.optim.Adam(network.parameters())
    order = torch.randperm(len(slices["train"])).split(args.batch_size)
    digest = hashlib.sha256()
    for loader in loaders:
        positions = torch.linspace(0, len(loader.slices) - 1, 100).long()
        for part in loader.batch(positions):
            digest.update(part.cpu().contiguous().numpy().data)

    def step(batch) -> None:
        features, targets = batch
        optimiser.zero_grad()
        functional.cross_entropy(network(features), targets).backward()
        optimiser.step()

    def seconds_of(positions, fixed=None) -> tuple[float, float]:
        if device.type == "cuda":
            torch.cuda.synchronize()
        processor, wall = time.process_time(), time.perf_counter()
        for batch in positions:
            step(loaders[0].batch(batch) if fixed is None else fixed)
        if device.type == "cuda":
            torch.cuda.synchronize()
        return time.process_time() - processor, time.perf_counter() - wall

    fixed = loaders[0].batch(order[0])
    seconds_of(order[:2], fixed)
    shares, milliseconds = [], []
    for turn in range(args.turns):
        positions = order[turn * args.steps :][: args.steps]
        # Alternate which comes first, so that a machine that slows down favours neither.
        first, second = (fixed, None) if turn % 2 else (None, fixed)
        times = {first is None: seconds_of(positions, first)}
        times[second is None] = seconds_of(positions, second)
        shares.append([a / b for a, b in zip(times[False], times[True], strict=True)])
        started = time.process_time()
        for batch in positions:
            loaders[0].batch(batch)
        gathering = time.process_time() - started
        milliseconds.append([1000 * t / args.steps for t in (gathering, times[False][0])])
    processor, wall = (statistics.median(column) for column in zip(*shares, strict=True))
    batch_ms, step_ms = (statistics.median(column) for column in zip(*milliseconds, strict=True))
    data_mb = sum(len(part) for part in slices.values()) * args.slice_frames * N_MELS * 2 / 1e6
    return {
        "form": form,
        "data_mb": round(data_mb),
        "before_mb": round(before),
        "load_seconds": round(seconds, 2),
        "network": args.network,
        "width": args.width,
        "batch_size": args.batch_size,
        "slice_frames": args.slice_frames,
        "threads": args.threads,
        "device": device.type,
        "fixed_over_real_processor": round(processor, 4),
        "fixed_over_real_wall": round(wall, 4),
        "batch_ms": round(batch_ms, 3),
        "step_ms": round(step_ms, 2),
        "turns": args.turns,
        "steps": args.steps,
        "batches_sha256": digest.hexdigest(),
    }


def measured(folder: Path, form: str) -> dict[str, object]:
    """Return a row: what a process measures of itself, and the most memory that it had."""
    command = [sys.executable, __file__, *sys.argv[1:], "--one", form, "--folder", str(folder)]
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, stdout=output)
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, anonymous_mb(process.pid))
            time.sleep(0.005)
        if process.returncode:
            raise SystemExit(process.returncode)
        output.seek(0)
        row = json.loads(output.read())
    return row | {"peak_mb": round(peak)}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=1_000_000, help="of the corpus")
    parser.add_argument("--forms", choices=["both", "mapped"], default="both")
    parser.add_argument("--network", default="crnn")
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--slice-frames", type=int, default=31)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=10, help="of a turn")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--folder", type=Path, help="for the temporary files, on a large disk")
    add_output(parser, "data")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(train(args.folder, args.one, args)))
        return
    forms = [WRITTEN, MAPPED] if args.forms == "mapped" else [IN_MEMORY, WRITTEN, MAPPED]
    rows = []
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        manifest = write_cache(Path(folder), args.frames)
        write_json(Path(folder) / "manifest.json", manifest)
        for form in forms:
            row = measured(Path(folder), form)
            rows.append(row)
            print(
                f"{form:25} {row['data_mb']} MB of data: {row['peak_mb']} MB of anonymous memory "
                f"at most, {row['before_mb']} before; read in {row['load_seconds']} s; fixed over "
                f"real x {row['fixed_over_real_processor']:.3f} (processor), "
                f"{row['fixed_over_real_wall']:.3f} (wall); {row['batch_ms']} ms of processor for "
                f"a batch, {row['step_ms']} for a step with a fixed one",
                flush=True,
            )
    assert len({row["batches_sha256"] for row in rows}) == 1, "forms give different batches"
    print("all forms give the same batches, byte for byte")
    if args.forms == "both":
        saved = rows[0]["peak_mb"] - rows[-1]["peak_mb"]
        print(f"mapped data save {100 * saved / rows[0]['data_mb']:.0f} % of their size in memory")
    record(args.output, rows)


if __name__ == "__main__":
    main()
