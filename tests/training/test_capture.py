"""Choosing between the eager step and a replayed one; on a processor, a graph is pretended."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from test_fit import CPU, toy_set
from test_state import KilledError, toy_loader, toy_network
from test_step import BATCHES, new_step, noisy

from artistid.models.registry import NETWORKS, available, build_network
from artistid.plan.sources import ROOT as SCRIPTS
from artistid.training import fit as fit_module
from artistid.training.batches import BatchLoader
from artistid.training.capture import (
    CapturedStep,
    Snapshot,
    captured_step,
    copies,
    cuda_graph,
    why_eager,
)
from artistid.training.dataset import band_statistics
from artistid.training.fit import _Training, fit
from artistid.training.settings import TrainingSettings
from artistid.training.state import SavedState

GRAPHS = TrainingSettings(3, 3e-3, batch_size=8, patience=None, cuda_graphs=True)
needs_gpu = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="needs a GPU, and there is none"
)


def rerun(function, generators):
    """Imitate a graph without a GPU: warm up, and "replay" by running again."""
    function()
    return function


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


def everything(step) -> list[torch.Tensor]:
    """All that a step changes."""
    optimiser = [t for state in step.optimiser.state.values() for t in state.values()]
    random = [generator.get_state() for generator in step.generators()]
    tensors = [*step.network.state_dict().values(), *optimiser, step.total, *random]
    return [tensor.clone() for tensor in tensors]


def equal(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return len(some) == len(others) and all(map(torch.equal, some, others))


def after_batches(step, run) -> list[torch.Tensor]:
    for positions in BATCHES:
        run(positions)
    return everything(step)


def test_the_captured_step_is_taken_and_leaves_no_trace():
    expected = after_batches(plain := new_step(noisy, True), plain)
    step, said = new_step(noisy, True), []
    captured = captured_step(step, 8, said.append, rerun)
    assert said == [
        "CUDA graph: a step of 8 slices is replayed as one; 3 steps gave what the same steps give "
        "eagerly"
    ]
    assert isinstance(captured, CapturedStep)
    assert all(parameter.grad is None for parameter in step.network.parameters())
    assert equal(after_batches(step, captured), expected)


def test_a_training_under_way_is_restored_too():
    step = new_step(noisy, True)
    step(BATCHES[0])
    before = everything(step)
    addresses = [tensor.data_ptr() for tensor in step.network.state_dict().values()]
    captured_step(step, 8, lambda line: None, rerun)
    assert equal(everything(step), before)
    assert [tensor.data_ptr() for tensor in step.network.state_dict().values()] == addresses


def test_what_has_changed_is_not_restored_by_chance():
    step = new_step(noisy, True)
    snapshot, before = Snapshot(step), everything(step)
    step(BATCHES[0])
    assert not equal(everything(step)[: len(before)], before)
    snapshot.restore()
    n_network = len(step.network.state_dict())
    assert equal(everything(step)[:n_network], before[:n_network])
    states = [t for state in step.optimiser.state.values() for t in state.values()]
    assert states
    assert not any(tensor.any() for tensor in states)


def does_nothing(function, generators):
    return lambda: None


def forgets_new_positions(function, generators):
    """Like a graph that has copied its input: the positions are those of the recording."""
    (positions,) = [cell.cell_contents.positions for cell in function.__closure__ if
                    isinstance(cell.cell_contents, CapturedStep)]  # fmt: skip

    def replay():
        positions.zero_()
        function()

    return replay


def draws_the_same_again(function, generators):
    states = [generator.get_state() for generator in generators]

    def replay():
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
        function()

    return replay


def draws_once_more(function, generators):
    def replay():
        function()
        torch.rand(1)

    return replay


def cannot_be_recorded(function, generators):
    try:
        raise RuntimeError("operation not permitted\nwhen stream is capturing")
    except RuntimeError:
        raise RuntimeError("operation failed due to a previous error during capture")  # noqa: B904


def cannot_be_replayed(function, generators):
    def replay():
        function()
        raise torch.OutOfMemoryError("CUDA out of memory")

    return replay


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (does_nothing, "the captured loss is 100.00% off, and 1% are allowed"),
        (forgets_new_positions, "the captured (loss|weights) .* off"),
        (draws_the_same_again, "the captured (loss|weights) .* off"),
        (draws_once_more, "the captured step draws other random numbers"),
        (
            cannot_be_recorded,
            r"cannot be captured \(operation not permitted when stream is capturing\)",
        ),
        (cannot_be_replayed, r"cannot be captured \(CUDA out of memory\)"),
    ],
)
def test_a_graph_that_does_not_do_the_same_is_not_used(wrong, why):
    expected = after_batches(plain := new_step(noisy, True), plain)
    step, said = new_step(noisy, True), []
    assert captured_step(step, 8, said.append, wrong) is step
    (line,) = said
    assert re.fullmatch(f"CUDA graph: none, the steps are run eagerly: .*{why}.*", line)
    assert equal(after_batches(step, step), expected)


def test_weights_that_lag_behind_are_noticed_where_the_losses_are_not():
    step = new_step(None, True)

    def half_as_far(function, generators):
        def replay():
            before = Snapshot(step)
            function()
            for name, tensor in step.network.state_dict().items():
                if tensor.is_floating_point():
                    tensor.lerp_(before.network[name], 0.5)

        return replay

    said = []
    assert captured_step(step, 8, said.append, half_as_far) is step
    assert "the captured weights are 50.00% off, and 25% are allowed" in said[0]


def test_losses_that_are_no_number_are_noticed():
    step, said = (
        new_step(lambda slices, targets, generator: (slices * float("nan"), targets), True),
        [],
    )
    assert captured_step(step, 8, said.append, rerun) is step
    assert "the captured loss is nan% off" in said[0]


def test_only_whole_batches_are_replayed():
    step, replayed = new_step(None, True), []

    def counted(function, generators):
        assert generators == step.generators()

        def replay():
            replayed.append(captured.positions.tolist())
            function()

        return replay

    captured = CapturedStep(step, 8, counted)
    for positions in (BATCHES[1], torch.tensor([5, 3]), BATCHES[2]):
        captured(positions)
    assert replayed == [BATCHES[1].tolist(), BATCHES[2].tolist()]
    (steps,) = {state["step"].item() for state in step.optimiser.state.values()}
    assert steps == 3


def setting(device="cuda", frames="cuda", scaled=False, n_slices=100):
    loader = SimpleNamespace(
        device=torch.device(device),
        log_mel=SimpleNamespace(device=torch.device(frames)),
        slices=range(n_slices),
    )
    precision = SimpleNamespace(scaler=SimpleNamespace(is_enabled=lambda: scaled))
    return loader, precision


@pytest.mark.parametrize(
    ("where", "why"),
    [
        ({}, None),
        ({"device": "cpu"}, "the training runs on the processor"),
        ({"frames": "cpu"}, "the spectrograms do not fit in the GPU's memory"),
        ({"scaled": True}, "this GPU trains in float16"),
        ({"n_slices": 15}, "there are fewer slices than the 16 of a batch"),
    ],
)
def test_what_cannot_be_captured_is_known_before(where, why):
    found = why_eager(*setting(**where), batch_size=16)
    assert found is None if why is None else found.startswith(why)


def train(settings, saved=None, killed_after=None):
    said = []

    def report(line: str) -> None:
        said.append(line)
        if killed_after and f"epoch {killed_after}/" in line:
            raise KilledError

    parts = toy_set(37, 0), toy_set(16, 1)
    loaders = [BatchLoader(part, band_statistics(parts[0]), CPU) for part in parts]
    network = toy_network()
    fit(network, *loaders, settings, 1, report, saved, noisy)
    return list(network.state_dict().values()), said


def test_on_a_processor_the_key_only_adds_a_line():
    network, said = train(GRAPHS)
    eager, eagerly_said = train(TrainingSettings(3, 3e-3, batch_size=8, patience=None))
    assert said[0] == (
        "CUDA graph: none, the steps are run eagerly: the training runs on the processor"
    )
    assert len(said) == 1 + len(eagerly_said)
    assert equal(network, eager)


@pytest.fixture
def graphs_on_the_processor(monkeypatch):
    monkeypatch.setattr(fit_module, "why_eager", lambda *args: None)
    monkeypatch.setattr(fit_module, "captured_step", lambda *args: captured_step(*args, rerun))


def test_a_captured_training_resumes_bit_for_bit(graphs_on_the_processor, tmp_path):
    whole, said = train(GRAPHS)
    assert said[0].startswith("CUDA graph: a step of 8 slices is replayed")
    path = tmp_path / "state.pt"
    with pytest.raises(KilledError):
        train(GRAPHS, SavedState(path, "key", 0), killed_after=2)
    torch.rand(5)
    resumed, said = train(GRAPHS, SavedState(path, "key", 0))
    assert said[0] == "resumed after epoch 2"
    assert said[1].startswith("CUDA graph: a step of 8 slices is replayed")
    assert equal(resumed, whole)


@pytest.mark.parametrize("captured_first", [True, False])
def test_a_state_is_resumed_with_graphs_and_without(captured_first, monkeypatch, tmp_path):
    monkeypatch.setattr(fit_module, "why_eager", lambda *args: None)
    # In float32, where only a capturable Adam is fused.
    graphs, eager = (replace(GRAPHS, mixed_precision=False, cuda_graphs=on) for on in (True, False))
    first, second = (graphs, eager) if captured_first else (eager, graphs)
    training = _Training(toy_network(), toy_loader(), first, 1)
    training.network.train()
    for positions in BATCHES:
        training.step(positions)
    path = tmp_path / "state.pt"
    SavedState(path, "key", 0).save(training.state())

    resumed = _Training(toy_network(), toy_loader(), second, 1)
    resumed.restore(SavedState(path, "key", 0).load())
    optimiser = resumed.optimiser
    assert optimiser.capturable is optimiser.fused is second.cuda_graphs
    assert isinstance(optimiser.learning_rate, torch.Tensor) is second.cuda_graphs
    for one, other in zip(
        training.optimiser.state.values(), resumed.optimiser.state.values(), strict=True
    ):
        assert all(torch.equal(one[name], other[name]) for name in one)
        assert other["step"].item() == 4
    resumed.network.train()
    for one in (resumed, training):
        torch.manual_seed(3)
        one.step(BATCHES[0])
    for one, other in zip(training.network.parameters(), resumed.network.parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_a_state_of_another_device_is_resumed():
    training = _Training(toy_network(), toy_loader(), GRAPHS, 1)
    drawn = training.augmentation.get_state()
    for other in ({"random_of_augmentation": torch.zeros(16, dtype=torch.uint8)}, {}):
        state = training.state()
        del state["random_of_augmentation"]  # a GPU's has 16 bytes, an older state has none
        training.restore(state | other)
        assert torch.equal(training.augmentation.get_state(), drawn)


def gpu_step(name: str = "crnn", augment=noisy):
    """Return a capturable step on the GPU, with 64 slices."""
    part, device = toy_set(64, 0), torch.device("cuda")
    torch.manual_seed(1)
    network = build_network(name, 128, 2, {"width": 16})
    network = network.to(device, memory_format=torch.channels_last)
    loader = BatchLoader(part, band_statistics(part), device)
    training = _Training(network, loader, GRAPHS, 1, augment)
    assert training.obstacle is None
    training.network.train()
    return training.step


GPU_BATCHES = torch.arange(64).split(8)


@needs_gpu
@pytest.mark.parametrize("name", available(NETWORKS))
def test_a_gpu_replays_every_network(name):
    said = []
    step = gpu_step(name)
    network, random = copies(step.network.state_dict()), [g.get_state() for g in step.generators()]
    captured = captured_step(step, 8, said.append)
    assert isinstance(captured, CapturedStep), said
    left = step.network.state_dict()
    assert all(torch.equal(network[key], left[key]) for key in network)
    assert equal([g.get_state() for g in step.generators()], random)
    plain = gpu_step(name)
    totals = []
    for one, run in ((step, captured), (plain, plain)):
        torch.manual_seed(4)  # both draw from the GPU's own generator
        for positions in GPU_BATCHES:
            run(positions.to("cuda"))
        run(torch.tensor([5, 3], device="cuda"))
        totals.append(one.total.item())
        random = [generator.get_state() for generator in one.generators()]
    assert totals[0] == pytest.approx(totals[1], rel=0.1)
    assert equal([g.get_state() for g in step.generators()], random)


@needs_gpu
def test_replays_on_a_gpu_draw_what_eager_steps_draw():
    drawn = []

    def noted(slices, targets, generator):
        drawn.append(torch.rand(4, generator=generator, device=slices.device))
        return slices * drawn[-1].mean(), targets

    step = gpu_step(augment=noted)
    captured = CapturedStep(step, 8, cuda_graph)
    step.generator.manual_seed(7)
    recorded, replayed = drawn[-1], []  # every replay writes to where the recording did
    for positions in GPU_BATCHES:
        captured(positions.to("cuda"))
        replayed.append(recorded.clone())
    plain = gpu_step(augment=noted)
    plain.generator.manual_seed(7)
    drawn.clear()
    for positions in GPU_BATCHES:
        plain(positions.to("cuda"))
    assert equal(replayed, drawn)
    assert not torch.equal(drawn[0], drawn[1])


def train_on_gpu(saved=None, killed_after=None):
    """Return losses of a deterministic, captured training, in a process made for it."""

    def report(line: str) -> None:
        print(line)
        if killed_after and f"epoch {killed_after}/" in line:
            raise KilledError

    parts, device = (toy_set(68, 0), toy_set(16, 1)), torch.device("cuda")
    torch.manual_seed(1)
    network = build_network("resnet50_rnn", 128, 2, {"width": 16}).to(device)
    loaders = [BatchLoader(part, band_statistics(parts[0]), device) for part in parts]
    settings = replace(GRAPHS, deterministic=True)
    return fit(network, *loaders, settings, 1, report, saved, noisy).history


@needs_gpu
def test_a_captured_training_resumes_bit_for_bit_on_a_gpu(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\n"
        "from artistid.training.precision import set_precision\n"
        "set_precision(True)\n"
        "from test_capture import KilledError, SavedState, train_on_gpu\n"
        "saved = SavedState(Path(sys.argv[1]), 'key', 0) if len(sys.argv) > 1 else None\n"
        "try:\n"
        "    print(train_on_gpu(saved, int(sys.argv[2]) if len(sys.argv) > 2 else None))\n"
        "except KilledError:\n    pass\n"
    )
    folders = (SCRIPTS, Path(__file__).parent)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, folders))}

    def said(*arguments: str) -> list[str]:
        command = [sys.executable, "-c", code, *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    whole = said()
    assert "is replayed as one" in whole[0]
    state = str(tmp_path / "state.pt")
    said(state, "2")
    resumed = said(state)
    assert resumed[0] == "resumed after epoch 2"
    assert "is replayed as one" in resumed[1]
    assert resumed[-1] == whole[-1]
