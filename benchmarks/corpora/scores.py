"""Make a corpus of real compositions: an artist has only its music, an album its sound.

    pip install -r benchmarks/corpora/requirements.txt
    apt-get install fluidsynth fluid-soundfont-gm timgm6mb-soundfont csound-soundfont
    apt-get install musescore-general-soundfont-small opl3-soundfont
    python benchmarks/corpora/scores.py OUTPUT_FOLDER

The scores are those of music21's corpus, and fluidsynth plays them with sound fonts. The workflow
needs none of these, so they are installed by hand. An artist is a composer or a collection of
tunes. All artists share the instruments and the sound fonts, and each album draws its own.
OUTPUT_FOLDER.csv names the pieces, the sound font and the instruments of each track. README.md
beside this file says how to use the corpus.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
import numpy as np
import soundfile
import soxr
from albums import Mastering, add_size, draw_mastering, make_albums, refuse_old
from pieces import ARTISTS, Note, Shelf, Tunes

from artistid.demo.instruments import SAMPLING_RATE, Samples
from artistid.demo.names import album_name, track_name
from artistid.demo.production import draw_production
from artistid.errors import InputError

# Debian's packages of sound fonts and their files.
FONTS = {
    "fluid-soundfont-gm": Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"),
    "timgm6mb-soundfont": Path("/usr/share/sounds/sf2/TimGM6mb.sf2"),
    "musescore-general-soundfont-small": Path("/usr/share/sounds/sf3/MuseScore_General_Lite.sf3"),
    "csound-soundfont": Path("/usr/share/sounds/sf2/sf_GMbank.sf2"),
    "opl3-soundfont": Path("/usr/share/sounds/sf2/OPL-3_FM_128M.sf2"),
}
# General MIDI programs, from 0. The pool is small, so that an instrument plays several artists.
PROGRAMS = {
    0: "piano",
    6: "harpsichord",
    11: "vibraphone",
    19: "church organ",
    21: "accordion",
    24: "nylon guitar",
    40: "violin",
    48: "strings",
    52: "choir",
    68: "oboe",
    71: "clarinet",
    73: "flute",
}
CHANNELS = [channel for channel in range(16) if channel != 9]  # 9 is drums
BEATS_PER_MINUTE = 108  # in the middle of the albums' range
TICKS = 480  # per quarter note
RENDERED_RATE = 44100  # Hz: the sound fonts' own, so that nothing aliases
LONGEST_SILENCE = 2.0  # seconds of a track


@dataclass(frozen=True)
class Album:
    """What all tracks of an album share.

    Attributes:
        font: name of the sound font's package.
        programs: instrument of each part, repeated if there are more parts.
        volumes: MIDI volume of each part, likewise.
        transposition: semitones.
        tempo: factor.
        articulation: share of a note's length that sounds.
        looseness: seconds by which notes come early or late, standard deviation.
        mastering: mix, room, tone, compression, level and codec.
    """

    font: str
    programs: tuple[int, ...]
    volumes: tuple[int, ...]
    transposition: int
    tempo: float
    articulation: float
    looseness: float
    mastering: Mastering


def draw_album(generator: np.random.Generator) -> Album:
    """Return an album's sound, from the same ranges for every artist."""
    palette = generator.choice(list(PROGRAMS), int(generator.integers(1, 4)), replace=False)
    return Album(
        font=str(generator.choice(list(FONTS))),
        programs=tuple(int(program) for program in generator.choice(palette, 6)),
        volumes=tuple(int(volume) for volume in generator.integers(75, 127, 6)),
        transposition=int(generator.integers(-4, 5)),
        tempo=float(np.exp(generator.uniform(-0.18, 0.18))),
        articulation=float(generator.uniform(0.8, 1.0)),
        looseness=float(generator.uniform(0.0, 0.02)),
        mastering=draw_mastering(draw_production(generator), generator),
    )


def write_midi(
    path: Path, notes: list[Note], album: Album, tempo: float, generator: np.random.Generator
) -> None:
    """Write notes as the album plays them; `tempo` is in quarter notes per second."""
    from mido import Message, MetaMessage, MidiFile, MidiTrack

    track = MidiTrack([MetaMessage("set_tempo", tempo=round(1e6 / tempo))])
    events = []
    for channel, program, volume in zip(CHANNELS, album.programs, album.volumes, strict=False):
        track.append(Message("program_change", channel=channel, program=program))
        track.append(Message("control_change", channel=channel, control=7, value=volume))
    for note in notes:
        channel = CHANNELS[note.part % len(album.programs)]
        start = note.start + tempo * generator.normal(0, album.looseness)
        tick = max(0, round(start * TICKS))
        last = tick + max(30, round(note.length * album.articulation * TICKS))
        pitch = int(np.clip(note.pitch + album.transposition, 21, 108))
        velocity = int(generator.integers(70, 100))
        events.append((tick, 1, channel, pitch, velocity))
        events.append((last, 0, channel, pitch, 0))
    now = 0
    for tick, is_start, channel, pitch, velocity in sorted(events):
        kind = "note_on" if is_start else "note_off"
        track.append(Message(kind, channel=channel, note=pitch, velocity=velocity, time=tick - now))
        now = tick
    MidiFile(tracks=[track], ticks_per_beat=TICKS).save(path)


def render(midi: Path, font: Path) -> Samples:
    """Return fluidsynth's rendering, dry, shape (n,), at the demo's sampling rate."""
    wave = midi.with_suffix(".wav")
    options = [
        "-o",
        "synth.dynamic-sample-loading=1",
        "-R",
        "0",
        "-C",
        "0",
        "-g",
        "0.4",
        "-O",
        "float",
    ]
    command = ["fluidsynth", "-q", "-n", "-i", *options, "-r", str(RENDERED_RATE), "-T", "wav"]
    subprocess.run([*command, "-F", wave, font, midi], check=True, stdout=subprocess.DEVNULL)
    samples, rate = soundfile.read(wave, always_2d=True)
    return soxr.resample(samples.mean(axis=1), rate, SAMPLING_RATE)


def longest_silence(samples: Samples) -> float:
    """Return the seconds of the longest stretch that is 50 dB below the peak."""
    step = SAMPLING_RATE // 10
    windows = np.abs(samples[: len(samples) // step * step]).reshape(-1, step).max(axis=1)
    sounding = np.flatnonzero(windows > windows.max() * 10 ** (-50 / 20))
    edges = np.concatenate([[-1], sounding, [len(windows)]])
    return float(np.diff(edges).max() - 1) / 10 if windows.any() else len(samples) / SAMPLING_RATE


def make_album(
    paths: list[Path],
    tracks: list[list[Note]],
    album: Album,
    tempo: float,
    seconds: float,
    seeds: list[int],
) -> None:
    """Play, master and encode an album's tracks, given their notes.

    Raises:
        InputError: a sound font has no sound for what an instrument has to play.
    """
    for number, (path, notes) in enumerate(zip(paths, tracks, strict=True)):
        generator = np.random.default_rng([*seeds, number])
        with tempfile.TemporaryDirectory() as folder:
            midi = Path(folder) / "track.mid"
            write_midi(midi, notes, album, tempo, generator)
            samples = render(midi, FONTS[album.font])[: int(seconds * SAMPLING_RATE)]
        silence = longest_silence(samples)
        if silence > LONGEST_SILENCE:
            raise InputError(
                f"{path} would be silent for {silence:.1f} s: {FONTS[album.font]} lacks the notes "
                f"of {instruments(album)}; take another --seed"
            )
        album.mastering.write(path, {"lead": samples}, generator)


def instruments(album: Album) -> str:
    """Return the instruments of an album's parts, for people."""
    return ", ".join(PROGRAMS[program] for program in album.programs)


def check_tools() -> Path:
    """Return the folder of music21's corpus.

    Raises:
        InputError: a Python package, fluidsynth or a sound font is not installed.
    """
    packages = [name for name in ("music21", "mido") if find_spec(name) is None]
    if packages:
        raise InputError(
            f"{' and '.join(packages)} not found: "
            "run pip install -r benchmarks/corpora/requirements.txt"
        )
    debian = [package for package, font in FONTS.items() if not font.exists()]
    if shutil.which("fluidsynth") is None:
        debian.insert(0, "fluidsynth")
    if debian:
        raise InputError(
            f"{' and '.join(debian)} not found: run apt-get install {' '.join(debian)}"
        )
    return Path(find_spec("music21").origin).parent / "corpus"


def plan(args: argparse.Namespace, root: Path) -> tuple[list[tuple], list[tuple]]:
    """Return the arguments of `make_album` for each album, and the rows of the list of tracks."""
    tunes = Tunes()  # of all artists, because collections share tunes
    calls: list[tuple] = []
    rows: list[tuple] = [("artist", "album", "track", "font", "instruments", "pieces")]
    for artist, name in enumerate(list(ARTISTS)[: args.artists]):
        list_pieces, quarters_per_beat = ARTISTS[name]
        shelf = Shelf(list_pieces(root), tunes, np.random.default_rng([args.seed, 7, artist]))
        for number in range(args.albums):
            album = draw_album(np.random.default_rng([args.seed, 8, artist, number]))
            tempo = quarters_per_beat * album.tempo * BEATS_PER_MINUTE / 60
            folder = args.output_folder / name / album_name(number)
            paths = [folder / track_name(track) for track in range(args.tracks)]
            tracks = []
            for path in paths:
                titles, notes = shelf.take(tempo * args.seconds + 1)
                tracks.append(notes)
                played = (album.font, instruments(album), "; ".join(titles))
                rows.append((name, folder.name, path.name, *played))
            shelf.close_album()
            seeds = [args.seed, 9, artist, number]
            calls.append((paths, tracks, album, tempo, args.seconds, seeds))
        print(f"{name}: pieces chosen", flush=True)
    return calls, rows


def main() -> None:
    """Make the corpus."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    add_size(parser, artists=len(ARTISTS))
    args = parser.parse_args()
    if args.artists > len(ARTISTS):
        raise InputError(f"--artists {args.artists}: at most {len(ARTISTS)}")
    root = check_tools()
    refuse_old(args.output_folder)
    calls, rows = plan(args, root)
    make_albums(make_album, calls, args.processes)
    listing = args.output_folder.with_name(f"{args.output_folder.name}.csv")
    with listing.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    try:
        main()
    except InputError as error:
        sys.exit(str(error))
