"""What the listening page shows, as plain types: tracks, copies, each run's answers over time."""

import base64
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from artistid.runs import Run
from artistid.scoring.pooling import pooled
from artistid.scoring.predictions import Predictions, cut_of_all_folds

# Probabilities are stored as whole numbers up to this one, for 1: off by at most 0.002.
LEVELS = 255


def whole_run(run: Run) -> Run:
    """Return the run that a training belongs to: over all folds, or itself."""
    return replace(run, cut=cut_of_all_folds(run.cut))


def run_part(
    run: Run, classes: Sequence[str], predictions: Predictions, seconds_per_frame: float
) -> dict[str, Any]:
    """Return a run's answers.

    ``tracks`` has for each track its id, its true class, the answer (of the highest mean
    log-probability) and its number of slices. ``probabilities`` is the base64 of the zlib stream of
    bytes of shape (slices, classes), the tracks' slices one after the other.

    Args:
        run: one with slices.
        classes: the artists' names.
        predictions: of the subset that is shown.
        seconds_per_frame: of the log-mel spectrogram.
    """
    order = np.argsort(predictions.track, kind="stable")
    levels = np.rint(predictions.probability[order] * LEVELS).astype(np.uint8)
    n_tracks = len(predictions.track_id)
    n_slices = np.bincount(predictions.track, minlength=n_tracks)
    answers = pooled(predictions).argmax(axis=1)
    columns = (predictions.track_target, answers, n_slices)
    rows = zip(predictions.track_id, *(column.tolist() for column in columns), strict=True)
    return {
        "label": run.label,
        "classes": list(classes),
        "slice_seconds": round((run.slice_frames or 0) * seconds_per_frame, 6),
        "tracks": [list(row) for row in rows],
        "probabilities": base64.b64encode(zlib.compress(levels.tobytes(), 9)).decode("ascii"),
    }


def shown_tracks(
    parts: Iterable[Mapping[str, Any]],
    pairs: Iterable[Mapping[str, str]],
    rows: Iterable[Mapping[str, str]],
) -> tuple[list[Mapping[str, str]], dict[str, list[tuple[str, float]]]]:
    """Return the rows of the tracks that the page shows, and the near-duplicates of those answered.

    Args:
        parts: what `run_part` returned for each run.
        pairs: rows of the audit's near-duplicates.
        rows: of the scan's ``tracks.csv``.

    Returns:
        The rows of tracks that a run answers and of their near-duplicates, in the corpus' order;
        and for the id of each answered track the ids of its near-duplicates, with the seconds by
        which the same sound comes later in them.
    """
    answered = {track[0] for part in parts for track in part["tracks"]}
    copies = defaultdict(list)
    for pair in pairs:
        a, b, lag = pair["track_a"], pair["track_b"], float(pair["lag_s"])
        for track, other, later in ((a, b, -lag), (b, a, lag)):
            if track in answered:
                copies[track].append((other, later))
    needed = answered | {other for others in copies.values() for other, _ in others}
    return [row for row in rows if row["track_id"] in needed], dict(copies)


def page_data(
    title: str,
    subset: str,
    parts: Sequence[Mapping[str, Any]],
    tracks: Sequence[Mapping[str, Any]],
    copies: Mapping[str, Sequence[tuple[str, float]]],
    notes: Sequence[str],
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what the page needs at once, and what it needs of each run when that is chosen.

    Args:
        title: of the page.
        subset: that the runs answer.
        parts: what `run_part` returned for each run.
        tracks: rows of `shown_tracks`, each with its ``clip`` (`artistid.listening.clips`).
        copies: near-duplicates, by track id.
        notes: sentences about what the page leaves out.
    """
    position = {row["track_id"]: number for number, row in enumerate(tracks)}
    shown = [
        {
            "artist": row["artist"],
            "album": row["album"],
            "name": row["path"].rpartition("/")[2],
            "seconds": round(float(row["duration"]), 3),
            **row["clip"],
            "copies": [
                [position[other], later]
                for other, later in copies.get(row["track_id"], ())
                if other in position
            ],
        }
        for row in tracks
    ]
    runs = [
        dict(part)
        | {"tracks": [[position[row[0]], *row[1:]] for row in part["tracks"] if row[0] in position]}
        for part in parts
    ]
    page = {"title": title, "subset": subset, "levels": LEVELS, "notes": list(notes)}
    return page | {"tracks": shown, "runs": [part["label"] for part in parts]}, runs
