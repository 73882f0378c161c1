"""Every registered network: shapes, gradients, reference counts, and that it learns."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from artistid.errors import InputError
from artistid.features.log_mel import LogMelParameters
from artistid.models.networks.resnet50 import ResNet50
from artistid.models.networks.resnet50 import Settings as ResNet50Settings
from artistid.models.registry import KINDS, NETWORKS, available, build_network, kind_of, load_model
from artistid.training.weights import load_weights, save_weights

SMALL = {
    "inception_rnn": {"width": 16},
    "resnet50": {"width": 8},
    "resnet50_rnn": {"width": 8},
    "crnn": {"width": 8},
}


def parameters_of(network) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def small_network(name, n_classes=5):
    torch.manual_seed(0)
    return build_network(name, 128, n_classes, SMALL.get(name))


def test_the_papers_networks_are_there():
    assert {"inception_rnn", "resnet50", "resnet50_rnn", "crnn"} <= set(available(NETWORKS))


@pytest.mark.parametrize("frames", [31, 93, 186])
@pytest.mark.parametrize("name", available(NETWORKS))
def test_shapes_and_finite_numbers(name, frames):
    network = small_network(name)
    slices = torch.randn(3, 1, 128, frames)
    logits = network(slices)
    assert logits.shape == (3, 5)
    assert torch.isfinite(logits).all()
    assert torch.equal(network.eval()(slices), network.classifier(network.embed(slices)))


@pytest.mark.parametrize("frames", [46, 310, 620, 930])  # 1.5, 10, 20 and 30 s
@pytest.mark.parametrize("name", available(NETWORKS))
def test_any_length_from_a_second_up_works(name, frames):
    logits = small_network(name).eval()(torch.randn(1, 1, 128, frames))
    assert torch.isfinite(logits).all()


@pytest.mark.parametrize("name", available(NETWORKS))
def test_paper_settings_are_the_defaults_and_run(name):
    assert build_network(name, 128, 20).eval()(torch.randn(1, 1, 128, 31)).shape == (1, 20)


@pytest.mark.parametrize("name", available(NETWORKS))
def test_every_parameter_gets_a_gradient(name):
    network = small_network(name)
    # Enough frames for the recurrent weights to see a second time step.
    functional.cross_entropy(network(torch.randn(4, 1, 128, 93)), torch.arange(4)).backward()
    without = [key for key, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []


@pytest.mark.parametrize("name", available(NETWORKS))
def test_one_batch_can_be_overfitted(name):
    network = small_network(name)
    slices, targets = torch.randn(10, 1, 128, 31), torch.arange(10) % 5
    optimiser = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(150):
        loss = functional.cross_entropy(network(slices), targets)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if loss < 0.05:
            break
    assert loss < 0.05


def test_resnet50_has_the_reference_number_of_parameters():
    reference = ResNet50(128, 1000, ResNet50Settings(width=64), in_channels=3)
    assert parameters_of(reference) == 25_557_032
    strides = [m.stride for m in reference.modules() if isinstance(m, torch.nn.Conv2d)]
    assert sum(stride == (2, 2) for stride in strides) == 1 + 3 * 2  # stem, 3x3s and shortcuts


def test_resnet50_rnn_keeps_the_time_steps_that_the_documentation_states():
    for stages, steps in ((3, 4), (4, 2)):
        network = build_network("resnet50_rnn", 128, 5, {"width": 8, "stages": stages})
        assert network.stages(torch.zeros(1, 1, 128, 31)).shape[-1] == steps


def test_inception_rnn_pools_a_second_to_one_step():
    network = build_network("inception_rnn", 128, 5, {"width": 16})
    assert network.convolutions(torch.zeros(1, 1, 128, 31)).shape == (1, 32, 1, 1)
    assert network.convolutions(torch.zeros(1, 1, 128, 32)).shape == (1, 32, 1, 2)


def test_crnn_is_the_baselines():
    network = build_network("crnn", 128, 20)
    filters = [m.out_channels for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
    assert filters == [64, 128, 128, 128]
    assert (network.head.gru.hidden_size, network.head.gru.num_layers) == (32, 2)
    assert network.convolutions(torch.zeros(1, 1, 128, 31)).shape == (1, 128, 1, 1)
    assert network.over_frequency.num_features == 128


def test_crnn_starts_as_keras_starts_it():
    """Keras 2.1's defaults: its documentation of BatchNormalization, Conv2D, GRU and Dense."""
    torch.manual_seed(3)
    network = build_network("crnn", 128, 20)
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    assert {(norm.momentum, norm.eps) for norm in norms} == {(0.01, 1e-3)}
    assert len(norms) == 5
    biases = [p for n, p in network.named_parameters() if "bias" in n.rpartition(".")[2]]
    assert sum(bool(bias.any()) for bias in biases if bias.ndim) == 0
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            receptive = layer.weight[0, 0].numel()
            limit = (6 / (receptive * sum(layer.weight.shape[:2]))) ** 0.5
            assert 0.97 * limit < layer.weight.abs().max() <= limit
    gru = network.head.gru
    for weights in (gru.weight_ih_l0, gru.weight_ih_l1):  # the three gates together
        limit = (6 / sum(weights.shape)) ** 0.5
        assert 0.97 * limit < weights.abs().max() <= limit
    for weights in (gru.weight_hh_l0, gru.weight_hh_l1):
        assert torch.allclose(weights.T @ weights, torch.eye(32), atol=1e-5)


def test_other_networks_keep_torchs_batch_normalisation():
    for name in ("inception_rnn", "resnet50", "resnet50_rnn"):
        norms = [m for m in small_network(name).modules() if isinstance(m, nn.BatchNorm2d)]
        assert {(norm.momentum, norm.eps) for norm in norms} == {(0.1, 1e-5)}


def test_kinds_of_models():
    assert kind_of("crnn") == "networks"
    assert kind_of("gmm_mfcc") == "frame_systems"
    assert kind_of("svm_song_kl") == "song_systems"
    names = [name for kind in KINDS for name in available(kind)]
    assert len(names) == len(set(names)) == 11
    with pytest.raises(InputError, match=r"models\.crnn\.depth: no such setting; there are: width"):
        load_model("crnn", {"depth": 3})


def test_unknown_network_and_setting_are_named():
    with pytest.raises(InputError, match=r"unknown model 'resnet51'; there are: .*resnet50"):
        build_network("resnet51", 128, 5)
    with pytest.raises(InputError, match=r"models\.resnet50\.depth: no such setting"):
        build_network("resnet50", 128, 5, {"depth": 101})


@pytest.mark.parametrize("name", available(NETWORKS))
def test_weights_are_enough_to_use_a_network_again(name, tmp_path):
    network = small_network(name).eval()
    normalisation = np.linspace(-50, 0, 128, dtype=np.float32), np.ones(128, np.float32)
    description = {
        "model": name,
        "settings": SMALL.get(name, {}),
        "classes": ["Zoë", "NA", "x\udcff", "d", "e"],
        "log_mel": LogMelParameters().as_dict(),
        "slice_frames": 31,
    }
    paths = tmp_path / "one.safetensors", tmp_path / "two.safetensors"
    for path in paths:
        save_weights(path, network, normalisation, description)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    loaded, (mean, deviation), described = load_weights(paths[0])
    slices = torch.randn(2, 1, 128, 31)
    assert torch.equal(loaded(slices), network(slices))
    assert np.array_equal(mean, normalisation[0])
    assert np.array_equal(deviation, normalisation[1])
    assert description.items() <= described.items()


def test_foreign_weights_are_refused(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes(b"\x80\x04not weights")
    with pytest.raises(InputError, match=r"w\.safetensors: cannot be read"):
        load_weights(path)


@pytest.mark.parametrize("ranges", [1, 4, 8])
def test_cnn_keeps_ranges_of_frequency_apart(ranges):
    torch.manual_seed(1)
    network = build_network("cnn", 128, 3, {"width": 4, "frequency_ranges": ranges}).eval()
    silence, low = torch.zeros(2, 1, 1, 128, 40)
    low[..., :16, :] = 1
    silent, sounding = (network.embed(slices).reshape(16, ranges) for slices in (silence, low))
    changed = (silent != sounding).any(dim=0).tolist()
    assert changed[0]
    assert ranges == 1 or not any(changed[ranges // 2 :])
