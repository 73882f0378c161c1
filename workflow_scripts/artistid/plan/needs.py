"""What each job needs of a node, from the size of its work: memory, minutes, and disk.

A cluster kills a job that exceeds its request, and delays a job that requests too much.
So each figure below follows what was measured (docs/cluster.md puts them side by side), with room
for another machine: half as much memory again, and many times the minutes, because a node's disk
and GPU may be slow and an early end costs nothing. A job that fails requests more the next time
(rules/resources.smk).

Only arithmetic: this module is imported on a login node.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from artistid.corpus.size import CorpusSize
from artistid.models.costs import PUBLISHED_WIDTH, network_cost, system_cost

# A job on a node is three processes: two of Snakemake's, which read the rules and find the job's
# inputs, and the job itself. The first two hold this much, and more with each album's file.
SNAKEMAKE_MB, SNAKEMAKE_MB_PER_ALBUM = 350, 0.05
# Python with numpy, h5py and a decoder; with matplotlib, pandas or parts of scipy.
PLAIN_MB, LIBRARIES_MB = 150, 350
# torch in a process with a GPU (CUDA's libraries are mapped, a context is made), and without one.
TORCH_ON_GPU_MB, TORCH_ON_CPU_MB = 3000, 500
# Of a training with a GPU: one launches the kernels of the forward pass, one of the backward.
GPU_THREADS = 2
FRAMES_PER_SECOND = 31
# What a training has on disk at most, in weights: the state of an unfinished training holds the
# network, Adam's two averages and the best weights, and exists beside the state that replaces it;
# and the weights themselves.
SAVED_COPIES = 2 * 4 + 1
# Memory of a training that tells its slices and their order, as a share of their spectrograms: 1 %
# was measured (benchmarks/data.py).
SLICES_PER_DATA = 0.02
# Seconds of audio that a slow processor decodes, or turns into log-mel, in a second.
DECODED_PER_SECOND, EXTRACTED_PER_SECOND = 500, 100
FLOAT16, FLOAT32, FLOAT64 = 2, 4, 8
MEGA = 1e6


@dataclass(frozen=True)
class Needs:
    """What a job requests: memory and disk in MB, run time in minutes."""

    mem_mb: int
    runtime: int
    disk_mb: int


def needs(process_mb: float, minutes: float, disk_mb: float = 0, n_albums: int = 0) -> Needs:
    """Return what a job requests, from what its own process needs, rounded up.

    Args:
        process_mb: memory of the job's process.
        minutes: time of its work.
        disk_mb: what it writes.
        n_albums: how many albums' files Snakemake looks at beside it.
    """
    snakemake_mb = SNAKEMAKE_MB + SNAKEMAKE_MB_PER_ALBUM * n_albums
    return Needs(
        100 * math.ceil((snakemake_mb + process_mb) / 100),
        10 * math.ceil(max(10, minutes + 5) / 10),
        100 + math.ceil(disk_mb),
    )


def log_mel_mb(seconds: float, log_mel: Mapping[str, Any]) -> float:
    """Return the size of log-mel spectrograms as they are stored, float16."""
    frames = seconds * log_mel["sampling_rate"] / log_mel["hop_length"]
    return frames * log_mel["n_mels"] * FLOAT16 / MEGA


def demo_album(n_tracks: int, seconds: float) -> Needs:
    """Synthesis of an album: voices of one track at a time, float64 at 16 kHz."""
    samples_mb = seconds * 16000 * FLOAT64 / MEGA
    return needs(PLAIN_MB + 30 * samples_mb, n_tracks * seconds / 60, n_tracks * samples_mb / 10)


def scan(n_recordings: int, n_bytes: int, threads: int) -> Needs:
    """Decoding of every recording once: blocks in memory, a row for each, at least 5 MB/s."""
    seconds = n_bytes / 5e6 + 0.1 * n_recordings / threads
    return needs(PLAIN_MB + 20 * threads + 0.01 * n_recordings, seconds / 60, 0.001 * n_recordings)


def mel_filters() -> Needs:
    """librosa, once."""
    return needs(LIBRARIES_MB, 0)


def extraction(seconds: float, longest: float, log_mel: Mapping[str, Any]) -> Needs:
    """An album's log-mel spectrograms: one track at a time in float32, three copies at the end."""
    track_mb = log_mel_mb(longest, log_mel) * FLOAT32 / FLOAT16
    return needs(
        PLAIN_MB + 3 * track_mb, seconds / EXTRACTED_PER_SECOND / 60, log_mel_mb(seconds, log_mel)
    )


def split(size: CorpusSize) -> Needs:
    """A draw over the rows of ``tracks.csv``, held as text."""
    return needs(PLAIN_MB + 0.01 * size.n_tracks, 0.001 * size.n_tracks, 0.001 * size.n_tracks)


def near_duplicates(size: CorpusSize, log_mel: Mapping[str, Any]) -> Needs:
    """A search of all recordings: an album at a time, fingerprints of all, ten million candidates.

    Fingerprints and what is sorted of them take 40 bytes a frame.
    """
    frames = size.seconds * log_mel["sampling_rate"] / log_mel["hop_length"]
    album_mb = log_mel_mb(max(size.albums.values(), default=0), log_mel)
    return needs(
        PLAIN_MB + 1000 + 40 * frames / MEGA + 3 * album_mb,
        10 + frames / 1e6,
        0.001 * size.n_tracks,
        len(size.albums),
    )


def audit(size: CorpusSize) -> Needs:
    """An audit of a split: its rows, and those of ``tracks.csv``, held as text."""
    return needs(PLAIN_MB + 0.02 * size.n_tracks, 0.001 * size.n_tracks, 0.001 * size.n_tracks)


def step_mb(model: str, settings: Mapping[str, Any], batch_size: int, slice_frames: int) -> float:
    """Return what a training step on the processor holds beside the data set.

    Activations grow with batch, slice and width, weights with the square of the width.
    """
    cost, width = network_cost(model), _width(settings)
    slices = batch_size * slice_frames / FRAMES_PER_SECOND
    return 100 + cost.step_mb * slices * width + cost.weights_mb * max(width, width**2)


def _width(settings: Mapping[str, Any]) -> float:
    """Return a network's width as a multiple of the published one."""
    return settings.get("width", PUBLISHED_WIDTH) / PUBLISHED_WIDTH


def training_threads(cores: int, at_once: int | None, on_gpu: bool) -> int:
    """Return the processor threads of a training on this machine.

    On a GPU two: more would keep other jobs waiting and feed it no faster. On the processor a
    training has its share of the cores: small networks gain little from a second thread, and two
    trainings side by side are faster than one after the other with twice the threads
    (benchmarks/training.py).

    Args:
        cores: of all jobs together.
        at_once: trainings that may run at the same time; None for no limit.
        on_gpu: whether this machine has a GPU for them.
    """
    share = max(1, cores // max(1, at_once or 1))
    return min(GPU_THREADS, cores) if on_gpu else share


def training(
    size: CorpusSize,
    model: str,
    settings: Mapping[str, Any],
    training: Mapping[str, Any],
    slice_frames: int,
    log_mel: Mapping[str, Any],
    in_memory_mb: float,
    on_gpu: bool = True,
) -> Needs:
    """Training of a network, all epochs of it, and its predictions.

    The data set is held once, up to `in_memory_mb`; a larger one is mapped from a file on the disk
    of the node, and only the index of its slices is in memory. `on_gpu` is false if it is known
    that no GPU will be there.
    """
    data_mb = log_mel_mb(size.seconds, log_mel)
    held_mb = min(data_mb, in_memory_mb) + SLICES_PER_DATA * data_mb
    mapped_mb = data_mb if data_mb > in_memory_mb else 0
    predictions_mb = _answers_mb(size, slice_frames, log_mel)
    cost, width = network_cost(model), _width(settings)
    seconds = training["epochs"] * size.seconds / cost.slices_per_second * max(1, width**2)
    step = step_mb(model, settings, training["batch_size"], slice_frames)
    saved_mb = cost.saved_mb * max(width, width**2)
    return needs(
        (TORCH_ON_GPU_MB if on_gpu else TORCH_ON_CPU_MB) + (held_mb + step + 4 * predictions_mb),
        20 + data_mb / 50 / 60 + seconds / 60,
        SAVED_COPIES * saved_mb + predictions_mb + mapped_mb,
        len(size.albums),
    )


def frame_system(
    size: CorpusSize,
    model: str,
    settings: Mapping[str, Any],
    slice_frames: int,
    log_mel: Mapping[str, Any],
) -> Needs:
    """A classical system on frames: the log-mel of a subset, its 20 MFCCs, what is learnt from.

    Of each track `frames_per_track` frames are drawn, or all; learning holds a row for each, as
    wide as the features that a system makes of a frame.
    """
    data_mb = log_mel_mb(size.seconds, log_mel)
    frames = size.seconds * log_mel["sampling_rate"] / log_mel["hop_length"]
    per_track = settings.get("frames_per_track")
    drawn = frames if per_track is None else min(frames, per_track * size.n_tracks)
    by_setting = system_cost(model).columns
    columns = max(20, *(factor * settings.get(name, 0) for name, factor in by_setting.items()), 0)
    learning_mb = drawn * columns * FLOAT64 / MEGA
    answers_mb = _answers_mb(size, slice_frames, log_mel)
    # Every artist has its own density or machine, which scores every frame.
    minutes = 0.05 * max(size.n_tracks, drawn / 1000) * max(1, size.n_artists / 20)
    return needs(
        LIBRARIES_MB + 1.5 * data_mb + learning_mb + 6 * answers_mb,
        20 + minutes,
        answers_mb,
        len(size.albums),
    )


def song_system(size: CorpusSize, log_mel: Mapping[str, Any]) -> Needs:
    """A classical system on songs: log-mel, MFCCs, and matrices of songs by songs in float64."""
    kernel_mb = size.n_tracks**2 * FLOAT64 / MEGA
    return needs(
        LIBRARIES_MB + 1.5 * log_mel_mb(size.seconds, log_mel) + 8 * kernel_mb,
        20 + 0.02 * size.n_tracks + kernel_mb / 10,
        size.n_tracks * size.n_artists * FLOAT32 / MEGA,
        len(size.albums),
    )


def share_tested(has_folds: bool) -> float:
    """Return the share of all tracks that a run is taken to test: with folds each."""
    return 1.0 if has_folds else 0.5


def _answers_mb(
    size: CorpusSize, slice_frames: int, log_mel: Mapping[str, Any], has_folds: bool = False
) -> float:
    """Return the size of predictions, float32."""
    frames = size.seconds * log_mel["sampling_rate"] / log_mel["hop_length"]
    n_slices = frames / slice_frames * share_tested(has_folds)
    return n_slices * size.n_artists * FLOAT32 / MEGA


def scoring(
    size: CorpusSize, slice_frames: int | None, log_mel: Mapping[str, Any], has_folds: bool = False
) -> Needs:
    """A run's scores: its predictions, and copies in float64. None: answers for songs only."""
    answers_mb = size.n_tracks * size.n_artists * FLOAT32 / MEGA
    if slice_frames is not None:
        answers_mb = _answers_mb(size, slice_frames, log_mel, has_folds)
    return needs(PLAIN_MB + 6 * answers_mb, answers_mb / 100)


def averaging(
    size: CorpusSize, n_averaged: int, slice_frames: int, log_mel: Mapping[str, Any]
) -> Needs:
    """An ensemble: one member's predictions at a time, and two sums of them in float64."""
    answers_mb = _answers_mb(size, slice_frames, log_mel)
    return needs(PLAIN_MB + 8 * answers_mb, n_averaged * answers_mb / 100, answers_mb)


def references(size: CorpusSize) -> Needs:
    """What guessing scores: the lengths of all tracks, read from the caches' headers."""
    return needs(PLAIN_MB + 0.01 * size.n_tracks, 0.005 * size.n_tracks, n_albums=len(size.albums))


def tables(size: CorpusSize, n_runs: int) -> Needs:
    """Rows of artists by runs, as pandas holds them."""
    rows = 6 * n_runs * size.n_artists
    return needs(LIBRARIES_MB + 0.003 * rows, 0.001 * n_runs, 0.001 * rows)


def comparison(size: CorpusSize, n_runs: int, n_models: int, has_folds: bool = False) -> Needs:
    """Intervals and tests: every run's answers by track, and 2,000 draws of songs and scores.

    As elsewhere half of all tracks are taken to be tested, with folds all. Each pair of models is
    tested with at least 2,000 swaps, and with 200 for each pair: many models take time, but no more
    memory. Of 30 models on artist20 a pair took 0.37 s at each of six levels; four times that is
    asked for.
    """
    songs, artists = size.n_tracks * share_tested(has_folds), size.n_artists
    answers_mb = 3 * n_runs * songs * artists * FLOAT64 / MEGA
    drawn_mb = 2000 * (songs + 4 * artists) * FLOAT64 / MEGA
    minutes = 0.05 * n_runs * max(1, (songs + 4 * artists) / 1000)
    n_pairs = n_models * (n_models - 1) / 2
    swaps = 3 * n_runs / n_models * n_pairs * max(2000, 200 * n_pairs)
    minutes += 1e-7 * swaps * max(1, (songs + 10 * artists) / 1000)
    return needs(PLAIN_MB + answers_mb + 6 * drawn_mb, minutes)


def calibration(
    size: CorpusSize, n_runs: int, log_mel: Mapping[str, Any], has_folds: bool = False
) -> Needs:
    """Reliability and unknown artists: one run's predictions at a time, slices of 1 s; all songs.

    The pairs of a known and an unknown song, in float64, are most where they are half and half.
    """
    frames_of_second = math.floor(log_mel["sampling_rate"] / log_mel["hop_length"])
    run_mb = _answers_mb(size, frames_of_second, log_mel, has_folds)
    songs = size.n_tracks * share_tested(has_folds)
    songs_mb = n_runs * songs * size.n_artists * FLOAT64 / MEGA
    drawn_mb = 3 * (2000 * songs + songs**2 / 4) * FLOAT64 / MEGA
    return needs(LIBRARIES_MB + 6 * run_mb + songs_mb + drawn_mb, 0.02 * n_runs)


def packaging(size: CorpusSize) -> Needs:
    """A package, or a list of files: weights, a run's answers by track, 2,000 draws of songs."""
    songs_mb = 2000 * (size.n_tracks + 4 * size.n_artists) * FLOAT64 / MEGA
    return needs(LIBRARIES_MB + 6 * songs_mb, 0.001 * size.n_tracks)


def listening(
    size: CorpusSize,
    log_mel: Mapping[str, Any],
    n_runs: int,
    excerpt_seconds: float,
    has_folds: bool = False,
) -> Needs:
    """The listening page: one run's predictions at a time, slices of 1 s; then all in a byte each.

    Twice, as bytes and in the page. An excerpt is decoded up to its end, 2 s for a track of
    4 minutes, and takes 8 kB a second.
    """
    frames_of_second = math.floor(log_mel["sampling_rate"] / log_mel["hop_length"])
    run_mb = _answers_mb(size, frames_of_second, log_mel, has_folds)
    page_mb = n_runs * run_mb / FLOAT32 * 4 / 3
    excerpts_mb = size.n_tracks * excerpt_seconds * 8000 / MEGA
    minutes = size.seconds / 7200 + 0.01 * n_runs
    return needs(LIBRARIES_MB + 6 * run_mb + 2 * page_mb, minutes, page_mb + excerpts_mb)


def prediction(n_files: int, on_gpu: bool = True) -> Needs:
    """Answers to files of any length, which are read in pieces; two minutes for each."""
    torch_mb = TORCH_ON_GPU_MB if on_gpu else TORCH_ON_CPU_MB
    return needs(torch_mb + 500, 2 * n_files, 0.1 * n_files)


def figure() -> Needs:
    """A figure: matplotlib, and at most a thousand points or twenty spectrograms."""
    return needs(LIBRARIES_MB, 0)
