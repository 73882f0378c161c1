"""In how many bits a network is trained and evaluated."""

import os

import torch


def set_precision(deterministic: bool) -> None:
    """Set how a GPU computes, for the rest of the process, before the first use of the GPU.

    float32 is IEEE float32 everywhere: by default cuDNN computes convolutions and recurrences in
    TF32, which keeps 10 bits of the fraction. Only what `mixed_precision` says runs in 16 bits.

    Args:
        deterministic: take only algorithms that repeat bit for bit; one that cannot is an error.
    """
    torch.backends.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False  # the fastest algorithm changes between processes
    if deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"  # read when CUDA's libraries are loaded
        torch.use_deterministic_algorithms(True)


class Precision:
    """In how many bits a network is trained; recurrences are float32 always.

    Attributes:
        dtype: of convolutions and matrix products in training: bfloat16 where the device computes
            it natively, float16 on a GPU that does not, else float32.
        scaler: of the loss; it scales in float16 only, where small gradients would become 0.
            bfloat16 has float32's range.
    """

    def __init__(self, device: torch.device, mixed: bool) -> None:
        self.device_type = device.type
        self.dtype = _training_dtype(device) if mixed else torch.float32
        self.scaler = torch.amp.GradScaler(enabled=self.dtype is torch.float16)

    def autocast(self) -> torch.autocast:
        """Return the context that a network's forward pass runs in while it is trained."""
        mixed = self.dtype is not torch.float32
        return torch.autocast(self.device_type, self.dtype if mixed else None, enabled=mixed)

    def describe(self) -> str:
        """Return a line for the log."""
        if self.dtype is torch.float32:
            return "training in float32"
        return f"training convolutions in {name_of(self.dtype)}, recurrences in float32"


def name_of(dtype: torch.dtype) -> str:
    """Return a type's name, such as ``bfloat16``."""
    return str(dtype).removeprefix("torch.")


def _training_dtype(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)
        return torch.bfloat16 if native else torch.float16
    return torch.bfloat16 if processor_has_bfloat16() else torch.float32


def processor_has_bfloat16() -> bool:
    """Return whether this processor has instructions for bfloat16, as torch says.

    Those of x86 only, AVX-512 BF16 and AMX, which benchmarks/training.py was run with; without them
    torch converts to float32 and back, and is slower than in float32.
    """
    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))
