"""Instruments of the demo corpus: one note or one drum hit at a time, as float64 samples."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SAMPLING_RATE = 16000  # Hz, the demo corpus' own
_HIGHEST_PARTIAL = 7200.0  # Hz: below the Nyquist frequency, so that nothing aliases
_AT_ONCE = 1024  # samples of all partials computed at once: they stay in the processor's cache

Samples = NDArray[np.float64]
Spectrum = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@dataclass(frozen=True)
class Instrument:
    """A pitched sound: partials under an envelope.

    Attributes:
        spectrum: amplitude of the partials, given their numbers 1, 2, 3, ...
        attack: seconds until full loudness.
        decay: seconds until a held note has fallen to 1/e; infinite for bowed and blown sounds.
        brightness_decay: how much faster high partials fall than low ones (plucked, struck).
        vibrato: depth in semitones, at 5.5 Hz.
        detune: spread in cents between two voices; 0 is one voice.
        stretch: inharmonicity: partial n sounds at n * sqrt(1 + stretch * n**2).
        breath: share of noise.
        formant: Hz of a resonance, or 0.
    """

    spectrum: Spectrum
    attack: float = 0.01
    decay: float = float("inf")
    brightness_decay: float = 0.0
    vibrato: float = 0.0
    detune: float = 0.0
    stretch: float = 0.0
    breath: float = 0.0
    formant: float = 0.0


def _odd(n: NDArray[np.float64]) -> NDArray[np.float64]:
    return n % 2


INSTRUMENTS = {
    "nylon_guitar": Instrument(lambda n: n**-1.3, 0.004, 0.5, 0.5),
    "steel_guitar": Instrument(lambda n: n**-0.8, 0.003, 0.7, 0.3, stretch=1e-4),
    "piano": Instrument(lambda n: n**-1.1, 0.004, 0.9, 0.25, detune=3, stretch=3e-4),
    "electric_piano": Instrument(
        lambda n: np.isin(n, (1, 4, 14)) * n**-0.6, 0.005, 0.8, 0.15, detune=5
    ),
    "organ": Instrument(lambda n: np.isin(n, (1, 2, 3, 4, 6, 8)) * n**-0.35, 0.01, vibrato=0.08),
    "reed_organ": Instrument(lambda n: n**-0.6, 0.06, detune=12, formant=1100),
    "strings": Instrument(lambda n: n**-1.0, 0.12, vibrato=0.15, detune=14),
    "synth_pad": Instrument(lambda n: n**-1.5, 0.2, detune=22),
    "choir": Instrument(lambda n: n**-1.2, 0.12, vibrato=0.2, detune=10, breath=0.02, formant=750),
    "brass": Instrument(lambda n: n**-0.5 * np.exp(-n / 9), 0.05, vibrato=0.08, formant=1500),
    "clarinet": Instrument(lambda n: _odd(n) * n**-0.9, 0.03, vibrato=0.05, breath=0.01),
    "flute": Instrument(lambda n: n**-2.4, 0.05, vibrato=0.2, breath=0.06),
    "square_lead": Instrument(lambda n: _odd(n) / n, 0.004, vibrato=0.1),
    "saw_lead": Instrument(lambda n: 1 / n, 0.004, detune=16),
    "bell": Instrument(lambda n: np.isin(n, (1, 3, 5, 8)) * n**-0.5, 0.002, 0.7, 0.2, stretch=2e-2),
    "marimba": Instrument(lambda n: np.isin(n, (1, 4, 10)) * n**-1.0, 0.002, 0.18, 0.6),
    "upright_bass": Instrument(lambda n: n**-1.8, 0.008, 0.5, 0.4),
    "picked_bass": Instrument(lambda n: n**-0.9, 0.003, 0.8, 0.25),
    "synth_bass": Instrument(lambda n: _odd(n) / n, 0.003, 0.9, 0.1),
    "sub_bass": Instrument(lambda n: n**-3.0, 0.01),
}


def play_note(
    instrument: Instrument, frequency: float, seconds: float, generator: np.random.Generator
) -> Samples:
    """Return a note of `frequency` Hz held for `seconds`, plus a short release, peak about 1."""
    release = 0.08
    t = np.arange(int((seconds + release) * SAMPLING_RATE)) / SAMPLING_RATE
    voices = (0.0,) if not instrument.detune else (-instrument.detune / 2, instrument.detune / 2)
    note = sum(
        _partials(instrument, frequency * 2 ** (cents / 1200), t, generator) for cents in voices
    ) / len(voices)
    if instrument.breath:
        note = note + instrument.breath * generator.standard_normal(len(t))
    return note * np.minimum(1, t / instrument.attack) * np.clip((t[-1] - t) / release, 0, 1)


def _partials(
    instrument: Instrument, frequency: float, t: Samples, generator: np.random.Generator
) -> Samples:
    n = np.arange(1, 31, dtype=float)
    frequencies = frequency * n * np.sqrt(1 + instrument.stretch * n**2)
    amplitudes = instrument.spectrum(n)
    if instrument.formant:
        octaves = np.log2(frequencies / instrument.formant)
        amplitudes = amplitudes * (0.3 + 2 * np.exp(-2 * octaves**2))
    heard = (frequencies < _HIGHEST_PARTIAL) & (amplitudes > 0.005)
    n, frequencies, amplitudes = n[heard], frequencies[heard], amplitudes[heard]
    vibrato_onset = np.minimum(1, t / 0.3)  # players let a note settle first
    deviation = instrument.vibrato * np.log(2) / 12 * vibrato_onset
    phase = 2 * np.pi * t + deviation / 5.5 * np.sin(2 * np.pi * 5.5 * t)
    starts = generator.uniform(0, 2 * np.pi, (len(n), 1))
    fall = instrument.brightness_decay / instrument.decay
    note = np.empty(len(t))
    for first in range(0, len(t), _AT_ONCE):
        part = slice(first, first + _AT_ONCE)
        if instrument.stretch:
            waves = np.sin(frequencies[:, None] * phase[part] + starts)
            waves *= amplitudes[:, None] * np.exp(-fall * n[:, None] * t[part])
            note[part] = waves.sum(axis=0)
        else:
            wave = np.exp(1j * frequency * phase[part] - fall * t[part])
            note[part] = _polynomial(n, amplitudes * np.exp(1j * starts[:, 0]), wave).imag
    return note * np.exp(-t / instrument.decay) / max(amplitudes.sum() ** 0.5, 1e-9) * 0.6


def _polynomial(
    powers: Samples, coefficients: NDArray[np.complex128], x: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Return the sum of coefficient * x**power, by Horner's scheme.

    Harmonic partial n, including its decay, is the n-th power of the first, so the partials need no
    separate sines or exponentials.
    """
    by_power = np.zeros(int(powers.max(initial=0)) + 1, complex)
    by_power[powers.astype(int)] = coefficients
    total = np.zeros_like(x)
    for coefficient in by_power[::-1]:
        total *= x
        total += coefficient
    return total


def kick(tone: float, generator: np.random.Generator) -> Samples:
    """Return a bass drum; `tone` (0 to 1) goes from soft and low to hard and high."""
    t = np.arange(int(0.3 * SAMPLING_RATE)) / SAMPLING_RATE
    sweep = (45 + 20 * tone) * t + (2 + 4 * tone) * (1 - np.exp(-t / 0.03))
    click = tone * 0.4 * generator.standard_normal(len(t)) * np.exp(-t / 0.004)
    return np.sin(2 * np.pi * sweep) * np.exp(-t / (0.14 - 0.06 * tone)) + click


def snare(tone: float, generator: np.random.Generator) -> Samples:
    """Return a snare drum; `tone` (0 to 1) goes from brushed to tight and bright."""
    t = np.arange(int(0.3 * SAMPLING_RATE)) / SAMPLING_RATE
    noise = generator.standard_normal(len(t))
    noise[1:] += (1 - tone) * 0.9 * noise[:-1]  # brushes are darker
    shell = np.sin(2 * np.pi * (160 + 80 * tone) * t) * np.exp(-t / 0.05)
    return 0.5 * noise * np.exp(-t / (0.13 - 0.07 * tone)) + 0.6 * shell


def hat(tone: float, is_open: bool, generator: np.random.Generator) -> Samples:
    """Return a hi-hat; `tone` (0 to 1) goes from dark to bright."""
    t = np.arange(int((0.3 if is_open else 0.08) * SAMPLING_RATE)) / SAMPLING_RATE
    noise = generator.standard_normal(len(t))
    bright = np.diff(noise, n=1 + int(tone > 0.5), prepend=np.zeros(1 + int(tone > 0.5)))
    return 0.35 * bright * np.exp(-t / (0.1 if is_open else 0.02))
