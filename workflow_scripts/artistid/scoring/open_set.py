"""Recognising artists that a model was not trained on: choice of a threshold, and its scores.

A song is rejected as unknown if the probability of its most probable artist is below a threshold
(the baseline of Hendrycks & Gimpel 2017, arXiv:1610.02136). The threshold is chosen on validation,
whose unknown artists are not those of the test set.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from artistid.scoring.calibration import Songs
from artistid.scoring.intervals import Tested, mean_intervals
from artistid.scoring.open_set_metrics import METRICS


@dataclass(frozen=True)
class OpenSet(Tested):
    """Songs by known and by unknown artists, and the answers of one run; its scores are METRICS.

    Attributes:
        target: number of each song's artist; unknown artists have the highest numbers, shape
            (songs,).
        confidence: probability of the most probable artist, shape (songs,).
        is_unknown: whether the song's artist was not trained on, shape (songs,).
        is_right: whether the most probable artist is the song's, shape (songs,).
        threshold: below it the answer is "unknown".
        songs: the songs' ids.
        clusters: id of each song's cluster, such as its album; empty if each song is its own.
    """

    target: NDArray[np.integer]
    confidence: NDArray[np.float64]
    is_unknown: NDArray[np.bool_]
    is_right: NDArray[np.bool_]
    threshold: float
    songs: Sequence[str] = ()
    clusters: Sequence[str] = ()

    def weighted_scores(self, weights: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return METRICS for each row of song weights, shape (draws, 5).

        ``auroc``: share of pairs of a known and an unknown song in which the known one has the
        higher confidence; ties count half. ``known_right``: share of known songs that are not
        rejected and named correctly. ``unknown_rejected``: share of unknown songs that are
        rejected. ``accuracy``: the mean of these two, as in DCASE 2019, task 1C (Mesaros et al.
        2019). ``known_right_without_threshold``: share of known songs that are named correctly.
        """
        known, unknown = ~self.is_unknown, self.is_unknown
        of_known, of_unknown = weights[:, known], weights[:, unknown]
        first, second = self.confidence[known][:, None], self.confidence[unknown]
        higher = (first > second) + 0.5 * (first == second)
        n_known, n_unknown = of_known.sum(axis=1), of_unknown.sum(axis=1)
        auroc = ((of_known @ higher) * of_unknown).sum(axis=1) / (n_known * n_unknown)
        is_rejected = self.confidence < self.threshold
        is_right = self.is_right[known]
        right = of_known @ (is_right & ~is_rejected[known]) / n_known
        rejected = of_unknown @ is_rejected[unknown] / n_unknown
        all_right = of_known @ is_right / n_known
        return np.stack([auroc, (right + rejected) / 2, right, rejected, all_right], axis=1)


def choose_threshold(known: Songs, unknown: Songs, temperature: float) -> float:
    """Return the threshold with the highest accuracy (see `OpenSet`) on the validation songs.

    It lies midway between two neighbouring confidences, or is 0 if rejecting nothing is best. Of
    several equally good thresholds it is the lowest, which rejects the fewest songs.

    Args:
        known: validation songs by artists of the training set.
        unknown: validation songs by other artists.
        temperature: divides the scores.
    """
    confidence = known.confidence(temperature)
    right = np.sort(confidence[known.is_right])
    strange = np.sort(unknown.confidence(temperature))
    found = np.unique(np.concatenate([confidence, strange]))
    thresholds = np.concatenate([[0.0], (found[:-1] + found[1:]) / 2])
    # For each threshold: correctly named songs not below it, and unknown songs below it.
    accepted = len(right) - np.searchsorted(right, thresholds)
    rejected = np.searchsorted(strange, thresholds)
    accuracy = accepted * len(strange) + rejected * len(confidence)  # integers: exact ties
    return float(thresholds[accuracy.argmax()])  # the first of several best


def open_set(
    known: Songs,
    unknown: Songs,
    temperature: float,
    threshold: float,
    artist_of: Mapping[str, str],
    unit_of: Mapping[str, str],
) -> OpenSet:
    """Return the songs of one run, to be scored and resampled.

    Args:
        known: songs by artists of the training set.
        unknown: songs by other artists.
        temperature: divides the scores.
        threshold: below it the answer is "unknown".
        artist_of: artist of each track id.
        unit_of: unit of resampling of each track id: the track itself, or its album.
    """
    tracks = [*known.track_id, *unknown.track_id]
    strangers = sorted({artist_of[track_id] for track_id in unknown.track_id})
    number_of = {artist: number for number, artist in enumerate(strangers, known.scores.shape[1])}
    numbers = np.array([number_of[artist_of[track_id]] for track_id in unknown.track_id], np.int64)
    return OpenSet(
        np.concatenate([known.target, numbers]),
        np.concatenate([known.confidence(temperature), unknown.confidence(temperature)]),
        np.repeat([False, True], [len(known.track_id), len(unknown.track_id)]),
        np.concatenate([known.is_right, np.zeros(len(unknown.track_id), np.bool_)]),
        threshold,
        tracks,
        [unit_of[track_id] for track_id in tracks],
    )


def open_set_rows(
    cells: Mapping[tuple[Any, ...], Sequence[OpenSet]],
    generator_of: Callable[..., np.random.Generator],
) -> list[dict[str, Any]]:
    """Return each cell's METRICS with intervals, one row for each cell and metric.

    The intervals resample songs or albums within each artist, known or unknown. Other
    unknown artists enter them only through the variance between runs.

    Args:
        cells: the runs of each model, split and slice length.
        generator_of: returns the random generator of a cell.
    """
    rows = []
    for (model, split, seconds), runs in cells.items():
        intervals = mean_intervals(runs, generator_of(model, split, seconds, "open set"))
        scores = np.array([run.scores() for run in runs])
        deviations = scores.std(axis=0, ddof=1) if len(runs) > 1 else [None] * len(METRICS)
        axes = {"model": model, "split": split, "slice_seconds": seconds}
        facts = {
            "resampled": "albums" if any(run.resamples_clusters() for run in runs) else "songs",
            "known_songs": np.mean([np.sum(~run.is_unknown) for run in runs]),
            "unknown_songs": np.mean([np.sum(run.is_unknown) for run in runs]),
            "threshold": np.mean([run.threshold for run in runs]),
            "runs": len(runs),
        }
        for metric, interval, deviation in zip(METRICS, intervals, deviations, strict=True):
            measured = {"metric": metric, "std": deviation} | asdict(interval)
            rows.append(axes | measured | facts)
    return rows


OPEN_SET_COLUMNS = (
    *("model", "split", "slice_seconds", "metric", "mean", "std", "low", "high", "too_few"),
    *("resampled", "known_songs", "unknown_songs", "threshold", "runs"),
)
