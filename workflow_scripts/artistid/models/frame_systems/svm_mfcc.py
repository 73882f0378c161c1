"""A support vector machine on MFCC frames (Whitman, Flake & Lawrence 2001, NNSP).

An exact kernel SVM does not scale to millions of frames: its support vectors grow with the training
set, and each frame to score meets all of them. The usual remedy is taken: frames are sampled from
each training track, standardised, mapped by Nyström features of the Gaussian kernel, and told apart
by linear SVMs, one per artist against the rest. Every frame of a track to be recognised is scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from artistid.features.mfcc import in_slices, sampled_tracks, scored_in_chunks
from artistid.models.classical.calibration import per_class
from artistid.models.costs import SystemCost
from artistid.models.registry import register
from artistid.models.settings import Count, FramesPerTrack, Positive

COST = SystemCost(columns={"n_features": 1})


@dataclass(frozen=True)
class Settings:
    """The machine.

    Attributes:
        n_features: Nyström features, that is, training frames that approximate the kernel.
        gamma: of the kernel exp(-gamma * squared distance) between standardised frames; one over
            the number of coefficients, so that it does not hang on their number.
        alpha: weight of the squared norm against the mean hinge loss; smaller fits more closely.
        epochs: passes of stochastic gradient descent, whose weights are averaged.
        frames_per_track: drawn at random from each training track; None takes all. Training holds
            their features in memory twice over, 4 kB a frame: 5 MB or less for a track.
    """

    n_features: Count = 500
    gamma: Positive = 0.05
    alpha: Positive = 1e-5
    epochs: Count = 10
    frames_per_track: FramesPerTrack = 500


@register(Settings)
class SvmMfcc:
    """Standardisation, Nyström features, linear SVMs."""

    def __init__(self, settings: Settings, n_classes: int, seed: int) -> None:
        self._settings = settings
        self._n_classes = n_classes
        self._seed = seed

    def fit(self, mfccs: Sequence[NDArray[np.floating]], targets: NDArray[np.integer]) -> None:
        """Learn from tracks of shape (frames, 20) and their classes, shape (tracks,)."""
        sampled = list(sampled_tracks(mfccs, self._settings.frames_per_track, self._seed))
        frames = np.concatenate(sampled).astype(np.float32)
        labels = np.repeat(targets, [len(track) for track in sampled])
        self._pipeline = self._untrained(len(frames)).fit(frames, labels)
        self._decision_values = self._pipeline.decision_function

    def slice_scores(
        self, mfcc: NDArray[np.floating], starts: ArrayLike, slice_frames: int
    ) -> NDArray[np.float64]:
        """Return the mean decision value of each slice's frames, shape (slices, classes).

        Args:
            mfcc: one track, shape (frames, 20).
            starts: first frame of each slice.
            slice_frames: frames in a slice.
        """
        frame_scores = scored_in_chunks(self._decide, mfcc)
        return in_slices(frame_scores, starts, slice_frames).mean(axis=1)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the parameters: standardisation, Nyström features, and an SVM for each artist."""
        scaler, features, svms = (step for _, step in self._pipeline.steps)
        return {
            "scaler.mean": scaler.mean_,
            "scaler.scale": scaler.scale_,
            "features.components": features.components_,
            "features.normalization": features.normalization_,
            "svms.weights": np.concatenate([svm.coef_ for svm in svms.estimators_]),
            "svms.intercepts": np.concatenate([svm.intercept_ for svm in svms.estimators_]),
        }

    def load_state(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take over what `state` returned.

        Raises:
            KeyError: an array is missing.
        """
        scaler, features = StandardScaler(), Nystroem(gamma=self._settings.gamma)
        scaler.mean_, scaler.scale_ = arrays["scaler.mean"], arrays["scaler.scale"]
        features.components_ = arrays["features.components"]
        features.normalization_ = arrays["features.normalization"]
        weights, intercepts = arrays["svms.weights"], arrays["svms.intercepts"]

        def decision_values(frames: NDArray[np.float64]) -> NDArray[np.float64]:
            values = features.transform(scaler.transform(frames)) @ weights.T + intercepts
            return values[:, 0] if len(weights) == 1 else values  # one machine for two artists

        self._decision_values = decision_values

    def _decide(self, frames: NDArray[np.floating]) -> NDArray[np.float64]:
        # In float32, log-probabilities of -1000 would depend on the number of threads.
        values = self._decision_values(frames.astype(np.float64))
        return per_class(values, self._n_classes)

    def _untrained(self, n_frames: int) -> Pipeline:
        settings = self._settings
        features = Nystroem(
            gamma=settings.gamma,
            n_components=min(settings.n_features, n_frames),
            random_state=self._seed,
        )
        # Balanced, each artist against all others: else with twenty artists whose frames overlap
        # the least hinge loss is to answer "not this one" nearly everywhere.
        svm = SGDClassifier(
            loss="hinge",
            alpha=settings.alpha,
            max_iter=settings.epochs,
            tol=None,
            class_weight="balanced",
            average=True,
            random_state=self._seed,
        )
        return make_pipeline(StandardScaler(), features, OneVsRestClassifier(svm))
