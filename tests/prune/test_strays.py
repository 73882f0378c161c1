"""What of a folder nothing asks for: found, described and removed, and nothing else."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from artistid.errors import InputError
from artistid.prune.strays import Stray, Survey, describe, recordings_below, remove, survey

ROOT = Path("results/tiny")
FILES = [
    "corpus/tracks.csv",
    "corpus/albums/a.csv",
    "runs/new/draw1/metrics.csv",
    "runs/old/draw1/metrics.csv",
    "runs/old/draw2/metrics.csv",
    "runs/new/draw2/metrics.csv",
    "audio/x/1.mp3",
    "notes.txt",
]


@pytest.fixture
def results(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in FILES:
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_bytes(b"12345")
    return tmp_path


def names(strays) -> set[str]:
    return {stray.path.relative_to(ROOT).as_posix() for stray in strays}


def held(root: Path = ROOT) -> set[str]:
    """All that is no folder below `root`."""
    return {
        (Path(folder) / name).relative_to(root).as_posix()
        for folder, _, files in os.walk(root)
        for name in files
    }


WANTED = ["results/tiny/corpus/tracks.csv", "./results/tiny/runs/new//draw1/metrics.csv", "other"]
KEPT = ["results/tiny/audio", "results/tiny/corpus/albums/"]


def test_strays_are_what_is_neither_wanted_nor_kept(results):
    found = survey(ROOT, WANTED, KEPT)
    assert names(found.strays) == {
        "notes.txt",
        "runs/new/draw2/metrics.csv",
        "runs/old/draw1/metrics.csv",
        "runs/old/draw2/metrics.csv",
    }
    assert found.n_kept == 2
    assert list(found.whole) == [ROOT / "runs/new/draw2", ROOT / "runs/old"]


def test_description_sums_up_by_folder_and_names_single_files(results):
    text = describe(ROOT, survey(ROOT, WANTED, KEPT))
    assert text == (
        "results/tiny: 4 files, 20 B that no configuration needs\n"
        "  notes.txt: 5 B\n"
        "  runs/new/draw2/: 1 file, 5 B\n"
        "  runs/old/: 2 files, 10 B\n"
    )
    everything = survey(ROOT, [f"results/tiny/{name}" for name in FILES], [])
    assert describe(ROOT, everything) == "results/tiny: nothing to remove\n"


@pytest.mark.parametrize(
    ("n_bytes", "shown"),
    [(999, "999 B"), (1000, "1.0 kB"), (2_340_000, "2.3 MB"), (5 * 10**15, "5000.0 TB")],
)
def test_sizes_are_shown_in_units(n_bytes, shown):
    stray = Stray(ROOT / "a\nb", n_bytes)
    assert describe(ROOT, Survey([stray], [], 1)).splitlines()[1] == f"  'a\\nb': {shown}"


def test_only_strays_are_removed_and_folders_that_are_empty_then(results):
    found = survey(ROOT, WANTED, KEPT)
    before = held()
    remove(ROOT, found.strays)
    assert held() == before - names(found.strays)
    assert not (ROOT / "runs/old").exists()
    assert (ROOT / "runs/new").exists()
    assert survey(ROOT, WANTED, KEPT).strays == []


def test_links_are_never_followed(results):
    (results / "elsewhere").mkdir()
    (results / "elsewhere/wanted.h5").write_bytes(b"1")
    (results / "elsewhere/other.h5").write_bytes(b"1")
    (ROOT / "log_mel").symlink_to(results / "elsewhere")
    (ROOT / "stray").symlink_to(results / "elsewhere")
    (ROOT / "nowhere").symlink_to("missing")
    found = survey(ROOT, [*WANTED, "results/tiny/log_mel/wanted.h5"], KEPT)
    assert {"stray", "nowhere"} <= names(found.strays)
    assert "log_mel" not in names(found.strays)
    remove(ROOT, found.strays)
    assert (ROOT / "log_mel/other.h5").exists()
    assert not (ROOT / "stray").is_symlink()
    assert held(results / "elsewhere") == {"wanted.h5", "other.h5"}


@pytest.mark.parametrize("path", ["elsewhere/file", "results/tiny/../file", "results/tiny"])
def test_nothing_outside_is_removed_and_then_nothing_at_all(results, path):
    inside = Stray(ROOT / "notes.txt", 5)
    with pytest.raises(ValueError, match="is not below results/tiny"):
        remove(ROOT, [inside, Stray(Path(path), 1)])
    assert (ROOT / "notes.txt").exists()


def test_recordings_are_found_wherever_they_lie_and_results_among_them_are_refused(results):
    assert recordings_below(ROOT, Path("music")) == []
    assert recordings_below(ROOT, Path("results/tiny/audio")) == [ROOT / "audio"]
    (results / "link").symlink_to(ROOT)
    assert recordings_below(Path("link"), (ROOT / "audio").absolute()) == [Path("link/audio")]
    for audio_dir in (ROOT, ROOT.parent, Path("link"), results):
        with pytest.raises(InputError, match=r"results/tiny: is inside corpus\.audio_dir"):
            recordings_below(ROOT, audio_dir)


PATHS = st.lists(st.sampled_from("abc"), min_size=2, max_size=3).map("/".join)


@settings(max_examples=50, derandomize=True)
@given(st.sets(PATHS, max_size=8), st.sets(PATHS, max_size=4), st.sets(PATHS, max_size=2))
def test_every_file_is_kept_or_named_once(tmp_path_factory, made, wanted, kept):
    root = tmp_path_factory.mktemp("results")
    for name in made:
        (root / f"{name}.d" / "file").parent.mkdir(parents=True, exist_ok=True)
        (root / f"{name}.d" / "file").touch()
    files = [f"{root}/{name}.d/file" for name in wanted]
    folders = [f"{root}/{name}.d" for name in kept]
    found = survey(root, files, folders)
    expected = {f"{root}/{name}.d/file" for name in made - wanted - kept}
    assert [str(stray.path) for stray in found.strays] == sorted(
        expected, key=lambda path: Path(path)
    )
    assert found.n_kept == len((made & wanted) - kept)
    for folder in found.whole:
        below = {
            f"{root}/{name}.d/file" for name in made if folder in (root / f"{name}.d/file").parents
        }
        assert below and below <= expected
