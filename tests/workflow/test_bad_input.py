"""The workflow on what it cannot use: what it does, and the words that reach the terminal.

docs/bad_input.md has the same table for people.
"""

import re
import shutil
import sys
import unicodedata
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml
from conftest import ODD_NAMES, copy_workflow, ordinary_user, snakemake, tone, write_config

from artistid.corpus.folder import safe_id
from artistid.features.mel_cache import read_tracks
from artistid.scoring.predictions import read_predictions
from artistid.storage.files import read_rows

MODELS = {"gaussian_mfcc": "1s", "svm_song_mahalanobis": "whole", "svm_song_kl": "whole"}
EXPERIMENT = {
    "models": list(MODELS),
    "splits": ["song"],
    "seeds": [1],
    "slice_seconds": [1],
    "follow_up": None,
}
NFD = unicodedata.normalize("NFD", "Ünï.flac")
# One name with every character that means something to a shell, to CSV or to Snakemake.
ODD_ARTIST = (
    "-rf 'q' \"Q\" 100% {b} & $(touch hacked); `id` | x > y *?[a-c] b\\s ~ # ! \t \n \r , 🎵"
)


def music(seconds: float, seed: str, sampling_rate: int = 16000, channels: int = 1) -> np.ndarray:
    """Noise and a tone that no other seed has, float32, shape (n, channels)."""
    generator = np.random.default_rng(zlib.crc32(seed.encode(errors="surrogateescape")))
    sound = tone(seconds, sampling_rate, hz=generator.uniform(200, 3000))
    sound = sound + 0.02 * generator.standard_normal(len(sound))
    return np.stack([sound] * channels, axis=1).astype(np.float32)


def put(
    path: Path, samples: np.ndarray | None = None, rate: int = 16000, kind: str = "FLAC", **how
):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = music(2, path.name) if samples is None else samples
    with path.open("wb") as stream:
        soundfile.write(stream, samples, rate, format=kind, **how)
    return path


def mp3(path: Path, seconds: float) -> bytes:
    return put(path, music(seconds, path.name), kind="MP3").read_bytes()


def three_hours(path: Path) -> None:
    """Repeat the frames of a minute, without the first, in which the encoder had no history."""
    how = {"kind": "MP3", "bitrate_mode": "CONSTANT", "compression_level": 0.9}
    minute = put(path, music(60, path.name), **how).read_bytes()
    path.write_bytes(minute[minute.find(minute[:2], 2) :] * 180)


def make_corpus(root: Path) -> None:
    for name in ODD_NAMES:
        put(root / ODD_ARTIST / f"{ODD_ARTIST}!" / f"{name}.flac")
    for name in ("Ünï.flac", "ünï.flac", NFD):
        put(root / "twins" / "Live" / name, music(2, repr(name.encode())))
    copied = put(root / "twins" / "live" / "1.flac")
    bad = root / "bad" / "recordings"
    put(bad / "good.flac")
    shutil.copy(copied, bad / "copy.flac")
    (bad / "empty.mp3").touch()
    (bad / "text.mp3").write_text("this is no music\n" * 1000)
    whole = mp3(bad / "truncated.mp3", 20)
    (bad / "truncated.mp3").write_bytes(whole[: len(whole) // 2])
    whole = bytearray(mp3(bad / "garbage.mp3", 20))
    middle = len(whole) // 2
    whole[middle : middle + 8000] = np.random.default_rng(1).bytes(8000)
    (bad / "garbage.mp3").write_bytes(whole)
    put(bad / "instant.wav", music(0.1, "instant"), kind="WAV")
    put(bad / "silence.wav", np.zeros(48_000, np.float32), kind="WAV")
    with_nan = music(3, "nan")
    with_nan[20_000] = np.nan
    put(bad / "nan.wav", with_nan, kind="WAV", subtype="FLOAT")
    put(bad / "beyond.wav", with_nan[:20_000] * 1e20, kind="WAV", subtype="FLOAT")
    put(bad / "stereo.wav", music(3, "stereo", 44100, channels=2), 44100, "WAV")
    put(bad / "telephone.wav", music(3, "telephone", 8000), 8000, "WAV")
    (bad / "apple.m4a").write_bytes(b"\0\0\0\x20ftypM4A \0\0\0\0" + b"no AAC" * 1000)
    put(bad / "...dots.flac")
    (bad / "._good.flac").write_bytes(b"a resource fork")
    put(root / ".Trash-1000" / "files" / "1.flac")
    put(root / "videos" / "live" / "1.mp4").write_bytes(b"pictures")
    put(bad / "demos" / "deep.flac")
    (bad / "loop.mp3").symlink_to("loop.mp3")
    (bad / "around").symlink_to(root)
    three_hours(put(root / "bad" / "hours" / "long.mp3"))
    put(root / "bad" / "nothing" / "empty.mp3").write_bytes(b"")
    put(root / "bad" / "nothing" / "text.mp3").write_text("no music either\n" * 1000)


# Path: status, reason or remark in tracks.csv and on the terminal.
IN_RECORDINGS = {
    "good.flac": ("ok", "", ""),
    "empty.mp3": ("empty", "the file has no bytes", ""),
    "text.mp3": ("undecodable", r"cannot be decoded \(libsndfile cannot read it as audio", ""),
    "truncated.mp3": ("ok", "", r"ends after (9\.9|10\.0) s of 20\.0 s: cut short\?"),
    "garbage.mp3": (
        "undecodable",
        r"cannot be decoded \(it is damaged between 0 and 16 s after its start\)",
        "",
    ),
    "apple.m4a": (
        "undecodable",
        r"cannot be decoded \((it holds no AAC or ALAC that FFmpeg can read|\.m4a needs PyAV: run)",
        "",
    ),
    "...dots.flac": ("ok", "", ""),
    "instant.wav": ("too_short", "shorter than 1 s", ""),
    "silence.wav": ("ok", "", "digital silence from end to end"),
    "nan.wav": (
        "undecodable",
        r"cannot be used \(it holds a sample of nan, 1\.250 s after its start\)",
        "",
    ),
    "beyond.wav": ("undecodable", r"\(it holds a sample of -?[\d.]+e\+1\d, 0\.000 s after", ""),
    "stereo.wav": ("ok", "", ""),
    "telephone.wav": ("ok", "", ""),
    "demos/deep.flac": ("misplaced", r"not at <artist>/<album>/<track>: move it there", ""),
    "loop.mp3": ("undecodable", r"cannot be read \(Too many levels of symbolic links\)", ""),
    "copy.flac": ("ok", "", ""),
}  # fmt: skip
CASES = {f"bad/recordings/{name}": row for name, row in IN_RECORDINGS.items()} | {
    "twins/live/1.flac": ("duplicate", "the same bytes as bad/recordings/copy.flac", ""),
    "twins/Live/Ünï.flac": ("ok", "", ""),
    "twins/Live/ünï.flac": ("ok", "", ""),
    f"twins/Live/{NFD}": ("ok", "", ""),
    "bad/hours/long.mp3": ("ok", "", ""),
    "bad/nothing/text.mp3": ("undecodable", "libsndfile cannot read it as audio", ""),
    **{f"{ODD_ARTIST}/{ODD_ARTIST}!/{name}.flac": ("ok", "", "") for name in ODD_NAMES},
}
ON_THE_TERMINAL = (
    "left out: 1 duplicate",
    "left out: 2 empty",
    "left out: 1 misplaced",
    "left out: 1 too_short",
    "left out: 7 undecodable",
    "no usable recording on album bad/nothing",
    "no usable recording on album twins/live",
    "used, with remarks: 2",
    "skipped, although there is audio in it: 2",
    "  .Trash-1000: hidden, and there is audio in it; rename it if that is music",
    "no audio in folder videos",
    "ignored: 2 hidden, such as .Trash-1000",
    "ignored: 2 not audio (1 .mp4, 1 without an extension), such as bad/recordings/around",
    "stored at 8000 Hz (1 tracks), 16000 Hz (27 tracks), 44100 Hz (1 tracks)",
    "1 of 7 tracks are stored at less than 16000 Hz and have nothing above half their own rate, "
    "such as bad/recordings/telephone.wav at 8000 Hz",
)
MEASURED = (
    "import resource, subprocess, sys; code = subprocess.run(sys.argv[1:]).returncode;"
    "print('peak', resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024); sys.exit(code)"
)
MEGABYTES = 400  # what a job may take; the spectrogram of three hours is 173 MB, the samples 690 MB


@pytest.fixture(scope="module")
def workdir(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("bad")
    make_corpus(root / "music")
    workdir = copy_workflow(root / "clone")
    corpus = {"name": "own", "source": "folder", "audio_dir": str(root / "music")}
    write_config(
        workdir / "own.yaml",
        {"corpus": corpus | {"max_bad_share": 0.9}, "experiment": EXPERIMENT},
    )
    return workdir


@pytest.fixture(scope="module")
def extracted(workdir):
    """The scan and the caches, and what they said; the recordings' albums by one job each."""
    albums = [
        ("bad", "hours"),
        ("bad", "recordings"),
        ("twins", "Live"),
        (ODD_ARTIST, f"{ODD_ARTIST}!"),
    ]
    caches = [f"results/own/log_mel/{safe_id(album)}.h5" for album in albums]
    measured = [sys.executable, "-c", MEASURED]
    done = snakemake(workdir, *caches, "--configfile", "own.yaml", within=measured)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def tracks(workdir, extracted) -> dict[str, dict[str, str]]:
    return {track["path"]: track for track in read_rows(workdir / "results/own/corpus/tracks.csv")}


@pytest.mark.parametrize("path", CASES, ids=ascii)
def test_recording_is_used_or_named(tracks, extracted, path):
    status, reason, remark = CASES[path]
    track = tracks[path]
    assert track["status"] == status
    for said, expected in ((track["reason"], reason), (track["remark"], remark)):
        assert re.search(expected, said) if expected else not said, said
        assert f"{path}: {said}" in extracted.stderr or not said


def test_nothing_else_was_found(tracks):
    assert tracks.keys() - CASES.keys() == {"bad/nothing/empty.mp3"}
    assert len({track["track_id"] for track in tracks.values()}) == len(tracks)


@pytest.mark.parametrize("line", ON_THE_TERMINAL)
def test_terminal_says_it(extracted, line):
    assert line in extracted.stderr


def test_three_hours_take_no_more_memory_than_three_minutes(extracted, tracks):
    assert float(tracks["bad/hours/long.mp3"]["duration"]) > 3 * 3600
    peak = int(re.search(r"^peak (\d+)$", extracted.stdout, re.MULTILINE)[1])
    assert peak < MEGABYTES


def test_names_ran_nothing(workdir, extracted):
    assert not [path for path in workdir.parent.rglob("hacked*") if "flac" not in path.name]


def test_spectrograms_are_finite_and_resampled(workdir, tracks):
    for path, n_frames in {"silence.wav": 94, "stereo.wav": 94, "telephone.wav": 94}.items():
        track = tracks[f"bad/recordings/{path}"]
        cache = workdir / f"results/own/log_mel/{track['album_id']}.h5"
        log_mel = read_tracks(cache, [track["track_id"]])[track["track_id"]]
        assert abs(len(log_mel) - n_frames) <= 1
        assert np.isfinite(log_mel).all()


def test_systems_learn_from_silence_too(workdir, extracted):
    paths = [
        f"results/own/experiments/paper/runs/{model}/song/draw1/{MODELS[model]}/seed1/metrics.csv"
        for model in MODELS
    ]
    done = snakemake(workdir, *paths, "--configfile", "own.yaml", "--quiet", "host")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Rule: scan_corpus" not in done.stderr
    for path in paths:
        _, classes, subsets = read_predictions((workdir / path).with_name("predictions.h5"))
        assert set(classes) == {"bad", "twins", ODD_ARTIST}
        for predictions in subsets.values():
            assert np.isfinite(predictions.log_probability).all()


def test_artist_with_too_few_frames_for_a_mixture_is_named(workdir, extracted):
    config = yaml.safe_load((workdir / "own.yaml").read_text(encoding="utf-8"))
    config |= {"experiment": EXPERIMENT | {"models": ["gmm_mfcc"]}}
    write_config(workdir / "few.yaml", config | {"models": {"gmm_mfcc": {"n_components": 9999}}})
    run = "results/own/experiments/paper/runs/gmm_mfcc/song/draw1/1s/seed1/predictions.h5"
    done = snakemake(workdir, run, "--configfile", "few.yaml")
    assert done.returncode != 0
    (log,) = (workdir / "results/own/experiments/paper/logs/train_frame_system").rglob(
        "gmm_mfcc/**/seed1.log"
    )
    *_, last = log.read_text().splitlines()
    message = f"gmm_mfcc: artist {ODD_ARTIST!r}: "
    assert message in last
    assert re.search(r": \d+ frames are drawn for training, and 9999 are needed; raise", last)
    assert "frames are drawn for training, and 9999 are needed" in done.stderr


def test_pickle_in_the_place_of_the_filters_is_refused(workdir, extracted):
    filters = workdir / "results/own/log_mel/mel_filters.npy"
    np.save(filters, np.array([print], dtype=object), allow_pickle=True)
    cache = f"results/own/log_mel/{safe_id(['twins', 'Live'])}.h5"
    done = snakemake(workdir, cache, "--configfile", "own.yaml", "--forcerun", "extract_log_mel")
    filters.unlink()
    assert done.returncode != 0
    assert "Object arrays cannot be loaded when allow_pickle=False" in done.stderr


# What stops the workflow after the scan, and before anything is computed.
ALBUMS = {"a": 3, "b": 3}
SMALL = {
    "single artist": (
        {"a": 3},
        {},
        "all usable recordings are by one artist, 'a', so there is nothing to classify; add",
    ),
    "two albums under the album split": (
        {"a": 3, "b": 2, "c": 1},
        {"splits": ["album"]},
        "the album split needs at least 3 albums of each artist, one for each subset, and 'b' has "
        "2, 'c' has 1; add some, remove the artist, or remove 'album' from experiment.splits",
    ),
    "slice longer than every track": (
        ALBUMS,
        {"slice_seconds": [1, 5]},
        "experiment.slice_seconds: no recording is as long as a slice of 5 s, the longest has "
        "2.0 s; write a shorter length",
    ),
    "slice longer than most tracks of an artist": (
        ALBUMS,
        {"slice_seconds": [1, 2]},
        "experiment.slice_seconds: the song split needs at least 3 usable tracks of each artist "
        "with a recording as long as a slice of 2 s, and 'b' has 2; write a shorter length",
    ),
}


def configure_small(workdir: Path, audio_dir: Path, albums: dict, experiment: dict) -> None:
    """Write albums of one track of 2 s, the third by b of 1.5 s, and a configuration for them."""
    for artist, count in albums.items():
        for album in range(count):
            seconds = 1.5 if (artist, album) == ("b", 2) else 2
            put(audio_dir / artist / str(album) / "1.flac", music(seconds, f"{artist}{album}"))
    corpus = {"name": "small", "source": "folder", "audio_dir": str(audio_dir)}
    write_config(workdir / "small.yaml", {"corpus": corpus, "experiment": EXPERIMENT | experiment})


@pytest.mark.parametrize("case", SMALL)
def test_corpus_that_cannot_carry_the_experiment_stops_after_the_scan(workdir, tmp_path, case):
    albums, experiment, message = SMALL[case]
    configure_small(workdir, tmp_path, albums, experiment)
    done = snakemake(workdir, "--configfile", "small.yaml", "--quiet", "host")
    shutil.rmtree(workdir / "results/small")
    assert done.returncode != 0
    assert (
        f"corpus: the corpus does not meet the experiment's requirements: {message}" in done.stderr
    )
    assert "Rule: scan_corpus" in done.stderr
    assert "Rule: train_" not in done.stderr
    assert "Traceback" not in done.stderr


def test_classical_system_names_tracks_and_artists_without_a_slice(workdir, tmp_path):
    experiment = {"models": ["gaussian_mfcc"], "slice_seconds": [2]}
    configure_small(workdir, tmp_path, {"a": 4, "b": 4}, experiment)
    run = "results/small/experiments/paper/runs/gaussian_mfcc/song/draw1/2s/seed1/predictions.h5"
    done = snakemake(workdir, run, "--configfile", "small.yaml")
    assert done.returncode == 0, done.stderr
    logs = workdir / "results/small/experiments/paper/logs/train_frame_system"
    log = (logs / "gaussian_mfcc/song/draw1/2s/seed1.log").read_text()
    manifest = read_rows(workdir / "results/small/splits/song/draw1.csv")
    shutil.rmtree(workdir / "results/small")
    (short,) = [row for row in manifest if row["path"] == "b/2/1.flac"]
    assert short["subset"] == "test"  # as seed 1 draws it
    left_out = "1 tracks are shorter than one slice and are left out"
    assert f"test: 1 slices of 1 tracks; {left_out}: {short['track_id']}\n" in log
    assert "WARNING" in log and "test: no slice of b\n" in log
    assert "validation: 2 slices of 2 tracks\n" in log


def lock(path: Path) -> Path:
    path.chmod(0)
    return path


FOLDERS = {
    "no such folder": (lambda root: root / "missing", r"missing: .*\(No such file or directory\)"),
    "a file": (lambda root: put(root / "a.flac"), r"a\.flac: .*\(Not a directory\)"),
    "may not be read": (lambda root: lock(root), r"music0: .*\(Permission denied\)"),
    "album may not be read": (
        lambda root: lock(put(root / "a" / "locked" / "1.flac").parent).parents[1],
        r"a/locked: .*\(Permission denied\)",
    ),
    "links in a circle": (
        lambda root: (root / "self").symlink_to("self") or root / "self",
        r"self: .*\(Too many levels of symbolic links\)",
    ),
}


@pytest.mark.parametrize("case", FOLDERS)
def test_folder_that_cannot_be_read_is_named_before_any_job(workdir, tmp_path_factory, case):
    make, message = FOLDERS[case]
    root = tmp_path_factory.mktemp("music", numbered=True)
    audio_dir = make(root)
    message = message.replace("music0", root.name)
    corpus = {"name": "locked", "source": "folder", "audio_dir": str(audio_dir)}
    write_config(workdir / "locked.yaml", {"corpus": corpus})
    within = ordinary_user() if "may not" in case else []
    done = snakemake(workdir, "-n", "--configfile", "locked.yaml", within=within)
    for path in (root, *root.glob("a/locked")):
        path.chmod(0o755)
    assert done.returncode != 0
    said = done.stdout + done.stderr  # a dry run speaks on standard output
    assert re.search(message.replace(".*", "cannot be read as a folder "), said)
    assert "corpus.audio_dir must name a readable folder" in said
    assert "Traceback" not in said


def test_recording_that_may_not_be_read_is_named(workdir, tmp_path):
    for artist in ALBUMS:
        for number in range(3):
            put(tmp_path / artist / "1" / f"{number}.flac", music(2, f"{artist}{number}"))
    lock(tmp_path / "a" / "1" / "1.flac")
    corpus = {"name": "locked", "source": "folder", "audio_dir": str(tmp_path)}
    write_config(workdir / "locked.yaml", {"corpus": corpus})
    done = snakemake(
        workdir, "scan_corpus", "--configfile", "locked.yaml", within=ordinary_user()
    )  # fmt: skip
    assert done.returncode != 0
    assert "1 of 6 recordings (16.7%) cannot be used, more than corpus.max_bad_share" in done.stderr
    assert (
        "a/1/1.flac (cannot be read (Permission denied)); fix, convert or remove them"
        in done.stderr
    )


# Wrong configurations that can be found in one dry run: what is written, and what is said of it.
WRONG_KEYS = {
    "unknown key": ("epochs", 3, "epochs: no such key; there are: corpus, demo"),
    "unknown nested key": ("training.epoch", 3, "training.epoch: no such key; there are: epochs"),
    "wrong type": (
        "training.epochs",
        "many",
        "training.epochs: 'many' is not of type 'integer'; write a whole number, 1 or more",
    ),
    "zero seeds": (
        "experiment.seeds",
        [],
        r"experiment.seeds: \[\] should be non-empty; write a list of one or more whole numbers",
    ),
    "duplicate slice length": (
        "experiment.slice_seconds",
        [1, 1.0],
        r"experiment.slice_seconds: \[1, 1.0\] has non-unique elements; write a list .*each once",
    ),
}
WRONG_VALUES = {
    "fraction sum": (
        "splits.song.shares.test",
        0.11,
        "splits.song.shares: sum to 1.01; write shares that sum to 1",
    ),
    "unknown model": (
        "experiment.models",
        ["resnet51"],
        "experiment.models: unknown model 'resnet51'; there are: .*resnet50",
    ),
    "number that is none": (
        "training.learning_rate",
        float("inf"),
        "training.learning_rate: is inf; write a finite number",
    ),
}
WRONG_SEEDS = {
    "duplicate seed": (
        "experiment.seeds",
        [1, 2, 1],
        r"experiment.seeds: \[1, 2, 1\] has non-unique elements; write a list .*each once",
    )
}


@pytest.mark.parametrize("cases", [WRONG_KEYS, WRONG_VALUES, WRONG_SEEDS], ids=", ".join)
def test_wrong_configuration_is_named_before_any_job(workdir, cases):
    config: dict = {}
    for key, value, _ in cases.values():
        *blocks, name = key.split(".")
        block = config
        for part in blocks:
            block = block.setdefault(part, {})
        block[name] = value
    write_config(workdir / "wrong.yaml", config)
    done = snakemake(workdir, "-n", "--configfile", "wrong.yaml")
    assert done.returncode != 0
    said = (done.stdout + done.stderr).splitlines()
    [line] = [line for line in said if line.startswith("configuration: ")]
    for _, _, message in cases.values():
        assert re.search(f"[:;] {message}", line), line
    assert len(line.split("; ")) >= len(cases)
