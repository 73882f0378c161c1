"""What a training takes of a node's memory, beside what artistid/plan/needs.py allows it.

    python benchmarks/memory.py [--batch-size 16] [--width 64] [--seconds 1 3 6 30]
    python benchmarks/memory.py --data-set

For each network and slice length, on the processor: peak memory of a process that trains for three
steps and predicts for one, in MB, above that of a process that has only imported torch. A line for
each is a separate process. `--data-set`: the peak of reading a data set of artist20's size (93 h;
2.7 GB of temporary disk), of which 81 % is for training.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from artistid.models.registry import NETWORKS, available
from artistid.plan.needs import step_mb


def peak_mb() -> float:
    """Return the largest resident memory of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def train_three_steps(name: str, args: argparse.Namespace) -> None:
    """Train on noise and print the peak before and after."""
    import torch
    from torch.nn import functional

    from artistid.models.registry import build_network

    torch.set_num_threads(1)
    torch.ones(8, 8) @ torch.ones(8, 8)
    before = peak_mb()
    network = build_network(name, 128, 20, {"width": args.width})
    network = network.to(memory_format=torch.channels_last)
    slices = torch.randn(args.batch_size, 1, 128, 31 * args.seconds[0])
    slices = slices.to(memory_format=torch.channels_last)
    optimiser = torch.optim.Adam(network.parameters())
    for _ in range(3):
        optimiser.zero_grad()
        loss = functional.cross_entropy(network(slices), torch.arange(args.batch_size) % 20)
        loss.backward()
        optimiser.step()
    network.eval()
    with torch.inference_mode():
        network(slices)
    print(f"{before:.0f} {peak_mb():.0f}")


def read_data_set() -> None:
    """Write caches of artist20's size, read them as a training does, and print the peak."""
    import numpy as np

    from artistid.features.mel_cache import write_album
    from artistid.training.dataset import load_slices

    n_albums, n_tracks, n_frames = 120, 1413, 7430
    noise = np.random.default_rng(0).standard_normal((n_frames + n_tracks, 128), np.float32)
    manifest = []
    for number in range(n_tracks):
        subset = "test" if number % 10 == 0 else "validation" if number % 11 == 0 else "train"
        manifest.append(
            {
                "track_id": f"t{number:04d}",
                "album_id": f"a{number % n_albums:03d}",
                "artist": f"artist {number // 10 % 20}",  # with tracks of every subset
                "subset": subset,
                "sha256": "",
                "sampling_rate": "16000",
                "duration": "237",
            }
        )
    with tempfile.TemporaryDirectory() as folder:
        for album in sorted({row["album_id"] for row in manifest}):
            tracks = (
                (row, [noise[int(row["track_id"][1:]) :][:n_frames]])
                for row in manifest
                if row["album_id"] == album
            )
            write_album(Path(folder) / f"{album}.h5", tracks, {"top_db": 200.0})
        before = peak_mb()
        subsets = ("train", "validation", "test")
        held = [load_slices(manifest, subset, Path(folder), 31) for subset in subsets]
    data_mb = sum(part.log_mel.nbytes for part in held) / 1e6
    print(f"data {data_mb:.0f} MB, peak of reading it {peak_mb() - before:.0f} MB more than before")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--seconds", type=int, nargs="+", default=[1, 3, 6, 30])
    parser.add_argument("--data-set", action="store_true")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        train_three_steps(args.one, args)
        return
    if args.data_set:
        read_data_set()
        return
    for name in available(NETWORKS):
        for seconds in args.seconds:
            command = [sys.executable, __file__, "--one", name, "--seconds", str(seconds)]
            command += ["--batch-size", str(args.batch_size), "--width", str(args.width)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            before, peak = map(float, done.stdout.split())
            declared = step_mb(name, {"width": args.width}, args.batch_size, 31 * seconds)
            print(
                f"{name:15} {seconds:3} s: torch {before:.0f} MB, step {peak - before:6.0f} MB, "
                f"allowed for {declared:6.0f} MB"
            )


if __name__ == "__main__":
    main()
