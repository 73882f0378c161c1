"""What precision, memory format and threads are worth to the training step on a processor.

    python benchmarks/training.py [--width 64] [--batch-size 16] [--frames 31] [--networks crnn]

Slices per second of forward pass, backward pass and step. Sides of a comparison take turns in one
run, and each has its median: compare ratios, not machines. `benchmarks/gpu.py` is for GPUs.

Rows, by ``comparison``:

- ``step``: one thread; ``plain`` is float32 with channels first, ``float32`` has channels last, and
  ``shipped`` trains in what `Precision` chooses here (``dtype``). ``ratio`` is ``shipped`` to
  ``float32``.
- ``threads``: as shipped; one training with two threads, and two with one thread each. ``ratio`` is
  the latter to the former.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
from recording import add_output, record
from torch.nn import functional

from artistid.models.registry import NETWORKS, available, build_network
from artistid.training.precision import Precision, name_of
from artistid.training.step import new_optimiser

CPU = torch.device("cpu")
N_CLASSES = 20
SIDES = {  # memory format, and whether `mixed_precision` is on
    "plain": (torch.contiguous_format, False),
    "float32": (torch.channels_last, False),
    "shipped": (torch.channels_last, True),
}


def training_step(
    name: str, args: argparse.Namespace, memory_format: torch.memory_format, mixed: bool
) -> Callable[[], None]:
    """Return a function that trains a network on one batch."""
    torch.manual_seed(1)
    network = build_network(name, 128, N_CLASSES, {"width": args.width})
    network = network.to(memory_format=memory_format)
    slices = torch.randn(args.batch_size, 1, 128, args.frames).to(memory_format=memory_format)
    targets = torch.arange(args.batch_size) % N_CLASSES
    precision = Precision(CPU, mixed)
    optimiser = new_optimiser(network, 1e-4, precision)

    def step() -> None:
        optimiser.zero_grad()
        with precision.autocast():
            loss = functional.cross_entropy(network(slices), targets)
        loss.backward()
        optimiser.step()

    return step


def rate(step: Callable[[], None], args: argparse.Namespace) -> float:
    """Return the slices per second of a step that is repeated for some seconds."""
    step()
    n_steps, started = 0, time.perf_counter()
    while time.perf_counter() - started < args.seconds:
        step()
        n_steps += 1
    return n_steps * args.batch_size / (time.perf_counter() - started)


def compare_steps(name: str, args: argparse.Namespace) -> dict[str, str | float]:
    """Return the rates of SIDES, which take turns."""
    steps = {side: training_step(name, args, *how) for side, how in SIDES.items()}
    rates: dict[str, list[float]] = {side: [] for side in SIDES}
    for _ in range(args.repeats):
        for side, step in steps.items():
            rates[side].append(rate(step, args))
    medians = {side: round(statistics.median(values), 1) for side, values in rates.items()}
    return {
        "comparison": "step",
        "network": name,
        "dtype": name_of(Precision(CPU, mixed=True).dtype),
        **medians,
        "ratio": round(medians["shipped"] / medians["float32"], 2),
    }


def compare_threads(name: str, args: argparse.Namespace) -> dict[str, str | float]:
    """Return the rates of one training with two threads and of two trainings with one."""
    one = statistics.median(_at_once(name, args, 1, 2) for _ in range(args.repeats))
    two = statistics.median(_at_once(name, args, 2, 1) for _ in range(args.repeats))
    return {
        "comparison": "threads",
        "network": name,
        "one_with_two": round(one, 1),
        "two_with_one": round(two, 1),
        "ratio": round(two / one, 2),
    }


def _at_once(name: str, args: argparse.Namespace, processes: int, threads: int) -> float:
    """Return the summed rate of several trainings at once."""
    command = [sys.executable, __file__, "--one", name, "--threads", str(threads)]
    command += ["--width", str(args.width), "--batch-size", str(args.batch_size)]
    command += ["--frames", str(args.frames), "--seconds", str(args.seconds)]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(processes)
    ]
    return sum(float(process.communicate()[0]) for process in running)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = available(NETWORKS)
    parser.add_argument("--networks", nargs="+", default=names, choices=names)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--frames", type=int, default=31)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--repeats", type=int, default=3, help="turns of each side")
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    add_output(parser, "training")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.one:
        print(rate(training_step(args.one, args, *SIDES["shipped"]), args))
        return
    rows = []
    for name in args.networks:
        for compare in (compare_steps, compare_threads):
            rows.append(compare(name, args) | {"width": args.width})
            print(", ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    record(args.output, rows)


if __name__ == "__main__":
    main()
