"""The leakage audit: each kind of hit, what is accepted, and copies kept on one side."""

import json
import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from artistid.audit.leakage import (
    ALBUM,
    BYTES,
    NEAR_DUPLICATE,
    accepting,
    complaint,
    find_hits,
    is_accepted,
    pairs_across_sides,
    summarise,
)
from artistid.errors import InputError
from artistid.splits.deduplicate import (
    describe,
    groups_of,
    keep_on_one_side,
    not_accepted,
    write_manifest,
)
from artistid.splits.definitions import definition
from artistid.splits.draw import draw_split
from artistid.splits.subsets import SUBSETS
from artistid.storage.files import read_rows, write_rows


def row(track_id: str, subset: str, artist: str = "x") -> dict[str, str]:
    """A row of a manifest; the album is the first letter of the track's id."""
    return {
        "track_id": track_id,
        "album_id": f"{artist}-{track_id[0]}",
        "artist": artist,
        "album": track_id[0],
        "path": f"{artist}/{track_id[0]}/{track_id}.mp3",
        "subset": subset,
    }


MANIFEST = [row("a1", "train"), row("a2", "train"), row("b1", "validation"), row("c1", "test")]
HASHES = {track["track_id"]: track["track_id"] for track in MANIFEST}


def copies(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"track_a": a, "track_b": b, "score": "0.0123"} for a, b in pairs]


def kinds(hits) -> list[tuple]:
    return [(hit.kind, *hit.pair) for hit in hits]


@pytest.mark.parametrize("keeps_albums", [True, False])
def test_sound_split_has_no_hit(keeps_albums):
    assert find_hits(MANIFEST, keeps_albums, HASHES, copies(("a1", "a2"))) == []


def test_album_on_two_sides_is_a_hit_where_albums_are_kept_together_only():
    manifest = [*MANIFEST, row("c2", "validation"), row("c3", "train"), row("c4", "train")]
    hashes = {track["track_id"]: track["track_id"] for track in manifest}
    assert find_hits(manifest, False, hashes, []) == []
    hits = find_hits(manifest, True, hashes, [])
    assert kinds(hits) == [(ALBUM, "c1", "c2"), (ALBUM, "c1", "c3"), (ALBUM, "c2", "c3")]


def test_same_bytes_on_two_sides_are_a_hit():
    hashes = HASHES | {"b1": "same", "c1": "same"}
    assert kinds(find_hits(MANIFEST, False, hashes, [])) == [(BYTES, "b1", "c1")]
    on_one = HASHES | {"a1": "same", "a2": "same"}
    assert find_hits(MANIFEST, False, on_one, []) == []


@pytest.mark.parametrize(("a", "b"), [("a1", "c1"), ("a2", "b1"), ("b1", "c1")])
def test_near_duplicates_on_two_sides_are_a_hit(a, b):
    [hit] = find_hits(MANIFEST, True, HASHES, copies((a, b), ("a1", "gone")))
    assert (hit.kind, *hit.pair) == (NEAR_DUPLICATE, a, b)
    found = hit.as_row(True)
    assert found["subset_a"] != found["subset_b"]
    assert (found["artist_a"], found["album_a"], found["score"]) == ("x", a[0], "0.0123")
    assert found["accepted"] == "true"


def test_hits_are_accepted_by_name_in_either_order():
    [hit] = find_hits(MANIFEST, False, HASHES, copies(("a1", "c1")))
    assert is_accepted(hit, [["a1", "c1"]])
    assert is_accepted(hit, [["b1", "c1"], ["c1", "a1"]])
    assert not is_accepted(hit, [])
    assert not is_accepted(hit, [["a1", "b1"], ["a2", "c1"], ["a1", "a1"]])


def test_message_holds_the_configuration_that_accepts_what_it_names():
    hits = find_hits(MANIFEST, False, HASHES, copies(("a1", "c1"), ("a2", "c1")))
    message = complaint("splits/song/seed1.csv", hits)
    assert "\n" not in message
    assert message.startswith(
        "splits/song/seed1.csv: 2 leaks between its subsets: near-duplicate: "
    )
    assert "'x/a/a1.mp3' in train and 'x/c/c1.mp3' in test, score 0.012" in message
    one_side, accept = re.findall(r"audit: (\{.*?\})(?: \(|, or)", message)
    assert yaml.safe_load(one_side) == {"near_duplicates": "one_side"}
    accepted = yaml.safe_load(accept)["accept"]
    assert all(is_accepted(hit, accepted) for hit in hits)


def test_copies_on_one_side_are_offered_for_copies_only():
    hits = find_hits([*MANIFEST, row("c2", "train")], True, HASHES, [])
    assert "one_side" not in complaint("m.csv", hits)
    many = [row(f"a{n}", side, f"artist {n}") for n, side in enumerate(SUBSETS * 20)]
    many = [track | {"album_id": f"album {n // 3}"} for n, track in enumerate(many)]
    hits = find_hits(many, True, HASHES, [])
    message = complaint("m.csv", hits)
    assert "; and 40 more, all named in the log" in message
    assert "(accepts the first 20 pairs; the log has the line for all)" in message
    everything = yaml.safe_load(accepting(hits))["audit"]["accept"]
    assert len(everything) == len({hit.pair for hit in hits}) > 20
    assert all(is_accepted(hit, everything) for hit in hits)


def test_summary_is_one_line_that_counts():
    assert pairs_across_sides(MANIFEST) == 2 * 1 + 2 * 1 + 1
    assert summarise(3_000_000, 6, [], 0) == (
        "Leakage audit: 3,000,000 pairs of 6 splits compared, 0 hits"
    )
    assert summarise(5, 1, [NEAR_DUPLICATE, BYTES, NEAR_DUPLICATE], 2) == (
        "Leakage audit: 5 pairs of 1 split compared, 3 hits, all accepted (1 same bytes, 2 "
        "near-duplicate); 2 tracks too short or silent to be compared"
    )


def test_test_keeps_its_copies_before_validation_before_train():
    rows = [*MANIFEST, row("a3", "train"), row("b2", "validation"), row("c2", "test")]
    kept, left = keep_on_one_side(rows, [("a1", "b1"), ("a2", "a3")])
    assert [r["track_id"] for r in left] == ["a1"]
    kept, left = keep_on_one_side(rows, [("a1", "b1"), ("b1", "c1"), ("c1", "c2")])
    assert [r["track_id"] for r in left] == ["a1", "b1"]
    assert [r for r in rows if r not in left] == kept
    assert describe(left) == (
        "left out: 2 copies of recordings in another subset (train: a1; validation: b1)"
    )
    assert describe([]) == "left out: 0 copies of recordings in another subset"


def test_copies_of_other_artists_count_too():
    rows = [*MANIFEST, row("d1", "train", "y"), row("d2", "train", "y")]
    _, left = keep_on_one_side(rows, [("d1", "c1")])
    assert [r["track_id"] for r in left] == ["d1"]


def test_artist_that_would_lose_a_side_is_an_error():
    with pytest.raises(InputError, match="artist 'x' has no validation track left") as error:
        keep_on_one_side(MANIFEST, [("b1", "c1")])
    assert "\n" not in str(error.value)


def test_artist_may_lose_a_side_that_is_not_required():
    _, left = keep_on_one_side(MANIFEST, [("b1", "c1")], required=["train", "test"])
    assert [r["track_id"] for r in left] == ["b1"]


def test_artist_that_is_trained_on_stays_so_whatever_is_required():
    copies = [("a1", "b1"), ("a2", "c1")]
    with pytest.raises(InputError, match="artist 'x' has no train track left"):
        keep_on_one_side(MANIFEST, copies, required=())


def test_manifest_is_written_without_copies_that_are_not_accepted(tmp_path):
    given = {"kind": "folds", "by": "track", "folds": 3, "allow_fewer": True}
    split = definition("folds", given)  # which needs a track of each artist in training only
    kept, left = keep_on_one_side(MANIFEST, [("b1", "c1")], split.required)
    near, path = str(tmp_path / "near.csv"), str(tmp_path / "manifest.csv")
    write_rows(near, [{"track_a": "b1", "track_b": "c1"}], ("track_a", "track_b"))
    first, sizes = write_manifest(path, MANIFEST, split, [near], [])
    assert first == describe(left)
    assert sizes == "tracks: 2 train, 0 validation, 1 test"
    assert read_rows(path) == kept
    assert write_manifest(path, MANIFEST, split, [near], [["c1", "b1"]])[0] == describe([])
    assert read_rows(path) == MANIFEST
    assert len(write_manifest(path, MANIFEST, split, [], None)) == 1


def test_accepted_pairs_are_parted():
    pairs = [("a1", "c1"), ("a2", "c1")]
    assert not_accepted(pairs, [["c1", "a1"]]) == [("a2", "c1")]
    assert not_accepted(pairs, []) == pairs


def test_groups_are_what_pairs_connect():
    groups = groups_of([("a", "b"), ("c", "d"), ("d", "e"), ("b", "e"), ("f", "g")])
    assert sorted(map(sorted, groups)) == [["a", "b", "c", "d", "e"], ["f", "g"]]


TRACKS = [
    {"track_id": f"{artist}{album}{track}", "album_id": f"{artist}{album}", "artist": artist}
    for artist in "xyz"
    for album in range(6)
    for track in range(6)
]
IDS = [track["track_id"] for track in TRACKS]
shares = {"train": 0.6, "validation": 0.2, "test": 0.2}
SPLITS = [
    definition("one", {"kind": "random", "by": "track", "shares": shares}),
    definition("two", {"kind": "random", "by": "album", "albums": {"validation": 1, "test": 1}}),
    definition("three", {"kind": "folds", "by": "track", "folds": 5}),
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(IDS), st.sampled_from(IDS)), max_size=25),
    st.sampled_from(SPLITS),
    st.integers(0, 50),
)
def test_no_group_is_on_two_sides_and_evaluation_sets_keep_theirs(pairs, split, seed):
    pairs = [(a, b) for a, b in pairs if a != b]
    rows = draw_split(TRACKS, split, split.parts(split.cut_of_seed(seed))[0])
    subset_of = {r["track_id"]: r["subset"] for r in rows}
    try:
        kept, left = keep_on_one_side(rows, pairs)
    except InputError:
        return  # an artist's only validation album was all copies
    assert sorted(r["track_id"] for r in (*kept, *left)) == sorted(IDS)
    assert all(subset_of[r["track_id"]] == r["subset"] for r in kept)
    assert all(r["subset"] != "test" for r in left)
    near = [{"track_a": a, "track_b": b, "score": "0.1"} for a, b in pairs]
    assert find_hits(kept, split.keeps_albums, {}, near) == []
    sides = {r["track_id"]: r["subset"] for r in kept}
    for group in groups_of(pairs):
        assert len({sides[track_id] for track_id in group if track_id in sides}) == 1
    in_group = {track_id for group in groups_of(pairs) for track_id in group}
    assert {r["track_id"] for r in left} <= in_group
    assert json.dumps(keep_on_one_side(rows, pairs[::-1])) == json.dumps([kept, left])
