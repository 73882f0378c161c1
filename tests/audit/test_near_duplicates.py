"""The search for near-duplicates: copies are found, other recordings are not."""

import numpy as np
import pytest
import soundfile
import soxr

from artistid.audit.fingerprints import Fingerprinter, fingerprints_of, read_fingerprints
from artistid.audit.near_duplicates import compare, find_near_duplicates, highest_score
from artistid.corpus.audio import mono_blocks
from artistid.demo.composition import compose, draw_style
from artistid.demo.production import draw_production, produce
from artistid.features.log_mel import LogMelParameters, log_mel, mel_filters
from artistid.features.mel_cache import write_album

PARAMETERS = LogMelParameters()
FILTERS = mel_filters(PARAMETERS)
SECONDS = 12


def song(artist: int, album: int, track: int, seconds: float = SECONDS) -> np.ndarray:
    production = draw_production(np.random.default_rng([20, 3, artist, album]))
    generator = np.random.default_rng([20, 4, artist, album, track])
    return produce(compose(draw_style(artist, 20), seconds, generator), production, generator)


def mel(samples: np.ndarray, parameters=PARAMETERS, filters=FILTERS) -> np.ndarray:
    return log_mel([samples.astype(np.float32)], filters, parameters).astype(np.float16)


def through_mp3(samples, path, rate=16000, compression_level=0.82) -> np.ndarray:
    samples = np.clip(soxr.resample(samples, 16000, rate), -1, 1)
    soundfile.write(
        path,
        samples,
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=compression_level,
        bitrate_mode="CONSTANT",
    )
    return np.concatenate(list(mono_blocks(path, 16000)))


@pytest.fixture(scope="module")
def songs() -> list[np.ndarray]:
    """Two songs of two albums of two artists."""
    return [song(*name) for name in np.ndindex(2, 2, 2)]


@pytest.fixture(scope="module")
def mels(songs) -> list[np.ndarray]:
    return [mel(samples) for samples in songs]


def found(log_mels, parameters=PARAMETERS) -> dict[tuple[int, int], object]:
    pairs = find_near_duplicates(fingerprints_of(log_mels, parameters))
    return {(pair.a, pair.b): pair for pair in pairs}


def test_songs_of_an_artist_and_album_are_not_the_same(mels):
    assert found(mels) == {}


@pytest.mark.parametrize(
    ("rate", "level", "gain_db", "first", "last"),
    [
        (16000, 0.9, 0, 0, 0),  # encoded again
        (16000, None, 0, 31999, 0),  # trimmed at the start
        (16000, None, 0, 0, 31999),  # trimmed at the end
        (16000, None, 0, 256, 0),  # half a frame: between two columns of the original
        (16000, None, -20, 0, 0),
        (16000, None, 6, 0, 0),
        (8000, 0.82, -20, 12345, 23456),  # telephone quality, and all of it
        (44100, 0.3, 6, 17, 31000),
    ],
)
def test_copy_is_found_with_its_lag(songs, mels, tmp_path, rate, level, gain_db, first, last):
    copy = songs[3][first : len(songs[3]) - last] * 10 ** (gain_db / 20)
    if level is not None:
        copy = through_mp3(copy, tmp_path / "copy.mp3", rate, level)
    pairs = found([*mels, mel(copy)])
    assert set(pairs) == {(3, 8)}
    [pair] = pairs.values()
    assert pair.score < 0.15  # the threshold is 0.24 at this length
    assert abs(pair.lag - first / 512) <= 6  # an encoder puts a tenth of a second and more in front


def test_every_two_of_three_copies_are_found(songs, mels):
    copies = [mel(songs[0][shift:]) for shift in (5000, 9000)]
    assert set(found([*mels, *copies])) == {(0, 8), (0, 9), (8, 9)}


def test_excerpt_of_a_song_is_found_but_its_halves_are_two(songs, mels):
    middle = mel(songs[5][4 * 16000 : 8 * 16000])
    assert set(found([*mels, middle])) == {(5, 8)}
    half = len(songs[5]) // 2
    assert found([mel(songs[5][:half]), mel(songs[5][half:])]) == {}


def test_song_with_another_half_is_another(songs):
    mixed = np.concatenate([songs[2][: 6 * 16000], songs[6][6 * 16000 :]])
    assert found([mel(songs[2]), mel(songs[6]), mel(mixed)]) == {}


def test_silence_and_what_never_changes_is_no_evidence(songs):
    silence = mel(np.zeros(16000 * SECONDS))
    hum = mel(0.1 * np.sin(2 * np.pi * 100 * np.arange(16000 * SECONDS) / 16000))
    prints = fingerprints_of([silence, silence, hum, hum], PARAMETERS)
    assert find_near_duplicates(prints) == []
    assert (prints.seconds_of_sound() < 0.5).all()
    assert compare(prints, 0, 1, 0).score == 1.0
    # Two songs in front of the same long silence are two songs; a copy of one is a copy.
    quiet = np.zeros(16000 * 20)
    padded = [mel(np.concatenate([samples, quiet])) for samples in (*songs[:2], songs[0][800:])]
    assert set(found(padded)) == {(0, 2)}


def test_music_that_hardly_changes_is_compared_too(mels):
    flat = [0.25 * log_mel.astype(np.float32) for log_mel in mels]
    prints = fingerprints_of([*flat, flat[4][30:]], PARAMETERS)
    assert np.bitwise_count(prints.clear).mean() < 16
    assert (prints.seconds_of_sound() > 3).all()
    assert [(pair.a, pair.b) for pair in find_near_duplicates(prints)] == [(4, 8)]


def test_noise_is_not_the_same():
    generator = np.random.default_rng(0)
    noises = [mel(0.1 * generator.standard_normal(16000 * SECONDS)) for _ in range(20)]
    assert found(noises) == {}


def test_tracks_of_a_second_are_compared_where_they_can_be(songs):
    second = [mel(samples[32000:48000]) for samples in songs]
    copy = mel(0.5 * songs[2][32000 + 1000 : 48000])
    assert set(found([*second, copy])) == {(2, 8)}
    short = fingerprints_of([second[0][:11], second[0][:12]], PARAMETERS)
    assert short.lengths.tolist() == [0, 1]
    assert find_near_duplicates(short) == []
    assert (short.seconds_of_sound() < 0.5).all()


def test_no_and_one_recording_have_no_pair(mels):
    assert found([]) == {}
    assert found(mels[:1]) == {}


def test_threshold_falls_for_short_overlaps():
    thresholds = [highest_score(seconds) for seconds in (0.5, 1, 4, 240)]
    assert thresholds == sorted(thresholds)
    assert 0.03 < thresholds[0] < thresholds[-1] < 0.3


def test_other_parameters_work_too(songs):
    for parameters in (
        LogMelParameters(sampling_rate=4000, n_fft=512, hop_length=128),
        LogMelParameters(hop_length=160, n_mels=256, top_db=40.0),
        LogMelParameters(sampling_rate=44100),
    ):
        filters = mel_filters(parameters)

        def made(samples, parameters=parameters, filters=filters):
            samples = soxr.resample(samples, 16000, parameters.sampling_rate)
            return mel(samples, parameters, filters)

        log_mels = [made(samples) for samples in (*songs[:3], 0.3 * songs[1][10000:])]
        assert set(found(log_mels, parameters)) == {(1, 3)}


def test_bits_are_those_of_the_definition(mels):
    """The sign of the change of the difference of two bands, written out for one bit."""
    maker = Fingerprinter(PARAMETERS)
    bits, clear = maker(mels[0])
    frame, bit = 40, 31
    weights = maker.differences[:, bit]
    slope = mels[0][:, maker.bands].astype(np.float64) @ weights.astype(np.float64)
    change = slope[frame + 4 : frame + 12].mean() - slope[frame : frame + 8].mean()
    assert len(bits) == len(mels[0]) - 11
    assert bits[frame] >> 31 == (change > 0)
    assert clear[frame] >> 31 == (abs(change) > 0.5)
    assert sorted(np.round(weights[weights != 0], 3)) == [-0.5, -0.5, 0.333, 0.333, 0.333] or (
        np.isclose(weights.sum(), 0, atol=1e-6)
    )


def test_caches_are_read_album_by_album(mels, tmp_path):
    tracks = [
        {
            "track_id": f"t{n}",
            "album_id": f"a{n // 4}",
            "sha256": "",
            "sampling_rate": "16000",
            "duration": "12",
        }
        for n in range(8)
    ]
    for album in range(2):
        own = range(4 * album, 4 * album + 4)
        pairs = [(tracks[n], [mels[n].astype(np.float32)]) for n in own]
        write_album(tmp_path / f"a{album}.h5", pairs, PARAMETERS.as_dict())
    read, direct = read_fingerprints(tracks, tmp_path), fingerprints_of(mels, PARAMETERS)
    assert (read.bits == direct.bits).all()
    assert (read.clear == direct.clear).all()
    assert (read.ends == direct.ends).all()
