"""What the training loop's choices are worth: memory format, threads per training, determinism.

    python benchmarks/training.py [--width 16] [--batch-size 16] [--frames 31]

Slices per second of forward pass, backward pass and step, on this machine. Both sides of a
comparison are measured in the same run: compare ratios, not machines.
"""

import argparse
import subprocess
import sys
import time

import torch
from torch.nn import functional

from artistid.models.registry import NETWORKS, available, build_network
from artistid.training.fit import choose_device
from artistid.training.precision import set_precision


def slices_per_second(name: str, args: argparse.Namespace, memory_format: torch.memory_format):
    """Return the rate at which a network trains."""
    device = choose_device()
    settings = {"width": args.width}
    network = build_network(name, 128, 20, settings).to(device, memory_format=memory_format)
    slices = torch.randn(args.batch_size, 1, 128, args.frames, device=device)
    slices = slices.to(memory_format=memory_format)
    targets = torch.arange(args.batch_size, device=device) % 20
    optimiser = torch.optim.Adam(network.parameters())

    def step() -> None:
        optimiser.zero_grad()
        functional.cross_entropy(network(slices), targets).backward()
        optimiser.step()

    for _ in range(3):
        step()
    n_steps, started = 0, time.perf_counter()
    while time.perf_counter() - started < args.seconds:
        step()
        n_steps += 1
    if device.type == "cuda":
        torch.cuda.synchronize()
    return n_steps * args.batch_size / (time.perf_counter() - started)


def side_by_side(
    name: str, args: argparse.Namespace, processes: int, threads: int, *more: str
) -> float:
    """Return the summed rate of several trainings at once; `more` arguments reach each of them."""
    command = [sys.executable, __file__, "--one", name, "--threads", str(threads)]
    command += ["--width", str(args.width), "--batch-size", str(args.batch_size)]
    command += ["--frames", str(args.frames), "--seconds", str(args.seconds), *more]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    return sum(float(process.communicate()[0]) for process in running)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = available(NETWORKS)
    parser.add_argument("--networks", nargs="+", default=names, choices=names)
    parser.add_argument("--width", type=int, default=16)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--frames", type=int, default=31)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--deterministic", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    set_precision(args.deterministic)
    if args.one:
        print(slices_per_second(args.one, args, torch.channels_last))
        return
    for name in args.networks:
        first = slices_per_second(name, args, torch.contiguous_format)
        last = slices_per_second(name, args, torch.channels_last)
        print(f"{name:15} channels first {first:6.0f}, last {last:6.0f}: x {last / first:.2f}")
        one = side_by_side(name, args, processes=1, threads=2)
        two = side_by_side(name, args, processes=2, threads=1)
        print(f"{name:15} 1 x 2 threads {one:7.0f}, 2 x 1 {two:7.0f}: x {two / one:.2f}")
        if torch.cuda.is_available():  # on a processor every training is deterministic
            fixed = side_by_side(name, args, 1, 2, "--deterministic")
            ratio = fixed / one
            print(f"{name:15} any algorithm {one:6.0f}, deterministic {fixed:6.0f}: x {ratio:.2f}")


if __name__ == "__main__":
    main()
