"""Spectrograms of files of any length: the cache's values, in bounded memory."""

import numpy as np
import pytest
from conftest import tone
from prediction_helpers import FILTERS, PARAMETERS

from artistid.corpus.audio import mono_blocks
from artistid.errors import InputError
from artistid.features.log_mel import log_mel_blocks
from artistid.features.mel_cache import read_tracks, write_album
from artistid.prediction import spectrograms
from artistid.prediction.spectrograms import spectrogram_of

soundfile = pytest.importorskip("soundfile")


def write(path, seconds=70, rate=16000):
    """Loud at the end only, so that what came before is clipped by a maximum not seen yet."""
    noise = np.random.default_rng(0).normal(0, 1e-4, int(seconds * rate)).astype(np.float32)
    soundfile.write(path, np.concatenate([noise, 5 * tone(2, rate)]), rate, subtype="FLOAT")
    return path


@pytest.mark.parametrize("in_memory", [1000, 1 << 30], ids=["on disk", "in memory"])
@pytest.mark.parametrize("rate", [16000, 22050])
def test_values_are_the_caches(tmp_path, monkeypatch, in_memory, rate):
    monkeypatch.setattr(spectrograms, "IN_MEMORY", in_memory)
    path = write(tmp_path / "a.wav", rate=rate)
    row = {"track_id": "t", "sha256": "", "sampling_rate": rate, "duration": 72}
    blocks = log_mel_blocks(mono_blocks(path, 16000), FILTERS, PARAMETERS)
    write_album(tmp_path / "album.h5", [(row, blocks)], PARAMETERS.as_dict())
    expected = read_tracks(tmp_path / "album.h5", ["t"])["t"]
    with spectrogram_of(path, FILTERS, PARAMETERS) as found:
        assert found.n_frames == len(expected)
        assert np.array_equal(np.concatenate(list(found.blocks())), expected)
        assert np.array_equal(found.frames(100, 31), expected[100:131])
        assert len(found.frames(found.n_frames - 5, 31)) == 5
    assert expected.min() == pytest.approx(expected.max() - 80, abs=0.1)
    assert (expected == expected.min()).mean() > 0.1, "something was clipped"


def test_what_cannot_be_decoded_is_named(tmp_path):
    (tmp_path / "a.wav").write_text("no music")
    with (
        pytest.raises(InputError, match=r"a\.wav: cannot be decoded"),
        spectrogram_of(tmp_path / "a.wav", FILTERS, PARAMETERS),
    ):
        pass


def test_full_disk_says_where_room_is_needed(tmp_path, monkeypatch):
    class Full:
        def __init__(self, *arguments, **options):
            pass

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(spectrograms.tempfile, "SpooledTemporaryFile", Full)
    with (
        pytest.raises(InputError, match=r"No space left on device.*set TMPDIR"),
        spectrogram_of(write(tmp_path / "a.wav", 1), FILTERS, PARAMETERS),
    ):
        pass
