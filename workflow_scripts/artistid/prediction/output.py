"""Answers as people and machines read them: text, JSON, CSV, and the best artists by file."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from artistid.prediction.answers import Answer
from artistid.prediction.names import shown

UNKNOWN = "unknown"
DIGITS = 6  # of probabilities over time


def as_text(answer: Answer, top: int, with_passages: bool = False) -> str:
    """Return an answer as lines for people.

    Args:
        answer: to a recording.
        top: how many artists are named.
        with_passages: whether to say how the answer runs over time.
    """
    ranked = (f"{shown(artist)} {probability:.3f}" for artist, probability in answer.ranked[:top])
    unknown = f"{UNKNOWN} (below {answer.threshold:.3f}); " if answer.is_unknown else ""
    slices = f"; vote {shown(answer.vote)}" if answer.vote else ""
    slices += f"; {len(answer.starts)} slices" if answer.vote else ""
    lines = [f"{shown(str(answer.path))}: {unknown}{', '.join(ranked)}{slices}"]
    if with_passages:
        lines += [
            f"    {_clock(start)} - {_clock(end)}  {shown(artist)}"
            for start, end, artist in answer.passages()
        ]
    return "\n".join(lines)


def as_json(answer: Answer) -> dict[str, Any]:
    """Return an answer as plain types."""
    return {
        "path": str(answer.path),
        "artist": None if answer.is_unknown else answer.artist,
        "probability": answer.ranked[0][1],
        "unknown": None if answer.threshold is None else answer.is_unknown,
        "threshold": answer.threshold,
        "vote": answer.vote,
        "slices": len(answer.starts),
        "slice_seconds": answer.slice_seconds,
        "seconds": round(answer.seconds, 3),
        "artists": [
            {
                "artist": answer.classes[k],
                "probability": float(np.exp(answer.log_probability[k])),
                "log_probability": float(answer.log_probability[k]),
            }
            for k in np.argsort(-answer.log_probability, kind="stable")
        ],
        "passages": [
            {"start": round(start, 3), "end": round(end, 3), "artist": artist}
            for start, end, artist in answer.passages()
        ],
        "classes": list(answer.classes),
        "over_time": [
            {
                "start": round(float(start), 3),
                "artist": answer.classes[int(row.argmax())],
                "probability": round(float(np.exp(row.max())), DIGITS),
                "probabilities": np.exp(row).round(DIGITS).tolist(),
            }
            for start, row in zip(answer.starts, answer.over_time, strict=True)
        ],
    }


def json_line(content: Mapping[str, Any]) -> str:
    """Return plain types as one line of ASCII, which also holds names that are not UTF-8."""
    return json.dumps(dict(content))


def answer_columns(n_artists: int, top: int) -> list[str]:
    """Return the columns of `answer_row`; no more best artists than there are."""
    best = range(1, min(top, n_artists) + 1)
    of_best = [column for place in best for column in (f"top_{place}", f"p_{place}")]
    columns = ["path", "artist", "probability", "unknown", "vote", "slices", "seconds"]
    return [*columns, *of_best, "error"]


def answer_row(answer: Mapping[str, Any], top: int) -> dict[str, Any]:
    """Return what `as_json` said, or ``path`` and ``error``, as a row of `answer_columns`."""
    row = {key: answer.get(key) for key in ("path", "artist", "probability", "vote", "error")}
    if (unknown := answer.get("unknown")) is not None:
        row["unknown"] = str(unknown).lower()
    row |= {"slices": answer.get("slices") or None, "seconds": answer.get("seconds")}
    for place, best in enumerate(answer.get("artists", [])[:top], start=1):
        row |= {f"top_{place}": best["artist"], f"p_{place}": best["probability"]}
    return row


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], header: bool) -> str:
    """Return rows as CSV, text in quotes as in the workflow's tables."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, columns, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
    if header:
        writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def best_by_name(
    answers: Sequence[Mapping[str, Any]], top: int
) -> tuple[dict[str, list[str]], list[str]]:
    """Return the best artists of each file by its name without ending.

    ``{"001": ["artist", ...], ...}``, the format of the NTU course. If two files have the same
    name, their paths are used instead.

    Args:
        answers: what `as_json` returned, with paths below the folder.
        top: how many artists are named.

    Returns:
        The mapping, and the names that several files have.
    """
    paths = [Path(answer["path"]) for answer in answers]
    twice = sorted(stem for stem, n in Counter(path.stem for path in paths).items() if n > 1)
    best = {}
    for answer, path in zip(answers, paths, strict=True):
        key = path.as_posix() if path.stem in twice else path.stem
        best[key] = [row["artist"] for row in answer["artists"][:top]]
    return best, twice


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
