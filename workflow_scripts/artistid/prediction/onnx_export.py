"""Networks as ONNX, for programs without torch.

The graph holds the normalisation and the temperature, so that it takes decibels and gives
log-probabilities. What turns samples into decibels stays with the caller: the parameters are in the
file's metadata, and docs/predict.md says how they are used.
"""

import json
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artistid.errors import InputError
from artistid.prediction.package import Package, needs_torch
from artistid.storage.files import atomic_write

if TYPE_CHECKING:
    from torch import nn

INPUT, OUTPUT = "log_mel", "log_probability"
OPSET = 17  # of 2022: what runs ONNX has it
PACKAGE = "onnx==1.23.2"


def export_onnx(package: Package, path: Path) -> None:
    """Write the network of a package as ONNX.

    Input ``log_mel``: slices in dB re 1.0, float32, (batch, frames, n_mels); if the front end
    subtracts means, less the recording's means. Output
    ``log_probability``: float32, (batch, artists). Any batch, one number of frames.

    Args:
        package: of a network.
        path: the ONNX file.

    Raises:
        InputError: the package is of a classical system, or the package onnx is not installed.
    """
    if not needs_torch(package):
        raise InputError(
            f"{package.path}: is not a network ({package.model}); only networks can be exported"
        )
    try:
        import onnx
    except ImportError:
        raise InputError(f"--onnx: the package onnx is missing; pip install {PACKAGE}") from None
    model: Any = onnx.load_from_string(_traced(package))
    _check_recurrences(model, package)
    about = package.description
    onnx.helper.set_model_props(
        model,
        {
            "artists": json.dumps(package.classes),
            "front_end": json.dumps(about["front_end"], sort_keys=True),
            "slice_frames": str(package.slice_frames),
            "format": about["format"],
            "model": package.model,
            "card": json.dumps(dict(package.card), sort_keys=True),
        },
    )
    onnx.checker.check_model(model)
    with atomic_write(path) as temporary:
        temporary.write_bytes(model.SerializeToString())


def _traced(package: Package) -> bytes:
    import torch

    example = torch.zeros(2, package.slice_frames or 1, package.log_mel.n_mels)
    # Both are about the tracing exporter, which needs no further package, and about fixed shapes.
    with warnings.catch_warnings(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "traced.onnx"
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)
        torch.onnx.export(
            _from_decibels(package),
            (example,),
            path,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "batch"}, OUTPUT: {0: "batch"}},
            opset_version=OPSET,
            dynamo=False,
        )
        return path.read_bytes()


def _from_decibels(package: Package) -> "nn.Module":
    """Return a module from slices in dB to log-probabilities."""
    import torch
    from torch import Tensor, nn

    from artistid.prediction.models import CPU, NetworkModel

    model = NetworkModel(package, CPU)

    class FromDecibels(nn.Module):
        mean: Tensor
        deviation: Tensor

        def __init__(self) -> None:
            super().__init__()
            self.network = model.network
            self.register_buffer("mean", model.mean)
            self.register_buffer("deviation", model.deviation)

        def forward(self, log_mel: Tensor) -> Tensor:
            standardised = ((log_mel - self.mean) / self.deviation).transpose(1, 2)[:, None]
            normalised = package.front_end.normalised(standardised)
            logits = self.network(normalised) / (package.temperature or 1.0)
            return torch.log_softmax(logits, dim=1)

    return FromDecibels().eval()


def _check_recurrences(model: Any, package: Package) -> None:
    """Make sure that each GRU is torch's: its reset gate acts after the recurrent product.

    Exporters have left ``linear_before_reset`` out, which changes every answer a little.

    Raises:
        RuntimeError: this exporter did.
    """
    for node in model.graph.node:
        if node.op_type == "GRU":
            attributes = {attribute.name: attribute.i for attribute in node.attribute}
            if attributes.get("linear_before_reset") != 1:
                raise RuntimeError(
                    f"{package.model}: torch {_torch_version()} has exported a GRU without "
                    "linear_before_reset; the file would give different answers, and is not written"
                )


def _torch_version() -> str:
    import torch

    return torch.__version__
