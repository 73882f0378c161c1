"""The answer of models for a recording: ranked artists, the vote, and answers over time."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.corpus.scan import MIN_SECONDS
from artistid.errors import InputError
from artistid.prediction.models import AUTO, Model, build
from artistid.prediction.package import Package
from artistid.prediction.spectrograms import Spectrogram, spectrogram_of
from artistid.scoring.pooling import VOTE, count_answers
from artistid.scoring.predictions import Predictions


@dataclass(frozen=True)
class Answer:
    """The answer to one recording.

    Attributes:
        path: of the file.
        classes: the artists.
        log_probability: of each artist, normalised, shape (classes,).
        seconds: length of the recording.
        starts: first second of each slice, shape (slices,); empty for models of whole songs.
        slice_seconds: length of a slice; None for models of whole songs.
        over_time: log-probabilities of the slices, shape (slices, classes).
        threshold: if the most probable artist is less probable, the answer is "unknown"; None if
            the models always name an artist.
    """

    path: Path
    classes: Sequence[str]
    log_probability: NDArray[np.float64]
    seconds: float
    starts: NDArray[np.float64]
    slice_seconds: float | None
    over_time: NDArray[np.float64]
    threshold: float | None = None

    @property
    def is_unknown(self) -> bool:
        """Whether the recording is judged to be by an artist that the model does not know."""
        return self.threshold is not None and self.ranked[0][1] < self.threshold

    @property
    def ranked(self) -> list[tuple[str, float]]:
        """The artists with their probabilities, the most probable first."""
        order = np.argsort(-self.log_probability, kind="stable")
        return [(self.classes[k], float(np.exp(self.log_probability[k]))) for k in order]

    @property
    def artist(self) -> str:
        """The most probable artist."""
        return self.ranked[0][0]

    @property
    def vote(self) -> str | None:
        """The artist that most slices name, as the workflow counts them; None without slices."""
        if not len(self.starts):
            return None
        nothing = np.zeros(len(self.over_time), np.int64)
        slices = Predictions(self.over_time.astype(np.float32), nothing, nothing, [""])
        return self.classes[int(count_answers(slices, VOTE)[0].argmax())]

    def passages(self) -> Iterator[tuple[float, float, str]]:
        """Yield start, end (s) and artist of each passage whose slices agree."""
        named = self.over_time.argmax(axis=1)
        firsts = [k for k in range(len(named)) if k == 0 or named[k] != named[k - 1]]
        for first, following in zip(firsts, [*firsts[1:], None][: len(firsts)], strict=True):
            start = float(self.starts[first])
            end = (
                self.starts[-1] + self.slice_seconds
                if following is None
                else self.starts[following]
            )
            yield start, float(end), self.classes[named[first]]


class Ensemble:
    """One or several models that answer together: the mean of their probabilities.

    Their threshold for "unknown" is the mean of their thresholds, if each of them has one.

    Args:
        packages: of the same artists.
        device: see `artistid.prediction.models.build`.

    Raises:
        InputError: a package cannot be built, or its artists are not those of the first.
    """

    def __init__(self, packages: Sequence[Package], device: str = AUTO) -> None:
        first, *others = packages
        for package in others:
            if sorted(package.classes) != sorted(first.classes):
                odd = sorted({*package.classes} ^ {*first.classes})[0]
                raise InputError(
                    f"{package.path}: has other artists than {first.path}, such as {odd!r}; models "
                    "that answer together must have the same artists"
                )
        self.classes = first.classes
        self.models = [build(package, device) for package in packages]
        thresholds = [package.threshold for package in packages if package.threshold is not None]
        has_one = len(thresholds) == len(packages)
        self.threshold = sum(thresholds) / len(thresholds) if has_one else None
        # Models with the same front end share a spectrogram.
        front_ends: dict[Any, int] = {}
        self._front_end = [
            front_ends.setdefault((model.package.log_mel, model.package.filters.tobytes()), number)
            for number, model in enumerate(self.models)
        ]

    def answer(self, path: Path) -> Answer:
        """Return the answer to a recording.

        Raises:
            InputError: it cannot be decoded, or is shorter than a slice.
        """
        with self.heard(path) as spectrograms:
            return self.answer_of(path, spectrograms)

    @contextmanager
    def heard(self, path: Path) -> Iterator[list[Spectrogram]]:
        """Decode a recording, and yield the spectrogram for each model.

        Raises:
            InputError: it cannot be decoded.
        """
        with ExitStack() as stack:
            made: dict[int, Spectrogram] = {}
            for number in dict.fromkeys(self._front_end):
                package = self.models[number].package
                context = spectrogram_of(path, package.filters, package.log_mel)
                made[number] = stack.enter_context(context)
            yield [made[number] for number in self._front_end]

    def answer_of(self, path: Path, spectrograms: Sequence[Spectrogram]) -> Answer:
        """Return the answer for a recording whose spectrograms exist already.

        Raises:
            InputError: the recording is shorter than a slice.
        """
        first = spectrograms[0]
        if (seconds := first.n_frames * first.frame_seconds) < MIN_SECONDS:
            raise InputError(f"{path}: is shorter than {MIN_SECONDS:g} s")
        parts = [
            self._in_order(model, model.log_probabilities(spectrogram))
            for model, spectrogram in zip(self.models, spectrograms, strict=True)
        ]
        for model, part in zip(self.models, parts, strict=True):
            if not len(part):
                length = model.package.slice_seconds
                raise InputError(f"{path}: is shorter than a slice of {length:.3g} s")
        of_track = _mean(
            [
                _normalised(part.mean(axis=0) / model.package.song_temperature)
                for model, part in zip(self.models, parts, strict=True)
            ]
        )
        starts, slice_seconds, over_time = self._over_time(parts)
        return Answer(
            path,
            self.classes,
            of_track,
            seconds,
            starts,
            slice_seconds,
            over_time,
            self.threshold,
        )

    def _in_order(self, model: Model, part: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return log-probabilities with the artists in the order of the first model's."""
        position = {artist: number for number, artist in enumerate(model.package.classes)}
        return part[:, [position[artist] for artist in self.classes]].astype(np.float64)

    def _over_time(
        self, parts: Sequence[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], float | None, NDArray[np.float64]]:
        """Return starts (s), length (s) and log-probabilities of the slices of all models together.

        The slices are those of the model with the shortest slices; each other model contributes the
        slice that contains their middle. Models of whole songs do not contribute.
        """
        sliced = [
            (length, part)
            for model, part in zip(self.models, parts, strict=True)
            if (length := model.package.slice_seconds) is not None
        ]
        if not sliced:
            return np.zeros(0), None, np.zeros((0, len(self.classes)))
        shortest, own = min(sliced, key=lambda pair: pair[0])
        starts = np.arange(len(own), dtype=np.float64) * shortest
        there = []
        for length, part in sliced:
            holding = ((starts + shortest / 2) / length).astype(int)
            there.append(part[np.minimum(holding, len(part) - 1)])
        return starts, shortest, _mean(there)


def _mean(parts: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the log of the mean of several models' probabilities (Lakshminarayanan et al. 2017).

    Not the mean of their logs, in which one model that is certain and wrong would outweigh the
    others.
    """
    return np.logaddexp.reduce(np.stack(parts), axis=0) - np.log(len(parts))


def _normalised(log_probability: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return log-probabilities whose probabilities sum to one in each row."""
    shifted = log_probability - log_probability.max(axis=-1, keepdims=True)
    normalised: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return normalised
