"""In how many bits a network is trained."""

import pytest
import torch

from artistid.models.registry import build_network
from artistid.training.precision import Precision, name_of, processor_has_bfloat16

CPU = torch.device("cpu")
NATIVE = [{"avx512_bf16": True}, {"avx512_bf16": False, "amx_bf16": True}]
NOT_NATIVE = [{"avx512_f": True, "avx512_bf16": False, "amx_bf16": False}, {"neon": True}, {}]


@pytest.fixture
def processor(monkeypatch):
    """Return a function: what the processor can from now on, as torch would say."""

    def can(capabilities: dict[str, bool]) -> None:
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)

    return can


@pytest.mark.parametrize("capabilities", NATIVE)
def test_a_processor_with_bfloat16_trains_in_it(processor, capabilities):
    processor(capabilities)
    assert processor_has_bfloat16()
    precision = Precision(CPU, mixed=True)
    assert precision.dtype is torch.bfloat16
    assert name_of(precision.dtype) == "bfloat16"
    assert not precision.scaler.is_enabled()
    assert "convolutions in bfloat16, recurrences in float32" in precision.describe()


@pytest.mark.parametrize("capabilities", NOT_NATIVE)
def test_any_other_processor_trains_in_float32(processor, capabilities):
    processor(capabilities)
    precision = Precision(CPU, mixed=True)
    assert precision.dtype is torch.float32
    assert precision.describe() == "training in float32"


@pytest.mark.parametrize(("mixed", "dtype"), [(True, torch.bfloat16), (False, torch.float32)])
def test_convolutions_have_the_bits_that_the_setting_says(processor, mixed, dtype):
    processor(NATIVE[0])
    network = build_network("crnn", 128, 3, {"width": 8})
    seen = {}
    network.convolutions[0].register_forward_hook(lambda *args: seen.update(conv=args[2].dtype))
    network.head.gru.register_forward_hook(lambda *args: seen.update(gru=args[2][0].dtype))
    with Precision(CPU, mixed).autocast():
        network(torch.randn(2, 1, 128, 31))
    assert seen == {"conv": dtype, "gru": torch.float32}
    with torch.inference_mode():  # validation and test are outside the context
        assert network(torch.randn(2, 1, 128, 31)).dtype is torch.float32
