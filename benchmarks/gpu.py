"""What a GPU makes of training: steps eager and as a CUDA graph, and several runs on one device.

    python benchmarks/gpu.py [--seconds 3] [--networks crnn ...] [--output FILE]

Needs one GPU; where there is none it says so and ends with status 2. It writes JSON, by default
benchmarks/results/gpu.json: ``machine``, what it ran on, and ``rows``, flat mappings. All that is
compared in a row was measured in one run of this command. ``measurement`` says what a row is about,
``mode`` is ``eager`` (each kernel launched) or ``captured`` (the step replayed as a CUDA graph). A
row whose measurement failed has ``missing``, why, and none of the numbers.

peak: ``dtype``, ``tflops`` that the product of two square matrices of ``size`` reaches.
step: ``network``, ``width``, ``frames`` of a slice, ``mode``, ``dtype`` of the convolutions,
    ``batch_size``, ``ms`` per step (batches cut from ``frames_held`` frames on the device),
    ``fixed_ms`` (the same batch again and again), ``kernels`` and ``launches`` per step, ``gflop``
    per step (the network's products, both ways), ``share_of_peak`` (of that of its dtype).
speedup: ``network``, ``frames``, ``eager_ms``, ``captured_ms``, ``ratio`` of the two.
real_data: ``network``, ``frames``, ``mode``, ``ratio`` of steps per second to those of a fixed
    batch.
deterministic: ``network``, ``mode``, ``ms`` per step where only algorithms are taken that repeat,
    ``ratio`` to the ms of any algorithm.
side_by_side: ``network``, ``mode``, ``processes`` at once, ``mps`` (whether through NVIDIA's
    Multi-Process Service), ``steps_per_second`` of all together, ``ratio`` to one process without
    it.
hours: ``network``, ``frames``, ``mode``, ``runs`` of the paper's grid, ``hours`` of each for 300
    epochs on artist20 without validation, ``paper_hours`` (null where the paper has none; it does
    not say of which slice length, so they are shown at 1 s).
grid: ``mode``, ``runs``, ``hours`` of the paper's grid, one run after the other.

Each measurement runs in a separate process (`--one`), because determinism is set per process.
"""

import argparse
import csv
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from recording import add_output, record
from torch import Tensor
from torch.autograd import DeviceType
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from artistid.errors import shortened
from artistid.experiment import first_runs, follow_up_runs
from artistid.jobs.devices import driver_version
from artistid.models.registry import NETWORKS, available, build_network
from artistid.plan.config import read_yaml
from artistid.training.batches import CHANNELS_LAST, BatchLoader
from artistid.training.capture import MakeGraph, captured_step, cuda_graph
from artistid.training.dataset import SliceSet
from artistid.training.precision import Precision, name_of, set_precision
from artistid.training.provenance import source_commit
from artistid.training.step import Step, TrainingStep, epoch_batches, new_optimiser

ROOT = Path(__file__).parent.parent
MODES = ("eager", "captured")
N_MELS, N_CLASSES = 128, 20
AS_IT_IS = np.zeros(N_MELS, np.float32), np.ones(N_MELS, np.float32)  # a normalisation
SECOND = 31  # frames of a slice of 1 s
# artist20: 93 h at 31.25 frames per second, of which the song split trains on 81 %.
FRAMES_OF_ARTIST20, TRAIN_SHARE = 10.5e6, 0.81
WARM_UP, CHUNK = 10, 20  # steps before the clock starts, and between two looks at it
MPS = "nvidia-cuda-mps-control"


class FixedLoader(BatchLoader):
    """A loader that gives the same batch again and again: what training costs without its data."""

    def batch(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return the batch that was cut first."""
        if not hasattr(self, "first"):
            self.first = super().batch(positions)
        return self.first


def noise(n_frames: int, slice_frames: int) -> SliceSet:
    """Return slices of noise, one after the other, as a data set of one track."""
    log_mel = np.random.default_rng(0).standard_normal((n_frames, N_MELS), np.float32)
    starts = np.arange(0, n_frames - slice_frames + 1, slice_frames)
    return SliceSet(
        log_mel.astype(np.float16),
        starts,
        np.arange(len(starts)) % N_CLASSES,
        np.zeros(len(starts), np.int64),
        ["noise"],
        [],
        slice_frames,
        np.array([0]),
        np.array([n_frames]),
    )


def step_flop(name: str, width: int, batch_size: int, slice_frames: int) -> int:
    """Return the floating-point operations of a step: the network's products, both ways.

    Counted on the processor, where a recurrence is made of products that can be counted, and on two
    slices: all of them grow with the batch.
    """
    network = build_network(name, N_MELS, N_CLASSES, {"width": width})
    with FlopCounterMode(display=False) as counter:
        logits = network(torch.zeros(2, 1, N_MELS, slice_frames))
        functional.cross_entropy(logits, torch.zeros(2, dtype=torch.int64)).backward()
    return counter.get_total_flops() * batch_size // 2


def wait(device: torch.device) -> None:
    """Wait until a GPU has done all that was asked of it."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def whole_batches(loader: BatchLoader, batch_size: int) -> Iterator[Tensor]:
    """Yield positions of whole batches for ever, in an order that is the same every time."""
    order = torch.Generator().manual_seed(0)
    batches = epoch_batches(len(loader.slices), batch_size, order, loader.starts.device)
    return itertools.cycle([batch for batch in batches if len(batch) == batch_size])


def ms_per_step(run: Step, loader: BatchLoader, batch_size: int, seconds: float) -> float:
    """Return how long a step takes, in milliseconds."""
    batches = whole_batches(loader, batch_size)
    for positions in itertools.islice(batches, WARM_UP):
        run(positions)
    wait(loader.device)
    n_steps, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds or not n_steps:
        for positions in itertools.islice(batches, CHUNK):
            run(positions)
        wait(loader.device)
        n_steps += CHUNK
    return 1000 * passed / n_steps


def launched(run: Step, loader: BatchLoader, batch_size: int) -> tuple[float, float]:
    """Return the kernels that the GPU runs per step, and the launches that start them."""
    n_steps = 5
    with torch.profiler.profile() as profile:
        for positions in itertools.islice(whole_batches(loader, batch_size), n_steps):
            run(positions)
        wait(loader.device)
    kernels = launches = 0
    for event in profile.events():
        if event.device_type == DeviceType.CUDA:
            copies = event.name.startswith(("Memcpy", "Memset"))
            kernels += not (event.is_user_annotation or copies)
        else:
            launches += "LaunchKernel" in event.name or "GraphLaunch" in event.name
    return kernels / n_steps, launches / n_steps


def runner(
    name: str,
    args: argparse.Namespace,
    loader: BatchLoader,
    mode: str,
    make_graph: MakeGraph = cuda_graph,
) -> tuple[Step, str]:
    """Return what runs a network's steps in a mode, and why not where they cannot be captured."""
    torch.manual_seed(1)
    network = build_network(name, N_MELS, N_CLASSES, {"width": args.width})
    network = network.to(loader.device, memory_format=CHANNELS_LAST)
    network.train()
    precision = Precision(loader.device, mixed=True)
    optimiser = new_optimiser(network, 1e-4, precision, capturable=mode == "captured")
    generator = torch.Generator(loader.device)
    step = TrainingStep(network, loader, optimiser, precision, generator)
    if mode == "eager":
        return step, ""
    said: list[str] = []
    captured = captured_step(step, args.batch_size, said.append, make_graph)
    return captured, said[0] if captured is step else ""


def steps(
    name: str, slice_frames: int, args: argparse.Namespace, make_graph: MakeGraph = cuda_graph
) -> list[dict[str, Any]]:
    """Return a row for each mode of a network at a slice length."""
    device = torch.device(args.device)
    slices = noise(args.frames_held, slice_frames)
    loaders = [kind(slices, AS_IT_IS, device) for kind in (BatchLoader, FixedLoader)]
    dtype = name_of(Precision(device, mixed=True).dtype)
    rows = []
    for mode in MODES:
        row = {
            "measurement": "step",
            "network": name,
            "width": args.width,
            "frames": slice_frames,
            "mode": mode,
            "batch_size": args.batch_size,
            "frames_held": args.frames_held,
            "dtype": dtype,
        }
        rows.append(row | times(name, args, loaders, mode, make_graph))
    return rows


def times(
    name: str,
    args: argparse.Namespace,
    loaders: Sequence[BatchLoader],
    mode: str,
    make_graph: MakeGraph,
) -> dict[str, Any]:
    """Return what a network's steps take with real batches and with a fixed one."""
    found: dict[str, Any] = {}
    for key, loader in zip(("ms", "fixed_ms"), loaders, strict=True):
        run, said = runner(name, args, loader, mode, make_graph)
        if said:
            return {"missing": said}
        found[key] = ms_per_step(run, loader, args.batch_size, args.seconds)
        if key == "ms":
            found["kernels"], found["launches"] = launched(run, loader, args.batch_size)
    return found


def peak(dtype: torch.dtype, size: int, seconds: float, device: torch.device) -> dict[str, Any]:
    """Return the rate of the product of two large square matrices."""
    one = torch.randn(size, size, device=device, dtype=dtype)
    other = torch.randn_like(one)
    for _ in range(3):
        one @ other
    wait(device)
    n_products, started = 0, time.perf_counter()
    while (passed := time.perf_counter() - started) < seconds or not n_products:
        one @ other
        wait(device)
        n_products += 1
    return {
        "measurement": "peak",
        "dtype": name_of(dtype),
        "size": size,
        "tflops": 2 * size**3 * n_products / passed / 1e12,
    }


def one_measurement(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the rows of the one thing that this process measures."""
    set_precision(args.deterministic)
    device = torch.device(args.device)
    if args.one == "peak":
        dtypes = (torch.bfloat16, torch.float16, torch.float32)
        return [peak(dtype, args.size, args.seconds, device) for dtype in dtypes]
    if args.one == "steps":
        return steps(args.network, args.frames, args)
    loader = BatchLoader(noise(args.frames_held, args.frames), AS_IT_IS, device)
    run, said = runner(args.network, args, loader, args.mode)
    ms_per_step(run, loader, args.batch_size, 0)
    print("ready", flush=True)
    sys.stdin.readline()  # the processes of a group start together
    if said:
        return [{"missing": said}]
    return [{"ms": ms_per_step(run, loader, args.batch_size, args.seconds)}]


def command(args: argparse.Namespace, one: str, **more: Any) -> list[str]:
    """Return the command of a process that measures one thing."""
    keys = ("device", "seconds", "width", "batch_size", "frames_held", "size")
    options = {"one": one} | {key: getattr(args, key) for key in keys} | more
    words = [sys.executable, __file__]
    for key, value in options.items():
        name = f"--{key.replace('_', '-')}"
        words += ([name] if value else []) if isinstance(value, bool) else [name, str(value)]
    return words


def measured(args: argparse.Namespace, one: str, **more: Any) -> list[dict[str, Any]]:
    """Return the rows of a process; one that says why where it failed."""
    done = subprocess.run(command(args, one, **more), capture_output=True, text=True)
    return rows_of(done.returncode, done.stdout, done.stderr)


def in_both_modes(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows that each have a mode: what failed as a whole failed in both."""
    modes = [[row["mode"]] if "mode" in row else MODES for row in rows]
    return [
        {"mode": mode} | row for row, of_row in zip(rows, modes, strict=True) for mode in of_row
    ]


def rows_of(status: int, output: str, errors: str) -> list[dict[str, Any]]:
    """Return the rows that a process printed in its last line, or why there are none."""
    if status:
        last = (errors.strip() or f"ended with status {status}").splitlines()[-1]
        return [{"missing": shortened(last)}]
    rows: list[dict[str, Any]] = json.loads(output.splitlines()[-1])
    return rows


def group(
    args: argparse.Namespace, network: str, mode: str, n: int, environment: Mapping[str, str]
) -> dict[str, Any]:
    """Return the steps per second of several processes that train at once, all together."""
    words = command(args, "side_by_side", network=network, mode=mode, frames=SECOND)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    running = [subprocess.Popen(words, text=True, env=dict(environment), **pipes) for _ in range(n)]
    for process in running:  # each is ready, or has ended
        assert process.stdout
        process.stdout.readline()
    rows = []
    for process in running:
        assert process.stdin
        with suppress(BrokenPipeError):  # of one that has ended
            process.stdin.write("go\n")
            process.stdin.flush()
    for process in running:
        output, errors = process.communicate()
        rows += rows_of(process.returncode, output, errors)
    missing = [row["missing"] for row in rows if "missing" in row]
    if missing:
        return {"missing": missing[0]}
    return {"steps_per_second": sum(1000 / row["ms"] for row in rows)}


@contextmanager
def without_mps() -> Iterator[dict[str, str]]:
    """Yield an environment whose processes find no Multi-Process Service, even if one runs."""
    with tempfile.TemporaryDirectory() as folder:
        yield os.environ | {"CUDA_MPS_PIPE_DIRECTORY": folder}


@contextmanager
def with_mps() -> Iterator[dict[str, str]]:
    """Start a private Multi-Process Service, and yield the environment for its clients."""
    with tempfile.TemporaryDirectory(prefix="mps", ignore_cleanup_errors=True) as folder:
        environment = dict(os.environ)
        for key in ("PIPE", "LOG"):
            environment[f"CUDA_MPS_{key}_DIRECTORY"] = str(Path(folder) / key.lower())
            (Path(folder) / key.lower()).mkdir()
        subprocess.run([MPS, "-d"], env=environment, check=True, capture_output=True, text=True)
        try:
            yield environment
        finally:
            subprocess.run([MPS], input="quit\n", env=environment, text=True, timeout=60)


def side_by_side(
    args: argparse.Namespace, measure: Callable[..., dict[str, Any]] = group
) -> list[dict[str, Any]]:
    """Return a row for 1, 2 and 4 processes on the device, without MPS and with it."""
    rows = []
    for mps in (False, True):
        keys = itertools.product(args.networks, MODES, args.processes)
        keyed = [
            {
                "measurement": "side_by_side",
                "network": network,
                "mode": mode,
                "processes": n,
                "mps": mps,
            }
            for network, mode, n in keys
        ]
        try:
            if mps and not shutil.which(MPS):
                raise OSError(f"{MPS} is not installed")
            with with_mps() if mps else without_mps() as environment:
                for row in keyed:
                    found = measure(
                        args, row["network"], row["mode"], row["processes"], environment
                    )
                    rows.append(row | found)
        except (OSError, subprocess.SubprocessError) as error:
            print(f"side by side: {error}", file=sys.stderr)
            done = [{key: row[key] for key in keyed[0]} for row in rows]
            rows += [row | {"missing": shortened(str(error))} for row in keyed if row not in done]
    alone = {
        (row["network"], row["mode"]): row["steps_per_second"]
        for row in rows
        if "missing" not in row and row["processes"] == 1 and not row["mps"]
    }
    for row in rows:
        first = alone.get((row["network"], row["mode"]))
        if first and "missing" not in row:
            row["ratio"] = row["steps_per_second"] / first
    return rows


def paper_grid() -> Counter[tuple[str, int]]:
    """Return how many runs of the paper's grid have a network and a slice length, in frames."""
    config = read_yaml(ROOT / "config.yaml") | read_yaml(ROOT / "configs/artist20.yaml")
    runs = first_runs(config) + follow_up_runs(config, config["experiment"]["follow_up"])
    return Counter((run.model, round(SECOND * (run.slice_seconds or 1))) for run in runs)


def paper_hours() -> dict[str, float]:
    """Return the paper's hours of training by network."""
    with (ROOT / "resources/published_results.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["metric"] == "training hours"]
    return {row["model"]: float(row["value"]) for row in rows}


def hours_of_run(ms: float, frames: int, batch_size: int, epochs: int = 300) -> float:
    """Return the hours of a training on artist20's song split, without validation.

    Args:
        ms: of a step.
        frames: of a slice.
        batch_size: slices in a step.
        epochs: passes over the training set.
    """
    slices = FRAMES_OF_ARTIST20 * TRAIN_SHARE / frames
    return epochs * slices / batch_size * ms / 1000 / 3600


def derived(
    rows: Sequence[Mapping[str, Any]], grid: Mapping[tuple[str, int], int], batch_size: int
) -> list[dict[str, Any]]:
    """Return the rows that follow from others: speed-ups, real data, hours and the grid."""
    measured_steps = {
        (row["network"], row["frames"], row["mode"]): row
        for row in rows
        if row["measurement"] == "step" and "missing" not in row
    }
    found: list[dict[str, Any]] = []
    for (network, frames, mode), row in measured_steps.items():
        keys = {"network": network, "frames": frames}
        if mode == "eager" and (captured := measured_steps.get((network, frames, "captured"))):
            both = {"eager_ms": row["ms"], "captured_ms": captured["ms"]}
            ratio = row["ms"] / captured["ms"]
            found.append({"measurement": "speedup", **keys, **both, "ratio": ratio})
        ratio = row["fixed_ms"] / row["ms"]
        found.append({"measurement": "real_data", **keys, "mode": mode, "ratio": ratio})
    published = paper_hours()
    for mode in MODES:
        hours = {
            key: hours_of_run(row["ms"], key[1], batch_size)
            for key in grid
            if (row := measured_steps.get((*key, mode)))
        }
        found += [
            {
                "measurement": "hours",
                "network": network,
                "frames": frames,
                "mode": mode,
                "runs": grid[network, frames],
                "hours": value,
                "paper_hours": published.get(network) if frames == SECOND else None,
            }
            for (network, frames), value in hours.items()
        ]
        whole = {"measurement": "grid", "mode": mode, "runs": sum(grid.values())}
        if hours.keys() == grid.keys():
            total = sum(grid[key] * value for key, value in hours.items())
            found.append(whole | {"hours": total})
        else:
            lacking = ", ".join(f"{n} at {frames} frames" for n, frames in grid.keys() - hours)
            found.append(whole | {"missing": f"not measured: {lacking}"})
    return found


def with_shares(rows: Sequence[dict[str, Any]], width: int) -> None:
    """Add to the rows of steps what they compute, and their share of the device's peak."""
    peaks = {row["dtype"]: row["tflops"] for row in rows if row["measurement"] == "peak"}
    for row in rows:
        if row["measurement"] != "step" or "missing" in row:
            continue
        flop = step_flop(row["network"], width, row["batch_size"], row["frames"])
        row["gflop"] = flop / 1e9
        if row["dtype"] in peaks:
            row["share_of_peak"] = flop / (row["ms"] / 1000) / (peaks[row["dtype"]] * 1e12)


def all_rows(args: argparse.Namespace) -> list[dict[str, Any]]:
    """Measure everything, and return the rows."""
    grid = paper_grid()
    rows = [{"measurement": "peak"} | row for row in measured(args, "peak")]
    lengths = [(network, SECOND) for network in args.networks]
    lengths += [key for key in grid if key[0] in args.networks and key not in lengths]
    for network, frames in lengths:
        keys = {"measurement": "step", "network": network, "frames": frames}
        found = measured(args, "steps", network=network, frames=frames)
        rows += [keys | row for row in in_both_modes(found)]
        print(f"{network} at {frames} frames: measured", file=sys.stderr)
    for network in args.networks:
        any_ms = {
            row["mode"]: row["ms"]
            for row in rows
            if row["measurement"] == "step"
            and (row["network"], row["frames"]) == (network, SECOND)
            and "missing" not in row
        }
        found = measured(args, "steps", network=network, frames=SECOND, deterministic=True)
        for row in in_both_modes(found):
            keys = {"measurement": "deterministic", "network": network}
            numbers = {key: row[key] for key in ("mode", "ms", "missing") if key in row}
            if "ms" in row and "missing" not in row and row["mode"] in any_ms:
                numbers["ratio"] = row["ms"] / any_ms[row["mode"]]
            rows.append(keys | numbers)
    rows += side_by_side(args)
    with_shares(rows, args.width)
    return rows + derived(rows, grid, args.batch_size)


def gpu_of_machine() -> dict[str, Any]:
    """Return what describes the GPU, beside what describes every machine."""
    properties = torch.cuda.get_device_properties(0)
    return {
        "gpu": properties.name,
        "gpu_memory_gb": round(properties.total_memory / 1e9, 1),
        "gpu_multiprocessors": properties.multi_processor_count,
        "gpu_capability": f"{properties.major}.{properties.minor}",
        "gpu_driver": driver_version(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
        "commit": source_commit(),
    }


def arguments(words: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = available(NETWORKS)
    parser.add_argument("--networks", nargs="+", default=names, choices=names)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    add_output(parser, "gpu")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4], help="at once")
    parser.add_argument("--width", type=int, default=64, help="of the networks; 64 is published")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--frames-held", type=int, default=1_000_000, help="frames on the device")
    parser.add_argument("--size", type=int, default=8192, help="of the matrices for the peak")
    hidden: dict[str, dict[str, Any]] = {
        "one": {},
        "network": {},
        "mode": {},
        "frames": {"type": int, "default": SECOND},
        "device": {"default": "cuda"},
        "deterministic": {"action": "store_true"},
    }
    for name, how in hidden.items():
        parser.add_argument(f"--{name}", help=argparse.SUPPRESS, **how)
    return parser.parse_args(words)


def main() -> int:
    """Measure and write."""
    args = arguments()
    if args.one:
        print(json.dumps(one_measurement(args)))
        return 0
    if not torch.cuda.is_available():
        print("benchmarks/gpu.py: there is no GPU here that PyTorch can use; nothing was measured")
        return 2
    rows = all_rows(args)
    record(args.output, rows, gpu_of_machine())
    for row in rows:
        print("  ".join(f"{key} {value}" for key, value in row.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
