"""What the tables are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from artistid.tables.reading import REFERENCES, read_table
from artistid.tables.summaries import summarise_runs, with_intervals

if TYPE_CHECKING:
    import pandas as pd

DATASET = "artist20"  # the corpus that published results are about


@dataclass(frozen=True)
class Inputs:
    """Rows of all runs, and what of the configuration decides how they are shown.

    Attributes:
        files: CSV files by name: ``metrics``, ``artists``, ``timing`` (rows of runs),
            ``intervals``, ``effects``, ``pairs``, ``albums`` (of comparisons) and ``published``;
            where artists are unknown, ``calibration`` and ``open_sets``.
        models: of the experiment, in the order of the rows.
        first_seconds: slice lengths, s, at which every model ran.
        dataset: what the corpus is, if it is a known one.
        learning_rates: what each network was trained with.
        architectures: network or classical system that each model is, or ``ensemble``.
        splits: of the experiment, in its order.
        keeps_albums: by split, whether it keeps albums together.
        folds: by split, its number of folds; 0 if it has none.
        reported: the subset that is shown, ``test`` or ``validation``.
    """

    files: Mapping[str, str]
    models: Sequence[str]
    first_seconds: Sequence[float]
    dataset: str | None
    learning_rates: Mapping[str, float]
    architectures: Mapping[str, str]
    splits: Sequence[str]
    keeps_albums: Mapping[str, bool]
    folds: Mapping[str, int]
    reported: str

    @property
    def order(self) -> list[str]:
        """The models, and guessing after them."""
        return [*self.models, *REFERENCES]

    @property
    def is_published(self) -> bool:
        """Whether published results are about this corpus."""
        return self.dataset == DATASET

    def read(self, name: str) -> "pd.DataFrame":
        """Return one of the files; it is read once."""
        return _read(self.files[name])

    def summary(self, level: str, pooling: str) -> "pd.DataFrame":
        """Return the scores of one level over the runs of each cell, with their intervals."""
        summarised = summarise_runs(
            self.read("metrics"), self.order, level, pooling, self.reported, self.splits
        )
        return with_intervals(summarised, self.read("intervals"))


_read = cache(read_table)
