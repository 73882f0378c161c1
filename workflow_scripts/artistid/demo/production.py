"""Album productions of the demo corpus: what mixing and mastering do to every song of an album."""

from dataclasses import dataclass

import numpy as np
import scipy.fft

from artistid.demo.instruments import SAMPLING_RATE, Samples

_PEAK = 0.7  # of full scale: room for what the mp3 encoder adds


@dataclass(frozen=True)
class Production:
    """What all songs of an album share.

    Attributes:
        tone_hz, tone_db: the tone curve: gains at frequencies, interpolated over log frequency.
        low_cut, high_cut: Hz, where the recording's band begins and ends.
        balance: gain of each stem.
        reverb_seconds: time in which the room's sound falls by 60 dB.
        reverb_level: level of the room against the direct sound.
        drive: strength of the saturating compression.
        noise_db: level of the noise floor against full scale.
        noise_slope: dB per octave of the noise floor.
        hum: level of mains hum against the noise floor.
    """

    tone_hz: np.ndarray
    tone_db: np.ndarray
    low_cut: float
    high_cut: float
    balance: dict[str, float]
    reverb_seconds: float
    reverb_level: float
    drive: float
    noise_db: float
    noise_slope: float
    hum: float


def draw_production(generator: np.random.Generator) -> Production:
    """Return an album's production."""
    return Production(
        tone_hz=np.geomspace(60, 8000, 9),
        tone_db=generator.normal(0, 4.5, 9),
        low_cut=generator.uniform(30, 160),
        high_cut=generator.uniform(4500, 7600),
        balance={
            stem: 10 ** (generator.normal(0, 3.0) / 20)
            for stem in ("lead", "chords", "bass", "drums")
        },
        reverb_seconds=generator.uniform(0.15, 1.4),
        reverb_level=generator.uniform(0.05, 0.5),
        drive=generator.uniform(0.6, 3.0),
        noise_db=generator.uniform(-70, -42),
        noise_slope=generator.uniform(-6, 1),
        hum=generator.choice([0.0, 0.0, 1.0]),
    )


def produce(
    stems: dict[str, Samples], production: Production, generator: np.random.Generator
) -> Samples:
    """Mix and master a song's stems to mono samples within full scale, shape (n,)."""
    mix = sum(production.balance[name] * stem for name, stem in stems.items())
    mix = mix / max(np.abs(mix).max(), 1e-9)
    mix = _add_room(mix, production, generator)
    mix = np.tanh(production.drive * mix) / np.tanh(production.drive)
    mix = _shape_tone(mix, production)
    mix = mix / max(np.abs(mix).max(), 1e-9) * _PEAK
    return np.clip(mix + _noise(len(mix), production, generator), -1, 1)


def _add_room(dry: Samples, production: Production, generator: np.random.Generator) -> Samples:
    t = np.arange(int(production.reverb_seconds * SAMPLING_RATE)) / SAMPLING_RATE
    decay = 10 ** (-3 * t / production.reverb_seconds)
    room = generator.standard_normal(len(t)) * decay
    room /= np.sqrt((room**2).sum())
    size = scipy.fft.next_fast_len(len(dry) + len(room), real=True)
    wet = scipy.fft.irfft(scipy.fft.rfft(dry, size) * scipy.fft.rfft(room, size), size)
    return dry + production.reverb_level * wet[: len(dry)]


def _shape_tone(mix: Samples, production: Production) -> Samples:
    spectrum = scipy.fft.rfft(mix)
    hz = np.maximum(scipy.fft.rfftfreq(len(mix), 1 / SAMPLING_RATE), 1.0)
    gain_db = np.interp(np.log(hz), np.log(production.tone_hz), production.tone_db)
    gain_db -= 10 * np.log10(1 + (production.low_cut / hz) ** 4)
    gain_db -= 10 * np.log10(1 + (hz / production.high_cut) ** 12)
    return scipy.fft.irfft(spectrum * 10 ** (gain_db / 20), len(mix))


def _noise(n_samples: int, production: Production, generator: np.random.Generator) -> Samples:
    spectrum = scipy.fft.rfft(generator.standard_normal(n_samples))
    hz = np.maximum(scipy.fft.rfftfreq(n_samples, 1 / SAMPLING_RATE), 20.0)
    noise = scipy.fft.irfft(
        spectrum * 10 ** (production.noise_slope * np.log2(hz / 1000) / 20), n_samples
    )
    t = np.arange(n_samples) / SAMPLING_RATE
    noise = noise / noise.std() + production.hum * np.sin(2 * np.pi * 50 * t)
    return 10 ** (production.noise_db / 20) * noise
