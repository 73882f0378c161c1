"""What a folder of music is sufficient for: splits and slices, and who is left out."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from artistid.corpus.exclusion import small_artists
from artistid.corpus.feasibility import check_feasible, feasibility_keys
from artistid.corpus.listings import EXCLUDED, OK, usable
from artistid.corpus.scan import judged_and_bad, mark_duplicates, verdict
from artistid.errors import InputError
from artistid.plan.config import check_config, effective_config, merged
from artistid.setup.survey import Survey
from artistid.splits.definitions import Split, definition

SONG, ALBUM = "song", "album"  # the splits of config.yaml
SLICE_SECONDS = (3, 1)  # the first that the recordings are long enough for
# The network that learns fastest on a processor, and the paper's best.
ON_PROCESSOR, ON_GPU = "crnn", "resnet50_rnn"
# The paper's 300 epochs require a GPU. Fewer need a higher rate: the CRNN's authors' rate.
FEW_EPOCHS, HIGH_RATE = 30, 0.001

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Room:
    """Which artists have enough for a split.

    Attributes:
        split: its definition.
        enough: artists with as many units as the split needs of each.
        fewer: the others, with what they have.
    """

    split: Split
    enough: Collection[str]
    fewer: Mapping[str, int]


def room_for(split: Split, rows: Iterable[Row]) -> Room:
    """Count what each artist has for a split, among the usable rows."""
    units: dict[str, set[str]] = defaultdict(set)
    for row in usable(rows):
        units[row["artist"]].add(row[split.unit_column])
    fewer = {a: len(own) for a, own in sorted(units.items()) if len(own) < split.min_units}
    return Room(split, units.keys() - fewer.keys(), fewer)


@dataclass(frozen=True)
class Choice:
    """What is chosen for a folder.

    Attributes:
        rooms: what there is for each split of config.yaml that was considered.
        given: what differs from config.yaml.
        config: the configuration in force with it.
        left_out: artists with too few albums or tracks, and why.
        rows: as surveyed, those of left-out artists marked.
    """

    rooms: Mapping[str, Room]
    given: Mapping[str, Any]
    config: Mapping[str, Any]
    left_out: Mapping[str, str]
    rows: Sequence[Row]


def choose(
    found: Survey, name: str, on_gpu: bool, base: Mapping[str, Any], schema: Mapping[str, Any]
) -> Choice:
    """Choose what a folder is sufficient for.

    The album split is taken where at least half of the artists that have enough for the song split
    have enough for it, too.

    Args:
        found: what the folder holds.
        name: of the corpus.
        on_gpu: whether trainings will have a GPU.
        base: the content of config.yaml.
        schema: what `artistid.plan.config.read_schema` returns.

    Raises:
        InputError: there are no two artists with enough, or their recordings are too short; or a
            name is none of a corpus.
    """
    rooms = {s: room_for(definition(s, base["splits"][s]), found.rows) for s in (SONG, ALBUM)}
    song, album = rooms[SONG], rooms[ALBUM]
    if len(song.enough) < 2:
        raise InputError(
            f"{found.audio_dir}: {len(song.enough)} artists have {song.split.min_units} "
            f"{song.split.units} or more, and at least 2 are needed for a classification; name the "
            "folder above the artists' folders, or add recordings"
        )
    by_album = len(album.enough) >= 2 and len(song.enough) <= 2 * len(album.enough)
    chosen = [song, album] if by_album else [song]
    least = {"min_tracks": song.split.min_units}
    if by_album:
        least["min_albums"] = album.split.min_units
    rows = [dict(row) for row in found.rows]
    left_out: dict[str, str] = {}
    while small := small_artists(rows, least.get("min_albums", 1), least["min_tracks"]):
        left_out |= small
        for row in rows:
            if row["status"] == OK and row["artist"] in small:
                row |= verdict(EXCLUDED, small[row["artist"]])
        mark_duplicates(rows)
    given: dict[str, Any] = {
        "corpus": {
            "name": name,
            "source": "folder",
            "audio_dir": str(found.audio_dir),
            "names": found.names,
            "exclude": {"artists": list(found.compilations)},
            **least,
            **_max_bad_share(rows, base["corpus"]["max_bad_share"]),
        },
        # A song is on its single, its album and the best-of: that stops no first run.
        "audit": {"near_duplicates": "one_side"},
        "experiment": {
            "name": "first",
            "models": [ON_GPU if on_gpu else ON_PROCESSOR],
            "splits": [room.split.name for room in chosen],
            "seeds": [1, 2, 3] if on_gpu else [1],
            "follow_up": None,
        },
        "training": {} if on_gpu else {"epochs": FEW_EPOCHS, "learning_rate": HIGH_RATE},
    }
    for seconds in SLICE_SECONDS:
        given["experiment"]["slice_seconds"] = [seconds]
        whole = merged(base, given)
        check_config(whole, schema)
        config = effective_config(whole)
        try:
            check_feasible(feasibility_keys(config), rows)
            break
        except InputError:
            if seconds == SLICE_SECONDS[-1]:
                raise
    return Choice(rooms, given, config, left_out, rows)


def _max_bad_share(rows: Sequence[Row], allowed: float) -> dict[str, float]:
    """Return the key that lets the workflow run beside the files that cannot be used."""
    judged, bad = judged_and_bad(rows)
    share = len(bad) / max(1, len(judged))
    return {"max_bad_share": min(1.0, round(share + 0.01, 2))} if share > allowed else {}
