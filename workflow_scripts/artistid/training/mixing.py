"""Random shares for the augmentations that mix slices."""

import torch
from torch import Tensor


def mixing_shares(
    n_slices: int, alpha: float, probability: float, generator: torch.Generator
) -> Tensor:
    """Return the share that each slice keeps, shape (slices,); 1 for slices that are not mixed.

    Args:
        n_slices: in the batch.
        alpha: of the shares' distribution, Beta(alpha, alpha).
        probability: that a slice is mixed.
        generator: random generator on the slices' device.
    """
    device = generator.device
    # torch.distributions draws from the global generator; this is what it calls.
    both = torch.full((n_slices, 2), float(alpha), device=device)
    shares = torch._sample_dirichlet(both, generator)[:, 0]
    is_mixed = torch.rand(n_slices, generator=generator, device=device) < probability
    return torch.where(is_mixed, shares, 1.0)
