"""Artists that a split does not train on."""

import numpy as np

from artistid.features.mel_cache import write_album
from artistid.training.dataset import (
    class_names,
    describe_unknown,
    load_slices,
    load_tracks,
    slices_per_track,
    without_a_slice,
)

MANIFEST = [
    {"track_id": name, "album_id": "x", "artist": artist, "subset": subset}
    for name, artist, subset in (
        ("1", "b", "train"),
        ("2", "d", "train"),
        ("3", "a", "test"),
        ("4", "d", "test"),
        ("5", "c", "test"),
        ("6", "c", "test"),
    )
]


def test_artists_that_are_not_trained_on_have_no_class_and_are_named():
    assert class_names(MANIFEST) == ["b", "d"]
    assert describe_unknown(MANIFEST, "validation") == describe_unknown(MANIFEST, "train") == ""
    assert describe_unknown(MANIFEST, "test") == (
        "test: 3 tracks by 2 artists without training tracks, predicted separately: "
        "'a' (1), 'c' (2)"
    )
    only_one = [row for row in MANIFEST if row["artist"] != "c"]
    assert describe_unknown(only_one, "test").startswith("test: 1 track by 1 artist without ")


def test_their_tracks_are_left_out_of_a_subset(tmp_path):
    facts = {"sha256": "", "sampling_rate": 16000, "duration": 1}
    tracks = [(row | facts, [np.zeros((40, 4), np.float32)]) for row in MANIFEST]
    write_album(tmp_path / "x.h5", tracks, {"top_db": 80.0})
    ids, targets, n_slices = slices_per_track(MANIFEST, "test", tmp_path, 31)
    assert (ids, targets.tolist(), n_slices.tolist()) == (["4"], [1], [1])
    ids, targets, _ = load_tracks(MANIFEST, "test", tmp_path)
    assert (ids, targets.tolist()) == (["4"], [1])
    ids, targets, _ = load_tracks(MANIFEST, "unknown_test", tmp_path)
    assert (ids, targets.tolist()) == (["3", "5", "6"], [-1, -1, -1])
    apart = load_slices(MANIFEST, "unknown_test", tmp_path, 31)
    assert (apart.track_ids, apart.targets.tolist()) == (["3", "5", "6"], [-1, -1, -1])
    assert without_a_slice(["b", "d"], apart.targets) == []
