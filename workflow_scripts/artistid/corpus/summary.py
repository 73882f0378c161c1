"""The scan's summary for people."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from artistid.corpus.audio import extension
from artistid.corpus.folder import Recording, is_hidden
from artistid.corpus.listings import EXCLUDED, OK, usable
from artistid.corpus.tags import TaggedRecording, spelt_alike


def describe(
    tracks: Sequence[Mapping[str, Any]],
    others: Sequence[str],
    expected: Mapping[str, int] | None,
    passed_over: Mapping[str, str],
) -> str:
    """Return the scan's summary for people: counts, what was left out, what was expected.

    Args:
        tracks: rows of ``tracks.csv``.
        others: what else the folder holds.
        expected: ``artists``, ``albums_per_artist`` and ``tracks`` that the corpus should have.
        passed_over: what `audio_passed_over` found among the others.
    """
    used = usable(tracks)
    albums = {(track["artist"], track["album"]) for track in used}
    artists = Counter(artist for artist, _ in albums)
    hours = sum(track["duration"] for track in used) / 3600
    lines = [
        f"{len(used)} tracks of {len(artists)} artists on {len(albums)} albums, {hours:.2f} hours"
    ]
    for status, count in sorted(Counter(track["status"] for track in tracks).items()):
        if status != OK:
            lines.append(f"left out: {count} {status}")
    for track in tracks:
        if track["status"] not in (OK, EXCLUDED):
            lines.append(f"  {track['path']}: {track['reason']}")
    on_purpose = [track for track in tracks if track["status"] == EXCLUDED]
    lines += [
        f"left out: {reason} ({count} recordings)"
        for reason, count in sorted(Counter(track["reason"] for track in on_purpose).items())
    ]
    lines += _without_recordings(tracks)
    if remarkable := [track for track in used if track.get("remark")]:
        lines.append(f"used, with remarks: {len(remarkable)}")
        lines += [f"  {track['path']}: {track['remark']}" for track in remarkable]
    rates = Counter(track["sampling_rate"] for track in used)
    if len(rates) > 1:
        counts = ", ".join(f"{rate} Hz ({count} tracks)" for rate, count in sorted(rates.items()))
        lines.append(f"stored at {counts}")
    if passed_over:
        lines.append(f"skipped, although there is audio in it: {len(passed_over)}")
        lines += [f"  {path}: {reason}" for path, reason in sorted(passed_over.items())]
    lines += _ignored(tracks, others)
    if expected:
        # The corpus also has what is left out on purpose.
        lines += _differences([*used, *filter(_is_placed, on_purpose)], expected)
    return "\n".join(lines) + "\n"


def counted(number: int, unit: str) -> str:
    """Return a number and its unit, in the plural unless it is one."""
    return f"{number:,} {unit}{'' if number == 1 else 's'}"


def describe_names(recordings: Iterable[Recording]) -> str:
    """Return which names of artists and albums differ from those in folders or tags."""
    placed = [recording for recording in recordings if recording.is_placed]
    lines = []
    if on_discs := [recording for recording in placed if recording.is_on_disc]:
        albums, first = {recording.album_id for recording in on_discs}, on_discs[0]
        lines.append(
            f"discs merged into one album: {counted(len(on_discs), 'recording')} of "
            f"{counted(len(albums), 'album')}, such as {first.path!r} on {first.album!r}"
        )
    tagged = [recording for recording in placed if isinstance(recording, TaggedRecording)]
    if with_guests := [recording for recording in tagged if recording.has_guest]:
        lines.append(
            f"filed under the main artist, without guests: {counted(len(with_guests), 'recording')}"
        )
        shortened = {(r.named_artist, r.artist) for r in with_guests}
        lines += [f"  {said!r} as {artist!r}" for said, artist in sorted(shortened)]
    lines += [
        f"similar names, treated as different artists: {', '.join(map(repr, alike))}"
        for alike in spelt_alike(recording.artist for recording in tagged)
    ]
    return "".join(f"{line}\n" for line in lines)


def _without_recordings(tracks: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return a line for every artist and album without a usable recording."""
    placed = [track for track in tracks if _is_placed(track) and track["status"] != EXCLUDED]
    used = usable(placed)
    artists = {track["artist"] for track in placed} - {track["artist"] for track in used}
    albums = {(track["artist"], track["album"]) for track in placed}
    albums -= {(track["artist"], track["album"]) for track in used}
    lines = [f"no usable recording of artist {artist}" for artist in sorted(artists)]
    return lines + [
        f"no usable recording on album {artist}/{album}"
        for artist, album in sorted(albums)
        if artist not in artists
    ]


def _ignored(tracks: Iterable[Mapping[str, Any]], others: Iterable[str]) -> list[str]:
    """Return what was skipped, by kind, and the folders without recordings."""
    hidden: list[str] = []
    rest: list[str] = []
    for other in others:
        (hidden if is_hidden(other.rpartition("/")[2]) else rest).append(other)
    with_audio = {track["path"].partition("/")[0] for track in tracks}
    lines = [
        f"no audio in folder {folder}"
        for folder in sorted({path.partition("/")[0] for path in rest if "/" in path} - with_audio)
    ]
    if hidden:
        lines.append(f"ignored: {len(hidden)} hidden, such as {hidden[0]}")
    if rest:
        kinds = Counter(_kind(path.rpartition("/")[2]) for path in rest)
        by_count = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        counts = ", ".join(f"{count} {kind}" for kind, count in by_count)
        lines.append(f"ignored: {len(rest)} not audio ({counts}), such as {rest[0]}")
    return lines


def _kind(name: str) -> str:
    kind = extension(name)
    return kind if re.fullmatch(r"\.[a-z0-9]{1,8}", kind) else "without an extension"


def _is_placed(track: Mapping[str, Any]) -> bool:
    """Whether a recording is where recordings belong."""
    return bool(track["artist"])


def _differences(tracks: Sequence[Mapping[str, Any]], expected: Mapping[str, int]) -> list[str]:
    albums = {(track["artist"], track["album"]) for track in tracks}
    albums_of = Counter(artist for artist, _ in albums)
    found = []
    if len(albums_of) != expected["artists"]:
        found.append(f"{counted(len(albums_of), 'artist')}, expected {expected['artists']}")
    for artist, count in sorted(albums_of.items()):
        if count != (wanted := expected["albums_per_artist"]):
            found.append(f"{counted(count, 'album')} of {artist!r}, expected {wanted}")
    if len(tracks) != expected["tracks"]:
        found.append(f"{counted(len(tracks), 'usable track')}, expected {expected['tracks']}")
    return [f"mismatch with corpus.expect: found {line}" for line in found] or [
        "as corpus.expect says"
    ]
