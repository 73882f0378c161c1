"""A self-contained model: one safetensors file with everything that a prediction needs.

Arrays: ``front_end.*`` (what turns samples into the model's input) and ``model.*`` (what was
learnt). One key of metadata holds JSON: ``format``, ``front_end`` (name and parameters), ``kind``,
``model`` (its architecture), ``settings``, ``classes``, ``slice_frames`` (None for whole songs),
``temperature`` (of slices; None without calibration), ``card`` (facts for people) and, if artists
were left out of training, ``unknown`` (``temperature`` of songs, and the ``threshold`` below which
an answer is "unknown"). Readers ignore keys that they do not know. If a reader must know a new key,
the version of the format is raised.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.errors import InputError, shortened
from artistid.features.log_mel import LogMelParameters
from artistid.models.front_end import FrontEnd
from artistid.models.registry import FRAME_SYSTEMS, KINDS, NETWORKS, SONG_SYSTEMS, available
from artistid.storage.files import sha256_of_file
from artistid.storage.tensors import read_tensors, write_tensors

NAME, VERSION = "artistid model", 1
FORMAT = f"{NAME} {VERSION}"
# Versions that do not know normalisations refuse the second name.
LOG_MEL, NORMALISED = "log-mel 1", "normalised log-mel 1"
FRONT_ENDS = (LOG_MEL, NORMALISED)
_FILTERS, _LEARNT = "front_end.filters", "model."
_LARGEST = 10_000_000  # the largest plausible parameter; a larger one means damage
# Formats of the files that trainings write, and the kinds of model in them.
TRAINED = {"artistid weights 1": (NETWORKS,), "artistid system 1": (FRAME_SYSTEMS, SONG_SYSTEMS)}


@dataclass(frozen=True)
class Package:
    """The content of a package, checked.

    Attributes:
        path: of the file.
        arrays: by name.
        description: as above.
    """

    path: Path
    arrays: Mapping[str, NDArray[Any]]
    description: Mapping[str, Any]

    @property
    def kind(self) -> str:
        return str(self.description["kind"])

    @property
    def model(self) -> str:
        """The name of the architecture."""
        return str(self.description["model"])

    @property
    def classes(self) -> list[str]:
        """The artists, in the order of their numbers."""
        return list(self.description["classes"])

    @property
    def slice_frames(self) -> int | None:
        """Frames of a slice; None for a model of whole songs."""
        frames: int | None = self.description["slice_frames"]
        return frames

    @property
    def temperature(self) -> float | None:
        """Divides scores before their softmax; None without calibration."""
        temperature: float | None = self.description["temperature"]
        return temperature

    @property
    def song_temperature(self) -> float:
        """Divides a song's mean log-probabilities before their softmax."""
        return float(self._unknown.get("temperature", 1.0))

    @property
    def threshold(self) -> float | None:
        """The probability below which an answer is "unknown"; None if the model has none."""
        return self._unknown.get("threshold")

    @property
    def _unknown(self) -> Mapping[str, float]:
        return self.description.get("unknown") or {}

    @property
    def card(self) -> Mapping[str, Any]:
        """Facts for people; empty if nothing is known."""
        card = self.description.get("card")
        return card if isinstance(card, dict) else {}

    @cached_property
    def log_mel(self) -> LogMelParameters:
        return LogMelParameters(**self.description["front_end"]["parameters"])

    @cached_property
    def front_end(self) -> FrontEnd:
        """The normalisation of the spectrograms of a network."""
        return FrontEnd(**self.description["front_end"].get("normalisation", {}))

    @property
    def filters(self) -> NDArray[np.float32]:
        """The mel filters, shape (n_mels, 1 + n_fft // 2)."""
        return self.arrays[_FILTERS]

    @property
    def learnt(self) -> dict[str, NDArray[Any]]:
        """The learnt arrays, by the names that the model gives them."""
        return {
            name.removeprefix(_LEARNT): array
            for name, array in self.arrays.items()
            if name.startswith(_LEARNT)
        }

    @property
    def slice_seconds(self) -> float | None:
        """Length of a slice, s."""
        if self.slice_frames is None:
            return None
        return self.slice_frames * self.log_mel.hop_length / self.log_mel.sampling_rate


def write_package(
    path: Path,
    trained: Path,
    filters: NDArray[np.float32],
    card: Mapping[str, Any],
    unknown: Mapping[str, float] | None = None,
) -> Package:
    """Package the weights that a training wrote.

    Args:
        path: the package.
        trained: ``weights.safetensors`` of a run.
        filters: the mel filters that its spectrograms were made with.
        card: facts for people, plain types.
        unknown: ``temperature`` and ``threshold`` of songs; None if no artist was left out.

    Returns:
        The package, read back from the file.

    Raises:
        InputError: the training's file is damaged, or of another version.
    """
    arrays, found = read_tensors(trained)
    kinds = TRAINED.get(found.get("format", ""))
    if not kinds:
        raise InputError(f"{trained}: is not a trained model of this version; retrain it")
    description = {
        "format": FORMAT,
        "front_end": _front_end(found),
        "kind": next(kind for kind in kinds if found["model"] in available(kind)),
        "model": found["model"],
        "settings": found["settings"],
        "classes": found["classes"],
        "slice_frames": found["slice_frames"],
        "temperature": found.get("temperature"),
        "card": dict(card),
    } | ({"unknown": dict(unknown)} if unknown else {})
    named = {f"{_LEARNT}{name}": array for name, array in arrays.items()} | {_FILTERS: filters}
    write_tensors(path, named, description)
    return read_package(path)


def _front_end(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the front end of a trained model, from its description."""
    if normalisation := found.get("front_end"):
        name, more = NORMALISED, {"normalisation": normalisation}
    else:
        name, more = LOG_MEL, {}
    return {"name": name, "parameters": found["log_mel"]} | more


def read_package(path: Path) -> Package:
    """Read a package, without building its model.

    Raises:
        InputError: the file is missing, damaged, of a newer version, or something else.
    """
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; name a model.safetensors")
    arrays, description = read_tensors(path)
    if problem := next(_problems(description, arrays), None):
        raise InputError(f"{path}: {problem}")
    return Package(path, arrays, description)


def _problems(description: Mapping[str, Any], arrays: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a package; a later check relies on the earlier ones."""
    found = description.get("format")
    name, _, version = found.rpartition(" ") if isinstance(found, str) else ("", "", "")
    if found in TRAINED:
        yield "contains only weights; name its model.safetensors (`snakemake models` makes it)"
        return
    if name != NAME or not version.isdecimal():
        yield "is not a model of this workflow; name a model.safetensors"
        return
    if int(version) != VERSION:
        yield f"is in format {version}, and this version reads {VERSION}; update artistid"
        return
    front_end = description.get("front_end")
    front_end = front_end if isinstance(front_end, dict) else {}
    if front_end.get("name") not in FRONT_ENDS:
        front = shortened(repr(front_end.get("name")))
        known = ", ".join(FRONT_ENDS)
        yield f"needs the front end {front}, and this version has {known}; update artistid"
        return
    yield from (f"is damaged ({problem}); get it again" for problem in _damages(description))
    yield from (f"is damaged ({problem}); get it again" for problem in _odd(description, arrays))


def _damages(description: Mapping[str, Any]) -> Iterator[str]:
    kind, model = description.get("kind"), description.get("model")
    if kind not in KINDS or not isinstance(model, str) or model not in available(kind):
        yield f"there is no model {shortened(repr(model))}"
        return
    given = description["front_end"].get("parameters")
    wanted = asdict(LogMelParameters())
    if not isinstance(given, dict) or given.keys() != wanted.keys():
        yield f"its front end's parameters are not {', '.join(wanted)}"
    elif not all(_is_positive(value) for value in given.values()):
        yield "a parameter of its front end is not a number above 0"
    elif not all(type(given[key]) is int for key in wanted if key != "top_db"):
        yield "a parameter of its front end is not a whole number"
    yield from _damages_of_normalisation(description["front_end"])
    if not isinstance(description.get("settings"), dict):
        yield "settings are not a mapping"
    classes = description.get("classes")
    if not (isinstance(classes, list) and all(isinstance(name, str) for name in classes)):
        yield "classes are not a list of names"
    elif len(classes) < 2 or len(set(classes)) < len(classes):
        yield "classes are fewer than two, or not unique"
    frames, temperature = description.get("slice_frames"), description.get("temperature")
    if kind == SONG_SYSTEMS:
        if frames is not None:
            yield "slice_frames is given for a model of whole songs"
    elif not _is_count(frames):
        yield "slice_frames is not a number of frames"
    if temperature is not None and not _is_positive(temperature):
        yield "temperature is not a number above 0"
    if (unknown := description.get("unknown")) is not None:
        yield from _damages_of_unknown(unknown)


def _damages_of_normalisation(front_end: Mapping[str, Any]) -> Iterator[str]:
    given = front_end.get("normalisation")
    if (given is not None) != (front_end["name"] == NORMALISED):
        yield "the name of its front end does not match its normalisation"
    elif given is None:
        return
    elif not isinstance(given, dict) or given.keys() != asdict(FrontEnd()).keys():
        yield "the normalisation of its front end has wrong keys"
    elif type(given["subtracts_mean"]) is not bool:
        yield "subtracts_mean is not true or false"
    elif (frames := given["window_frames"]) is not None and not _is_count(frames):
        yield "window_frames is not a number of frames"
    elif (share := given["relaxed"]) is not None and not _is_share(share):
        yield "relaxed is not a share"


def _damages_of_unknown(unknown: Any) -> Iterator[str]:
    if not isinstance(unknown, dict) or unknown.keys() != {"temperature", "threshold"}:
        yield "unknown is not a mapping of temperature and threshold"
    elif not _is_positive(unknown["temperature"]):
        yield "the temperature of songs is not a number above 0"
    elif not _is_share(unknown["threshold"]):
        yield "the threshold of unknown artists is not a probability"


def _is_count(value: Any) -> bool:
    return type(value) is int and 1 <= value <= _LARGEST


def _is_share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def _is_positive(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= _LARGEST


def _odd(description: Mapping[str, Any], arrays: Mapping[str, Any]) -> Iterator[str]:
    parameters = description["front_end"]["parameters"]
    shape = parameters["n_mels"], 1 + parameters["n_fft"] // 2
    filters = arrays.get(_FILTERS)
    if filters is None or filters.shape != shape or filters.dtype != np.float32:
        yield "its mel filters are missing, or of another shape"
    for name, array in arrays.items():
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            yield f"{shortened(name)} is not finite"


def needs_torch(package: Package) -> bool:
    """Return whether a package is of a network."""
    return package.kind == NETWORKS


def digest(package: Package) -> str:
    """Return the SHA-256 of a package's file, in hexadecimal."""
    return sha256_of_file(package.path)
