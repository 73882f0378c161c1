"""Spectrograms in memory and mapped from a file: the same slices; nothing foreign is trusted."""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
import torch
from test_fit import CPU, FRAMES

from artistid.errors import InputError
from artistid.features.mel_cache import read_tracks, write_album, write_index
from artistid.training import spectrograms
from artistid.training.batches import BatchLoader
from artistid.training.dataset import SliceSet, band_statistics, load_subsets
from artistid.training.spectrograms import map_spectrograms
from artistid.training.state import training_key

FACTS = {"sha256": "", "sampling_rate": 16000, "duration": 1}
SUBSETS = ("train", "validation")


def write_corpus(folder: Path, seed: int = 0, n_mels: int = 128) -> Path:
    """Three artists, each an album of a training, a validation and a short track."""
    folder.mkdir(exist_ok=True)
    noise = np.random.default_rng(seed)
    for artist in "abc":
        lengths = {"train": 2000, "validation": 100, "short": 20}
        tracks = [
            ({"track_id": f"{name}_{artist}"} | FACTS, [noise.normal(-40, 10, (length, n_mels))])
            for name, length in lengths.items()
        ]
        write_album(folder / f"{artist}.h5", tracks, {"top_db": 200.0})
    write_index(folder / "index.csv", sorted(folder.glob("*.h5")))
    return folder / "index.csv"


MANIFEST = [
    {"track_id": f"{name}_{artist}", "album_id": artist, "artist": artist, "subset": subset}
    for artist in "cab"
    for name, subset in (("train", "train"), ("short", "train"), ("validation", "validation"))
]


@pytest.fixture
def index(tmp_path) -> Path:
    return write_corpus(tmp_path / "log_mel")


@pytest.fixture
def disk(tmp_path) -> Path:
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk"


def load(index: Path, disk: Path, memory_mb: float) -> dict[str, SliceSet]:
    return load_subsets(MANIFEST, SUBSETS, index, FRAMES, memory_mb, str(disk))


def kept(disk: Path) -> list[Path]:
    return sorted(disk.rglob("*.npy"))


def test_memory_holds_each_track_once_in_the_order_of_ids(index, disk):
    train = load(index, disk, memory_mb=10)["train"]
    expected = [
        read_tracks(index.parent / f"{artist}.h5", [f"train_{artist}"])[f"train_{artist}"]
        for artist in "abc"
    ]
    assert train.log_mel.tobytes() == b"".join(array.tobytes() for array in expected)
    assert train.log_mel.base is None  # its own array, not a view of a larger one
    assert train.too_short == ["short_a", "short_b", "short_c"]
    assert not kept(disk)


def test_mapped_slices_are_those_in_memory_bit_by_bit(index, disk):
    in_memory, mapped = load(index, disk, memory_mb=10), load(index, disk, memory_mb=1)
    normalisation = band_statistics(in_memory["train"])
    for ours, theirs in zip(band_statistics(mapped["train"]), normalisation, strict=True):
        assert ours.tobytes() == theirs.tobytes()
    assert isinstance(mapped["train"].log_mel, np.memmap)
    assert mapped["train"].log_mel is mapped["validation"].log_mel
    for subset in SUBSETS:
        ours, theirs = mapped[subset], in_memory[subset]
        assert ours.track_ids == theirs.track_ids
        assert ours.too_short == theirs.too_short
        assert ours.sha256 == theirs.sha256
        assert ours.targets.tolist() == theirs.targets.tolist()
        assert ours.tracks.tolist() == theirs.tracks.tolist()
        assert [array.dtype for array in (ours.starts, ours.targets, ours.tracks)] == [np.int64] * 3
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            loaders = [BatchLoader(part, normalisation, CPU) for part in (ours, theirs)]
        everything = torch.randperm(len(ours))
        for ours, theirs in zip(*(loader.batch(everything) for loader in loaders), strict=True):
            assert torch.equal(ours, theirs)


def test_size_of_the_subsets_decides_where_they_lie(index, disk):
    n_bytes = 2 * 128 * 3 * (2000 + 20 + 100)
    load(index, disk, memory_mb=n_bytes / 1e6)
    assert not kept(disk)
    load(index, disk, memory_mb=(n_bytes - 1) / 1e6)
    assert len(kept(disk)) == 1


def test_file_is_written_once_and_is_for_its_user_alone(index, disk):
    load(index, disk, 0)
    (array,) = kept(disk)
    written = array.stat()
    load(index, disk, 0)
    assert kept(disk) == [array]
    assert array.stat().st_ino == written.st_ino
    assert array.parent.stat().st_mode & 0o777 == 0o700


def test_caches_that_were_made_again_are_read_again(index, disk):
    before, (old,) = load(index, disk, 0), kept(disk)
    held = before["train"].log_mel.tobytes()
    left = old.with_name(f".{old.name}.node.1.part")
    left.write_bytes(b"of a process that was killed")
    other = write_corpus(index.parent.parent / "other")
    load(other, disk, 0)  # of another corpus, which stays
    write_corpus(index.parent, seed=1)
    after = load(index, disk, 0)
    assert old not in kept(disk)
    assert len(kept(disk)) == 2
    assert not left.exists()
    assert after["train"].sha256 != before["train"].sha256
    assert after["train"].log_mel.tobytes() != held
    assert before["train"].log_mel.tobytes() == held  # a training that runs keeps what it mapped


def test_state_of_other_spectrograms_is_never_resumed(index, disk):
    def keys() -> set[str]:
        forms = (load(index, disk, memory_mb).values() for memory_mb in (10, 0))
        return {training_key({}, parts, {}) for parts in forms}

    before = keys()
    assert len(before) == 1  # resumed wherever the same spectrograms are
    track = read_tracks(index.parent / "b.h5", ["train_b"])["train_b"].astype(np.float32)
    track[0, 0] += 1
    with h5py.File(index.parent / "b.h5", "r+") as file:
        file["train_b"][...] = track
    after = keys()
    assert len(after) == 1
    assert after != before


def test_file_without_its_list_of_tracks_is_written_again(index, disk):
    load(index, disk, 0)
    (array,) = kept(disk)
    array.with_suffix(".json").unlink()  # killed between the two
    array.write_bytes(b"x")
    assert len(load(index, disk, 0)["train"]) == 3 * (2000 // FRAMES)
    assert json.loads(array.with_suffix(".json").read_text())


@pytest.mark.parametrize("kind", ["file", "link", "open to others", "of another user"])
def test_what_another_user_may_have_made_is_passed_over(index, disk, kind, monkeypatch):
    squatted = disk / f"artistid-spectrograms-{os.getuid()}"
    if kind == "file":
        squatted.write_bytes(b"")
    elif kind == "link":
        (disk / "elsewhere").mkdir(0o700)
        squatted.symlink_to("elsewhere")
    elif kind == "open to others":
        squatted.mkdir(0o700)
        squatted.chmod(0o777)
    else:
        squatted.mkdir(0o700)
        real = Path.lstat
        theirs = SimpleNamespace(st_mode=squatted.stat().st_mode, st_uid=os.getuid() + 1)
        monkeypatch.setattr(Path, "lstat", lambda path: theirs if path == squatted else real(path))
    load(index, disk, 0)
    (array,) = kept(disk)
    assert array.parent == disk / f"artistid-spectrograms-{os.getuid()}.1"


def test_disk_without_room_is_named_with_what_is_needed(index, disk, monkeypatch):
    monkeypatch.setattr(
        spectrograms.shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000)
    )
    expected = rf"{disk}/artistid.*: 2 MB of spectrograms do not fit .* 1 MB left; .*training_data"
    with pytest.raises(InputError, match=expected):
        load(index, disk, 0)
    assert not kept(disk)


def test_folder_that_is_not_there_is_named_with_its_key(index, disk):
    with pytest.raises(InputError, match=r"nowhere: .*No such file.* in training_data\.folder"):
        load(index, disk / "nowhere", 0)


@pytest.mark.parametrize("memory_mb", [10, 0])
def test_damaged_and_missing_caches_are_named(index, disk, memory_mb):
    cache = index.parent / "b.h5"
    whole = bytearray(cache.read_bytes())
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 1
    cache.write_bytes(damaged)
    with pytest.raises(InputError, match=r"b\.h5: is damaged .*; delete it"):
        load(index, disk, memory_mb)
    cache.unlink()
    with pytest.raises(InputError, match=r"b\.h5: is missing; `snakemake"):
        load(index, disk, memory_mb)
    assert not kept(disk)
    assert not list(disk.rglob("*.part"))


def test_album_that_no_subset_asks_for_is_named_where_it_is_missing(index, disk):
    (index.parent / "a.h5").unlink()
    with pytest.raises(InputError, match=r"a\.h5: is missing; `snakemake"):
        map_spectrograms(index.parent, ["a", "b"], str(disk))


@pytest.mark.parametrize("memory_mb", [10, 0])
def test_caches_of_different_mel_bands_are_refused(index, disk, memory_mb, tmp_path):
    write_corpus(tmp_path / "narrow", n_mels=40)
    (tmp_path / "narrow/b.h5").replace(index.parent / "b.h5")
    with pytest.raises(InputError, match="_b has 40 mel bands, and others have 128"):
        load(index, disk, memory_mb)


def test_trainings_that_start_together_write_one_file(index, disk, tmp_path):
    code = (
        "import json, sys; from pathlib import Path\n"
        "from artistid.training.dataset import load_subsets\n"
        "manifest, index, disk = json.loads(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]\n"
        "slices = load_subsets(manifest, ['train'], index, 31, 0, disk)\n"
        "print(slices['train'].sha256)\n"
    )
    command = [sys.executable, "-c", code, json.dumps(MANIFEST), str(index), str(disk)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(3)]
    said = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert said == {f"{load(index, disk, 10)['train'].sha256}\n".encode()}
    assert len(kept(disk)) == 1
