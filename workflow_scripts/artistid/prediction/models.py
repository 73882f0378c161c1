"""Packaged models, built: from a spectrogram to log-probabilities of the artists.

torch is imported only if a network is built, and scikit-learn for a classical system.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from artistid.errors import InputError, shortened
from artistid.features.slices import slice_starts
from artistid.models.front_end import band_means, window_of
from artistid.models.registry import NETWORKS, SONG_SYSTEMS, load_model
from artistid.prediction.devices import AUTO, CPU, CUDA
from artistid.prediction.package import Package
from artistid.prediction.spectrograms import Spectrogram

if TYPE_CHECKING:
    import torch

CHUNK_FRAMES = 8192  # that a classical system scores at once
# Frames of the slices that a model sees at once: enough to keep a processor busy, few enough for
# their activations to stay near it.
BATCH_FRAMES = {CPU: 1024, CUDA: 31 * 1024}


class Model(Protocol):
    """What every built model offers."""

    package: Package

    def log_probabilities(self, spectrogram: Spectrogram) -> NDArray[np.float32]:
        """Return those of each slice, (slices, classes); of whole songs one row.

        No row for a recording that is shorter than a slice.
        """


def build(package: Package, device: str = AUTO) -> Model:
    """Return the model of a package, ready to predict.

    Args:
        package: what `read_package` returned.
        device: of a network: ``auto`` takes a GPU if there is one; others run on the processor.

    Raises:
        InputError: the arrays do not fit the model, or the device does not exist.
    """
    if package.kind == NETWORKS:
        return NetworkModel(package, device)
    return SongModel(package) if package.kind == SONG_SYSTEMS else FrameModel(package)


def batches_of_slices(
    spectrogram: Spectrogram, slice_frames: int | None, batch_frames: int
) -> Iterator[NDArray[np.float16]]:
    """Yield a recording's slices, shape (some slices, slice_frames, n_mels), in their order.

    Args:
        spectrogram: of the recording.
        slice_frames: frames in a slice; None takes the recording for one.
        batch_frames: frames in an array, at least one slice.
    """
    slice_frames = slice_frames or spectrogram.n_frames
    starts = slice_starts(spectrogram.n_frames, slice_frames)
    at_once = max(1, batch_frames // slice_frames)
    for first in range(0, len(starts), at_once):
        batch = starts[first : first + at_once]
        frames = spectrogram.frames(batch[0], len(batch) * slice_frames)
        yield frames.reshape(len(batch), slice_frames, -1)


class NetworkModel:
    """A neural network, as `artistid.training.weights` checks and builds it."""

    def __init__(self, package: Package, device: str = AUTO) -> None:
        import torch

        from artistid.training.batches import CHANNELS_LAST
        from artistid.training.precision import set_precision
        from artistid.training.weights import FORMAT, network_of

        if device == CUDA and not torch.cuda.is_available():
            raise InputError("--device: PyTorch finds no GPU here; write cpu or auto")
        on_gpu = device != CPU and torch.cuda.is_available()
        self.package = package
        self.front_end = package.front_end
        self.device = torch.device(CUDA if on_gpu else CPU)
        set_precision(deterministic=False)
        about = package.description
        description = {key: about[key] for key in ("model", "settings", "classes", "slice_frames")}
        description |= {"format": FORMAT, "log_mel": about["front_end"]["parameters"]}
        tensors = {name: torch.from_numpy(array) for name, array in package.learnt.items()}
        network, normalisation, _ = network_of(package.path, description, tensors)
        self.network = network.to(self.device, memory_format=CHANNELS_LAST)  # type: ignore[call-overload]
        self.mean, self.deviation = (
            torch.from_numpy(part).to(self.device) for part in normalisation
        )

    def log_probabilities(self, spectrogram: Spectrogram) -> NDArray[np.float32]:
        """See `Model`."""
        parts = [self.log_probabilities_of(slices) for slices in self._batches(spectrogram)]
        return np.concatenate([np.zeros((0, len(self.package.classes)), np.float32), *parts])

    def log_probabilities_of(self, slices: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return those of slices, all at once.

        Args:
            slices: dB, less the means that the front end subtracts, shape (slices, slice_frames,
                n_mels).
        """
        import torch

        with torch.inference_mode():
            logits = self.network(self._standardised(slices)) / (self.package.temperature or 1.0)
            found: NDArray[np.float32] = torch.log_softmax(logits, dim=1).cpu().numpy()
            return found

    def embeddings(self, spectrogram: Spectrogram) -> NDArray[np.float32]:
        """Return what the last layer sees of each slice, shape (slices, features)."""
        import torch

        embed: Any = self.network.embed
        with torch.inference_mode():
            parts = [
                embed(self._standardised(slices)).cpu().numpy()
                for slices in self._batches(spectrogram)
            ]
        n_features: Any = self.network.classifier.in_features
        return np.concatenate([np.zeros((0, n_features), np.float32), *parts])

    def _batches(self, spectrogram: Spectrogram) -> Iterator[NDArray[np.floating]]:
        at_once, slice_frames = BATCH_FRAMES[self.device.type], self.package.slice_frames
        batches = batches_of_slices(spectrogram, slice_frames, at_once)
        if not self.front_end.subtracts_mean:
            yield from batches
            return
        n_frames, first = spectrogram.n_frames, 0
        means = band_means(spectrogram.blocks(), n_frames, self.front_end)
        for slices in batches:
            starts = first + np.arange(len(slices)) * slices.shape[1]
            windows = window_of(starts, len(means), self.front_end)
            yield slices.astype(np.float32) - means[windows][:, None]
            first += len(slices) * slices.shape[1]

    def _standardised(self, slices: NDArray[np.floating]) -> "torch.Tensor":
        """Return what the network takes, shape (slices, 1, n_mels, frames)."""
        import torch

        from artistid.training.batches import CHANNELS_LAST

        log_mel = torch.from_numpy(slices).to(self.device, torch.float32)
        standardised = ((log_mel - self.mean) / self.deviation).transpose(1, 2)[:, None]
        return self.front_end.normalised(standardised.contiguous(memory_format=CHANNELS_LAST))


class _SystemModel:
    """A classical system, from what it has learnt."""

    def __init__(self, package: Package) -> None:
        self.package = package
        try:
            system_type, settings = load_model(package.model, package.description["settings"])
            self.system = system_type(settings, len(package.classes), seed=0)
            self.system.load_state(package.learnt)
            self._try_out()
        except InputError:
            raise
        except Exception as error:  # an array of another shape may raise anything
            why = shortened(" ".join(str(error).split()))
            raise InputError(
                f"{package.path}: is damaged (its arrays are none of {package.model}: {why}); get "
                "it again"
            ) from None

    def _try_out(self) -> None:
        noise = np.random.default_rng(0).normal(-30, 10, (64, self.package.log_mel.n_mels))
        scores = self._scores_of(noise.astype(np.float16))
        if scores.shape != (1, len(self.package.classes)):
            raise ValueError(f"scores of shape {scores.shape}")

    def _scores_of(self, log_mel: NDArray[np.floating]) -> NDArray[np.floating]:
        raise NotImplementedError

    def _log_softmax(self, scores: NDArray[np.floating]) -> NDArray[np.float32]:
        from artistid.models.classical.calibration import log_softmax

        return log_softmax(scores, self.package.temperature or 1.0).astype(np.float32)


class FrameModel(_SystemModel):
    """A classical system on MFCC frames."""

    def log_probabilities(self, spectrogram: Spectrogram) -> NDArray[np.float32]:
        """See `Model`."""
        slice_frames = self.package.slice_frames
        scores = [
            self._scores_of(slices.reshape(-1, slices.shape[2]), slice_frames)
            for slices in batches_of_slices(spectrogram, slice_frames, CHUNK_FRAMES)
        ]
        if not scores:
            return np.zeros((0, len(self.package.classes)), np.float32)
        return self._log_softmax(np.concatenate(scores))

    def _scores_of(
        self, log_mel: NDArray[np.floating], slice_frames: int | None = None
    ) -> NDArray[np.float64]:
        """Return scores of successive slices; by default of one, of all the frames."""
        from artistid.features.mfcc import mfcc

        slice_frames = slice_frames or len(log_mel)
        starts = np.array(slice_starts(len(log_mel), slice_frames))
        return self.system.slice_scores(mfcc(log_mel), starts, slice_frames)


class SongModel(_SystemModel):
    """A classical system on whole songs."""

    def log_probabilities(self, spectrogram: Spectrogram) -> NDArray[np.float32]:
        """See `Model`."""
        from artistid.features.mfcc import mfcc
        from artistid.models.classical.song_kernels import moments_of_blocks

        moments = moments_of_blocks(lambda: map(mfcc, spectrogram.blocks()))
        return self._log_softmax(self.system.score_moments(*moments))

    def _scores_of(self, log_mel: NDArray[np.floating]) -> NDArray[np.float64]:
        from artistid.features.mfcc import mfcc

        return self.system.track_scores([mfcc(log_mel)])
