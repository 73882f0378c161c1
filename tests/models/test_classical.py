"""The classical systems: their formulas against other people's, and what they learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal
from sklearn.svm import SVC

from artistid.errors import ArtistError, InputError
from artistid.features import mfcc as frames_module
from artistid.features.mfcc import mfcc, sample_frames, sampled_tracks
from artistid.models.classical.calibration import (
    cross_entropy,
    fit_temperature,
    log_softmax,
    per_class,
)
from artistid.models.classical.song_kernels import (
    CLIP,
    FLIP,
    NONE,
    DistanceSvm,
    mahalanobis_squared,
    moments,
    moments_of_blocks,
    spectrum_correction,
    symmetrised_kl,
)
from artistid.models.registry import FRAME_SYSTEMS, SONG_SYSTEMS, available, load_model
from artistid.storage.tensors import read_tensors, write_tensors

SLICE_FRAMES = 31
# What keeps the toy problem quick; everything else is as shipped.
QUICK = {"gmm_mfcc": {"n_components": 2}, "svm_mfcc": {"n_features": 50}}


def toy_tracks(n_classes, per_class_count, seed, n_frames=150):
    """Tracks of classes that differ in mean and covariance, and their classes in mixed order."""
    styles = np.random.default_rng(5)
    means = 10 * styles.standard_normal((n_classes, 20))
    mixing = 5 * styles.standard_normal((n_classes, 20, 20))
    generator = np.random.default_rng(seed)
    targets = generator.permutation(np.repeat(np.arange(n_classes), per_class_count))
    tracks = [
        (means[k] + generator.standard_normal((n_frames + i, 20)) @ mixing[k]).astype(np.float32)
        for i, k in enumerate(targets)
    ]
    return tracks, targets


def fitted(name, n_classes, seed=0, **given_settings):
    system_type, chosen = load_model(name, QUICK.get(name, {}) | given_settings)
    system = system_type(chosen, n_classes, seed)
    train = toy_tracks(n_classes, 8, seed=1)
    held = toy_tracks(n_classes, 3, seed=2) if name in available(SONG_SYSTEMS) else ()
    system.fit(*train, *held)
    return system


def starts_of(track):
    return np.arange(0, len(track) - SLICE_FRAMES + 1, SLICE_FRAMES)


def gaussians_of(n, d, seed):
    generator = np.random.default_rng(seed)
    roots = generator.standard_normal((n, d, d))
    return generator.standard_normal((n, d)), roots @ roots.transpose(0, 2, 1) + np.eye(d)


def indefinite_kernel(n=30):
    square = np.random.default_rng(3).standard_normal((n, n))
    return (square + square.T) / 2 + np.eye(n)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_mfcc_is_librosas(dtype):
    import librosa

    log_mel = np.random.default_rng(0).uniform(-60, 40, (50, 128)).astype(dtype)
    expected = librosa.feature.mfcc(S=log_mel.T.astype(np.float64), n_mfcc=20).T
    found = mfcc(log_mel)
    assert found.shape == (50, 20)
    assert found.dtype == np.float32
    assert np.abs(found - expected).max() < 1e-3


@given(st.integers(1, 200), st.none() | st.integers(1, 250), st.integers(0, 99))
def test_frames_are_drawn_without_repetition_and_in_order(n_frames, at_most, seed):
    drawn = sample_frames(n_frames, at_most, np.random.default_rng(seed))
    assert len(drawn) == min(n_frames, at_most or n_frames)
    assert (np.diff(drawn) > 0).all()
    assert drawn[0] >= 0
    assert drawn[-1] < n_frames


def test_frames_of_a_track_do_not_depend_on_other_tracks():
    tracks, _ = toy_tracks(2, 2, seed=0)
    before = list(sampled_tracks(tracks, 10, seed=4))
    tracks[0] = tracks[0][:7]
    after = list(sampled_tracks(tracks, 10, seed=4))
    assert all(np.array_equal(a, b) for a, b in zip(before[1:], after[1:], strict=True))
    assert not np.array_equal(before[1], list(sampled_tracks(tracks, 10, seed=5))[1])


def test_gaussian_is_the_maximum_likelihood_one():
    tracks, targets = toy_tracks(3, 4, seed=1)
    system_type, chosen = load_model("gaussian_mfcc")
    system = system_type(chosen, 3, 0)
    system.fit(tracks, targets)
    new = toy_tracks(3, 1, seed=2)[0][0]
    starts = starts_of(new)
    found = system.slice_scores(new, starts, SLICE_FRAMES)
    for label in range(3):
        own = np.concatenate([t for t, k in zip(tracks, targets, strict=True) if k == label])
        own = own.astype(np.float64)
        covariance = np.cov(own, rowvar=False, bias=True) + chosen.reg_covar * np.eye(20)
        density = multivariate_normal(own.mean(axis=0), covariance)
        expected = [density.logpdf(new[start : start + SLICE_FRAMES]).sum() for start in starts]
        assert np.allclose(found[:, label], expected, rtol=1e-6, atol=0)


def test_kl_of_diagonal_gaussians_has_the_closed_form():
    mean_p, mean_q = np.array([0.0, 1.0, -2.0]), np.array([0.5, 1.0, 0.0])
    variance_p, variance_q = np.array([1.0, 4.0, 0.5]), np.array([2.0, 1.0, 0.5])
    one_way = [
        0.5 * (a / b + (m - n) ** 2 / b - 1 + np.log(b / a)).sum()
        for a, b, m, n in (
            (variance_p, variance_q, mean_p, mean_q),
            (variance_q, variance_p, mean_q, mean_p),
        )
    ]
    found = symmetrised_kl(
        (mean_p[None], np.diag(variance_p)[None]), (mean_q[None], np.diag(variance_q)[None])
    )
    assert found.shape == (1, 1)
    assert found[0, 0] == pytest.approx(sum(one_way), rel=1e-12)


def test_kl_agrees_with_monte_carlo():
    n_draws, (means, covariances) = 200_000, gaussians_of(3, 4, seed=0)
    found = symmetrised_kl((means[:2], covariances[:2]), (means, covariances))
    densities = [multivariate_normal(m, c) for m, c in zip(means, covariances, strict=True)]
    draws = [d.rvs(n_draws, random_state=i) for i, d in enumerate(densities)]
    for p in range(2):
        for q in range(3):
            there = densities[p].logpdf(draws[p]) - densities[q].logpdf(draws[p])
            back = densities[q].logpdf(draws[q]) - densities[p].logpdf(draws[q])
            error = np.hypot(there.std(), back.std()) / np.sqrt(n_draws)
            assert abs(found[p, q] - there.mean() - back.mean()) <= 5 * error + 1e-9


def test_kl_is_symmetric_and_does_not_see_units():
    means, covariances = gaussians_of(6, 5, seed=1)
    found = symmetrised_kl((means, covariances), (means, covariances))
    assert np.array_equal(found, found.T)
    assert np.abs(np.diag(found)).max() < 1e-10
    scale = np.diag([1.0, 2.0, 5.0, 10.0, 0.1])
    scaled = (means @ scale + 3, scale @ covariances @ scale)
    assert np.allclose(symmetrised_kl(scaled, scaled), found, rtol=1e-8, atol=1e-8)


def test_mahalanobis_distance_is_the_textbooks():
    generator = np.random.default_rng(0)
    rows, columns = generator.standard_normal((5, 7)), generator.standard_normal((4, 7))
    precision = gaussians_of(1, 7, seed=2)[1][0]
    found = mahalanobis_squared(rows, columns, precision)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            expected = (row - column) @ precision @ (row - column)
            assert np.exp(-0.01 * found[i, j]) == pytest.approx(np.exp(-0.01 * expected), rel=1e-12)


def test_moments_are_the_tracks_own():
    tracks, _ = toy_tracks(2, 2, seed=0)
    means, covariances = moments([*tracks, tracks[0][:1]])
    assert np.allclose(means[1], tracks[1].astype(np.float64).mean(axis=0))
    assert np.allclose(covariances[1], np.cov(tracks[1].T.astype(np.float64), bias=True))
    assert (covariances[-1] == 0).all()


@pytest.mark.parametrize("spectrum", [CLIP, FLIP])
def test_correction_makes_a_kernel_positive_semidefinite(spectrum):
    kernel = indefinite_kernel()
    before = np.linalg.eigvalsh(kernel)
    assert before[0] < -1
    corrected = kernel @ spectrum_correction(kernel, spectrum)
    assert np.allclose(corrected, corrected.T)
    expected = np.abs(before) if spectrum == FLIP else np.maximum(before, 0)
    assert np.allclose(np.linalg.eigvalsh(corrected), np.sort(expected))


@pytest.mark.parametrize("spectrum", [NONE, CLIP, FLIP])
def test_correction_leaves_a_positive_semidefinite_kernel(spectrum):
    points = np.random.default_rng(0).standard_normal((12, 3))  # of rank 3: nine eigenvalues are 0
    kernel = points @ points.T
    assert np.allclose(kernel @ spectrum_correction(kernel, spectrum), kernel, atol=1e-12)


def test_unknown_correction_is_refused():
    with pytest.raises(InputError, match=r"'squash'.*none, clip, flip"):
        spectrum_correction(np.eye(3), "squash")


@pytest.mark.parametrize("spectrum", [CLIP, FLIP])
def test_new_songs_go_through_the_training_songs_correction(spectrum):
    # The training songs presented again must meet the kernel that was trained on, here made
    # by the definition: eigenvalues replaced one by one.
    square = np.random.default_rng(3).uniform(0, 3, (24, 24))
    distances = square + square.T
    np.fill_diagonal(distances, 0)
    targets = np.arange(24) % 3
    svm = DistanceSvm([1.0], [1.0], [spectrum], 3)
    svm.fit(distances, targets, distances, targets)
    values, vectors = np.linalg.eigh(np.exp(-svm.chosen["gamma"] * distances))
    assert values[0] < -0.1
    values = np.abs(values) if spectrum == FLIP else np.maximum(values, 0)
    corrected = (vectors * values) @ vectors.T
    reference = SVC(kernel="precomputed").fit(corrected, targets)
    expected = reference.decision_function(corrected)
    assert np.allclose(svm.scores(distances), expected, atol=1e-2)  # libsvm's own tolerance
    assert np.allclose(svm.scores(distances[5:9]), svm.scores(distances)[5:9])


def test_first_of_equal_kernels_is_chosen():
    tracks, targets = toy_tracks(2, 6, seed=1)
    system_type, chosen = load_model("svm_song_kl", {"gammas": [1, 0.5], "costs": [10, 1]})
    system = system_type(chosen, 2, 0)
    system.fit(tracks, targets, tracks, targets)  # separable: every kernel is right everywhere
    assert system.chosen["validation_macro_f1"] == 1.0
    assert (system.chosen["gamma_times_median"], system.chosen["cost"]) == (1.0, 10.0)
    assert {type(value) for value in system.chosen.values()} == {float, str}


def noisy_scores(temperature, n=20_000, n_classes=5):
    generator = np.random.default_rng(0)
    logits = 2 * generator.standard_normal((n, n_classes))
    targets = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
    return temperature * logits, targets


@pytest.mark.parametrize("temperature", [0.05, 1.0, 7.0, 3000.0])
def test_temperature_is_recovered(temperature):
    scores, targets = noisy_scores(temperature)
    assert fit_temperature(scores, targets) == pytest.approx(temperature, rel=0.05)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.floats(1e-3, 1e5), st.integers(2, 6))
def test_temperature_never_hurts_and_changes_no_answer(seed, scale, n_classes):
    generator = np.random.default_rng(seed)
    scores = scale * generator.standard_normal((40, n_classes))
    targets = generator.integers(n_classes, size=40)
    temperature = fit_temperature(scores, targets)
    assert cross_entropy(scores, targets, temperature) <= cross_entropy(scores, targets)
    calibrated = log_softmax(scores, temperature)
    assert np.isfinite(calibrated).all()
    assert np.array_equal(calibrated[np.arange(40), scores.argmax(axis=1)], calibrated.max(axis=1))
    assert np.allclose(np.exp(calibrated).sum(axis=1), 1)


def test_log_softmax_of_large_scores_is_exact():
    found = log_softmax(np.array([[1e6, 1e6 - 1, -1e6]]))
    assert np.allclose(found[0, :2], [-np.log1p(np.exp(-1)), -1 - np.log1p(np.exp(-1))])
    assert found[0, 2] == pytest.approx(-2e6)


def test_two_classes_get_two_columns_and_missing_ones_an_error():
    assert per_class(np.array([0.5, -2.0]), 2).tolist() == [[-0.5, 0.5], [2.0, -2.0]]
    with pytest.raises(ValueError, match="2 classes were in the training set, not 3"):
        per_class(np.array([0.5]), 3)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", available(FRAME_SYSTEMS))
def test_frame_system_learns_and_repeats_itself(name, n_classes):
    systems = [fitted(name, n_classes, frames_per_track=100) for _ in range(2)]
    for track, target in zip(*toy_tracks(n_classes, 3, seed=3), strict=True):
        starts = starts_of(track)
        scores = systems[0].slice_scores(track, starts, SLICE_FRAMES)
        assert scores.shape == (len(starts), n_classes)
        assert scores.dtype == np.float64
        assert np.isfinite(scores).all()
        assert scores.mean(axis=0).argmax() == target
        assert np.array_equal(systems[1].slice_scores(track, starts, SLICE_FRAMES), scores)


@pytest.mark.parametrize("name", available(FRAME_SYSTEMS))
def test_frame_system_draws_other_frames_with_another_seed(name):
    first, second = (fitted(name, 2, seed=seed, frames_per_track=50) for seed in (0, 1))
    track = toy_tracks(2, 1, seed=3)[0][0]
    arguments = track, starts_of(track), SLICE_FRAMES
    assert not np.array_equal(first.slice_scores(*arguments), second.slice_scores(*arguments))


@pytest.mark.parametrize("name", available(FRAME_SYSTEMS))
def test_slice_pools_its_own_frames_and_no_others(name, monkeypatch):
    monkeypatch.setattr(frames_module, "CHUNK_FRAMES", 17)  # chunks end within slices
    system = fitted(name, 4)
    track = toy_tracks(4, 1, seed=3)[0][0][:100]
    single = system.slice_scores(track, range(len(track)), 1)
    assert single.shape == (100, 4)
    starts = [0, 31, 62, 69, 12]
    found = system.slice_scores(track, starts, SLICE_FRAMES)
    pool = np.mean if name == "svm_mfcc" else np.sum
    expected = [pool(single[start : start + SLICE_FRAMES], axis=0) for start in starts]
    assert np.allclose(found, expected, rtol=1e-9)
    assert system.slice_scores(track, [], SLICE_FRAMES).shape == (0, 4)
    with pytest.raises(IndexError):
        system.slice_scores(track, [70], SLICE_FRAMES)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize("name", available(SONG_SYSTEMS))
def test_song_system_learns_and_repeats_itself(name, n_classes):
    systems = [fitted(name, n_classes) for _ in range(2)]
    tracks, targets = toy_tracks(n_classes, 3, seed=3)
    scores = systems[0].track_scores(tracks)
    assert scores.shape == (len(tracks), n_classes)
    assert np.isfinite(scores).all()
    assert (scores.argmax(axis=1) == targets).mean() >= 0.8
    assert np.array_equal(systems[1].track_scores(tracks), scores)
    assert systems[0].chosen == systems[1].chosen
    one_by_one = np.concatenate([systems[0].track_scores([track]) for track in tracks])
    assert np.allclose(one_by_one, scores)


@pytest.mark.parametrize("n_frames", [1, 5, 20])
@pytest.mark.parametrize("name", available(SONG_SYSTEMS))
def test_short_and_silent_songs_have_finite_scores(name, n_frames):
    tracks, targets = toy_tracks(2, 5, seed=1)
    tracks[0] = tracks[0][:n_frames]
    tracks[1] = np.zeros_like(tracks[1])
    system_type, chosen = load_model(name)
    system = system_type(chosen, 2, 0)
    system.fit(tracks, targets, *toy_tracks(2, 3, seed=2))
    assert np.isfinite(system.track_scores([track[:n_frames] for track in tracks])).all()


def test_no_answer_is_lost_when_calibrated_scores_are_stored():
    """Scores that say nothing about the truth end at the highest temperature."""
    random = np.random.default_rng(3)
    for _ in range(20):
        validation, test = random.normal(0, 0.3, (2, 200, 20))
        temperature = fit_temperature(validation, random.integers(0, 20, 200))
        stored = log_softmax(test, temperature).astype(np.float32)
        assert (stored.argmax(axis=1) == test.argmax(axis=1)).all()


@pytest.mark.parametrize("name, needed", [("gaussian_mfcc", 2), ("gmm_mfcc", 20)])
def test_densities_name_too_few_frames(name, needed):
    system_type, filled = load_model(name, {"frames_per_track": 1})
    system = system_type(filled, 2, seed=1)
    tracks = [np.random.default_rng(track).normal(size=(40, 20)) for track in range(2)]
    with pytest.raises(
        ArtistError, match=rf"1 frames are drawn .* {needed} are needed; "
    ) as caught:
        system.fit(tracks, np.array([0, 1]))
    assert caught.value.label == 0


@pytest.mark.parametrize("name", available(FRAME_SYSTEMS) + available(SONG_SYSTEMS))
@pytest.mark.parametrize("n_classes", [2, 4])
def test_system_from_its_state_answers_the_same(name, n_classes, tmp_path):
    system = fitted(name, n_classes)
    write_tensors(tmp_path / "state.safetensors", system.state(), {"n": n_classes})
    arrays, description = read_tensors(tmp_path / "state.safetensors")
    assert description == {"n": n_classes}
    system_type, chosen = load_model(name, QUICK.get(name, {}))
    restored = system_type(chosen, n_classes, 0)
    restored.load_state(arrays)
    tracks, _ = toy_tracks(n_classes, 2, seed=9)
    if name in available(SONG_SYSTEMS):
        expected, found = system.track_scores(tracks), restored.track_scores(tracks)
    else:
        expected, found = (
            system_.slice_scores(tracks[0], starts_of(tracks[0]), SLICE_FRAMES)
            for system_ in (system, restored)
        )
    assert found.shape == expected.shape
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-6)  # partly in float32
    assert np.ptp(expected) > 0


def test_moments_of_blocks_are_those_of_the_whole_track():
    track = toy_tracks(1, 1, seed=3)[0][0] + 1000
    expected = moments([track])
    found = moments_of_blocks(lambda: iter(np.array_split(track, 7)))
    assert np.allclose(found[0], expected[0], rtol=1e-12)
    assert np.allclose(found[1], expected[1], rtol=1e-9, atol=1e-9)
