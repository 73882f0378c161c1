"""Write a network in a form that other programs run."""

import argparse
from pathlib import Path

HELP = "write a network as ONNX"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.epilog = (
        "Input `log_mel`: slices in dB, (batch, frames, mel bands), float32. Output "
        "`log_probability`, (batch, artists). Artists and parameters are in the file's metadata."
    )
    parser.add_argument("--onnx", action="store_true", required=True, help="the form: ONNX")
    parser.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors")
    parser.add_argument("output", type=Path, metavar="OUT.onnx", help="the file to write")


def run(parsed: argparse.Namespace) -> int:
    """Export the model."""
    from artistid.prediction.onnx_export import export_onnx
    from artistid.prediction.package import read_package

    export_onnx(read_package(parsed.model), parsed.output)
    return 0
