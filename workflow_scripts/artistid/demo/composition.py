"""Style and songs of the demo corpus: what an artist's songs share, and how they differ."""

from dataclasses import dataclass

import numpy as np

from artistid.demo.instruments import (
    INSTRUMENTS,
    SAMPLING_RATE,
    Samples,
    hat,
    kick,
    play_note,
    snare,
)

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "harmonic_minor": (0, 2, 3, 5, 7, 8, 11),
    "blues": (0, 3, 4, 5, 7, 9, 10),
}
# Chord roots as scale degrees (0 is the tonic), one chord a bar.
PROGRESSIONS = (
    (0, 4, 5, 3),
    (0, 5, 3, 4),
    (0, 3, 0, 4),
    (5, 3, 0, 4),
    (0, 6, 5, 6),
    (1, 4, 0, 0),
    (0, 2, 3, 4),
    (0, 0, 3, 0),
    (3, 4, 2, 5),
    (0, 6, 3, 0),
)
CHORD_SHAPES = {  # steps of the scale above the chord's root
    "triad": (0, 2, 4),
    "seventh": (0, 2, 4, 6),
    "power": (0, 4, 7),
    "suspended": (0, 3, 4),
    "ninth": (0, 2, 6, 8),
}
# Sixteen steps a bar: k kick, s snare, h closed hat, o open hat; several sound together.
DRUM_PATTERNS = {
    "rock": "kh . h . sh . h . kh k h . sh . o .",
    "disco": "k . o . ks . o . k . o . ks . o .",
    "ballad": "k . . . h . . . s . . . h . . .",
    "shuffle": "kh . . h sh . . h kh . . h sh . . h",
    "bossa": "kh . h s kh . sh k kh . h s k . sh .",
    "breakbeat": "kh . k h sh . h s h s kh h sh . h .",
    "march": "k . s s k . s . k . s s ks s s s",
    "none": ". . . . . . . . . . . . . . . .",
}
BASS_PATTERNS = {  # (step, scale steps above the chord's root, length in steps)
    "roots": ((0, 0, 8), (8, 0, 8)),
    "eighths": tuple((step, 0, 2) for step in range(0, 16, 2)),
    "octaves": tuple((step, 7 * (step % 4 == 2), 2) for step in range(0, 16, 2)),
    "walking": ((0, 0, 4), (4, 2, 4), (8, 4, 4), (12, 5, 4)),
    "syncopated": ((0, 0, 3), (3, 0, 3), (6, 4, 4), (10, 0, 2), (13, 6, 3)),
    "drone": ((0, 0, 16),),
}
COMPING = {  # (steps at which the chord is struck, length in steps)
    "held": ((0,), 16),
    "quarters": ((0, 4, 8, 12), 3),
    "offbeats": ((2, 6, 10, 14), 2),
    "charleston": ((0, 6), 5),
    "arpeggio": (tuple(range(0, 16, 2)), 2),
}
LEADS = (
    "saw_lead flute brass steel_guitar clarinet square_lead bell nylon_guitar piano choir marimba"
).split()
CHORDS = (
    "organ piano strings electric_piano steel_guitar synth_pad reed_organ nylon_guitar choir"
).split()
BASSES = "picked_bass upright_bass synth_bass sub_bass".split()


@dataclass(frozen=True)
class Style:
    """What all songs of an artist share."""

    scale: tuple[int, ...]
    progressions: tuple[tuple[int, ...], ...]
    chord_shape: tuple[int, ...]
    drums: str
    drum_tone: float
    bass_pattern: tuple[tuple[int, int, int], ...]
    comping: tuple[tuple[int, ...], int]
    lead: str
    second_lead: str
    chords: str
    bass: str
    tempo: float  # beats per minute, the middle of the artist's range
    swing: float  # share of a step by which off-beat steps come late
    density: float  # probability of a melody note on a beat's steps
    lead_register: int  # MIDI note of the scale's lowest tonic


def draw_style(artist: int, seed: int) -> Style:
    """Return the style of artist number `artist`.

    Each trait is dealt out from a shuffled pack, so that neighbouring artists differ in most of
    them, and an artist's style does not depend on how many artists there are.
    """

    def deal(pack, stream: int):
        """Deal card number `artist` from packs shuffled one after the other."""
        round_, position = divmod(artist, len(pack))
        order = np.random.default_rng([seed, 1, stream, round_]).permutation(len(pack))
        return list(pack)[order[position]]

    own = np.random.default_rng([seed, 2, artist])
    lead = deal(LEADS, 6)
    return Style(
        scale=SCALES[deal(SCALES, 1)],
        progressions=tuple(
            PROGRESSIONS[index] for index in own.choice(len(PROGRESSIONS), 3, replace=False)
        ),
        chord_shape=CHORD_SHAPES[deal(CHORD_SHAPES, 2)],
        drums=DRUM_PATTERNS[deal(DRUM_PATTERNS, 3)],
        drum_tone=own.uniform(),
        bass_pattern=BASS_PATTERNS[deal(BASS_PATTERNS, 4)],
        comping=COMPING[deal(COMPING, 5)],
        lead=lead,
        second_lead=own.choice([name for name in LEADS if name != lead]),
        chords=deal(CHORDS, 7),
        bass=deal(BASSES, 8),
        tempo=own.uniform(76, 150),
        swing=own.choice([0.0, 0.0, 0.3, 0.5]),
        density=own.uniform(0.35, 0.8),
        lead_register=int(own.choice([60, 60, 67, 72])),
    )


class Song:
    """A song being written: stems that notes are added to, by bar and sixteenth step."""

    def __init__(self, style: Style, seconds: float, generator: np.random.Generator) -> None:
        self.style = style
        self.generator = generator
        self.n_samples = int(seconds * SAMPLING_RATE)
        tempo = style.tempo * generator.uniform(0.9, 1.1)
        self.step_seconds = 60 / tempo / 4
        self.n_bars = int(np.ceil(seconds / (16 * self.step_seconds)))
        self.tonic = int(generator.integers(-5, 7))  # semitones: the song's key
        self.stems = {
            name: np.zeros(self.n_samples) for name in ("lead", "chords", "bass", "drums")
        }

    def add(self, stem: str, bar: int, step: float, sound: Samples, gain: float) -> None:
        """Add a sound to a stem at a step of a bar, swung."""
        late = self.style.swing if int(step) % 4 == 2 else 0.0
        start = int((16 * bar + step + late) * self.step_seconds * SAMPLING_RATE)
        room = max(0, min(len(sound), self.n_samples - start))
        if room:
            self.stems[stem][start : start + room] += gain * sound[:room]

    def play(
        self, stem: str, name: str, bar: int, step: float, pitch: float, steps: float, gain: float
    ) -> None:
        """Add a note of MIDI number `pitch` on the named instrument."""
        frequency = 440 * 2 ** ((pitch - 69) / 12)
        seconds = steps * self.step_seconds
        note = play_note(INSTRUMENTS[name], frequency, seconds, self.generator)
        self.add(stem, bar, step, note, gain * self.generator.uniform(0.85, 1.0))

    def pitch(self, register: int, degree: int) -> int:
        """Return the MIDI number of a scale degree (7 is the tonic an octave up)."""
        octave, index = divmod(degree, len(self.style.scale))
        return register + self.tonic + 12 * octave + self.style.scale[index]


def compose(style: Style, seconds: float, generator: np.random.Generator) -> dict[str, Samples]:
    """Write and play a song; return its stems (lead, chords, bass, drums), each of shape (n,)."""
    song = Song(style, seconds, generator)
    sections = [style.progressions[index] for index in generator.permutation(3)[:2]]
    motifs = [_motif(style, generator) for _ in sections]
    lead = style.lead if generator.uniform() < 0.75 else style.second_lead
    for bar in range(song.n_bars):
        section = (bar // 4) % 2
        root = sections[section][bar % 4]
        _play_chords(song, bar, root)
        _play_bass(song, bar, root)
        _play_drums(song, bar)
        _play_melody(song, bar, root, motifs[section], lead)
    return song.stems


def _motif(style: Style, generator: np.random.Generator) -> list[tuple[int, int, int]]:
    """Return two bars of melody: (step, scale steps above the chord's root, length in steps)."""
    notes, degree, step = [], int(generator.choice([0, 2, 4])), 0
    while step < 32:
        length = int(generator.choice([2, 2, 3, 4, 4, 6, 8]))
        if generator.uniform() < style.density + 0.2 * (step % 8 == 0):
            notes.append((step, degree, length))
        degree = int(np.clip(degree + generator.choice([-3, -2, -1, -1, 0, 1, 1, 2, 4]), -3, 9))
        step += length
    return notes


def _play_chords(song: Song, bar: int, root: int) -> None:
    steps, length = song.style.comping
    pitches = [song.pitch(48, root + above) for above in song.style.chord_shape]
    is_arpeggio = len(steps) > 4
    for index, step in enumerate(steps):
        struck = [pitches[index % len(pitches)]] if is_arpeggio else pitches
        for pitch in struck:
            gain = (0.45 if is_arpeggio else 0.3) * (1.1 if step == 0 else 0.9)
            song.play("chords", song.style.chords, bar, step, pitch, length, gain)


def _play_bass(song: Song, bar: int, root: int) -> None:
    for step, above, length in song.style.bass_pattern:
        pitch = song.pitch(36, root + above)
        song.play("bass", song.style.bass, bar, step, pitch, length * 0.9, 0.7)


def _play_drums(song: Song, bar: int) -> None:
    tone, generator = song.style.drum_tone, song.generator
    is_fill = bar % 4 == 3 and "s" in song.style.drums
    for step, hits in enumerate(song.style.drums.split()):
        if is_fill and step >= 12:
            hits = "s"
        gain = generator.uniform(0.8, 1.0)
        if "k" in hits:
            song.add("drums", bar, step, kick(tone, generator), 0.8 * gain)
        if "s" in hits:
            song.add("drums", bar, step, snare(tone, generator), 0.5 * gain)
        if "h" in hits or "o" in hits:
            song.add("drums", bar, step, hat(tone, "o" in hits, generator), 0.35 * gain)


def _play_melody(
    song: Song, bar: int, root: int, motif: list[tuple[int, int, int]], lead: str
) -> None:
    for step, degree, length in motif:
        if step // 16 != bar % 2:
            continue
        if bar % 8 >= 4 and song.generator.uniform() < 0.2:  # the repeat is varied
            degree += int(song.generator.choice([-1, 1, 2]))
        pitch = song.pitch(song.style.lead_register, root + degree)
        song.play("lead", lead, bar, step % 16, pitch, length * 0.95, 0.5)
