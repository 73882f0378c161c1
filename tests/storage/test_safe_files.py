"""Files that a user hands over: checked when they are read, and never a program."""

import ast
import json
import pickle
import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import ROOT
from fuzz_readers import MUTATIONS, Bytes, mutate_tree
from safetensors.numpy import save

from artistid.errors import InputError
from artistid.features.log_mel import LogMelParameters
from artistid.features.mel_cache import read_frame_counts, read_parameters, read_tracks
from artistid.models.registry import build_network
from artistid.prediction.package import read_package
from artistid.scoring.outcomes import read_outcomes
from artistid.scoring.predictions import read_predictions
from artistid.training.weights import FORMAT, load_weights, save_weights

DESCRIPTION = {
    "model": "crnn",
    "settings": {"width": 16, "gru_units": 4},
    "classes": ["a", "b"],
    "log_mel": LogMelParameters().as_dict(),
    "slice_frames": 31,
}


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


READERS = {
    "weights": (load_weights, "weights.safetensors"),
    "parameters": (read_parameters, "album.h5"),
    "tracks": (lambda path: read_tracks(path, ["t"]), "album.h5"),
    "frame counts": (lambda path: read_frame_counts(path, ["t"]), "album.h5"),
    "package": (read_package, "model.safetensors"),
    "predictions": (read_predictions, "predictions.h5"),
    "outcomes": (read_outcomes, "outcomes.h5"),
}


@pytest.mark.parametrize("name", READERS)
def test_pickle_is_refused_and_not_run(tmp_path, name):
    reader, file_name = READERS[name]
    path, target = tmp_path / file_name, tmp_path / "hacked"
    torch.save(Bomb(target), path)
    for content in (path.read_bytes(), pickle.dumps(Bomb(target))):
        path.write_bytes(content)
        with pytest.raises(InputError, match=path.name) as error:
            reader(path)
        assert "\n" not in str(error.value)
        assert not target.exists()
    pickle.loads(pickle.dumps(Bomb(target)))  # noqa: S301
    assert target.exists(), "the bomb would have worked"


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> bytes:
    path = tmp_path_factory.mktemp("weights") / "weights.safetensors"
    network = build_network("crnn", 128, 2, DESCRIPTION["settings"])
    save_weights(path, network, (np.zeros(128, "f4"), np.ones(128, "f4")), DESCRIPTION)
    load_weights(path)
    return path.read_bytes()


def described(weights: bytes, description, drop: str = "", **tensors) -> bytes:
    """Weights with another description, without a tensor, or with other ones."""
    size = struct.unpack("<Q", weights[:8])[0]
    header = json.loads(weights[8 : 8 + size])
    header["__metadata__"] = {"artistid": json.dumps(description)}
    header.pop(drop, None)
    if not (drop or tensors):
        text = json.dumps(header).encode()
        return struct.pack("<Q", len(text)) + text + weights[8 + size :]
    kinds = {"F32": "f4", "I64": "i8"}
    arrays = {
        name: np.frombuffer(weights[8 + size :][slice(*own["data_offsets"])], kinds[own["dtype"]])
        .reshape(own["shape"])
        for name, own in header.items()
        if name != "__metadata__"
    }  # fmt: skip
    return save(arrays | tensors, header["__metadata__"])


WHOLE = DESCRIPTION | {"format": FORMAT}
WRONG = [
    ({"format": "other"}, {}, "its format is not"),
    ({"model": "gmm_mfcc"}, {}, "there is no network 'gmm_mfcc'"),
    ({"model": "../../evil"}, {}, "there is no network '../../evil'"),
    ({"model": ["crnn"]}, {}, r"there is no network \['crnn'\]"),
    ({"settings": {"depth": 3}}, {}, "settings have other keys than width"),
    ({"settings": {"width": "16"}}, {}, "settings.width cannot be '16'"),
    ({"settings": {"width": 10**9}}, {}, "settings.width cannot be 1000000000"),
    ({"settings": {"width": True}}, {}, "settings.width cannot be True"),
    ({"settings": [16]}, {}, "settings are not a mapping"),
    ({"log_mel": {"n_mels": 128}}, {}, "log_mel have other keys"),
    ({"log_mel": LogMelParameters(n_mels=4).as_dict()}, {}, "make no network"),
    ({"classes": "ab"}, {}, "classes are not a list"),
    ({"classes": ["a", "a"]}, {}, "classes are none, or not unique"),
    ({"classes": ["a", "b", "c"]}, {}, "classifier.* has another shape"),
    ({"slice_frames": 0}, {}, "slice_frames is not a number"),
    ({}, {"drop": "normalisation.mean"}, "missing or unknown, such as normalisation.mean"),
    ({}, {"extra": np.zeros(3, "f4")}, "missing or unknown, such as extra"),
    ({}, {"normalisation.mean": np.zeros(4, "f4")}, "normalisation.mean has another shape"),
    ({}, {"normalisation.mean": np.zeros(128, "f8")}, "mean has another shape or type"),
    ({}, {"normalisation.mean": np.full(128, np.nan, "f4")}, "normalisation.mean is not finite"),
    ({}, {"normalisation.deviation": np.zeros(128, "f4")}, "deviation is not above 0"),
]  # fmt: skip


@pytest.mark.parametrize(("over", "tensors", "message"), WRONG, ids=[row[2] for row in WRONG])
def test_what_is_wrong_with_weights_is_named(tmp_path, weights, over, tensors, message):
    path = tmp_path / "w.safetensors"
    path.write_bytes(described(weights, WHOLE | over, **tensors))
    with pytest.raises(
        InputError, match=rf"w\.safetensors: is not a weights file .*({message})"
    ) as error:
        load_weights(path)
    assert "\n" not in str(error.value)


def test_mutated_weights_load_or_are_refused_in_one_line(tmp_path, weights):
    path, refused = tmp_path / "w.safetensors", 0
    for seed in range(200):
        rng = random.Random(seed)
        if seed % 2:
            description = json.loads(json.dumps(WHOLE))
            mutate_tree(description, rng)
            content = described(weights, description)
        else:
            header = Bytes(weights[:3000])
            content = rng.choice(MUTATIONS)(header, rng, [weights[:3000]]) + weights[3000:]
        path.write_bytes(content)
        try:
            load_weights(path)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
    assert 50 < refused < 200


# Calls that run what they read, and the argument that makes them safe.
UNPICKLING = {"np.load": "allow_pickle=False", "torch.load": "weights_only=True"}
FORBIDDEN = (
    r"(pickle|joblib|dill|shelve|marshal)\b.*|eval|exec|os\.system|os\.popen|yaml\.(unsafe_)?load"
)


def test_code_neither_unpickles_nor_opens_a_shell():
    for path in [*ROOT.glob("workflow_scripts/**/*.py"), *ROOT.glob("docs/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
                if names == ["UnpicklingError", "pickle"]:  # what torch.load raises
                    continue
                assert not any(re.fullmatch(FORBIDDEN, name) for name in names), path
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            arguments = [ast.unparse(keyword) for keyword in node.keywords]
            assert not re.fullmatch(FORBIDDEN, called), f"{path}: {called}"
            assert "shell=True" not in arguments, path
            if called in UNPICKLING:
                assert UNPICKLING[called] in arguments, f"{path}: {called}"


def test_no_rule_has_a_shell_command():
    for path in [ROOT / "Snakefile", *ROOT.glob("rules/*.smk")]:
        directives = re.findall(
            r"^\s*(shell|run|notebook|wrapper):", path.read_text(), re.MULTILINE
        )
        assert directives == [], path
