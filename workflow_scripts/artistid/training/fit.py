"""Training a network on slices (the paper, section 4), and predicting with it."""

import copy
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from artistid.jobs.memory import MEGA, Peaks, peak_mb
from artistid.scoring.predictions import Predictions
from artistid.scoring.scores import all_scores, named_scores
from artistid.training.augmentation import Augment
from artistid.training.averaging import WeightAverage
from artistid.training.batches import CHANNELS_LAST, BatchLoader
from artistid.training.capture import captured_step, why_eager
from artistid.training.precision import Precision
from artistid.training.schedule import is_constant, learning_rate
from artistid.training.settings import LAST, SONG_MACRO_F1, TrainingSettings
from artistid.training.state import SavedState
from artistid.training.step import Step, TrainingStep, epoch_batches, new_optimiser

log = logging.getLogger(__name__)

_MEASURES = {SONG_MACRO_F1: "validation macro F1 of songs"}
HISTORY_COLUMNS = ("epoch", "train_loss", "validation_loss", "validation_macro_f1")


@dataclass(frozen=True)
class Fit:
    """What training produced.

    Attributes:
        history: a row of HISTORY_COLUMNS for each epoch.
        seconds: of each epoch.
        best_epoch: the number of the epoch whose weights are kept.
        peaks: the highest memory of all sessions of the training.
    """

    history: list[dict[str, float]]
    seconds: list[float]
    best_epoch: int
    peaks: Peaks


def choose_device() -> torch.device:
    """Return the GPU if there is one, otherwise the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def describe_device(device: torch.device) -> str:
    """Return what the job runs on, for the log and for the run's provenance."""
    if device.type == "cuda":
        return f"GPU {torch.cuda.get_device_name(device)}"
    return f"CPU, {torch.get_num_threads()} threads (no GPU was found)"


def peaks_so_far(device: torch.device) -> Peaks:
    """Return the highest memory of this process, and what torch has reserved of its GPU."""
    on_gpu = device.type == "cuda"
    return Peaks(peak_mb(), torch.cuda.max_memory_reserved(device) / MEGA if on_gpu else None)


def fit(
    network: nn.Module,
    train: BatchLoader,
    validation: BatchLoader,
    settings: TrainingSettings,
    seed: int,
    report: Callable[[str], Any] = log.info,
    saved: SavedState | None = None,
    augment: Augment | None = None,
) -> Fit:
    """Train a network in place; it ends with the weights that validation chose.

    Args:
        network: on the loaders' device.
        train: the training subset.
        validation: the subset that chooses the weights and stops the training.
        settings: how to train.
        seed: of the order of the slices; dropout draws from torch's own random state.
        report: gets a line per epoch.
        saved: where the state is kept between epochs. A state found there is resumed, and ends on
            the CPU with the same bits as a training that was never interrupted.
        augment: changes the training slices; None leaves them as they are.

    Raises:
        FloatingPointError: the validation loss was never finite.
    """
    network.to(memory_format=CHANNELS_LAST)  # type: ignore[call-overload]
    training = _Training(network, train, settings, seed, augment)
    if saved and (state := saved.load()):
        training.restore(state)
        report(f"resumed after epoch {len(training.history)}")
    step = _fastest_step(training, settings, report)
    for epoch in range(len(training.history) + 1, settings.epochs + 1):
        if settings.patience is not None and epoch - 1 - training.best_epoch >= settings.patience:
            report(f"stopped: no better {training.measure} in {settings.patience} epochs")
            break
        started = time.perf_counter()
        train_loss = _train_epoch(training, step, settings)
        logits = _logits(training.evaluated, validation, settings.batch_size)
        validation_loss = functional.cross_entropy(logits, validation.targets).item()
        counts = _confusion(logits, validation.targets)
        macro_f1 = named_scores(all_scores(counts))["macro_f1"]
        values = (epoch, train_loss, validation_loss, macro_f1)
        score = _score(settings.select_by, epoch, validation_loss, logits, validation)
        training.end_epoch(values, score, time.perf_counter() - started)
        if saved:
            saved.save(training.state())
        report(_progress(training, len(train.slices), settings.epochs))
    if not training.best_epoch:
        raise FloatingPointError(
            "the validation loss was NaN in every epoch; lower the learning rate"
        )
    network.load_state_dict(training.best_weights)
    return Fit(training.history, training.seconds, training.best_epoch, training.peaks())


class _Training:
    """What changes while a network is trained: all that an interrupted training needs again."""

    def __init__(
        self,
        network: nn.Module,
        train: BatchLoader,
        settings: TrainingSettings,
        seed: int,
        augment: Augment | None = None,
    ) -> None:
        self.network = network
        self.device = train.device
        self.precision = Precision(self.device, settings.mixed_precision)
        self.obstacle = why_eager(train, self.precision, settings.batch_size)
        self.measure = _MEASURES.get(settings.select_by, "validation loss")
        capturable = settings.cuda_graphs and not self.obstacle
        self.optimiser = new_optimiser(
            network, settings.learning_rate, self.precision, capturable, settings.weight_decay
        )
        decay = settings.average_decay
        self.average = None if decay is None else WeightAverage(network, decay)
        # The network that is validated, and whose weights are kept.
        self.evaluated = self.average.network if self.average else network
        self.order = torch.Generator().manual_seed(seed)
        self.augmentation = torch.Generator(self.device).manual_seed(seed)
        self.step = TrainingStep(
            network,
            train,
            self.optimiser,
            self.precision,
            self.augmentation,
            augment,
            settings.label_smoothing,
            self.average,
        )
        self.history: list[dict[str, float]] = []
        self.seconds: list[float] = []
        self.best_score = (math.inf, math.inf)
        self.best_epoch = 0
        self.best_weights = copy.deepcopy(self.evaluated.state_dict())
        self.earlier_peaks = Peaks()

    def peaks(self) -> Peaks:
        """Return the highest memory so far, earlier sessions included."""
        return self.earlier_peaks.highest(peaks_so_far(self.device))

    def end_epoch(
        self, values: tuple[float, ...], score: tuple[float, float], seconds: float
    ) -> None:
        """Note an epoch's losses and time, and keep the weights if their score is the lowest."""
        self.history.append(dict(zip(HISTORY_COLUMNS, values, strict=True)))
        self.seconds.append(seconds)
        last = self.history[-1]
        if math.isfinite(last["validation_loss"]) and score < self.best_score:
            self.best_score, self.best_epoch = score, int(last["epoch"])
            self.best_weights = copy.deepcopy(self.evaluated.state_dict())

    def state(self) -> dict[str, Any]:
        on_gpu = self.device.type == "cuda"
        return {
            "network": self.network.state_dict(),
            "average": self.average.state() if self.average else None,
            "optimiser": self.optimiser.state_dict(),
            "scaler": self.precision.scaler.state_dict(),
            "order": self.order.get_state(),
            "random": torch.get_rng_state(),
            "random_of_gpu": torch.cuda.get_rng_state(self.device) if on_gpu else None,
            "random_of_augmentation": self.augmentation.get_state(),
            "history": self.history,
            "seconds": self.seconds,
            "peaks": asdict(self.peaks()),
            "best_score": list(self.best_score),
            "best_epoch": self.best_epoch,
            "best_weights": self.best_weights,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        if self.average:
            self.average.restore(state["average"])
        if state["scaler"]:  # empty if the job that saved it scaled no loss
            self.precision.scaler.load_state_dict(state["scaler"])
        self.order.set_state(state["order"])
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda" and state["random_of_gpu"] is not None:
            torch.cuda.set_rng_state(state["random_of_gpu"], self.device)
        # Older states have none, and that of another kind of device has another form.
        drawn = state.get("random_of_augmentation")
        if drawn is not None and drawn.shape == self.augmentation.get_state().shape:
            self.augmentation.set_state(drawn)
        self.history, self.seconds = list(state["history"]), list(state["seconds"])
        self.best_score, self.best_epoch = tuple(state["best_score"]), state["best_epoch"]
        self.best_weights = state["best_weights"]
        self.earlier_peaks = Peaks(**state["peaks"])


def predict(network: nn.Module, loader: BatchLoader, settings: TrainingSettings) -> Predictions:
    """Return a network's predictions for every slice of a subset."""
    logits = _logits(network, loader, settings.batch_size)
    slices = loader.slices
    return Predictions(
        functional.log_softmax(logits, dim=1).cpu().numpy(),
        slices.targets,
        slices.tracks,
        slices.track_ids,
    )


@torch.inference_mode()
def embed(
    network: nn.Module, loader: BatchLoader, settings: TrainingSettings, at_most: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the network's features before its last layer for slices spread over a subset.

    Args:
        network: trained.
        loader: the subset.
        settings: for the batch size.
        at_most: number of slices.

    Returns:
        Features (slices, features) and the slices' positions in the subset (slices,).
    """
    network.eval()
    n_slices = len(loader.slices)
    positions = torch.linspace(0, n_slices - 1, min(at_most, n_slices)).round().long()
    pieces = []
    for batch in positions.split(settings.batch_size):
        pieces.append(network.embed(loader.inputs(batch)).cpu())  # type: ignore[operator]
    return torch.cat(pieces).numpy(), positions.numpy()


def _fastest_step(
    training: _Training, settings: TrainingSettings, report: Callable[[str], Any]
) -> Step:
    """Return what runs the steps of a training: one by one, or, where asked for, as a graph."""
    if not settings.cuda_graphs:
        return training.step
    if training.obstacle:
        report(f"CUDA graph: none, the steps are run eagerly: {training.obstacle}")
        return training.step
    return captured_step(training.step, settings.batch_size, report)


def _train_epoch(training: _Training, step: Step, settings: TrainingSettings) -> float:
    training.network.train()
    total, loader = training.step.total.zero_(), training.step.loader
    home = loader.starts.device
    if settings.random_crops:
        loader.move_starts(training.order)
    batches = epoch_batches(len(loader.slices), settings.batch_size, training.order, home)
    for number, positions in enumerate(batches):
        if not is_constant(settings):
            epochs_done = len(training.history) + number / len(batches)
            training.optimiser.set_learning_rate(learning_rate(settings, epochs_done))
        step(positions)
    return total.item() / sum(len(positions) for positions in batches)


def _score(
    select_by: str, epoch: int, validation_loss: float, logits: Tensor, validation: BatchLoader
) -> tuple[float, float]:
    """Return the score of an epoch, where lower is better. The second number breaks ties."""
    if select_by == LAST:
        return -epoch, validation_loss
    if select_by == SONG_MACRO_F1:
        tracks = torch.from_numpy(validation.slices.tracks).to(logits.device)
        # Sums have the order of the mean log-probabilities, by which songs are scored.
        sums = torch.zeros(int(tracks.max()) + 1, logits.shape[1], device=logits.device)
        sums.index_add_(0, tracks, functional.log_softmax(logits, dim=1))
        targets = torch.zeros(len(sums), dtype=torch.int64, device=logits.device)
        targets[tracks] = validation.targets
        counts = _confusion(sums, targets)
        return -named_scores(all_scores(counts))["macro_f1"], validation_loss
    return validation_loss, 0.0


@torch.inference_mode()
def _logits(network: nn.Module, loader: BatchLoader, batch_size: int) -> Tensor:
    """Return a subset's logits in float32: in 16 bits they tie, and ties go to the first artist."""
    network.eval()
    batches = torch.arange(len(loader.slices)).split(batch_size)
    return torch.cat([network(loader.inputs(positions)) for positions in batches])


def _confusion(logits: Tensor, targets: Tensor) -> NDArray[np.int64]:
    n_classes = logits.shape[1]
    flat = targets * n_classes + logits.argmax(dim=1)
    counts = torch.bincount(flat, minlength=n_classes**2)
    return counts.reshape(n_classes, n_classes).cpu().numpy()


def _progress(training: _Training, n_slices: int, epochs: int) -> str:
    row, seconds = training.history[-1], training.seconds
    left = (epochs - row["epoch"]) * sum(seconds) / len(seconds)
    return (
        f"epoch {row['epoch']}/{epochs}: loss {row['train_loss']:.4f}, "
        f"validation loss {row['validation_loss']:.4f} (best in epoch {training.best_epoch}), "
        f"validation F1 {row['validation_macro_f1']:.3f}, "
        f"{n_slices / seconds[-1]:.0f} slices/s, at most {left / 60:.1f} min left"
    )
