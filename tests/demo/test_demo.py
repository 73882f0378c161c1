"""The demo corpus: real mp3 files, the same from the same seed, music of a style."""

import numpy as np
import soundfile

from artistid.demo.composition import compose, draw_style
from artistid.demo.names import artist_name
from artistid.demo.recordings import make_album


def test_real_mp3_files_of_32_kbit_per_second(demo_album):
    for path in demo_album:
        facts = soundfile.info(path)
        assert (facts.format, facts.samplerate, facts.channels) == ("MP3", 16000, 1)
        assert abs(path.stat().st_size * 8 / facts.duration - 32_000) < 1_500


def test_same_seed_same_bytes_other_seed_other_music(demo_album, tmp_path):
    again = [tmp_path / path.name for path in demo_album]
    make_album(again, artist=0, album=0, seconds=5, seed=20)
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in demo_album]
    make_album(again, artist=0, album=0, seconds=5, seed=21)
    assert again[0].read_bytes() != demo_album[0].read_bytes()


def test_loud_but_not_clipped(demo_album):
    for path in demo_album:
        samples, _ = soundfile.read(path)
        assert 0.3 < np.abs(samples).max() < 1.0
        assert np.sqrt(np.mean(samples**2)) > 0.02


def test_neighbouring_artists_differ_in_most_traits():
    styles = [draw_style(artist, seed=20) for artist in range(8)]
    for trait in ("scale", "lead", "chords", "drums"):
        assert len({getattr(style, trait) for style in styles}) == 8
    assert len({artist_name(artist) for artist in range(30)}) == 30


def test_notes_are_in_the_scale():
    """The energy of the chords is at the scale's pitches, not between them."""
    style = draw_style(1, seed=20)
    chords = compose(style, 8, np.random.default_rng(0))["chords"]
    spectrum = np.abs(np.fft.rfft(chords * np.hanning(len(chords)))) ** 2
    hz = np.fft.rfftfreq(len(chords), 1 / 16000)
    heard = (hz > 130) & (hz < 1000)
    semitones = 12 * np.log2(hz[heard] / 440)
    off_pitch = np.abs(semitones - np.round(semitones)) > 0.35
    assert spectrum[heard][off_pitch].sum() < 0.05 * spectrum[heard].sum()


def test_drums_are_on_the_beat():
    style = draw_style(2, seed=20)
    drums = compose(style, 8, np.random.default_rng(0))["drums"]
    if "k" not in style.drums:
        assert not drums.any()
        return
    envelope = np.abs(drums).reshape(-1, 160).max(axis=1)  # every 10 ms
    onsets = np.maximum(np.diff(envelope), 0)
    periodicity = np.correlate(onsets, onsets, "full")[len(onsets) - 1 :]
    bar = periodicity[50:400].max()
    assert bar > 0.4 * periodicity[0]
