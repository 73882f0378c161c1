"""Networks as ONNX answer as torch does."""

import json

import numpy as np
import pytest
from prediction_helpers import network_package

from artistid.errors import InputError
from artistid.models.front_end import FrontEnd
from artistid.models.registry import NETWORKS, available
from artistid.prediction import onnx_export
from artistid.prediction.models import NetworkModel
from artistid.prediction.onnx_export import export_onnx

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.mark.parametrize(
    ("name", "relaxed"), [*((name, None) for name in available(NETWORKS)), ("crnn", 0.5)]
)
def test_log_probabilities_are_torchs(name, relaxed, tmp_path):
    front_end = FrontEnd(relaxed=relaxed)
    package = network_package(tmp_path / "model.safetensors", name, front_end=front_end)
    path = tmp_path / "out.onnx"
    export_onnx(package, path)
    log_mel = np.random.default_rng(0).normal(-30, 12, (5, 31, 128)).astype(np.float16)
    expected = NetworkModel(package, "cpu").log_probabilities_of(log_mel)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    [found] = session.run(["log_probability"], {"log_mel": log_mel.astype(np.float32)})
    assert found.shape == (5, 3)
    assert np.ptp(expected) > 0.01
    assert np.abs(found - expected).max() < 1e-4

    model = onnx.load(path)
    grus = [node for node in model.graph.node if node.op_type == "GRU"]
    resets = [a.i for node in grus for a in node.attribute if a.name == "linear_before_reset"]
    assert len(grus) == (0 if name in ("resnet50", "se_resnet", "cnn") else 2)
    assert resets == [1] * len(grus)
    properties = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(properties["artists"]) == package.classes
    assert json.loads(properties["front_end"])["parameters"]["n_mels"] == 128
    assert properties["slice_frames"] == "31"


def test_gru_of_another_kind_is_not_written(tmp_path, monkeypatch):
    package = network_package(tmp_path / "model.safetensors", "crnn")
    traced = onnx_export._traced(package)

    def careless(package):
        model = onnx.load_from_string(traced)
        for node in model.graph.node:
            if node.op_type == "GRU":
                [reset] = [a for a in node.attribute if a.name == "linear_before_reset"]
                node.attribute.remove(reset)
        return model.SerializeToString()

    monkeypatch.setattr(onnx_export, "_traced", careless)
    with pytest.raises(RuntimeError, match="linear_before_reset"):
        export_onnx(package, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


def test_without_onnx_it_is_said_what_to_install(tmp_path, monkeypatch):
    package = network_package(tmp_path / "model.safetensors", "crnn")
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(InputError, match="pip install onnx=="):
        export_onnx(package, tmp_path / "out.onnx")
