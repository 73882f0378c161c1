"""A step of training as one CUDA graph, recorded once and replayed.

A step launches more than a thousand small kernels, and if the batch is small, launching takes
longer than computing. A graph launches them together. It replays the very kernels on the very
addresses that were recorded, so everything that changes between two steps must be changed in
place: the positions of the slices, the weights, the optimiser's state, the random numbers.

Before a graph is used, steps are run in both ways from one state and compared, and every trace of
that is removed. Where they differ, or the step cannot be recorded, the training is eager and says
so.
"""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from artistid.errors import shortened
from artistid.training.batches import BatchLoader
from artistid.training.precision import Precision
from artistid.training.step import Step, TrainingStep

# Records a function that takes and returns nothing, and returns what replays it. The generators are
# those that the function draws from; it is run before, as often as recording it needs.
MakeGraph = Callable[[Callable[[], None], Sequence[torch.Generator]], Callable[[], None]]

WARM_UP_STEPS = 3
COMPARED_STEPS = 3
# The kernels are the same, but some of them add in an order that changes from run to run. Rounding
# every gradient of the convolutions again, to 8 bits, moves the end of a step by up to 15 % of its
# length; other slices or another dropout move it by 50 % or more (benchmarks/captured_steps.py).
WEIGHT_TOLERANCE = 0.25
LOSS_TOLERANCE = 0.01


def why_eager(loader: BatchLoader, precision: Precision, batch_size: int) -> str | None:
    """Return why a training on a subset cannot be captured, or None if it can be."""
    if loader.device.type != "cuda":
        return "the training runs on the processor"
    if loader.log_mel.device.type != "cuda":
        return "the spectrograms do not fit in the GPU's memory, and are cut by the processor"
    if precision.scaler.is_enabled():
        return "this GPU trains in float16, whose scaled loss must be read in every step"
    if len(loader.slices) < batch_size:
        return f"there are fewer slices than the {batch_size} of a batch"
    return None


def cuda_graph(
    function: Callable[[], None], generators: Sequence[torch.Generator]
) -> Callable[[], None]:
    """Record a function's kernels on the current GPU, and return what replays them.

    Args:
        function: leaves all that it uses where it is. It is run `WARM_UP_STEPS` times first,
            because libraries set themselves up in their first calls, which no graph can hold.
        generators: that it draws from. A replay continues from their state, and advances them.
    """
    graph = torch.cuda.CUDAGraph()
    for generator in generators:
        if generator.device.type == "cuda":
            graph.register_generator_state(generator)
    # One stream for both: libraries keep a workspace for each. The outer block also leaves it when
    # the capture fails, which the inner one does not.
    stream, current = torch.cuda.Stream(), torch.cuda.current_stream()
    stream.wait_stream(current)
    try:
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_STEPS):
                function()
            with torch.cuda.graph(graph, stream=stream):
                function()
    finally:
        current.wait_stream(stream)
    return graph.replay


class CapturedStep:
    """A step that replays a graph for every whole batch; shorter ones are run eagerly."""

    def __init__(self, step: TrainingStep, batch_size: int, make_graph: MakeGraph) -> None:
        self.step = step
        self.positions = torch.zeros(
            batch_size, dtype=torch.int64, device=step.loader.starts.device
        )
        self.replay = make_graph(lambda: step(self.positions), step.generators())

    def __call__(self, positions: Tensor) -> None:
        """Train on the slices at some positions."""
        if len(positions) == len(self.positions):
            self.positions.copy_(positions)
            self.replay()
        else:
            self.step(positions)


class Snapshot:
    """All that a step changes, as it is now."""

    def __init__(self, step: TrainingStep) -> None:
        self.step = step
        self.network = copies(step.network.state_dict())
        self.optimiser = {key: copies(state) for key, state in step.optimiser.state.items()}
        self.average = copies(step.average.state()) if step.average else {}
        self.total = step.total.clone()
        self.random = [generator.get_state() for generator in step.generators()]

    @torch.no_grad()
    def restore(self) -> None:
        """Set everything back, in place: a graph knows tensors by their addresses."""
        for name, tensor in self.step.network.state_dict().items():
            tensor.copy_(self.network[name])
        for key, averages in self.step.optimiser.state.items():
            for name, tensor in averages.items():
                tensor.copy_(self.optimiser[key][name])
        if self.step.average:
            self.step.average.restore(self.average)
        self.step.total.copy_(self.total)
        self.step.optimiser.zero_grad()
        for generator, state in zip(self.step.generators(), self.random, strict=True):
            generator.set_state(state)


def copies(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return copies of tensors by name, on their devices."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


def captured_step(
    step: TrainingStep,
    batch_size: int,
    report: Callable[[str], Any],
    make_graph: MakeGraph = cuda_graph,
) -> Step:
    """Return a step that replays a graph, or the eager one if a graph does not do the same.

    Nothing is left of the steps that are run to find out.

    Args:
        step: of a training that `why_eager` has nothing against, with a capturable optimiser.
        batch_size: slices in a whole batch.
        report: gets a line with what was found.
        make_graph: records a function.
    """
    step.network.train()
    before = Snapshot(step)
    with warnings.catch_warnings():
        # Adam wonders why a capturable step is not captured: the short batches never are.
        warnings.filterwarnings("ignore", message=".*constructed with capturable=True")
        try:
            captured = CapturedStep(step, batch_size, make_graph)
            before.restore()
            problem = _first_difference(step, captured)
        except Exception as error:  # whatever it is, the eager step is there
            problem = f"the step cannot be captured ({_cause(error)})"
    before.restore()
    if problem:
        report(f"CUDA graph: none, the steps are run eagerly: {problem}")
        return step
    report(
        f"CUDA graph: a step of {batch_size} slices is replayed as one; {COMPARED_STEPS} steps "
        "gave what the same steps give eagerly"
    )
    return captured


def _first_difference(step: TrainingStep, captured: CapturedStep) -> str | None:
    """Return in what steps differ that are run both ways, each pair from one state, or None."""
    batches = torch.randint(
        len(step.loader.slices),
        (COMPARED_STEPS, len(captured.positions)),
        generator=torch.Generator().manual_seed(0),
    )
    for positions in batches.to(captured.positions.device):
        before = Snapshot(step)
        step(positions)
        eager = Snapshot(step)
        before.restore()
        captured(positions)
        if problem := _difference(before, eager, Snapshot(step)):
            return problem
    return None


def _difference(before: Snapshot, eager: Snapshot, captured: Snapshot) -> str | None:
    """Return in what two steps from one state differ too much, or None."""
    names = {
        "weights": [name for name, _ in before.step.network.named_parameters()],
        "statistics": [name for name, _ in before.step.network.named_buffers()],
    }
    loss, apart = eager.total - before.total, captured.total - eager.total
    shares = [("loss is", _share(apart.abs().item(), loss.abs().item()), LOSS_TOLERANCE)]
    for kind, of_kind in names.items():
        moved = _distance(before.network, eager.network, of_kind)
        away = _distance(eager.network, captured.network, of_kind)
        shares.append((f"{kind} are", _share(away, moved), WEIGHT_TOLERANCE))
    for what, share, allowed in shares:
        if not share <= allowed:  # NaN is never within the tolerance
            return f"the captured {what} {share:.2%} off, and {allowed:.0%} are allowed"
    if not all(map(torch.equal, eager.random, captured.random)):
        return "the captured step draws other random numbers"
    return None


def _distance(some: dict[str, Tensor], others: dict[str, Tensor], names: Sequence[str]) -> float:
    """Return the Euclidean distance of tensors, all taken as one vector."""
    squares = [(some[name].double() - others[name].double()).square().sum() for name in names]
    return torch.stack(squares).sum().sqrt().item() if squares else 0.0


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.inf if part else 0.0


def _cause(error: BaseException) -> str:
    """Return what the first of a chain of errors says: ending a failed capture raises another."""
    while error.__context__:
        error = error.__context__
    return shortened(" ".join(str(error).split()))
