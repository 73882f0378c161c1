"""What the search for near-duplicates costs, what it finds, and what it takes for the same.

    python benchmarks/near_duplicates.py time      # caches of artist20's size; 3 GB of disk
    python benchmarks/near_duplicates.py distinct  # pairs of different recordings
    python benchmarks/near_duplicates.py copies    # planted duplicates

`distinct` and `copies` take the demo's synthesiser, whose songs of an artist share scale, harmony,
rhythm and timbre, and whose notes are alike to the bit more often than any player's.
"""

import argparse
import os
import resource
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
import numpy as np
import soundfile
import soxr

from artistid.audit.fingerprints import fingerprints_of, read_fingerprints
from artistid.audit.near_duplicates import MIN_OVERLAP, compare, find_near_duplicates, highest_score
from artistid.corpus.audio import mono_blocks
from artistid.demo.composition import compose, draw_style
from artistid.demo.production import draw_production, produce
from artistid.features.log_mel import LogMelParameters, log_mel, mel_filters
from artistid.features.mel_cache import write_album

PARAMETERS = LogMelParameters()
FILTERS = mel_filters(PARAMETERS)
FPS = PARAMETERS.sampling_rate / PARAMETERS.hop_length
SEED = 20


def made_song(frames: int, generator: np.random.Generator) -> np.ndarray:
    """Return a spectrogram with bars, chords and drums, shape (frames, 128), dB.

    Chords of four patterns go round; notes decay; each has its spectrum. It is not music, but words
    repeat in it, within a song and from song to song, as they do in music.
    """
    bands = np.arange(128)
    roots = generator.integers(8, 40, 8)
    beat = int(generator.integers(12, 24))
    notes = np.zeros((8, 128))
    for note, root in zip(notes, roots, strict=True):
        for partial in range(1, 12):
            place = root + 30 * np.log2(partial)
            note += generator.uniform(0.2, 1) / partial * np.exp(-0.5 * (bands - place) ** 2)
    n_beats = -(-frames // beat)
    bar = generator.integers(0, 8, (4, 16))
    played = bar[np.arange(n_beats) // 16 % 4, np.arange(n_beats) % 16]
    sung = generator.integers(0, 8, n_beats)
    decay = np.exp(-np.arange(beat) / (0.4 * beat))
    power = (notes[played] + notes[sung])[:, None, :] * decay[None, :, None]
    power = power.reshape(-1, 128)[:frames]
    power += 1e-3 * generator.exponential(1.0, (frames, 128)) * (1.01 - bands / 128)
    return (10 * np.log10(power + 1e-8)).astype(np.float32)


def write_corpus(folder: Path, n_albums: int, n_tracks: int, frames: int) -> list[dict[str, str]]:
    """Write caches of an artist20's size, every hundredth track a shifted, noisy copy."""
    generator = np.random.default_rng(SEED)
    tracks, original = [], None
    for album in range(n_albums):
        spectrograms = []
        for number in range(album, n_tracks, n_albums):
            if number % 100 == 99:
                noise = generator.normal(0, 1.5, original[40:].shape)
                song = (original[40:] + noise - 10).astype(np.float32)
            else:
                length = int(frames * generator.uniform(0.5, 1.5))
                song = original = made_song(length, generator)
            track = {
                "track_id": f"t{number:04d}",
                "album_id": f"a{album:03d}",
                "sha256": "",
                "sampling_rate": "16000",
                "duration": "240",
            }
            spectrograms.append((track, [song]))
            tracks.append(track)
        write_album(folder / f"a{album:03d}.h5", spectrograms, PARAMETERS.as_dict())
    return tracks


def measure_time(n_tracks: int, frames: int) -> None:
    """Print seconds and memory of the search on caches of artist20's size."""
    with tempfile.TemporaryDirectory() as folder:
        tracks = write_corpus(Path(folder), 120, n_tracks, frames)
        size = sum(path.stat().st_size for path in Path(folder).glob("*.h5"))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        # Of this process alone, whatever else the machine does.
        started = time.process_time()
        prints = read_fingerprints(tracks, Path(folder))
        read = time.process_time()
        found = find_near_duplicates(prints)
        ended = time.process_time()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    hours = len(prints.bits) / FPS / 3600
    print(f"{len(tracks)} tracks, {hours:.0f} hours, caches of {size / 1e9:.2f} GB")
    print(
        f"processor time: read and fingerprint {read - started:.1f} s, search {ended - read:.1f} s"
    )
    print(f"peak memory {peak / 1e3:.0f} MB (before: {before / 1e3:.0f} MB)")
    print(f"found {len(found)} of {n_tracks // 100} planted copies")


def song(artist: int, album: int, track: int, seconds: float) -> np.ndarray:
    """Return samples of a demo song."""
    production = draw_production(np.random.default_rng([SEED, 3, artist, album]))
    generator = np.random.default_rng([SEED, 4, artist, album, track])
    return produce(compose(draw_style(artist, SEED), seconds, generator), production, generator)


def as_log_mel(samples: np.ndarray) -> np.ndarray:
    """Return the log-mel spectrogram of samples, as a cache holds it."""
    return log_mel([samples.astype(np.float32)], FILTERS, PARAMETERS).astype(np.float16)


def lowest_margin(prints, a: int, b: int) -> float:
    """Return the lowest score above what would make two recordings the same, over all lags."""
    lengths = prints.lengths
    most = int((1 - MIN_OVERLAP) * min(lengths[a], lengths[b])) + abs(lengths[a] - lengths[b])
    pairs = (compare(prints, a, b, lag) for lag in range(-most, most + 1))
    return min(pair.score - highest_score(pair.overlap / FPS) for pair in pairs)


def measure_distinct(
    n_artists: int, n_albums: int, n_tracks: int, seconds: float, at_most: int
) -> None:
    """Print how many pairs of different recordings are mistaken for the same, and the margins."""
    names = [
        (artist, album, track)
        for artist in range(n_artists)
        for album in range(n_albums)
        for track in range(n_tracks)
    ]
    whole = [as_log_mel(song(*name, seconds)) for name in names]
    for length in (seconds, seconds / 2.5, 4, 2, 1):
        prints = fingerprints_of((mel[: int(length * FPS) + 1] for mel in whole), PARAMETERS)
        found = find_near_duplicates(prints)
        pairs = len(names) * (len(names) - 1) // 2
        print(f"\n{length:g} s: {len(found)} of {pairs} pairs taken for the same")
        for pair in found:
            print(f"    {names[pair.a]} {names[pair.b]} score {pair.score:.3f} lag {pair.lag}")
        report_margins(prints, names, at_most)


def report_margins(prints, names: list[tuple[int, int, int]], at_most: int) -> None:
    """Print how far drawn pairs are from the threshold at their best lag, and extrapolate."""
    kinds = defaultdict(list)
    for a in range(len(names)):
        for b in range(a + 1, len(names)):
            same = names[a][0] == names[b][0], names[a][1] == names[b][1]
            kinds["album" if all(same) else "artist" if same[0] else "other"].append((a, b))
    generator = np.random.default_rng(SEED)
    for kind, pairs in kinds.items():
        drawn = generator.permutation(len(pairs))[:at_most]
        margins = np.sort([lowest_margin(prints, *pairs[index]) for index in drawn])
        # The lowest twentieth as an exponential tail, extrapolated to the threshold.
        tail = margins[: max(10, len(margins) // 20)]
        scale = (tail[-1] - tail).mean()
        rate = len(tail) / len(margins) * np.exp(-tail[-1] / scale)
        print(
            f"  {kind:7}{len(drawn)} pairs at their best lag: lowest "
            f"{margins[0]:.3f} above the threshold, median {np.median(margins):.3f}; tail "
            f"extrapolated: {rate:.1e} per pair"
        )


def copy_of(
    samples: np.ndarray, is_trimmed: bool, has_level: bool, generator: np.random.Generator
) -> tuple[np.ndarray, str]:
    """Return the log-mel of a copy through an mp3 file, and its kind of bitrate."""
    if is_trimmed:
        first, last = (int(16000 * generator.uniform(0, 2)) for _ in range(2))
        samples = samples[first : len(samples) - last]
    if has_level:
        samples = samples * 10 ** (generator.uniform(-20, 6) / 20)
    rate = int(generator.choice([8000, 11025, 16000, 22050, 32000, 44100, 48000]))
    samples = np.clip(soxr.resample(samples, 16000, rate), -1, 1)
    with tempfile.NamedTemporaryFile(suffix=".mp3") as file:
        soundfile.write(
            file.name,
            samples,
            rate,
            format="MP3",
            subtype="MPEG_LAYER_III",
            compression_level=generator.choice([0.99, 0.9, 0.82, 0.6, 0.3, 0.0]),
            bitrate_mode="CONSTANT",
        )
        kbits = Path(file.name).stat().st_size * 8 / (len(samples) / rate) / 1000
        mel = log_mel(mono_blocks(Path(file.name), 16000), FILTERS, PARAMETERS)
    return mel.astype(np.float16), "8 kbit/s" if kbits < 12 else "16 kbit/s and more"


def measure_copies(n_songs: int, seconds: float) -> None:
    """Print the share of planted duplicates that is not found."""
    songs = [song(number % 20, number // 20, 0, seconds) for number in range(n_songs)]
    kinds = [(trim, level) for trim in (False, True) for level in (False, True)]
    for length in (seconds, seconds / 2.5, 6, 4):
        generator = np.random.default_rng(SEED)
        originals = [samples[: int(16000 * length)] for samples in songs]
        copies = [
            (number, kind, *copy_of(original, *kind, generator))
            for number, original in enumerate(originals)
            for kind in kinds
        ]
        mels = [as_log_mel(original) for original in originals] + [copy[2] for copy in copies]
        prints = fingerprints_of(mels, PARAMETERS)
        found = {(pair.a, pair.b): pair.score for pair in find_near_duplicates(prints)}
        total, missed, scores = Counter(), Counter(), defaultdict(list)
        for position, (number, kind, _, bitrate) in enumerate(copies, len(songs)):
            group = (
                bitrate,
                " and ".join(["encoded again", *(["trimmed"] * kind[0]), *(["level"] * kind[1])]),
            )
            total[group] += 1
            missed[group] += (number, position) not in found
            scores[group].append(found.get((number, position), np.nan))
        print(f"\n{length:g} s")
        for group in sorted(total):
            found_scores = [score for score in scores[group] if score == score]
            worst = f"highest score found {max(found_scores):.3f}" if found_scores else "none found"
            print(f"  {group[0]:20}{group[1]:36} missed {missed[group]} of {total[group]}, {worst}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["time", "distinct", "copies"])
    parser.add_argument("--artists", type=int, default=20)
    parser.add_argument("--albums", type=int, default=4)
    parser.add_argument("--tracks", type=int, default=4, help="per album")
    parser.add_argument("--pairs", type=int, default=1500, help="of each kind, for the margins")
    parser.add_argument("--songs", type=int, default=100, help="of which copies are made")
    parser.add_argument("--seconds", type=float, default=20.0)
    args = parser.parse_args()
    if args.what == "time":
        measure_time(1413, 7430)
    elif args.what == "distinct":
        measure_distinct(args.artists, args.albums, args.tracks, args.seconds, args.pairs)
    else:
        measure_copies(args.songs, args.seconds)


if __name__ == "__main__":
    main()
