"""How far rounding moves the end of a training step, and how far a wrong step does.

    python benchmarks/captured_steps.py [--width 64] [--networks crnn ...]

`artistid.training.capture` takes a captured step for the eager one when they end within a tolerance
of each other; a GPU need not give the same bits twice. On the processor, in bfloat16, each network
makes a few steps. Each is repeated from the same state: with the gradients of its layers rounded
again (by about a unit in bfloat16's last place, far more than another order of addition), with
another dropout, and with another batch. Printed: the distance of the ends, as a share of the step's
own length. The tolerance must be between the first and the others.
"""

import argparse
import copy

import torch
from torch import Tensor, nn
from torch.nn import functional

from artistid.models.registry import NETWORKS, available, build_network
from artistid.training.capture import WEIGHT_TOLERANCE

LAST_PLACE = 2.0**-8


def rounded_anew(network: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
    """Change the gradients of convolutions and dense layers at random; return what undoes it."""
    noise = torch.Generator().manual_seed(3)

    def change(gradient: Tensor) -> Tensor:
        units = torch.randn(gradient.shape, generator=noise).to(gradient.dtype)
        return gradient * (1 + LAST_PLACE * units)

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        output.register_hook(change)

    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    return [layer.register_forward_hook(hook) for layer in layers]


def step(
    network: nn.Module, optimiser: torch.optim.Optimizer, batch: tuple[Tensor, Tensor], seed: int
) -> Tensor:
    """Make a step, and return all weights as one vector."""
    torch.manual_seed(seed)  # of dropout
    with torch.autocast("cpu", torch.bfloat16):
        loss = functional.cross_entropy(network(batch[0]), batch[1])
    loss.backward()
    optimiser.step()
    optimiser.zero_grad()
    return weights(network)


def weights(network: nn.Module) -> Tensor:
    """Return all weights as one vector."""
    parts = [parameter.detach().double().flatten() for parameter in network.parameters()]
    return torch.cat(parts)


def shares(name: str, args: argparse.Namespace) -> list[dict[str, float]]:
    """Return for each step how far others end from it, as shares of its length."""
    torch.manual_seed(1)
    network = build_network(name, 128, 20, {"width": args.width})
    network = network.to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.Adam(network.parameters(), lr=args.learning_rate)
    slices = torch.randn(args.steps, args.batch_size, 1, 128, 31)
    targets = torch.randint(20, (args.steps, args.batch_size))
    batches = list(zip(slices, targets, strict=True))
    found = []
    for number, batch in enumerate(batches):
        before = weights(network)
        state = copy.deepcopy((network.state_dict(), optimiser.state_dict()))
        hooks = rounded_anew(network)
        ends = {"rounded anew": step(network, optimiser, batch, number)}
        for hook in hooks:
            hook.remove()
        others = {
            "other dropout": (batch, 100),
            "other slices": (batches[number - 1], number),
            "the same": (batch, number),
        }
        for what, (other, seed) in others.items():
            network.load_state_dict(state[0])
            optimiser.load_state_dict(copy.deepcopy(state[1]))  # it takes the tensors themselves
            ends[what] = step(network, optimiser, other, seed)
        end = ends.pop("the same")
        length = (end - before).norm()
        found.append({what: ((other - end).norm() / length).item() for what, other in ends.items()})
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    names = available(NETWORKS)
    parser.add_argument("--networks", nargs="+", default=names, choices=names)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--learning-rate", type=float, default=1e-4)
    parser.add_argument("--steps", type=int, default=3)
    args = parser.parse_args()
    print(f"tolerance {WEIGHT_TOLERANCE:.2f}")
    for name in args.networks:
        for number, row in enumerate(shares(name, args), 1):
            said = ", ".join(f"{what} {share:.3f}" for what, share in row.items())
            print(f"{name:15} step {number}: {said}", flush=True)


if __name__ == "__main__":
    main()
