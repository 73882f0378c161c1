"""benchmarks/gpu.py, as far as it runs without a GPU: what it computes and writes, never times."""

import json
import shutil
import sys

import gpu
import pytest
import torch
from recording import record
from test_capture import does_nothing, rerun

SMALL = "--device cpu --width 16 --batch-size 4 --frames-held 640 --seconds 0 --size 64"


@pytest.fixture(autouse=True)
def short(monkeypatch):
    torch.set_num_threads(1)
    monkeypatch.setattr(gpu, "WARM_UP", 1)
    monkeypatch.setattr(gpu, "CHUNK", 1)


@pytest.fixture
def args():
    return gpu.arguments([*SMALL.split(), "--networks", "crnn", "resnet50"])


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU, and it would be measured")
def test_without_a_gpu_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["gpu.py"])
    assert gpu.main() == 2
    said = capsys.readouterr().out
    assert said == (
        "benchmarks/gpu.py: there is no GPU here that PyTorch can use; nothing was measured\n"
    )


def test_operations_of_a_step_are_those_of_its_layers():
    # The CRNN's convolutions at width 16, which pool (2, 2), (4, 2), (4, 2) and (4, 2): multiply
    # and add, for the output, for the gradient of the weights and for that of the input.
    sizes = [(128 * 31, 1, 16), (64 * 15, 16, 32), (16 * 7, 32, 32), (4 * 3, 32, 32)]
    convolutions = 6 * 4 * sum(places * 9 * n_in * n_out for places, n_in, n_out in sizes)
    found = gpu.step_flop("crnn", 16, 4, 31)
    assert convolutions < found < 1.02 * convolutions  # the recurrent head is small
    assert gpu.step_flop("crnn", 16, 8, 31) == 2 * found


def test_hours_of_the_papers_grid():
    assert sum(gpu.paper_grid().values()) == 30
    assert gpu.paper_grid()["resnet50_rnn", 186] == 6
    assert gpu.paper_hours() == {"inception_rnn": 7, "resnet50": 9, "resnet50_rnn": 11}
    # 10.5 million frames * 0.81 / 31 are 274,355 slices, or 17,147 steps; 300 times; 13 ms each.
    assert gpu.hours_of_run(13, 31, 16) == pytest.approx(300 * 17147.2 * 0.013 / 3600, rel=1e-4)
    assert gpu.hours_of_run(13, 93, 16) == pytest.approx(gpu.hours_of_run(13, 31, 16) / 3)


def made_up_steps(grid) -> list[dict]:
    return [
        {
            "measurement": "step",
            "network": network,
            "frames": frames,
            "mode": mode,
            "ms": ms,
            "fixed_ms": 0.9 * ms,
        }
        for network, frames in grid
        for mode, ms in (("eager", 12.0), ("captured", 3.0))
    ]


def are_flat_and_described(rows) -> None:
    for row in rows:
        assert f"\n{row['measurement']}: " in gpu.__doc__
        for key, value in row.items():
            assert f"``{key}``" in gpu.__doc__
            assert value is None or isinstance(value, str | int | float | bool)


def test_what_follows_from_the_steps():
    grid = gpu.paper_grid()
    rows = gpu.derived(made_up_steps(grid), grid, 16)
    are_flat_and_described(rows)
    speedups = [row for row in rows if row["measurement"] == "speedup"]
    assert [row["ratio"] for row in speedups] == [4.0] * len(grid)
    assert {row["ratio"] for row in rows if row["measurement"] == "real_data"} == {0.9}
    hours = {
        (row["network"], row["frames"]): row
        for row in rows
        if row["measurement"] == "hours" and row["mode"] == "captured"
    }
    assert hours["resnet50", 31]["paper_hours"] == 9
    assert hours["resnet50_rnn", 93]["paper_hours"] is None
    eager, captured = [row for row in rows if row["measurement"] == "grid"]
    assert captured["hours"] == pytest.approx(eager["hours"] / 4)
    assert captured["hours"] == pytest.approx(
        sum(row["runs"] * row["hours"] for row in hours.values())
    )


def test_a_grid_that_was_not_measured_whole_has_no_hours():
    grid = gpu.paper_grid()
    rows = made_up_steps([("resnet50", 31)])
    (eager, _) = [row for row in gpu.derived(rows, grid, 16) if row["measurement"] == "grid"]
    assert "hours" not in eager
    assert "resnet50_rnn at 186 frames" in eager["missing"]


def test_a_step_that_cannot_be_captured_has_no_numbers(args):
    eager, captured = gpu.steps("crnn", 31, args, does_nothing)
    assert eager["ms"] > 0
    assert "ms" not in captured
    assert captured["missing"].startswith("CUDA graph: none, the steps are run eagerly: ")


def test_several_processes_are_summed_and_what_fails_is_named(args, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    alone = {"eager": 10.0, "captured": 50.0}

    def measure(args, network, mode, n, environment):
        if (network, n) == ("crnn", 4):
            return {"missing": "torch.OutOfMemoryError: CUDA out of memory"}
        return {"steps_per_second": alone[mode] * n / (1 if mode == "eager" else 2 - 1 / n)}

    rows = gpu.side_by_side(args, measure)
    assert len(rows) == 2 * 2 * 3 * 2  # networks, modes, numbers of processes, with and without MPS
    assert all(
        row["missing"] == "nvidia-cuda-mps-control is not installed" for row in rows if row["mps"]
    )
    are_flat_and_described(rows)
    first = {(row["network"], row["mode"], row["processes"]): row for row in rows if not row["mps"]}
    assert first["resnet50", "eager", 4]["ratio"] == 4
    assert first["resnet50", "captured", 2]["ratio"] == pytest.approx(4 / 3)
    assert "ratio" not in first["crnn", "eager", 4]


def test_a_group_of_processes_trains(args):
    with gpu.without_mps() as environment:
        found = gpu.group(args, "crnn", "eager", 1, environment | {"OMP_NUM_THREADS": "1"})
    assert found["steps_per_second"] > 0


def test_every_row_is_flat_and_described(args, monkeypatch, tmp_path):
    def in_this_process(args, one, **more):
        if one == "peak":
            dtypes = (torch.float32, torch.bfloat16)
            return [gpu.peak(dtype, args.size, 0, torch.device("cpu")) for dtype in dtypes]
        if more["network"] == "resnet50":
            return gpu.rows_of(1, "", "Traceback\nRuntimeError: out of memory")
        return gpu.steps(more["network"], more["frames"], args, rerun)

    monkeypatch.setattr(gpu, "measured", in_this_process)
    monkeypatch.setattr(gpu, "side_by_side", lambda args: [])
    rows = gpu.all_rows(args)
    record(tmp_path / "gpu.json", rows)
    assert json.loads((tmp_path / "gpu.json").read_text())["rows"] == rows
    kinds = {row["measurement"] for row in rows}
    assert kinds == {"peak", "step", "speedup", "real_data", "deterministic", "grid"}
    are_flat_and_described(rows)
    whole = [row for row in rows if row["measurement"] == "step" and "missing" not in row]
    assert {row["mode"] for row in whole} == {"eager", "captured"}
    assert all(row["share_of_peak"] > 0 and row["gflop"] > 0 for row in whole)
    missing = [row for row in rows if row["measurement"] == "step" and "missing" in row]
    assert [(row["network"], row["mode"]) for row in missing] == [
        ("resnet50", mode) for mode in gpu.MODES
    ]
    assert {row["missing"] for row in missing} == {"RuntimeError: out of memory"}
