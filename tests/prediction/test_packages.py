"""Packages of models: whole, equal when written again, and refused in a line if not ours."""

import json
import random

import numpy as np
import pytest
from fuzz_readers import mutate_tree
from prediction_helpers import CLASSES, demo_tracks, network_package, system_package

from artistid.errors import InputError
from artistid.features.log_mel import LogMelParameters
from artistid.models.front_end import FrontEnd
from artistid.prediction.card import in_words
from artistid.prediction.models import build
from artistid.prediction.package import FORMAT, read_package
from artistid.storage.tensors import read_tensors, write_tensors


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return network_package(tmp_path_factory.mktemp("network") / "model.safetensors")


@pytest.fixture(scope="module")
def system(tmp_path_factory):
    folder = tmp_path_factory.mktemp("system")
    tracks = demo_tracks(folder / "music", 3, 3)
    return system_package(folder / "model.safetensors", "gaussian_mfcc", tracks, CLASSES)[0]


def test_package_holds_what_a_prediction_needs(network, system):
    for package, kind in ((network, "networks"), (system, "frame_systems")):
        assert package.kind == kind
        assert package.classes == CLASSES
        assert package.slice_frames == 31
        assert package.slice_seconds == pytest.approx(0.992)
        assert package.filters.shape == (128, 1025)
    assert network.temperature is None
    assert system.temperature > 0


def test_equal_models_are_equal_bytes(network, tmp_path):
    again = network_package(tmp_path / "model.safetensors")
    assert again.path.read_bytes() == network.path.read_bytes()
    assert again.path.stat().st_mode & 0o044, "others may read it, too"


def test_card_without_facts_is_still_words(network):
    words = in_words(network)
    assert "of 3 artists" in words
    assert "Ünï \\& Co, b, c" in words
    assert "It was not scored" in words
    assert "names one of its artists for any sound" in words


def test_card_says_where_unknown_begins(network, tmp_path):
    path, unknown = tmp_path / "model.safetensors", {"temperature": 0.8, "threshold": 0.625}
    write_tensors(path, network.arrays, {**network.description, "unknown": unknown})
    package = read_package(path)
    assert (package.song_temperature, package.threshold) == (0.8, 0.625)
    assert (network.song_temperature, network.threshold) == (1.0, None)
    words = in_words(package)
    assert 'Its answer is "unknown" if no artist has a probability of 0.625 or more' in words
    assert "for any sound" not in words


def test_front_end_travels_with_its_network(tmp_path):
    front_end = FrontEnd(subtracts_mean=True, window_frames=625, relaxed=0.5)
    package = network_package(tmp_path / "model.safetensors", front_end=front_end)
    assert read_package(package.path).front_end == front_end
    words = in_words(package)
    assert "Front end normalised log-mel 1: any recording" in words
    assert "maximum. Each band's mean over 20.0 s is subtracted. Relaxed instance" in words
    whole = network_package(tmp_path / "model.safetensors", front_end=FrontEnd(True))
    assert "Each band's mean over the recording is subtracted." in in_words(whole)


def test_older_packages_have_no_normalisation(network):
    assert network.description["front_end"].keys() == {"name", "parameters"}
    assert network.front_end == FrontEnd()
    assert "is subtracted" not in in_words(network)


def normalised(**values):
    normalisation = {"subtracts_mean": True, "window_frames": 3, "relaxed": 0.5} | values
    parameters = LogMelParameters().as_dict()
    name = "normalised log-mel 1"
    return {"front_end": {"name": name, "parameters": parameters, "normalisation": normalisation}}


NO_TEXT = {"front_end": {"name": "log-mel 1", "parameters": {"n_mels": 128}}}
REFUSED = [
    ({"format": "artistid model 2"}, "is in format 2, and this version reads 1; update"),
    ({"format": "artistid weights 1"}, "contains only weights; name its model.safetensors"),
    ({"format": "somebody 1"}, "is not a model of this workflow"),
    ({"format": 7}, "is not a model of this workflow"),
    ({"front_end": {"name": "wav 1"}}, "needs the front end .wav 1., and this version has log-mel"),
    ({"front_end": None}, "needs the front end None"),
    (normalised(more=1), "damaged .the normalisation of its front end has wrong keys"),
    (normalised(subtracts_mean=1), "damaged .subtracts_mean is not true or false"),
    (normalised(window_frames=0), "damaged .window_frames is not a number of frames"),
    (normalised(relaxed=2), "damaged .relaxed is not a share"),
    (
        {"front_end": {**normalised()["front_end"], "name": "log-mel 1"}},
        "damaged .the name of its front end does not match",
    ),
    (NO_TEXT, "damaged .its front end.s parameters are not sampling_rate"),
    ({"kind": "networks", "model": "../x"}, "damaged .there is no model .../x"),
    ({"kind": "song_systems"}, "damaged .there is no model"),
    ({"classes": ["a", "a", "b"]}, "damaged .classes are fewer than two, or not unique"),
    ({"classes": "abc"}, "damaged .classes are not a list"),
    ({"slice_frames": 0}, "damaged .slice_frames is not a number"),
    ({"slice_frames": True}, "damaged .slice_frames is not a number"),
    ({"temperature": -1}, "damaged .temperature is not a number above 0"),
    ({"temperature": "1"}, "damaged .temperature is not a number above 0"),
    ({"settings": 3}, "damaged .settings are not a mapping"),
    ({"unknown": 0.5}, "damaged .unknown is not a mapping of temperature and threshold"),
    ({"unknown": {"threshold": 0.5}}, "damaged .unknown is not a mapping of temperature and t"),
    (
        {"unknown": {"temperature": 0, "threshold": 0.5}},
        "damaged .the temperature of songs is not a number above 0",
    ),
    (
        {"unknown": {"temperature": 1, "threshold": 1.5}},
        "damaged .the threshold of unknown artists is not a probability",
    ),
]


@pytest.mark.parametrize(("over", "message"), REFUSED, ids=[row[1] for row in REFUSED])
def test_what_is_wrong_is_named(network, tmp_path, over, message):
    path = tmp_path / "odd.safetensors"
    write_tensors(path, network.arrays, {**network.description, **over})
    with pytest.raises(InputError, match=rf"odd\.safetensors: (is )?{message}") as error:
        read_package(path)
    assert "\n" not in str(error.value)


def test_arrays_that_do_not_fit_are_refused(network, system, tmp_path):
    path = tmp_path / "odd.safetensors"
    for package in (network, system):
        for name, array in package.arrays.items():
            if not array.size:
                continue
            odd = np.repeat(array[None], 2, axis=0)
            write_tensors(path, {**package.arrays, name: odd}, package.description)
            with pytest.raises(InputError, match=r"odd\.safetensors: ") as error:
                build(read_package(path))
            assert "\n" not in str(error.value)
            without = {key: value for key, value in package.arrays.items() if key != name}
            write_tensors(path, without, package.description)
            with pytest.raises(InputError, match=r"odd\.safetensors: "):
                build(read_package(path))


def test_other_files_are_refused(tmp_path):
    (tmp_path / "text.safetensors").write_text("no model")
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        read_package(tmp_path / "text.safetensors")
    with pytest.raises(InputError, match="there is no such file"):
        read_package(tmp_path / "nothing.safetensors")
    write_tensors(tmp_path / "other.safetensors", {"a": np.zeros(2)}, {})
    with pytest.raises(InputError, match="is not a model of this workflow"):
        read_package(tmp_path / "other.safetensors")


def test_keys_of_later_versions_are_passed_over(network, tmp_path):
    path = tmp_path / "later.safetensors"
    write_tensors(path, network.arrays, {**network.description, "threshold": 0.5})
    assert read_package(path).description["threshold"] == 0.5


def test_mutated_packages_are_read_or_refused_in_a_line(network, system, tmp_path):
    path, refused = tmp_path / "m.safetensors", 0
    for seed in range(120):
        package = (network, system)[seed % 2]
        description = json.loads(json.dumps(package.description))
        mutate_tree(description, random.Random(seed))
        write_tensors(path, package.arrays, json.loads(json.dumps(description)))
        try:
            found = read_package(path)
            build(found)
            in_words(found)
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
    assert 30 < refused < 120


def test_format_is_in_one_key_of_metadata(network):
    _, description = read_tensors(network.path)
    assert description["format"] == FORMAT
