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
    """Where training runs in 16 bits: on a GPU, in bfloat16 where it is native, else float16."""

    def __init__(self, device: torch.device, mixed: bool) -> None:
        self.device_type = device.type
        self.mixed = mixed and device.type == "cuda"
        native = self.mixed and torch.cuda.is_bf16_supported(including_emulation=False)
        self.dtype = torch.bfloat16 if native or not self.mixed else torch.float16
        # float16 gradients underflow unless the loss is scaled; bfloat16 has float32's range.
        self.scaler = torch.amp.GradScaler(enabled=self.mixed and not native)

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device_type, self.dtype, enabled=self.mixed)
