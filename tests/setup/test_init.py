"""`artistid init`: what it finds in a folder, what it says, and that what it writes works."""

import shlex
import shutil
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import ODD_NAMES, ROOT, copy_workflow, snakemake
from hypothesis import given
from hypothesis import strategies as st
from recordings import encode, put

from artistid.__main__ import main
from artistid.corpus import m4a
from artistid.corpus.scan import scan
from artistid.errors import InputError
from artistid.plan.config import read_schema, read_yaml
from artistid.setup import estimate as estimating
from artistid.setup.choice import choose
from artistid.setup.configuration import command, configuration, quoted
from artistid.setup.estimate import Estimate, estimate
from artistid.setup.report import describe_choice, describe_estimate, describe_folder
from artistid.setup.survey import survey

BASE, SCHEMA = read_yaml(ROOT / "config.yaml"), read_schema(ROOT / "schemas")
ESTIMATE = Estimate("2 cores without a GPU", 0.4, 50.2, 300.0, 2)
ARTISTS = ["AC∕DC 'live' {1}", "Ünï — 日本\n#2", '"NA": -rf $(touch hacked)']
ALBUMS = ["-first [x]", "second: 2 %", "third # & '"]
KINDS = ["wav", "flac", "ogg", "mp3", "m4a"]


def write(path: Path, seconds: float = 1.3) -> Path:
    """Write noise that no other file has."""
    import soundfile

    path.parent.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(zlib.crc32(str(path).encode()))
    samples = 0.1 * generator.standard_normal(round(16000 * seconds)).astype(np.float32)
    if path.suffix == ".m4a" and m4a.available():
        return encode(path, samples[:, None], 16000, "aac", "fltp")
    soundfile.write(path, samples, 16000, format=path.suffix[1:].upper().replace("M4A", "FLAC"))
    return path


@pytest.fixture(scope="module")
def music(tmp_path_factory) -> Path:
    """Three artists of three albums of five formats, one of two discs; five bad files; others."""
    folder = tmp_path_factory.mktemp("own") / "my music #1"
    for a, artist in enumerate(ARTISTS):
        for b, album in enumerate(ALBUMS):
            for t, kind in enumerate(KINDS):
                disc = f"CD{t % 2 + 1}" if a == b == 0 else ""
                write(folder / artist / album / disc / f"{t} tr&ck {{x}}.{kind}")
    for number in range(4):
        write(folder / "Various Artists" / "Hits" / f"{number}.flac")
    bad = folder / ARTISTS[0] / ALBUMS[0]
    (bad / "empty.mp3").touch()
    (bad / "text.mp3").write_text("no music\n" * 100)
    (bad / "text.wma").write_text("no music\n" * 100)
    write(bad / "short.flac", seconds=0.5)
    write(bad / "bonus" / "deep.flac")
    (bad / "cover.jpg").touch()
    return folder


@pytest.fixture
def fast(monkeypatch):
    """No GPU, and no training steps to measure."""
    monkeypatch.setattr(estimating, "has_gpu", lambda: False)
    monkeypatch.setattr(estimating, "_training", lambda *_: (False, 0.01))


def chosen(folder: Path, on_gpu: bool = False, names: str | None = None):
    found = survey(folder, names)
    return found, choose(found, "own", on_gpu, BASE, SCHEMA)


def test_what_it_writes_runs_and_the_scan_finds_what_it_said(music, tmp_path, fast, capsys):
    workdir = copy_workflow(tmp_path / "copy")
    output = workdir / "it's own.yaml"
    assert main(["init", str(music), "--name", "own", "--output", str(output)]) == 0
    said = capsys.readouterr().out
    assert "45 tracks of 3 artists on 9 albums" in said
    _, *arguments = shlex.split(said.splitlines()[-1])
    assert arguments == ["--cores", str(estimating.cores()), "--configfile", str(output)]
    check = "results/own/experiments/first/check.txt"
    done = snakemake(workdir, check, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    summary = (workdir / "results/own/corpus/summary.txt").read_text()
    assert summary.startswith("45 tracks of 3 artists on 9 albums")
    for status in ("1 empty", "2 undecodable", "1 too_short", "1 misplaced", "4 excluded"):
        assert f"left out: {status}" in summary
    assert (
        (workdir / check)
        .read_text()
        .startswith("the corpus is sufficient for the song and album split")
    )
    assert not list(workdir.rglob("hacked"))


def test_survey_tells_without_decoding_what_the_scan_finds(music):
    found = survey(music)
    scanned = scan(music, found.recordings, threads=2)
    told = {row["path"]: row for row in found.rows if row["artist"] != "Various Artists"}
    assert len(told) == len(scanned) - 4
    for row in scanned:
        if (own := told.get(row["path"])) is not None:
            assert (own["status"], own["reason"]) == (row["status"], row["reason"])
            assert {key: own[key] for key in ("track_id", "album_id", "artist", "album")} == {
                key: row[key] for key in ("track_id", "album_id", "artist", "album")
            }
            if row["status"] == "ok":
                assert own["duration"] == pytest.approx(row["duration"], abs=0.15)


def test_what_is_said_of_a_folder(music):
    found, choice = chosen(music)
    lines = describe_folder(found).splitlines()
    assert lines[:2] == [
        f"'{music}': 54 recordings",
        "45 tracks of 3 artists on 9 albums, 1.0 minutes",
    ]
    assert "  .flac: 9 tracks, 0.2 minutes, 6 not used" in lines
    assert "  .m4a: 9 tracks, 0.2 minutes" in lines
    assert "artist and album: by folders, which name them for 53 of 54 (tags: 0)" in lines
    left_out = [line for line in lines if line.startswith("left out")]
    assert len(left_out) == 6
    assert left_out[0] == (
        "left out, excluded: 'Various Artists/Hits/0.flac' and 3 more: folder 'Various Artists' "
        "holds compilations"
    )
    assert any(line.startswith("discs merged into one album: 5 recordings") for line in lines)
    assert describe_choice(choice).splitlines() == [
        "song split (3 usable tracks of each artist): 3 of 3 artists",
        "album split (3 albums of each artist): 3 of 3 artists",
        "5 recordings cannot be used, which the configuration allows (max_bad_share: 0.11)",
    ]


def test_text_of_the_configuration_is_the_choice(music):
    for on_gpu in (False, True):
        found, choice = chosen(music, on_gpu)
        text = configuration(found, choice, "snakemake")
        read = yaml.safe_load(text)
        assert read["corpus"]["exclude"].pop("albums") == []
        assert read.get("training", {}) == choice.given["training"]
        assert {**choice.given, "training": 0} == {**read, "training": 0}
        assert read["corpus"]["exclude"] == {"artists": ["Various Artists"]}
        assert read["experiment"]["splits"] == ["song", "album"]
        # A key is explained, but for those that belong together.
        lines = text.splitlines()
        for key in ("name", "names", "exclude", "min_albums", "max_bad_share", "models", "seeds"):
            place = next(n for n, line in enumerate(lines) if line.startswith(f"  {key}:"))
            assert lines[place - 1].lstrip().startswith("#"), key


@given(st.text())
def test_any_text_is_quoted_on_one_line(text):
    line = quoted(text) if text.isascii() or _is_unicode(text) else None
    if line is not None:
        assert len(line.splitlines()) == 1
        assert yaml.safe_load(line) == text
        assert yaml.safe_load(f"a:\n  - {line}\nb: 1") == {"a": [text], "b": 1}


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def test_name_that_is_no_unicode_is_refused():
    with pytest.raises(InputError, match="is not UTF-8, so it cannot be a name in a configuration"):
        quoted("not utf-8 \udcff")


def test_odd_names_reach_the_configuration(tmp_path):
    names = [name for name in ODD_NAMES if _is_unicode(name)]
    for name in names:
        for track in range(3):
            write(tmp_path / name / name / f"{track}.flac")
    write(tmp_path / 'one "track": #' / "album" / "1.flac")
    found, choice = chosen(tmp_path)
    assert choice.rooms["song"].fewer == {'one "track": #': 1}
    text = configuration(found, choice, command(Path("a'b\nc.yaml"), 2))
    assert yaml.safe_load(text)["corpus"]["audio_dir"] == str(tmp_path)
    assert '  #   "one \\"track\\": #"\n' in text


def albums(folder: Path, counts: dict[str, int], tracks: int = 3, seconds: float = 3.5) -> Path:
    for artist, count in counts.items():
        for album in range(count):
            for track in range(tracks):
                write(folder / artist / str(album) / f"{track}.wav", seconds)
    return folder


@pytest.mark.parametrize(
    ("counts", "splits", "left_out"),
    [
        ({"a": 3, "b": 3}, ["song", "album"], set()),
        ({"a": 3, "b": 3, "c": 2, "d": 1}, ["song", "album"], {"c", "d"}),
        ({"a": 3, "b": 3, "c": 2, "d": 1, "e": 1}, ["song"], set()),
        ({"a": 3, "b": 2}, ["song"], set()),
    ],
)
def test_album_split_is_taken_where_half_of_the_artists_have_albums(
    tmp_path, counts, splits, left_out
):
    found, choice = chosen(albums(tmp_path, counts))
    assert choice.given["experiment"]["splits"] == splits
    assert set(choice.left_out) == left_out
    assert choice.given["corpus"].get("min_albums") == (3 if "album" in splits else None)
    assert choice.given["experiment"]["slice_seconds"] == [3]
    text = configuration(found, choice, "x")
    assert ("The album split needs 3 albums of each artist, and" in text) == ("album" not in splits)
    said = describe_choice(choice)
    assert ("; not used" in said) == ("album" not in splits)


def test_short_recordings_get_short_slices(tmp_path):
    _, choice = chosen(albums(tmp_path, {"a": 1, "b": 1}, seconds=1.5))
    assert choice.given["experiment"]["slice_seconds"] == [1]


@pytest.mark.parametrize(
    ("counts", "says"),
    [({"a": 3}, "1 artists have 3 usable tracks or more, and at least 2 are needed"), ({}, "")],
)
def test_what_cannot_be_told_apart_is_refused_and_nothing_is_written(
    tmp_path, fast, capsys, counts, says
):
    folder = albums(tmp_path / "music", counts)
    folder.mkdir(exist_ok=True)
    (folder / "cover.jpg").touch()
    assert main(["init", str(folder), "--output", str(tmp_path / "x.yaml")]) != 0
    error = capsys.readouterr().err
    assert says in error or "contains no audio file; name the folder above" in error
    assert "Traceback" not in error
    assert not (tmp_path / "x.yaml").exists()


def test_a_configuration_is_not_overwritten_unless_asked(tmp_path, fast, capsys):
    folder = albums(tmp_path / "music", {"a": 1, "b": 1}, seconds=1.5)
    output = tmp_path / "x.yaml"
    output.write_text("mine")
    assert main(["init", str(folder), "--output", str(output)]) != 0
    assert (
        "x.yaml: already exists; choose another name with --output, or overwrite it with --force"
        in (capsys.readouterr().err)
    )
    assert output.read_text() == "mine"
    assert main(["init", str(folder), "--output", str(output), "--force"]) == 0
    assert yaml.safe_load(output.read_text())["corpus"]["name"] == "my_music"


def test_name_that_is_none_of_a_corpus_is_refused(tmp_path, fast, capsys):
    folder = albums(tmp_path / "music", {"a": 1, "b": 1}, seconds=1.5)
    for name in ("demo", "../up", ""):
        output = str(tmp_path / "x.yaml")
        assert main(["init", str(folder), "--name", name, "--output", output]) != 0
        assert "corpus.name" in capsys.readouterr().err


def test_tags_are_taken_where_folders_do_not_say(tmp_path):
    for artist in "AB":
        for number in range(3):
            put(tmp_path / f"{artist}{number}.flac", artist=f"{artist} feat. C", album="x (CD 1)")
    put(tmp_path / "A/x/1.mp3", artist="A", album="x")
    put(tmp_path / "B/2.mp3", artist="B", album_artist="Various Artists", album="Hits")
    put(tmp_path / "B/3.mp3", artist="B")
    found, choice = chosen(tmp_path)
    assert found.names == "tags"
    said = describe_folder(found)
    assert (
        "by tags, which name them for 8 of 9 (folders: 1; --names folders would use these)" in said
    )
    assert "left out, untagged: 'B/3.mp3': no album tag" in said
    assert "album 'Hits' is a compilation (artist 'Various Artists')" in said
    assert "  'A feat. C' as 'A'" in said
    assert choice.given["corpus"]["names"] == "tags"
    assert yaml.safe_load(configuration(found, choice, "x"))["corpus"]["names"] == "tags"
    assert survey(tmp_path, "folders").names == "folders"


def test_what_folders_may_hide_is_said(tmp_path):
    albums(tmp_path, {"A": 1, "A feat. B": 1, "B": 1})
    for disc in ("Album (Disc 1)", "Album (Disc 2)"):
        write(tmp_path / "B" / disc / "1.flac")
    shutil.copy(tmp_path / "A/0/0.wav", tmp_path / "A/0/copy.wav")
    said = describe_folder(survey(tmp_path))
    assert "artists' folders with a guest, which count as separate artists: 'A feat. B';" in said
    assert "look like one disc of an album: 'B/Album (Disc 1)', 'B/Album (Disc 2)';" in said
    assert "left out, duplicate: 'A/0/copy.wav': the same bytes as another" in said


def test_without_pyav_m4a_is_left_out_with_the_line_that_installs_it(music, monkeypatch):
    monkeypatch.setattr(m4a, "available", lambda: False)
    said = describe_folder(survey(music))
    assert " and 8 more: cannot be decoded (.m4a needs PyAV: run `pip install" in said


def test_estimate_measures_a_recording_and_a_few_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(estimating, "MEASURED_SECONDS", 0.0)
    found, choice = chosen(albums(tmp_path, {"a": 1, "b": 1}))
    expected = estimate(found.audio_dir, choice.rows, choice.config)
    assert expected.n_trainings == 1
    assert expected.total == expected.reading + expected.training + expected.jobs
    assert min(expected.reading, expected.training, expected.jobs) > 0
    assert f"{estimating.cores()} core" in expected.machine


def test_estimate_grows_with_the_work(tmp_path, fast, monkeypatch):
    monkeypatch.setattr(estimating, "_reading", lambda *_: 0.01)
    found, choice = chosen(albums(tmp_path, {"a": 1, "b": 1}))
    once = estimate(found.audio_dir, choice.rows, choice.config)
    # 18 recordings of 3.5 s at 100 times real time, and 30 epochs of slices of 3 s at 100 a second.
    assert once.reading * 60 * estimating.cores() == pytest.approx(6 * 3.5 / 100)
    steps = 30 * 6 * 3.5 / 3 * estimating.SHARE_OF_STEPS
    assert once.training * 60 == pytest.approx(steps / 100)
    twice = estimate(found.audio_dir, [*choice.rows, *choice.rows], choice.config)
    assert twice.training == pytest.approx(2 * once.training)


def test_estimate_in_words():
    assert describe_estimate(ESTIMATE) == (
        "a run takes about 6 hours here, on 2 cores without a GPU (an estimate from one recording "
        "and a few training steps): less than a minute to read the recordings, at most 50 min for "
        "2 trainings, 5 hours for other jobs\n"
    )


def test_help_starts_at_once():
    """No command imports what it needs before it runs."""
    code = "import sys; from artistid.__main__ import main\n"
    code += "try: main(['init', '--help'])\nexcept SystemExit: pass\n"
    code += "print('HEAVY', {'torch', 'librosa', 'soundfile', 'yaml'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY set()" in done.stdout
    assert "--force" in done.stdout
