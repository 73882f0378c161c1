"""One step of training, from the positions of slices to new weights, without waiting for a result.

Nothing in a step reads a number back from the device, so that the processor runs ahead of a GPU,
and so that a GPU can replay the step as one graph (`artistid.training.capture`).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from artistid.training.adam import Adam
from artistid.training.augmentation import Augment
from artistid.training.averaging import WeightAverage
from artistid.training.batches import BatchLoader
from artistid.training.precision import Precision

# Trains on the slices at these positions.
Step = Callable[[Tensor], None]


def new_optimiser(
    network: nn.Module,
    learning_rate: float,
    precision: Precision,
    capturable: bool = False,
    weight_decay: float = 0.0,
) -> Adam:
    """Return Adam for a network; a capturable one keeps all that changes on the network's device.

    Args:
        network: on its device.
        learning_rate: Adam's.
        precision: in bfloat16 one kernel updates many weights, which rounds differently; the step
            in
            float32 keeps torch's default.
        capturable: for a step that a GPU replays: learning rate and number of steps are tensors
            that lie there.
        weight_decay: see `Adam`.
    """
    parameters = list(network.parameters())
    if not capturable:
        fused = precision.dtype is torch.bfloat16
        return Adam(parameters, learning_rate, fused=fused, weight_decay=weight_decay)
    rate = torch.tensor(learning_rate, device=parameters[0].device)
    return Adam(parameters, rate, fused=True, capturable=True, weight_decay=weight_decay)


class TrainingStep:
    """A step whose kernels are launched one by one.

    Between two steps no weight has a gradient: a step makes its own and lets them go.

    Attributes:
        total: sum of the losses of the slices trained on since it was last set to 0, on the device.
    """

    def __init__(
        self,
        network: nn.Module,
        loader: BatchLoader,
        optimiser: Adam,
        precision: Precision,
        generator: torch.Generator,
        augment: Augment | None = None,
        label_smoothing: float = 0.0,
        average: WeightAverage | None = None,
    ) -> None:
        self.network = network
        self.loader = loader
        self.optimiser = optimiser
        self.precision = precision
        self.generator = generator
        self.augment = augment
        self.label_smoothing = label_smoothing
        self.average = average
        self.total = torch.zeros((), device=loader.device)

    def __call__(self, positions: Tensor) -> None:
        """Train on the slices at some positions, which are on the frames' device."""
        slices, targets = self.loader.batch(positions)
        if self.augment:
            n_classes = self.network.classifier.out_features  # type: ignore[union-attr]
            one_hot = functional.one_hot(targets, n_classes).to(slices.dtype)  # type: ignore[arg-type]
            slices, targets = self.augment(slices, one_hot, self.generator)
        slices = self.loader.front_end.normalised(slices)
        scaler = self.precision.scaler
        with self.precision.autocast():
            logits = self.network(slices)
            loss = functional.cross_entropy(logits, targets, label_smoothing=self.label_smoothing)
        scaler.scale(loss).backward()
        scaler.step(self.optimiser)  # type: ignore[arg-type]
        scaler.update()
        self.optimiser.zero_grad()
        if self.average:
            self.average.update()
        self.total += loss.detach() * len(positions)

    def generators(self) -> list[torch.Generator]:
        """Return every generator that a step may draw from: those of its device, and its own."""
        generators = [torch.default_generator, self.generator]
        device = self.loader.device
        if device.type == "cuda":
            number = torch.cuda.current_device() if device.index is None else device.index
            generators.append(torch.cuda.default_generators[number])
        return generators


def epoch_batches(
    n_slices: int, batch_size: int, order: torch.Generator, home: torch.device
) -> tuple[Tensor, ...]:
    """Return the positions of an epoch's batches, in a new order.

    The last batch holds what is left. It is left out when that is a single slice, of which batch
    normalisation has no statistics.

    Args:
        n_slices: in the subset.
        batch_size: slices in every other batch.
        order: what the order is drawn from, on the processor.
        home: where the positions are needed: copied once an epoch and not once a step.
    """
    batches = torch.randperm(n_slices, generator=order).to(home).split(batch_size)
    return batches[:-1] if len(batches) > 1 and len(batches[-1]) == 1 else batches
