"""How a network is trained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

CONSTANT, COSINE = "constant", "cosine"
VALIDATION_LOSS, SONG_MACRO_F1, LAST = "validation_loss", "song_macro_f1", "last"


@dataclass(frozen=True)
class TrainingSettings:
    """How a network is trained; defaults are the paper's, or otherwise the baseline's.

    Attributes:
        epochs: passes over the training set at most (the paper, section 4.3).
        learning_rate: Adam's (the paper, section 4.3).
        batch_size: slices in a step (Nasrullah & Zhao 2019).
        patience: epochs without better weights before training stops; None trains all epochs
            (Nasrullah & Zhao 2019).
        mixed_precision: train convolutions in 16-bit arithmetic if the device has it natively
            (see `Precision`). Validation and test are always computed in float32.
        deterministic: on a GPU, take only algorithms that repeat bit for bit, which may be slower.
        cuda_graphs: on a GPU, record the training step as one CUDA graph and replay it. Off until
            docs/performance.md holds a result from a GPU.
        schedule: of the learning rate (see `artistid.training.schedule`).
        warm_up_epochs: epochs in which the learning rate rises from 0.
        weight_decay: decoupled weight decay (Loshchilov & Hutter, arXiv:1711.05101).
        label_smoothing: share of the target that is spread over all classes (Szegedy et al.,
            arXiv:1512.00567).
        average_decay: of the moving average of the weights, which is evaluated instead of the
            weights (see `artistid.training.averaging`); None for no average.
        select_by: what selects the epoch whose weights are kept: the lowest validation loss of
            slices, the highest validation macro F1 of songs, or the last epoch.
        random_crops: in each epoch, cut the training slices at new random places in their tracks.
        augmentations: settings of each augmentation by its name (see `artistid.augmentations`).
    """

    epochs: int = 300
    learning_rate: float = 1e-4
    batch_size: int = 16
    patience: int | None = 10
    mixed_precision: bool = True
    deterministic: bool = False
    cuda_graphs: bool = False
    schedule: str = CONSTANT
    warm_up_epochs: int = 0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    average_decay: float | None = None
    select_by: str = VALIDATION_LOSS
    random_crops: bool = False
    augmentations: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
