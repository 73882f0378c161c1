"""Going on with an interrupted training, and only with that very one."""

import pickle
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from test_fit import CPU, FRAMES, SETTINGS, toy_set

from artistid.jobs.memory import Peaks
from artistid.models.registry import build_network
from artistid.storage.locks import exclusive_lock
from artistid.training.batches import BatchLoader
from artistid.training.dataset import band_statistics
from artistid.training.fit import _Training, fit
from artistid.training.settings import TrainingSettings
from artistid.training.state import SavedState, training_key


class KilledError(Exception):
    pass


def train(saved=None, killed_after=None, settings=SETTINGS):
    """Train a network with dropout; the process "dies" after an epoch was saved."""
    said = []

    def report(line: str) -> None:
        said.append(line)
        if killed_after and f"epoch {killed_after}/" in line:
            raise KilledError

    parts = toy_set(33, 0), toy_set(16, 1)
    normalisation = band_statistics(parts[0])
    network = toy_network()
    loaders = [BatchLoader(part, normalisation, CPU) for part in parts]
    return network, fit(network, *loaders, settings, 1, report, saved), said


def toy_loader() -> BatchLoader:
    part = toy_set(33, 0)
    return BatchLoader(part, band_statistics(part), CPU)


def toy_network():
    torch.manual_seed(1)
    return build_network("inception_rnn", 128, 2, {"width": 16})


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "states" / "seed1.pt"


@pytest.mark.parametrize(("killed_after", "bfloat16"), [(1, True), (2, False), (3, True)])
def test_a_resumed_training_ends_with_the_same_bits(path, killed_after, bfloat16, monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": bfloat16})
    torch.set_num_threads(1)
    network, whole, _ = train()
    with pytest.raises(KilledError):
        train(SavedState(path, "key", 0), killed_after)
    torch.rand(7)  # another process has another random state
    resumed, result, said = train(SavedState(path, "key", 0))
    assert said[0] == f"resumed after epoch {killed_after}"
    assert len(said) == 1 + SETTINGS.epochs - killed_after
    assert (result.history, result.best_epoch) == (whole.history, whole.best_epoch)
    expected = network.state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in resumed.state_dict().items())
    assert len(result.seconds) == SETTINGS.epochs


def test_peak_memory_of_an_earlier_session_is_not_lost(path, monkeypatch):
    monkeypatch.setattr("artistid.training.fit.peak_mb", lambda: 5000.0)
    with pytest.raises(KilledError):
        train(SavedState(path, "key", 0), killed_after=1)
    monkeypatch.setattr("artistid.training.fit.peak_mb", lambda: 400.0)
    assert train(SavedState(path, "key", 0))[1].peaks == Peaks(5000.0, None)


def test_a_training_that_had_stopped_is_not_trained_on(path):
    settings = TrainingSettings(epochs=40, learning_rate=0.3, batch_size=8, patience=2)
    _, whole, _ = train(SavedState(path, "key", 0), settings=settings)
    _, again, said = train(SavedState(path, "key", 0), settings=settings)
    assert said == [
        f"resumed after epoch {len(whole.history)}",
        "stopped: no better validation loss in 2 epochs",
    ]
    assert again.history == whole.history


def test_a_state_saved_where_no_loss_is_scaled_is_resumed_where_it_is(path):
    saved = SavedState(path, "key", 0)
    with pytest.raises(KilledError):
        train(saved, 1)
    state = saved.load()
    assert state["scaler"] == {}
    training = _Training(toy_network(), toy_loader(), SETTINGS, seed=1)
    training.precision.scaler = torch.amp.GradScaler("cpu")  # as on a GPU without bfloat16
    training.restore(state)
    assert len(training.history) == 1


def test_a_state_of_another_key_is_not_resumed(path, caplog):
    train(SavedState(path, "key", 0))
    with caplog.at_level("INFO"):
        assert SavedState(path, "other", 0).load() is None
    assert "has other settings, data or sources: training starts from the beginning" in caplog.text


def test_key_depends_on_settings_data_and_code():
    part, code = replace(toy_set(4, 0), sha256="a"), {"train_network/crnn": 1}
    key = training_key({"a": 1}, [part], code)
    assert key == training_key({"a": 1}, [replace(part)], dict(code))
    others = [
        training_key({"a": 2}, [part], code),
        training_key({"a": 1}, [replace(part, sha256="b")], code),
        training_key({"a": 1}, [replace(part, targets=1 - part.targets)], code),
        training_key({"a": 1}, [replace(part, tracks=part.tracks[::-1])], code),
        training_key({"a": 1}, [replace(part, slice_frames=FRAMES - 1)], code),
        training_key({"a": 1}, [part, part], code),
        training_key({"a": 1}, [part], {"train_network/crnn": 2}),
        training_key({"a": 1}, [part], {"train_network/crnn": "2"}),
        training_key({"a": 1}, [part], {"train_network/resnet50": 1}),
    ]
    assert len({key, *others}) == 10


def test_states_are_saved_once_in_a_while_and_removed(path):
    saved = SavedState(path, "key", 3600)
    saved.save({})
    assert not path.exists()
    saved = SavedState(path, "key", 0)
    saved.save({"epoch": 1})
    assert saved.load() == {"epoch": 1}
    saved.remove()
    assert saved.load() is None


class Hostile:
    def __reduce__(self):
        return (exec, ("open('executed', 'w').close()",))


@pytest.mark.parametrize("kind", ["torch", "pickle", "truncated", "empty", "text", "list"])
def test_damaged_and_hostile_states_are_refused_and_not_executed(path, kind, caplog, monkeypatch):
    path.parent.mkdir()
    monkeypatch.chdir(path.parent)
    if kind == "torch":
        torch.save({"format": "artistid training state 1", "key": "key", "state": Hostile()}, path)
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(Hostile()))
    elif kind == "truncated":
        SavedState(path, "key", 0).save({"a": torch.zeros(1000)})
        path.write_bytes(path.read_bytes()[:700])
    elif kind == "list":
        torch.save([1], path)
    else:
        path.write_bytes(b"" if kind == "empty" else b"no state at all")
    assert SavedState(path, "key", 0).load() is None
    assert "training starts from the beginning" in caplog.text
    assert not Path("executed").exists()


def test_one_process_at_a_time_trains_a_run(tmp_path):
    code = (
        "import sys, time; from pathlib import Path;"
        "from artistid.storage.locks import exclusive_lock\n"
        "with exclusive_lock(Path(sys.argv[1]), 'another process is training this run'):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "seed1.lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as first:
        assert first.stdout.readline() == b"held\n"
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as second:
            assert b"another process is training this run" in second.stderr.readline()
            time.sleep(0.2)
            first.kill()
            assert second.stdout.readline() == b"held\n"
            second.kill()
    with exclusive_lock(tmp_path / "seed1.lock", "held"):
        pass
