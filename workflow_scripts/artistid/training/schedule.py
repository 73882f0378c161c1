"""The learning rate over the steps of a training."""

import math

from artistid.training.settings import COSINE, TrainingSettings


def is_constant(settings: TrainingSettings) -> bool:
    """Return whether every step has the same learning rate."""
    return settings.schedule != COSINE and not settings.warm_up_epochs


def learning_rate(settings: TrainingSettings, epochs_done: float) -> float:
    """Return the learning rate of a step.

    It rises from 0 in a straight line for `warm_up_epochs`. Then it is constant, or falls to 0 with
    half a cosine until the last epoch (Loshchilov & Hutter, arXiv:1608.03983, without restarts).

    Args:
        settings: how to train.
        epochs_done: before the step, with its share of the current epoch.
    """
    warm_up = settings.warm_up_epochs
    if epochs_done < warm_up:
        return settings.learning_rate * epochs_done / warm_up
    if settings.schedule != COSINE:
        return settings.learning_rate
    done = (epochs_done - warm_up) / max(settings.epochs - warm_up, 1)
    return settings.learning_rate * (1 + math.cos(math.pi * min(done, 1.0))) / 2
