"""Write what a network's last layer sees of recordings, to compare or to cluster them."""

import argparse
from pathlib import Path
from typing import Any

from artistid.commands import _shared as shared
from artistid.errors import InputError

HELP = "write a network's features of recordings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to its parser."""
    parser.epilog = (
        "The file holds NumPy arrays: `features` (rows, features), float32; `path` and `start` (s) "
        "of each row. Exit code as that of predict."
    )
    shared.add_models_and_files(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="NPZ", help="the file to write"
    )
    parser.add_argument(
        "--slices", action="store_true", help="one row per slice instead of their mean per file"
    )


def run(parsed: argparse.Namespace) -> int:
    """Embed each file, and write all of them at the end."""
    models, names = shared.models_and_files(parsed)
    if len(models) > 1:
        raise InputError("features of several models are not comparable; name one model")
    files = shared.listed(names, parsed.null)

    import numpy as np

    from artistid.prediction.models import NetworkModel
    from artistid.prediction.package import needs_torch, read_package
    from artistid.prediction.spectrograms import spectrogram_of
    from artistid.storage.files import atomic_write

    package = read_package(models[0])
    if not needs_torch(package):
        raise InputError(
            f"{package.path}: is not a network ({package.model}), so it has no features"
        )
    shared.set_threads(parsed.threads)
    model = NetworkModel(package, parsed.device)
    features: list[Any] = []
    starts: list[Any] = []
    paths: list[str] = []

    def use(path: Path) -> None:
        with spectrogram_of(path, package.filters, package.log_mel) as spectrogram:
            rows = model.embeddings(spectrogram)
        if not len(rows):
            raise InputError(f"{path}: is shorter than a slice of {package.slice_seconds:.3g} s")
        firsts = np.arange(len(rows)) * (package.slice_seconds or 0)
        if not parsed.slices:
            rows, firsts = rows.mean(axis=0, keepdims=True), np.zeros(1)
        features.append(rows)
        starts.append(firsts)
        paths.extend([str(path)] * len(rows))

    n_used, n_bad = shared.each_file(files, use, lambda path, reason: None)
    if not n_used:
        raise InputError("no file could be used, and nothing is written")
    with atomic_write(parsed.output) as temporary, temporary.open("wb") as stream:
        np.savez(
            stream,
            features=np.concatenate(features),
            path=np.array(paths),
            start=np.concatenate(starts),
        )
    return 1 if n_bad else 0
