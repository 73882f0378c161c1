"""Describe a model: artists, scores, origin, and what not to use it for."""

import argparse
import sys
from pathlib import Path

HELP = "describe a model file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.add_argument("model", type=Path, metavar="MODEL", help="a model.safetensors")
    parser.add_argument("--json", action="store_true", help="everything that is known, as JSON")


def run(parsed: argparse.Namespace) -> int:
    """Print the model's card."""
    import json

    from artistid.prediction.card import in_words
    from artistid.prediction.package import digest, read_package

    package = read_package(parsed.model)
    if parsed.json:
        content = {**package.description, "path": str(package.path), "sha256": digest(package)}
        content["parameters"] = sum(array.size for array in package.learnt.values())
        sys.stdout.write(json.dumps(content, indent=2, sort_keys=True) + "\n")
    else:
        sys.stdout.write(in_words(package))
    return 0
