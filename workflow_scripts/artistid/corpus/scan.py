"""The scan: decode every recording once, and decide whether it is used."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from artistid.corpus.audio import AudioFacts, decode_facts
from artistid.corpus.exclusion import Exclusion, small_artists
from artistid.corpus.folder import Recording
from artistid.corpus.listings import (
    DUPLICATE,
    EMPTY,
    EXCLUDED,
    OK,
    TOO_SHORT,
    UNDECODABLE,
)
from artistid.errors import InputError
from artistid.storage.files import sha256_of_file

MIN_SECONDS = 1.0
NOTHING = Exclusion()


def scan(
    audio_dir: Path,
    recordings: Iterable[Recording],
    threads: int,
    excluded: Exclusion = NOTHING,
    min_albums: int = 1,
    min_tracks: int = 1,
) -> list[dict[str, Any]]:
    """Decode every recording once and return the rows of ``tracks.csv``, sorted by track id.

    Recordings that are excluded by name are not decoded.

    Args:
        audio_dir: the corpus' folder.
        recordings: what `list_recordings` found.
        threads: recordings decoded at the same time.
        excluded: artists and albums that are left out by name.
        min_albums: artists with fewer albums that have a usable track are left out.
        min_tracks: artists with fewer usable tracks are left out.
    """
    with ThreadPoolExecutor(threads) as pool:
        examined = pool.map(lambda file: _examine(audio_dir, file, excluded), recordings)
        rows = sorted(examined, key=lambda row: row["track_id"])
    mark_duplicates(rows)
    while small := small_artists(rows, min_albums, min_tracks):
        for row in rows:
            if row["status"] == OK and row["artist"] in small:
                row |= verdict(EXCLUDED, small[row["artist"]])
        # A copy of an excluded recording is then used itself.
        mark_duplicates(rows)
    return rows


def mark_duplicates(rows: Iterable[dict[str, Any]]) -> None:
    """Keep the first of several identical files, so that none is both trained and tested on."""
    first_of: dict[str, str] = {}
    for row in rows:
        if row["status"] in (OK, DUPLICATE):
            first = first_of.setdefault(row["sha256"], row["path"])
            is_first = first == row["path"]
            row |= verdict(OK, "") if is_first else verdict(DUPLICATE, f"the same bytes as {first}")


def _examine(audio_dir: Path, recording: Recording, excluded: Exclusion) -> dict[str, Any]:
    path = audio_dir / recording.path
    row = columns_of(recording)
    if reason := excluded.reason(recording):
        return row | verdict(EXCLUDED, reason)
    if not recording.is_placed:
        return row | verdict(*recording.why_not_placed)
    try:
        row |= {"bytes": path.stat().st_size, "sha256": sha256_of_file(path)}
        if not row["bytes"]:
            return row | verdict(EMPTY, "the file has no bytes")
        facts = decode_facts(path)
    except (OSError, InputError) as error:
        return row | unreadable(path, error)
    row |= {
        "duration": round(facts.duration, 6),
        "sampling_rate": facts.sampling_rate,
        "channels": facts.channels,
    }
    if facts.duration < MIN_SECONDS:
        return row | verdict(TOO_SHORT, f"shorter than {MIN_SECONDS:g} s")
    return row | verdict(OK, "") | {"remark": _remark(facts)}


def _remark(facts: AudioFacts) -> str:
    """Return a warning about a recording that is still used."""
    remarks = []
    if facts.seconds_missing > max(MIN_SECONDS, 0.01 * facts.duration):
        announced = facts.duration + facts.seconds_missing
        remarks.append(f"ends after {facts.duration:.1f} s of {announced:.1f} s: cut short?")
    if facts.peak == 0:
        remarks.append("digital silence from end to end")
    return "; ".join(remarks)


def columns_of(recording: Recording) -> dict[str, Any]:
    """Return the columns of a row that say which recording it is."""
    return {
        "track_id": recording.track_id,
        "album_id": recording.album_id,
        "artist": recording.artist,
        "album": recording.album,
        "path": recording.path,
    }


def unreadable(path: Path, error: OSError | InputError) -> dict[str, str]:
    """Return the verdict on a recording that could not be read."""
    if isinstance(error, OSError):
        return verdict(UNDECODABLE, f"cannot be read ({error.strerror})")
    return verdict(UNDECODABLE, str(error).removeprefix(f"{path}: "))


def verdict(status: str, reason: str) -> dict[str, str]:
    """Return the columns of a row that say whether the recording is used."""
    return {"status": status, "reason": reason}


def judged_and_bad(
    tracks: Iterable[Mapping[str, Any]],
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Return the tracks that are not left out on purpose, and those of them that are unusable."""
    judged = [track for track in tracks if track["status"] != EXCLUDED]
    return judged, [track for track in judged if track["status"] not in (OK, DUPLICATE)]


def check_bad_share(tracks: Sequence[Mapping[str, Any]], max_bad_share: float) -> None:
    """Stop if nothing is usable, or if more than `max_bad_share` of the files are not.

    Excluded recordings count neither as bad nor as good.

    Raises:
        InputError: names the share, the first bad files and the configuration key.
    """
    if not tracks:
        raise InputError(
            "corpus.audio_dir: no audio file was found; recordings must be at "
            "<audio_dir>/<artist>/<album>/<track>.<ext>"
        )
    judged, bad = judged_and_bad(tracks)
    share = len(bad) / max(1, len(judged))
    if bad and (share > max_bad_share or len(bad) == len(judged)):
        raise InputError(
            f"{len(bad)} of {len(judged)} recordings ({share:.1%}) cannot be used, more than "
            f"corpus.max_bad_share ({max_bad_share:.1%}) allows: {_by_reason(bad)}; fix, convert "
            "or remove them, or raise corpus.max_bad_share"
        )


def _by_reason(bad: Sequence[Mapping[str, Any]]) -> str:
    """Name the first of the tracks with each of the three most frequent reasons."""
    alike = defaultdict(list)
    for track in bad:
        alike[track["reason"]].append(track["path"])
    first = sorted(alike.items(), key=lambda item: -len(item[1]))[:3]
    named = [
        f"{paths[0]}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''} ({reason})"
        for reason, paths in first
    ]
    others = len(bad) - sum(len(paths) for _, paths in first)
    return "; ".join(named) + (f"; and {others} for other reasons" if others else "")
