"""The size of a corpus, and the digest of its audio."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from artistid.corpus.listings import TRACK_COLUMNS, write_album_listings, write_tracks
from artistid.corpus.size import corpus_size

# Of every column, values that are alike where they are joined without care.
CELLS = st.sampled_from(["", "a", "aa", "a,b", "a\nb", '"', "1", "\udcff"])
TRACK = st.fixed_dictionaries(
    dict.fromkeys(TRACK_COLUMNS, CELLS)
    | {
        "album_id": st.sampled_from(["x", "y"]),
        "duration": st.sampled_from([1.5, 2.0]),
        "status": st.sampled_from(["ok", "ok", "ok", "excluded"]),
    }
)


def listings(folder: Path, tracks: list[dict]) -> dict[str, bytes]:
    """What the albums' listings of some tracks hold."""
    write_album_listings(folder, tracks)
    held = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    for name in held:
        (folder / name).unlink()
    return held


def digest(folder: Path, tracks: list[dict]) -> str:
    write_tracks(folder / "tracks.csv", tracks)
    return corpus_size(folder / "tracks.csv").digest


@st.composite
def edits(draw):
    """Tracks as the scan lists them, and the same with one cell of one of them changed."""
    tracks = draw(st.lists(TRACK, min_size=1, max_size=4))
    for number, track in enumerate(tracks):  # an id is of one track, and of one album
        track["track_id"] = f"{number}-{track['album_id']}"
    changed = [dict(track) for track in tracks]
    position = draw(st.integers(0, len(tracks) - 1))
    other = draw(TRACK) | {"track_id": "9-" + tracks[position]["album_id"]}
    column = draw(st.sampled_from([name for name in TRACK_COLUMNS if name != "album_id"]))
    changed[position][column] = other[column]
    return tracks, changed


@settings(max_examples=50, derandomize=True)  # each writes files
@given(edits())
def test_digest_changes_if_and_only_if_a_listing_does(tmp_path_factory, both):
    folder = tmp_path_factory.mktemp("tracks")
    (folder / "albums").mkdir()
    before, after = (listings(folder / "albums", tracks) for tracks in both)
    first, second = (digest(folder, tracks) for tracks in both)
    assert (first == second) == (before == after)
