"""What a training step takes of a node's memory: what workflow_scripts/artistid/resources.py allows.

    python benchmarks/memory.py [--batch-size 16] [--width 64] [--seconds 1 3 6 30]

For each network and slice length, on the processor: peak memory of a process that trains for three
steps and predicts for one, in MB, above that of a process that has only imported torch. A line for
each is a process of its own.
"""

import argparse
import resource
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "workflow_scripts"))

from artistid.registry import NETWORKS, available
from artistid.resources import step_mb


def peak_mb() -> float:
    """Return the largest resident memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def train_three_steps(name: str, args: argparse.Namespace) -> None:
    """Train on noise and print the peak before and after."""
    import torch
    from torch.nn import functional

    from artistid.networks import build_network

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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--seconds", type=int, nargs="+", default=[1, 3, 6, 30])
    parser.add_argument("--one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        train_three_steps(args.one, args)
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
