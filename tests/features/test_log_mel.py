"""Log-mel spectrograms against librosa, on real mp3 files; what the cache keeps of them."""

import warnings

import h5py
import librosa
import numpy as np
import pytest
import scipy.fft
import soundfile
from conftest import tone

from artistid.corpus.audio import decode_facts, mono_blocks
from artistid.errors import InputError
from artistid.features import fft, mel_cache
from artistid.features.log_mel import (
    LogMelParameters,
    log_mel,
    log_mel_blocks,
    mel_filters,
    n_frames,
)
from artistid.features.mel_cache import (
    read_frame_counts,
    read_parameters,
    read_tracks,
    write_album,
    write_index,
)
from artistid.storage.files import read_rows

PARAMETERS = LogMelParameters()
FILTERS = mel_filters(PARAMETERS)


def reference(samples: np.ndarray) -> np.ndarray:
    """What librosa computes, time-major, in dB."""
    mel = librosa.feature.melspectrogram(
        y=samples, sr=16000, n_fft=2048, hop_length=512, n_mels=128, htk=True, power=2.0
    )
    return librosa.power_to_db(mel, ref=1.0, amin=1e-10, top_db=80.0).T


def test_equals_librosa_on_mp3_files(demo_album):
    for path in demo_album:
        samples, _ = soundfile.read(path, dtype="float32")
        ours = log_mel(mono_blocks(path, 16000), FILTERS, PARAMETERS)
        assert ours.shape == (n_frames(len(samples), 512), 128)
        assert np.abs(ours - reference(samples)).max() < 2e-3


@pytest.mark.parametrize("block", [7, 700, 2048, 100_000])
def test_blocks_make_no_difference(block):
    samples = np.random.default_rng(0).standard_normal(20_000).astype(np.float32)
    blocks = [samples[start : start + block] for start in range(0, len(samples), block)]
    whole = log_mel([samples], FILTERS, PARAMETERS)
    assert np.abs(log_mel(blocks, FILTERS, PARAMETERS) - whole).max() < 1e-4
    assert np.abs(whole - reference(samples)).max() < 2e-3


def test_fft_is_scipys_whether_or_not_its_module_is_found(monkeypatch):
    rows = np.random.default_rng(0).standard_normal((37, 2048)).astype(np.float32)
    expected = scipy.fft.rfft(rows, axis=1)
    assert fft._extension() is not None  # the pinned scipy's is where we look for it
    found = np.zeros_like(expected)
    fft.rfft(rows, out=found)
    assert np.array_equal(found, expected)
    monkeypatch.setattr(fft, "_MODULE", "elsewhere")
    fft._rfft.cache_clear()
    found = np.zeros_like(expected)
    fft.rfft(rows, out=found)
    assert np.array_equal(found, expected)
    fft._rfft.cache_clear()


@pytest.mark.parametrize("n_mels", [1, 20, 128, 500])  # 500: bands between two bins are empty
def test_each_band_is_the_product_of_all_its_bins(n_mels):
    parameters = LogMelParameters(n_mels=n_mels)
    with warnings.catch_warnings(action="ignore"):  # librosa's, of empty bands
        filters = mel_filters(parameters)
    samples = np.random.default_rng(n_mels).standard_normal(9_000).astype(np.float32)
    spectrum = librosa.stft(samples, n_fft=2048, hop_length=512)
    expected = librosa.power_to_db((filters @ np.abs(spectrum) ** 2).T, top_db=80)
    assert np.abs(log_mel([samples], filters, parameters) - expected).max() < 2e-3


def test_clipped_below_the_maximum_of_the_whole_track():
    # Loud only at the end: the quiet beginning is clipped against a maximum not seen yet.
    samples = np.concatenate([1e-6 * tone(10), 5 * tone(1)])
    ours = log_mel(np.array_split(samples, 30), FILTERS, PARAMETERS)
    assert ours.min() == pytest.approx(ours.max() - 80, abs=1e-3)
    assert np.abs(ours - reference(samples)).max() < 2e-3


def test_resampled_to_mono_at_16_khz(tmp_path):
    left, right = tone(2, 44100, 440), tone(2, 44100, 1000)
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([left, right], axis=1), 44100, subtype="FLOAT")
    ours = np.concatenate(list(mono_blocks(path, 16000)))
    expected = librosa.resample((left + right) / 2, orig_sr=44100, target_sr=16000)
    assert abs(len(ours) - len(expected)) <= 1
    assert np.abs(ours[:30_000] - expected[:30_000]).max() < 1e-4
    assert decode_facts(path).channels == 2
    assert decode_facts(path).duration == 2.0


def test_undecodable_file_is_named(tmp_path):
    path = tmp_path / "notes.mp3"
    path.write_text("not music")
    with pytest.raises(InputError, match=r"notes\.mp3: cannot be decoded"):
        decode_facts(path)


@pytest.fixture
def cache(tmp_path, demo_album):
    path = tmp_path / "album.h5"
    spectrogram = log_mel(mono_blocks(demo_album[0], 16000), FILTERS, PARAMETERS)
    track = {"track_id": "t1", "sha256": "ab", "sampling_rate": "16000", "duration": "5.0"}
    blocks = log_mel_blocks(mono_blocks(demo_album[0], 16000), FILTERS, PARAMETERS)
    write_album(path, [(track, blocks)], PARAMETERS.as_dict())
    return path, spectrogram


def test_cache_rounds_by_at_most_a_thirtysecond_decibel(cache):
    path, spectrogram = cache
    stored = read_tracks(path, ["t1"])["t1"]
    assert stored.dtype == np.float16
    assert np.abs(stored.astype(np.float32) - spectrogram).max() <= 1 / 32
    assert read_frame_counts(path, ["t1"]) == {"t1": len(spectrogram)}
    assert read_parameters(path) == PARAMETERS.as_dict()
    with h5py.File(path) as file:
        assert file.attrs["units"] == "dB re 1.0"
        assert file["t1"].attrs["source_sha256"] == "ab"


@pytest.mark.parametrize("n_frames", [1, 7, 1023, 1024, 1025, 5000])
@pytest.mark.parametrize("in_memory", [1, 2, mel_cache.CHUNKS_IN_MEMORY])
def test_streamed_cache_holds_the_bits_of_the_whole_spectrogram(
    tmp_path, n_frames, in_memory, monkeypatch
):
    monkeypatch.setattr(mel_cache, "CHUNKS_IN_MEMORY", in_memory)
    generator = np.random.default_rng(n_frames)
    decibels = generator.uniform(-100, 120, (n_frames, 128)).astype(np.float32)
    blocks = np.array_split(decibels, generator.integers(1, 30))
    track = {"track_id": "t", "sha256": "ab", "sampling_rate": "16000", "duration": "5.0"}
    blocks = [block for block in blocks if len(block)]
    write_album(tmp_path / "album.h5", [(track, blocks)], PARAMETERS.as_dict())
    clipped = np.maximum(decibels, decibels.max() - np.float32(80)).astype(np.float16)
    assert np.array_equal(read_tracks(tmp_path / "album.h5", ["t"])["t"], clipped)


def test_flipped_bit_is_an_error(cache):
    path, _ = cache
    with h5py.File(path) as file:
        chunk = file["t1"].id.get_chunk_info(0)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset + 1000] ^= 1
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"album\.h5: is damaged"):
        read_tracks(path, ["t1"])


def test_missing_track_and_foreign_file_are_named(cache, tmp_path):
    with pytest.raises(InputError, match="lacks a track"):
        read_tracks(cache[0], ["t2"])
    foreign = tmp_path / "foreign.h5"
    foreign.write_text("nothing of ours")
    with pytest.raises(InputError, match=r"foreign\.h5: cannot be opened"):
        read_tracks(foreign, ["t1"])


@pytest.mark.parametrize(
    "read",
    [
        lambda path: read_tracks(path, ["t1"]),
        lambda path: read_frame_counts(path, ["t1"]),
        read_parameters,
        lambda path: write_index(path.with_suffix(".csv"), [path]),
    ],
)
def test_missing_cache_is_named_with_the_target_that_makes_it(tmp_path, read):
    path = tmp_path / "album.h5"
    with pytest.raises(InputError) as error:
        read(path)
    assert str(error.value) == f"{path}: is missing; `snakemake ... features` makes it"


def test_index_lists_caches_by_album_and_refuses_what_is_none(tmp_path):
    track = {"sha256": "ab", "sampling_rate": "16000", "duration": "5.0"}
    blocks = [np.zeros((4, 128), np.float32)]
    caches = [tmp_path / "b-1.h5", tmp_path / "a-2.h5"]
    for path, n_tracks in zip(caches, (1, 3), strict=True):
        tracks = [(track | {"track_id": f"t{number}"}, blocks) for number in range(n_tracks)]
        write_album(path, tracks, PARAMETERS.as_dict())
    write_index(tmp_path / "index.csv", caches)
    assert read_rows(tmp_path / "index.csv") == [
        {"album_id": "a-2", "n_tracks": "3"},
        {"album_id": "b-1", "n_tracks": "1"},
    ]
    caches[0].write_text("nothing of ours")
    with pytest.raises(InputError, match=r"b-1\.h5: cannot be opened"):
        write_index(tmp_path / "index.csv", caches)
