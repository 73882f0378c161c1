"""m4a and AAC: the samples that were encoded, all of them and no more; without PyAV, named."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from recordings import encode

from artistid.corpus import audio, m4a
from artistid.corpus.audio import decode_facts, mono_blocks
from artistid.corpus.folder import folder_state, list_recordings
from artistid.corpus.scan import scan
from artistid.errors import InputError

INTEGERS = {"s16p": np.int16, "s32p": np.int32}


def music(n: int, channels: int, rate: int = 16000) -> np.ndarray:
    """Notes and noise below full scale, shape (n, channels)."""
    generator = np.random.default_rng(7)
    t = np.arange(n)[:, None] / rate
    notes = np.sin(2 * np.pi * 440 * t * np.arange(1, channels + 1)) * np.exp(-(t % 0.25) * 4)
    return (0.3 * notes + 0.02 * generator.standard_normal((n, channels))).astype(np.float32)


def mono(path: Path, rate: int = 16000) -> np.ndarray:
    return np.concatenate(list(mono_blocks(path, rate)))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(("kind", "subtype"), [("s16p", "PCM_16"), ("s32p", "PCM_24")])
def test_lossless_m4a_is_the_same_as_flac_to_the_last_bit(tmp_path, kind, subtype, channels):
    dtype = INTEGERS[kind]
    samples = (music(40001, channels) * np.iinfo(dtype).max).astype(dtype)
    if subtype == "PCM_24":
        samples &= ~np.int32(255)
    path = encode(tmp_path / "1.m4a", samples, 16000, "alac", kind)
    soundfile.write(tmp_path / "1.flac", samples, 16000, subtype=subtype)
    assert decode_facts(path) == decode_facts(tmp_path / "1.flac")
    assert np.array_equal(mono(path), mono(tmp_path / "1.flac"))
    assert np.array_equal(mono(path, 8000), mono(tmp_path / "1.flac", 8000))


# Whole milliseconds: FFmpeg writes lengths in these.
@pytest.mark.parametrize("n", [16000, 50000, 12352])
@pytest.mark.parametrize("channels", [1, 2])
def test_aac_is_where_it_was_and_as_long_as_the_container_states(tmp_path, n, channels):
    samples = music(n, channels)
    path = encode(tmp_path / "1.m4a", samples, 16000, "aac", "fltp")
    facts = decode_facts(path)
    assert (facts.n_samples, facts.announced) == (n, n)
    assert (facts.sampling_rate, facts.channels) == (16000, channels)
    decoded, expected = mono(path).astype(float), samples.mean(axis=1).astype(float)
    errors = [np.square(np.roll(decoded, shift) - expected).mean() for shift in range(-3, 4)]
    assert np.argmin(errors) == 3, "shifted"
    assert errors[3] < 0.05 * np.square(expected).mean()


@pytest.mark.parametrize("at_once", [1, 700, 1024, 100000])
@pytest.mark.parametrize(
    ("ending", "codec", "kind"),
    [("m4a", "aac", "fltp"), ("aac", "aac", "fltp"), ("m4a", "alac", "s16p")],
)
def test_any_block_size_gives_the_same_samples(tmp_path, monkeypatch, ending, codec, kind, at_once):
    samples = music(5000, 2)
    if kind in INTEGERS:
        samples = (samples * 32767).astype(np.int16)
    path = encode(tmp_path / f"1.{ending}", samples, 16000, codec, kind)
    whole = mono(path)
    monkeypatch.setattr(audio, "BLOCK_SAMPLES", 2 * at_once)
    blocks = list(mono_blocks(path, 16000))
    assert {len(block) for block in blocks[:-1]} <= {at_once}
    assert np.array_equal(np.concatenate(blocks), whole)


@pytest.mark.parametrize(("codec", "kind"), [("aac", "fltp"), ("alac", "s16p")])
def test_missing_seconds_of_a_file_that_was_cut_off_are_noticed(tmp_path, codec, kind):
    samples = music(160000, 1)
    if kind in INTEGERS:
        samples = (samples * 32767).astype(np.int16)
    path = encode(
        tmp_path / "a/b/1.m4a", samples, 16000, codec, kind, movflags="+faststart"
    )  # with its index first, as shops sell it
    whole = mono(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    facts = decode_facts(path)
    assert facts.announced == 160000
    assert 4 < facts.seconds_missing < 6
    assert np.array_equal(mono(path), whole[: facts.n_samples])
    (track,) = scan(tmp_path, list_recordings(tmp_path)[0], threads=1)
    assert track["status"] == "ok"
    assert "s of 10.0 s: cut short?" in track["remark"]


def test_damage_is_one_line(tmp_path):
    path = encode(tmp_path / "1.m4a", music(160000, 1), 16000, "aac", "fltp")
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 2000] = np.random.default_rng(1).bytes(2000)
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        decode_facts(path)
    assert str(error.value) == (
        f"{path}: cannot be decoded (it is damaged between 0 and 16 s after its start)"
    )


@pytest.mark.parametrize("cut", [0.001, 0.5, 0.9, 0.97])
def test_without_the_index_at_the_end_nothing_can_be_decoded(tmp_path, cut):
    path = encode(tmp_path / "1.m4a", music(50000, 1), 16000, "aac", "fltp")
    path.write_bytes(path.read_bytes()[: int(cut * path.stat().st_size)])
    with pytest.raises(InputError, match=r"cannot be decoded \((it holds no|libsndfile)") as error:
        decode_facts(path)
    assert "\n" not in str(error.value)


def test_bare_aac_states_no_length_and_keeps_the_encoders_delay(tmp_path):
    path = encode(tmp_path / "1.aac", music(50000, 1), 16000, "aac", "fltp")
    facts = decode_facts(path)
    assert facts.announced == facts.n_samples
    assert 50000 <= facts.n_samples <= 50000 + 2 * 1024
    tagged = tmp_path / "2.aac"
    tagged.write_bytes(b"ID3\x04\0\0" + bytes([0, 0, 1, 5]) + bytes(133) + path.read_bytes())
    assert m4a.is_m4a(tagged)
    assert np.array_equal(mono(tagged), mono(path))


def test_content_decides_and_not_the_name(tmp_path):
    path = encode(tmp_path / "1.m4a", music(16000, 1), 16000, "aac", "fltp")
    as_mp3 = path.rename(tmp_path / "caf\udce9 http:1.mp3")  # nor does a name that is not UTF-8
    assert decode_facts(as_mp3).n_samples == 16000
    soundfile.write(tmp_path / "2.mp3", music(16000, 1), 16000)
    mp3 = (tmp_path / "2.mp3").rename(tmp_path / "2.m4a")
    assert not m4a.is_m4a(mp3)
    assert decode_facts(mp3).n_samples == 16000


@pytest.fixture
def without_av(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    assert not m4a.available()


@pytest.mark.parametrize("ending", sorted(m4a.EXTENSIONS))
def test_without_pyav_the_line_says_what_to_install(tmp_path, without_av, ending):
    path = tmp_path / f"1{ending}"
    path.write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + np.random.default_rng(1).bytes(5000))
    with pytest.raises(InputError) as error:
        decode_facts(path)
    assert str(error.value) == (
        f"{path}: cannot be decoded ({ending} needs PyAV: run `pip install --editable '.[m4a]'` in "
        "the workflow's folder, or convert it to flac, wav or ogg)"
    )


def test_installing_pyav_looks_at_the_folder_again(tmp_path, monkeypatch):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/1.flac").touch()
    monkeypatch.setattr(m4a, "available", lambda: True)
    without_m4a = folder_state(tmp_path).fingerprint
    monkeypatch.setattr(m4a, "available", lambda: False)
    assert folder_state(tmp_path).fingerprint == without_m4a
    (tmp_path / "a/b/1.M4A").touch()
    before = folder_state(tmp_path).fingerprint
    monkeypatch.setattr(m4a, "available", lambda: True)
    assert folder_state(tmp_path).fingerprint != before
