"""What `artistid init` says of a folder of music."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from artistid.corpus.audio import extension
from artistid.corpus.discs import without_disc
from artistid.corpus.folder import audio_passed_over
from artistid.corpus.listings import DUPLICATE, EXCLUDED, OK, usable
from artistid.corpus.summary import counted, describe_names
from artistid.corpus.tags import without_guests
from artistid.setup.choice import Choice, Room
from artistid.setup.estimate import Estimate
from artistid.setup.survey import FOLDERS, TAGS, Survey
from artistid.terminal.words import minutes_in_words

AT_MOST = 5  # names in one line, lines of one kind


def describe_folder(found: Survey) -> str:
    """Return what a folder holds: how much, in which formats, by which names, and what is not used.

    Every name is in quotes, so that it stays on its line.
    """
    used = usable(found.rows)
    albums = {row["album_id"] for row in used}
    artists = {row["artist"] for row in used}
    lines = [
        f"{str(found.audio_dir)!r}: {counted(len(found.rows), 'recording')}",
        f"{counted(len(used), 'track')} of {counted(len(artists), 'artist')} on "
        f"{counted(len(albums), 'album')}, {_hours(row['duration'] for row in used)}",
        *_formats(found),
        _by_names(found),
        *_left_out(found),
        *describe_names(found.recordings).splitlines(),
        *_worth_a_look(found),
    ]
    return "".join(f"{line}\n" for line in lines)


def _hours(seconds: Iterable[float]) -> str:
    total = sum(seconds)
    return f"{total / 3600:.1f} hours" if total >= 3600 else f"{total / 60:.1f} minutes"


def _formats(found: Survey) -> Iterator[str]:
    by_format = defaultdict(list)
    for row in found.rows:
        by_format[extension(row["path"])].append(row)
    for kind, rows in sorted(by_format.items(), key=lambda item: (-len(item[1]), item[0])):
        used = usable(rows)
        unused = f", {len(rows) - len(used)} not used" if len(used) < len(rows) else ""
        hours = _hours(row["duration"] for row in used)
        yield f"  {kind}: {counted(len(used), 'track')}, {hours}{unused}"


def _by_names(found: Survey) -> str:
    n, named = len(found.recordings), found.named
    other = TAGS if found.names == FOLDERS else FOLDERS
    way = f"; --names {other} would use these" if named[other] else ""
    return (
        f"artist and album: by {found.names}, which name them for {named[found.names]:,} of {n:,} "
        f"({other}: {named[other]:,}{way})"
    )


def _left_out(found: Survey) -> Iterator[str]:
    """Yield what is not used, by reason, with the first file of each."""
    by_reason = defaultdict(list)
    for row in found.rows:
        if row["status"] != OK:
            reason = "the same bytes as another" if row["status"] == DUPLICATE else row["reason"]
            by_reason[row["status"], reason].append(row["path"])
    for (status, reason), paths in sorted(by_reason.items(), key=lambda i: (-len(i[1]), i[0])):
        more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
        yield f"left out, {status}: {paths[0]!r}{more}: {reason}"


def _worth_a_look(found: Survey) -> Iterator[str]:
    passed_over = sorted(audio_passed_over(found.audio_dir, found.others).items())
    for path, reason in passed_over[:AT_MOST]:
        yield f"skipped: {path!r}: {reason}"
    if len(passed_over) > AT_MOST:
        yield f"skipped: {len(passed_over) - AT_MOST} more"
    if found.names == TAGS:
        return
    used = usable(found.rows)
    guests = sorted({a for row in used if without_guests(a := row["artist"]) != a})
    if guests:
        yield (
            f"artists' folders with a guest, which count as separate artists: {_few(guests)}; move "
            "their albums to the main artist, or use --names tags"
        )
    discs = sorted({f"{r['artist']}/{r['album']}" for r in used if _looks_like_disc(r["album"])})
    if discs:
        yield (
            f"albums that look like one disc of an album: {_few(discs)}; put the discs of an album "
            "into one folder, as CD1 and CD2, so that training and test do not share an album"
        )


def _looks_like_disc(album: str) -> bool:
    return without_disc(album) != album


def _few(names: list[str]) -> str:
    more = f" and {len(names) - AT_MOST} more" if len(names) > AT_MOST else ""
    return ", ".join(map(repr, names[:AT_MOST])) + more


def describe_choice(choice: Choice) -> str:
    """Return what there is enough of for which split, and who is left out of all."""
    chosen = choice.given["experiment"]["splits"]
    lines = [_room(room, room.split.name in chosen) for room in choice.rooms.values()]
    bad = [row for row in choice.rows if row["status"] not in (OK, EXCLUDED)]
    if choice.left_out:
        lines.append(f"left out, too small: {_few(sorted(choice.left_out))}")
    if share := choice.given["corpus"].get("max_bad_share"):
        lines.append(
            f"{counted(len(bad), 'recording')} cannot be used, which the "
            f"configuration allows (max_bad_share: {share})"
        )
    return "".join(f"{line}\n" for line in lines)


def _room(room: Room, is_chosen: bool) -> str:
    n_artists = len(room.enough) + len(room.fewer)
    fewer = ""
    if room.fewer:
        few = [f"{artist!r} has {count}" for artist, count in list(room.fewer.items())[:AT_MOST]]
        more = f" and {len(room.fewer) - AT_MOST} more" if len(room.fewer) > AT_MOST else ""
        fewer = f"; too few: {', '.join(few)}{more}"
    return (
        f"{room.split.name} split ({room.split.min_units} {room.split.units} of each artist): "
        f"{len(room.enough)} of {counted(n_artists, 'artist')}{fewer}"
        f"{'' if is_chosen else '; not used'}"
    )


def describe_estimate(expected: Estimate) -> str:
    """Return how long a run takes, as an estimate."""
    total, reading, training, other = map(
        minutes_in_words, (expected.total, expected.reading, expected.training, expected.jobs)
    )
    return (
        f"a run takes about {total} here, on {expected.machine} (an estimate from one recording "
        f"and a few training steps): {reading} to read the recordings, at most {training} for "
        f"{counted(expected.n_trainings, 'training')}, {other} for other jobs\n"
    )
