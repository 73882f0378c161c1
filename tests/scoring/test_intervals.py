"""Intervals and paired tests on cases with known answers."""

from dataclasses import replace

import numpy as np
import pytest
from interval_coverage import coverage, coverage_of_albums

from artistid.runs import Run
from artistid.scoring.comparison import (
    album_rows,
    by_cell,
    effect_rows,
    interval_rows,
    pair_rows,
    units_of,
)
from artistid.scoring.intervals import (
    Answers,
    Interval,
    difference_interval,
    has_too_few_songs,
    holm,
    mean_intervals,
    paired_interval,
    paired_p_value,
    pairwise_tests,
    resampled_scores,
)
from artistid.scoring.outcomes import Outcomes


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def songs(n_classes: int, n_songs: int, right: float, seed: int, n_slices: int = 1) -> Answers:
    """Songs whose slices are right with a probability, and else the next class."""
    target = np.repeat(np.arange(n_classes), n_songs)
    hits = generator(seed).binomial(n_slices, right, len(target))
    counts = np.zeros((len(target), n_classes), int)
    counts[np.arange(len(target)), target] = hits
    counts[np.arange(len(target)), (target + 1) % n_classes] = n_slices - hits
    return Answers(target, counts, [str(number) for number in range(len(target))])


def mean_interval(runs, random) -> Interval:
    """Of macro F1."""
    return mean_intervals(runs, random)[0]


def test_all_right_has_no_width():
    interval = mean_interval([songs(4, 8, 1.0, 0)], generator())
    assert (interval.mean, interval.low, interval.high, interval.too_few) == (1, 1, 1, False)


def test_resamples_keep_the_artists_and_equal_scikit_learn_one_by_one():
    from sklearn.metrics import accuracy_score, f1_score

    tested = songs(3, 7, 0.6, 1, n_slices=5)
    draws = resampled_scores(tested, 4, generator(5))
    random = generator(5)
    weights = np.zeros((4, 21), int)
    for label in range(3):
        own = np.flatnonzero(tested.target == label)
        weights[:, own] = random.multinomial(7, np.full(7, 1 / 7), 4)
    assert (weights.reshape(4, 3, 7).sum(axis=2) == 7).all()
    for draw, weight in zip(draws, weights, strict=True):
        truth, answers = [], []
        for song, times in enumerate(weight):
            for answer, count in enumerate(tested.counts[song]):
                truth += [tested.target[song]] * (times * count)
                answers += [answer] * (times * count)
        expected = [f1_score(truth, answers, average=average) for average in ("macro", "weighted")]
        expected += [accuracy_score(truth, answers), *f1_score(truth, answers, average=None)]
        assert draw == pytest.approx(expected)


def test_interval_of_accuracy_like_case_agrees_with_the_binomial():
    """Two balanced classes, symmetric errors: macro F1 is near accuracy, whose error is known."""
    n_songs = 200
    interval = mean_interval([songs(2, n_songs, 0.8, 3)], generator())
    expected = 2 * 1.96 * np.sqrt(0.8 * 0.2 / (2 * n_songs))
    assert interval.high - interval.low == pytest.approx(expected, rel=0.2)
    assert interval.low < interval.mean < interval.high


def test_slices_of_a_song_are_no_witnesses_of_their_own():
    """A hundred equal slices a song say no more than one."""
    one = songs(5, 10, 0.7, 4)
    hundred = Answers(one.target, 100 * one.counts, one.songs)
    assert mean_interval([one], generator()) == mean_interval([hundred], generator())


def test_seeds_that_differ_widen_the_interval():
    alike = [songs(10, 10, 0.7, seed, 50) for seed in range(3)]
    unlike = [songs(10, 10, right, seed, 50) for seed, right in enumerate((0.55, 0.7, 0.85))]

    assert width(unlike) > 3 * width(alike)


def test_too_few_songs_are_told():
    assert has_too_few_songs([songs(4, 6, 0.5, 0)])
    assert not has_too_few_songs([songs(4, 7, 0.5, 0)])
    lopsided = Answers(np.array([0] * 20 + [1]), np.eye(2)[[0] * 20 + [1]])
    assert mean_interval([lopsided], generator()).too_few


def test_difference_of_equal_systems_contains_zero_and_of_unequal_ones_does_not():
    first = [songs(10, 12, 0.8, seed) for seed in range(3)]
    same = [songs(10, 12, 0.8, seed + 10) for seed in range(3)]
    worse = [songs(10, 12, 0.4, seed + 20) for seed in range(3)]
    equal = difference_interval(first, same, generator())
    assert equal.low < 0 < equal.high
    assert difference_interval(first, worse, generator()).low > 0.2


def better(tested: Answers, n_songs: int) -> Answers:
    """The same answers, but for songs that are right now: the first wrong ones of each artist."""
    counts = tested.counts.copy()
    for label in np.unique(tested.target):
        wrong = (tested.target == label) & (counts.argmax(axis=1) != label)
        chosen = np.flatnonzero(wrong)[:n_songs]
        counts[chosen] = np.eye(counts.shape[1], dtype=int)[label]
    return replace(tested, counts=counts)


def test_paired_interval_knows_what_is_hard_for_both_systems():
    first = [songs(10, 12, 0.6, seed) for seed in range(3)]
    second = [better(run, 1) for run in first]
    paired = paired_interval(second, first, generator())
    independent = difference_interval(second, first, generator())
    assert paired.mean == pytest.approx(independent.mean)
    assert 0 < paired.low < paired.mean < paired.high
    assert paired.high - paired.low < 0.7 * (independent.high - independent.low)
    same = paired_interval(first, first, generator())
    assert (same.mean, same.low, same.high) == (0, 0, 0)
    other_way = paired_interval(first, second, generator())
    assert (other_way.low, other_way.high) == pytest.approx((-paired.high, -paired.low), abs=0.02)


def test_paired_interval_resamples_albums_where_artists_have_several():
    """Albums on which one system is better as a whole are fewer facts than their songs."""
    first = songs(6, 12, 0.5, 0)
    albums = [str(number // 4) for number in range(len(first.target))]
    wins = np.array([int(album) % 3 == 0 for album in albums])
    counts = first.counts.copy()
    counts[wins] = np.eye(6, dtype=int)[first.target[wins]]
    second = replace(first, counts=counts)
    of_songs = paired_interval([second], [first], generator())
    of_albums = paired_interval(
        [replace(second, clusters=albums)], [replace(first, clusters=albums)], generator()
    )
    assert of_albums.high - of_albums.low > 1.3 * (of_songs.high - of_songs.low)


def test_other_songs_are_not_paired():
    first = songs(3, 4, 0.5, 0)
    with pytest.raises(ValueError, match="different songs"):
        paired_interval([first], [replace(first, songs=first.songs[::-1])], generator())


@pytest.mark.parametrize("level", ["slice", "song"])
def test_intervals_cover_what_they_should(level):
    """benchmarks/interval_coverage.py, shortened: 200 simulations have 1.5 % standard error."""
    shares, _ = coverage(7, 1, 0.0, level, simulations=200)
    assert ((shares[:3] >= 0.905) & (shares[:3] <= 0.995)).all()


def test_intervals_over_albums_cover_what_those_over_songs_do_not():
    """The same with albums that differ, two of each artist; the standard error is 3 % and 8 %."""
    of_albums, _ = coverage_of_albums(2, 1, 1.0, "albums", "slice", simulations=100)
    of_songs, _ = coverage_of_albums(2, 1, 1.0, "songs", "slice", simulations=40)
    assert (of_albums[:3] >= 0.84).all()
    assert (of_songs[:3] < 0.75).all()


def width(runs) -> float:
    interval = mean_interval(runs, generator())
    return interval.high - interval.low


def clustered(tested: Answers, songs_per_album: int) -> Answers:
    """The same answers, in albums of as many songs each."""
    albums = [str(number // songs_per_album) for number in range(len(tested.target))]
    return replace(tested, clusters=albums)


def test_whole_albums_are_resampled_where_an_artist_has_several():
    tested = clustered(songs(3, 8, 0.6, 1, n_slices=5), 4)
    draws = resampled_scores(tested, 50, generator(5))
    random = generator(5)
    weights = np.hstack([random.multinomial(2, [0.5, 0.5], 50).repeat(4, axis=1) for _ in range(3)])
    of_class = np.eye(3)[tested.target]
    hits, support = tested.counts * of_class, 5 * of_class
    expected = (weights @ hits).sum(axis=1) / (weights @ support).sum(axis=1)
    assert draws[:, 2] == pytest.approx(expected)
    assert tested.resamples_clusters()


def test_a_single_album_and_albums_of_one_song_change_nothing():
    """Bit for bit: one album says nothing about albums, and an album of one song is the song."""
    tested = songs(4, 8, 0.6, 1, n_slices=5)
    expected = mean_intervals([tested], generator())
    for songs_per_album in (8, 1):
        same = clustered(tested, songs_per_album)
        assert mean_intervals([same], generator()) == expected
        assert not same.resamples_clusters()


def test_an_artist_with_a_single_album_has_its_songs_resampled_beside_others_albums():
    tested = songs(2, 8, 0.6, 1)
    mixed = replace(tested, clusters=["a"] * 4 + ["b"] * 4 + ["c"] * 8)
    assert [units.tolist() for units in mixed.resampled_units().values()] == [
        [0] * 4 + [1] * 4,
        list(range(8)),
    ]


def test_albums_that_differ_widen_the_interval():
    right = np.repeat([1, 0], 6)
    target = np.tile(np.repeat([0, 1], 12), 1)
    answers = np.eye(2, dtype=int)[np.where(np.tile(right, 2) == 1, target, 1 - target)]
    alone = Answers(target, answers, [str(number) for number in range(24)])
    assert width([clustered(alone, 6)]) > 2 * width([alone])


def test_seeds_on_the_same_songs_are_no_further_songs():
    """Three runs with the same answers say what one says; on other songs they say more."""
    run = songs(5, 10, 0.7, 4)
    renamed = [replace(run, songs=[f"{n} {song}" for song in run.songs]) for n in range(3)]
    # The runs do not differ, so that only songs are resampled.
    assert mean_interval([run] * 3, generator()).low == mean_interval([run], generator()).low
    assert width(renamed) == pytest.approx(width([run]) / np.sqrt(3), rel=0.15)


def test_seeds_on_the_same_songs_differ_by_their_weights_alone():
    """Seeds that are right on other songs each: what they differ by is not lost in the songs."""
    target = np.repeat(np.arange(4), 10)
    runs = []
    for right in (10, 7, 4):
        answers = np.where(np.tile(np.arange(10), 4) < right, target, (target + 1) % 4)
        runs.append(Answers(target, np.eye(4, dtype=int)[answers], [str(n) for n in range(40)]))
    assert width(runs) > 0.5  # Student's t of three scores that are 0.3 apart


@pytest.mark.parametrize(
    ("seeds", "split", "metric", "artist", "low", "high"),
    [
        ((1, 2, 3), "song", "macro_f1", "", 0.5082860571880268, 0.6671756651143969),
        ((1, 2, 3), "song", "accuracy", "", 0.5239071533742948, 0.6622569011057875),
        ((1, 2, 3), "song", "f1", "y", 0.5667300531431442, 0.6878767450663258),
        ((1, 2, 3), "album", "macro_f1", "", 0.5105493111060947, 0.602213756746468),
        ((1, 2, 3), "album", "accuracy", "", 0.5126406907096109, 0.6050276677970421),
        ((1, 2, 3), "album", "f1", "y", 0.5336565246896903, 0.6636211360227815),
        ((1,), "song", "macro_f1", "", 0.5323868234249567, 0.7295072299416794),
        ((1,), "album", "macro_f1", "", 0.4682540968485627, 0.6310341950024122),
    ],
)
def test_intervals_of_the_papers_splits_are_what_they_were(seeds, split, metric, artist, low, high):
    """Computed before albums were resampled: songs, and one test album of each artist."""
    outcomes, tracks = [], []
    for seed in seeds:
        random = np.random.default_rng([seed, len(split)])
        target = np.repeat([0, 1, 2], (8, 10, 7))
        counts = random.multinomial(6, np.eye(3)[target] * 0.4 + 0.2)
        ids = [f"{split} {seed} {number:02}" for number in range(25)]
        run = Run("c", "e", "net", split, f"draw{seed}", 1.0, 31, seed)
        levels = {("slice", "none"): counts}
        outcomes.append(Outcomes(run, ["x", "y", "z"], ids, target, levels, "test"))
        albums = [f"{seed} {label}" for label in target]
        tracks += [
            {"track_id": track, "album_id": album} for track, album in zip(ids, albums, strict=True)
        ]
    unit_of = units_of(tracks, {"song": False, "album": True})
    [row] = [
        row
        for row in interval_rows(by_cell(outcomes), unit_of)
        if (row["metric"], row["artist"]) == (metric, artist)
    ]
    assert (row["low"], row["high"]) == pytest.approx((low, high), rel=1e-12)
    assert row["resampled"] == "songs"


def test_paired_test_of_equal_answers_is_one_and_of_opposite_ones_is_small():
    good, bad = songs(5, 10, 0.95, 0), songs(5, 10, 0.3, 1)
    assert paired_p_value([good], [good], generator()) == 1.0
    assert paired_p_value([good], [bad], generator()) == pytest.approx(1 / 2001)


def test_paired_p_value_equals_the_sign_test_where_one_song_decides():
    """Four songs differ, all in favour of the first: 2 of 16 swaps are as extreme."""
    target = np.arange(8) % 2
    right, wrong = np.eye(2, dtype=int)[target], np.eye(2, dtype=int)[1 - target]
    first = Answers(target, right, list("abcdefgh"))
    second = Answers(target, np.where(np.arange(8)[:, None] < 4, wrong, right), list("abcdefgh"))
    assert paired_p_value([first], [second], generator()) == 2 / 16


def test_many_random_swaps_near_all_of_them():
    first, second = songs(3, 4, 0.7, 0), songs(3, 4, 0.4, 1)
    exact = paired_p_value([first], [second], generator(), n_swaps=4096)
    assert exact * 4096 == round(exact * 4096)
    drawn = paired_p_value([first], [second], generator(), n_swaps=4095)
    assert 0 < exact < 1
    assert drawn == pytest.approx(exact, abs=0.03)


def test_memory_is_bounded_and_does_not_change_p(monkeypatch):
    first, second = songs(3, 8, 0.7, 0), songs(3, 8, 0.5, 1)
    p = paired_p_value([first], [second], generator())
    monkeypatch.setattr("artistid.scoring.intervals.SWAPS_AT_A_TIME", 7)
    assert paired_p_value([first], [second], generator()) == p


def in_albums(n_albums: int, right: bool, first_album: int = 0) -> Answers:
    """Twelve songs of each of two artists, in albums of one artist each, all right or all wrong."""
    target = np.repeat([0, 1], 12)
    counts = np.eye(2, dtype=int)[target if right else 1 - target]
    albums = [str(first_album + number * n_albums // 24) for number in range(24)]
    ids = [f"{album} {number}" for number, album in enumerate(albums)]
    return Answers(target, counts, ids, albums)


def test_songs_of_an_album_are_swapped_together():
    """Four albums, all in favour of the first: 2 of 16 swaps are as extreme."""
    right, wrong = in_albums(4, True), in_albums(4, False)
    assert paired_p_value([right], [wrong], generator()) == 2 / 16
    alone = [replace(own, clusters=()) for own in (right, wrong)]
    assert paired_p_value([alone[0]], [alone[1]], generator()) == pytest.approx(1 / 2001)


def test_an_album_of_two_seeds_is_swapped_in_both_at_once():
    """Of two seeds' two albums one is the same: three are swapped, not four."""
    first = [in_albums(2, True), in_albums(2, True, first_album=1)]
    second = [in_albums(2, False), in_albums(2, False, first_album=1)]
    assert paired_p_value(first, second, generator()) == 2 / 8


def test_systems_of_different_albums_are_refused():
    with pytest.raises(ValueError, match="same songs"):
        paired_p_value(
            [in_albums(2, True)], [replace(in_albums(2, True), clusters=["0"] * 24)], generator()
        )


def test_a_difference_can_be_significant_among_fifteen_systems():
    """105 pairs: with 2,000 swaps no corrected p is below 105 / 2001."""
    runs = {f"poor {number}": [songs(3, 8, 0.1, number)] for number in range(14)}
    tests = pairwise_tests({"good": [songs(3, 8, 1.0, 14)], **runs}, generator())
    assert len(tests) == 105
    assert max(corrected for a, *_, corrected in tests if a == "good") < 0.01


def test_paired_p_values_are_uniform_when_nothing_differs():
    p_values = []
    for seed in range(120):
        a, b = songs(4, 10, 0.6, seed), songs(4, 10, 0.6, seed + 1000)
        p_values.append(paired_p_value([a], [b], generator(seed), n_swaps=200))
    assert np.mean(np.array(p_values) < 0.05) < 0.12
    assert 0.38 < np.mean(p_values) < 0.64


def test_holm_is_as_published():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_pairs_on_different_songs_are_refused():
    a, b = songs(2, 8, 0.5, 0), songs(2, 9, 0.5, 0)
    with pytest.raises(ValueError, match="same songs"):
        paired_p_value([a], [b], generator())


def test_pairwise_tests_name_every_pair_once():
    runs = {name: [songs(3, 8, right, 0)] for name, right in (("a", 0.9), ("b", 0.5), ("c", 0.5))}
    tests = pairwise_tests(runs, generator())
    assert [(a, b) for a, b, *_ in tests] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert all(corrected >= p for *_, p, corrected in tests)


def outcome(model, split, seconds, seed, right, n_songs=8) -> Outcomes:
    tested = songs(3, n_songs, right, seed, n_slices=6)
    frames = seconds and round(31 * seconds)
    run = Run("c", "e", model, split, f"draw{seed}", seconds, frames, seed)
    song = np.eye(3, dtype=int)[tested.counts.argmax(axis=1)]
    counts = {("song", "mean"): song}
    if seconds:
        counts[("slice", "none")] = tested.counts
    return Outcomes(run, ["x", "y", "z"], list(tested.songs), tested.target, counts, "test")


def test_comparison_covers_every_cell_and_joins_systems_on_whole_songs():
    outcomes = [
        outcome(model, split, seconds, seed, 0.9 if split == "song" else 0.5)
        for model, seconds in (("net", 1.0), ("svm", None))
        for split in ("song", "album")
        for seed in (1, 2)
    ]
    cells = by_cell(outcomes)
    songs_of = {str(number): str(number) for number in range(24)}
    albums_of = {str(number): f"album {number // 8}" for number in range(24)}
    unit_of = {"song": songs_of, "album": albums_of}
    rows = interval_rows(cells, unit_of)
    # Two levels of the network, one of the system on whole songs; three metrics, three artists.
    assert len(rows) == (2 * 2 + 2) * 6
    first = [(row["metric"], row["artist"]) for row in rows[:6]]
    assert first[:3] == [("macro_f1", ""), ("weighted_f1", ""), ("accuracy", "")]
    assert first[3:] == [("f1", "x"), ("f1", "y"), ("f1", "z")]
    for row in rows:
        assert row["low"] <= row["mean"] <= row["high"]
        assert row["resampled"] == "songs"  # one album of each artist
    assert interval_rows(cells, unit_of) == rows
    effects = effect_rows(cells, unit_of, {"song": False, "album": True})
    assert len(effects) == 3
    pair = {(row["split_by_track"], row["split_by_album"]) for row in effects}
    assert pair == {("song", "album")}
    assert all(row["mean"] > 0.2 for row in effects)
    pairs = pair_rows(cells, [1.0], unit_of)
    assert {(row["split"], row["level"]) for row in pairs} == {("song", "song"), ("album", "song")}
    assert all(row["songs"] == 24 and not row["too_few"] for row in pairs)
    assert {(row["split"], row["swapped_units"]) for row in pairs} == {("song", 24), ("album", 3)}
    assert all(row["p"] * 2**3 % 1 == 0 for row in pairs if row["split"] == "album")


def test_every_split_by_track_is_compared_with_every_one_that_keeps_albums():
    splits = ("song", "mine", "album", "jackknife")
    keeps = {split: split in ("album", "jackknife") for split in splits}
    runs = [outcome("net", split, 1.0, 1, 0.9 if not keeps[split] else 0.3) for split in splits]
    tracks = [{"track_id": str(n), "album_id": f"album {n // 4}"} for n in range(24)]
    cells = by_cell(runs)
    rows = effect_rows(cells, units_of(tracks, keeps), keeps)
    pairs = [(row["split_by_track"], row["split_by_album"]) for row in rows]
    expected = [(a, b) for a in splits[:2] for b in splits[2:] for _ in range(2)]
    assert pairs == expected
    assert all(row["low"] > 0 for row in rows)
    resampled = {
        row["split"]: row["resampled"] for row in interval_rows(cells, units_of(tracks, keeps))
    }
    assert resampled == {"song": "songs", "mine": "songs", "album": "albums", "jackknife": "albums"}
    albums = {str(n): ("xyz"[n // 8], f"album {n // 4}") for n in range(24)}
    listed = album_rows(cells, albums, ("slice", "none"), keeps)
    assert {(row["split"], row["cut"]) for row in listed} == {
        ("album", "draw1"),
        ("jackknife", "draw1"),
    }


def test_models_are_paired_on_the_same_cut_and_seed():
    """Of two cuts of one seed, each model's runs meet on their own cut."""
    good = [outcome("good", "song", 1.0, seed, 1.0) for seed in (1, 2)]
    bad = [outcome("bad", "song", 1.0, seed, 0.0) for seed in (1, 2)]
    runs = [
        replace(
            own,
            run=replace(own.run, seed=7, cut=f"draw{own.run.seed}"),
            track_id=[f"{own.run.seed} {song}" for song in own.track_id],
        )
        for own in (*good, *bad[::-1])
    ]
    ids = {song: song for run in runs for song in run.track_id}
    rows = pair_rows(by_cell(runs), [1.0], {"song": ids})
    assert [(row["songs"], row["difference"]) for row in rows] == [(48, 1.0)] * len(rows)
    assert rows
    elsewhere = [replace(run, run=replace(run.run, cut="draw9")) for run in runs[2:3]]
    [row, *_] = pair_rows(by_cell([*runs, *elsewhere]), [1.0], {"song": ids})
    assert row["songs"] == 48


def test_an_ensemble_over_seeds_is_compared_with_every_seed_of_its_cut():
    """And the others among themselves as if it were not there."""

    def on_cut(model, seed, right):
        own = outcome(model, "song", 1.0, seed, right)
        return replace(own, run=replace(own.run, cut="list", seed=seed))

    singles = [on_cut(m, seed, 0.5) for m in ("net", "other") for seed in (1, 2, 3)]
    ensemble = on_cut("nets", 1, 0.9)
    ids = {song: song for song in ensemble.track_id}
    level = ("slice", "none")

    def rows(runs):
        found = pair_rows(by_cell(runs), [1.0], {"song": ids})
        return {(r["first"], r["second"]): r for r in found if (r["level"], r["pooling"]) == level}

    def f1(run):
        return Answers(run.target, run.counts[level]).macro_f1()

    found = rows([*singles, ensemble])
    means = [np.mean([f1(run) for run in singles[first : first + 3]]) for first in (0, 3)]
    assert found["net", "nets"]["difference"] == pytest.approx(means[0] - f1(ensemble))
    assert found["other", "nets"]["difference"] == pytest.approx(means[1] - f1(ensemble))
    [alone] = rows(singles).values()
    assert found["net", "other"]["difference"] == alone["difference"]
    assert found["net", "other"]["difference"] == pytest.approx(means[0] - means[1])
    # A model with two of the three seeds is not taken for an ensemble.
    [row] = rows(singles[:5]).values()
    of_both = [np.mean([f1(run) for run in singles[first : first + 2]]) for first in (0, 3)]
    assert row["difference"] == pytest.approx(of_both[0] - of_both[1])


def test_a_level_that_a_length_does_not_have_has_no_pairs():
    runs = [outcome("svm", "song", None, 1, 0.9), outcome("net", "song", 3.0, 1, 0.9)]
    assert pair_rows(by_cell(runs), [1.0], {}) == []


def test_songs_that_a_model_cannot_answer_are_left_out_for_all():
    short = outcome("net", "song", 1.0, 1, 0.9, n_songs=7)
    whole = outcome("svm", "song", None, 1, 0.9, n_songs=7)
    kept = list(range(1, 21))
    short = Outcomes(
        short.run,
        short.classes,
        [short.track_id[i] for i in kept],
        short.target[kept],
        {level: counts[kept] for level, counts in short.counts.items()},
        "test",
    )
    ids = {song: song for song in whole.track_id}
    [row] = pair_rows(by_cell([short, whole]), [1.0], {"song": ids})
    assert (row["songs"], row["swapped_units"], row["too_few"]) == (20, 20, True)


def test_albums_are_counted_by_what_they_were_taken_for():
    runs = [outcome("net", "album", 1.0, 1, 0.5)]
    artists = np.repeat(["x", "y", "z"], 8)
    albums = {
        track: (str(artist), "album")
        for track, artist in zip(runs[0].track_id, artists, strict=True)
    }
    rows = album_rows(by_cell(runs), albums, ("slice", "none"), {"album": True})
    named = {(row["artist"], row["answered"]): row["share"] for row in rows}
    assert set(named) == {(a, b) for a, b in ["xx", "xy", "yy", "yz", "zz", "zx"]}
    for artist, counts in zip("xyz", np.split(runs[0].counts["slice", "none"], 3), strict=True):
        own = [row for row in rows if row["artist"] == artist]
        assert {row["slices"] for row in own} == {counts.sum()} == {48}
        assert named[artist, artist] == counts.sum(axis=0)["xyz".index(artist)] / 48
        assert sum(row["share"] for row in own) == pytest.approx(1)
