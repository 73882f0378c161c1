"""Small models for the tests of predictions, packaged as runs are."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from artistid.corpus.audio import mono_blocks
from artistid.demo.recordings import make_album
from artistid.features.log_mel import LogMelParameters, log_mel, mel_filters
from artistid.features.mfcc import mfcc
from artistid.models.front_end import FrontEnd
from artistid.models.registry import SONG_SYSTEMS, available, build_network, load_model
from artistid.prediction.package import Package, write_package
from artistid.scoring.predictions import Predictions
from artistid.splits.subsets import TEST, VALIDATION
from artistid.training.systems import calibrated, predict_slices, save_system
from artistid.training.weights import save_weights

PARAMETERS = LogMelParameters()
FILTERS = mel_filters(PARAMETERS)
CLASSES = ["Ünï & Co", "b", "c"]
QUICK = {"gmm_mfcc": {"n_components": 2}, "svm_mfcc": {"n_features": 30}}
NARROW = {"resnet50": 4, "resnet50_rnn": 4}  # other networks: 16
SLICE_FRAMES = 31
NO_FRONT_END = FrontEnd()


def described(name: str, settings: object, classes: Sequence[str], frames: int | None) -> dict:
    return {
        "model": name,
        "settings": asdict(settings),
        "classes": list(classes),
        "log_mel": PARAMETERS.as_dict(),
        "slice_frames": frames,
    }


def network_package(
    path: Path,
    name: str = "crnn",
    classes: Sequence[str] = CLASSES,
    seed: int = 0,
    frames: int = SLICE_FRAMES,
    front_end: FrontEnd = NO_FRONT_END,
) -> Package:
    """A network with random weights, whose batch normalisation is as if it had seen something."""
    torch.manual_seed(seed)
    own = {"width": NARROW.get(name, 16)}
    network = build_network(name, 128, len(classes), own)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 2)
    generator = np.random.default_rng(seed)
    normalisation = (
        generator.normal(-30, 3, 128).astype(np.float32),
        generator.uniform(8, 15, 128).astype(np.float32),
    )
    weights = path.with_name("weights.safetensors")
    description = described(name, load_model(name, own)[1], classes, frames)
    if front_end != NO_FRONT_END:
        description["front_end"] = asdict(front_end)
    save_weights(weights, network, normalisation, description)
    return write_package(path, weights, FILTERS, {})


def stored_log_mel(path: Path) -> np.ndarray:
    """The spectrogram of a recording as the cache has it."""
    return log_mel(mono_blocks(path, 16000), FILTERS, PARAMETERS).astype(np.float16)


def demo_tracks(
    folder: Path, n_artists: int, n_tracks: int, seconds: float = 4
) -> list[list[Path]]:
    """Recordings of the demo's artists."""
    tracks = []
    for artist in range(n_artists):
        paths = [folder / f"{artist}" / f"{track}.mp3" for track in range(n_tracks)]
        make_album(paths, artist=artist, album=0, seconds=seconds, seed=20)
        tracks.append(paths)
    return tracks


def system_package(
    path: Path, name: str, tracks: list[list[Path]], classes: Sequence[str]
) -> tuple[Package, Predictions]:
    """A classical system as its script trains it; and what it predicts for the last tracks.

    The last track of each artist is tested, the one before it validates.
    """
    system_type, settings = load_model(name, QUICK.get(name, {}))
    system = system_type(settings, len(classes), 0)
    frames = [[mfcc(stored_log_mel(track)) for track in own] for own in tracks]
    labels = np.arange(len(classes))
    train = [track for own in frames for track in own[:-2]]
    targets = np.repeat(labels, [len(own) - 2 for own in frames])
    held = {VALIDATION: [own[-2] for own in frames], TEST: [own[-1] for own in frames]}
    ids = [str(own[-1]) for own in tracks]
    if name in available(SONG_SYSTEMS):
        system.fit(train, targets, held[VALIDATION], labels)
        raw = {
            subset: Predictions(system.track_scores(mfccs), labels, labels, ids)
            for subset, mfccs in held.items()
        }
    else:
        system.fit(train, targets)
        raw = {
            subset: predict_slices(system, ids, labels, mfccs, SLICE_FRAMES)[0]
            for subset, mfccs in held.items()
        }
    predictions, temperature = calibrated(raw)
    frames_of_slice = None if name in available(SONG_SYSTEMS) else SLICE_FRAMES
    weights = path.with_name("weights.safetensors")
    description = described(name, settings, classes, frames_of_slice)
    save_system(weights, system, description | {"temperature": temperature})
    return write_package(path, weights, FILTERS, {}), predictions[TEST]
