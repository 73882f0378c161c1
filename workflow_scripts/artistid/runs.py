"""A run: one model, one cut of one split, one slice length, one seed.

Where its files are, what messages call it, and which columns identify its rows are defined
here and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

WHOLE = "whole"
# Below `results/<corpus>/experiments/<experiment>/runs/`, in the wildcards of the rules.
PATH = "{model}/{split}/{cut}/{slice}/seed{seed}"
# Of what does not depend on the model: guessing is scored once for all of them.
PATH_OF_ALL_MODELS = "{split}/{cut}/{slice}/seed{seed}"
PATH_OF_SPLIT = "{split}/{cut}"


@dataclass(frozen=True)
class Run:
    """A run.

    Attributes:
        corpus: name of the corpus.
        experiment: name of the experiment.
        model: name of the model; empty for what is the same for all models.
        split: name of the split.
        cut: which of the split's cuts: ``draw1``; ``draw1-fold3``, which is trained, and ``draw1``
            for all its folds together, which are scored; ``list`` for a user's list.
        slice_seconds: length of a slice, s; None for a system that takes whole songs.
        slice_frames: the same in frames of the log-mel spectrogram.
        seed: of the weights, and of all other randomness of a training.
    """

    corpus: str
    experiment: str
    model: str
    split: str
    cut: str
    slice_seconds: float | None
    slice_frames: int | None
    seed: int

    @property
    def slice(self) -> str:
        """The slice length in paths and messages: ``3s``, or ``whole``."""
        return WHOLE if self.slice_seconds is None else f"{self.slice_seconds:g}s"

    @property
    def label(self) -> str:
        """What messages call the run."""
        return f"{self.model or 'references'} {self.split} {self.cut} {self.slice} seed{self.seed}"

    @property
    def columns(self) -> dict[str, Any]:
        """The values of COLUMNS, which every row about the run has; plain types."""
        return asdict(self)


COLUMNS = tuple(field.name for field in fields(Run))
# A cell of the tables: the runs that differ in their cut and their seed only.
CELL_COLUMNS = ("model", "split", "slice_seconds")


def seconds_of_slice(text: str) -> float | None:
    """Return the length of a slice, s, from its form in paths; None for whole songs."""
    return None if text == WHOLE else float(text.removesuffix("s"))


def run_of(columns: Mapping[str, Any]) -> Run:
    """Return the run that some columns belong to."""
    return Run(**{column: columns[column] for column in COLUMNS})
