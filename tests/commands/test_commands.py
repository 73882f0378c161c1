"""The command line, as a person and as a script use it."""

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from prediction_helpers import demo_tracks, network_package, system_package

from artistid.__main__ import DONE, REFUSED, SOME_BAD, main
from artistid.prediction.answers import Ensemble
from artistid.prediction.package import read_package

ARTISTS = ["Ünï", 'it\'s "100%" & more', "NA"]
ODD = [
    "with space.wav",
    "-rf $(touch hacked); `id`.flac",
    "line\nbreak.ogg",
    os.fsdecode(b"not utf-8 \xff.mp3"),
    "日本語 🎵.MP3",
    "*?[abc].wav",
]
BAD = ["text.mp3", "empty.wav", "short.flac", "song.m4a", "cut.ogg"]


@pytest.fixture(scope="module")
def tracks(tmp_path_factory):
    return demo_tracks(tmp_path_factory.mktemp("music"), 3, 4)


@pytest.fixture(scope="module")
def model(tracks, tmp_path_factory) -> Path:
    """A classical model, which loads no torch."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    return system_package(path, "gaussian_mfcc", tracks, ARTISTS)[0].path


@pytest.fixture(scope="module")
def network(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("network") / "model.safetensors"
    return network_package(path, classes=ARTISTS).path


@pytest.fixture(scope="module")
def folder(tracks, tmp_path_factory) -> Path:
    """Recordings of known artists in four formats, five bad files, and what is no audio."""
    folder = tmp_path_factory.mktemp("odd") / "my music"
    (folder / "deep" / "er").mkdir(parents=True)
    for number, name in enumerate(ODD):
        samples, rate = soundfile.read(tracks[number % 3][-1])
        kind = name.rpartition(".")[2].upper()
        target = folder / ("deep/er" if number % 2 else "") / name
        with target.open("wb") as stream:
            soundfile.write(stream, samples, rate, format=kind)
    (folder / "text.mp3").write_text("no music")
    (folder / "empty.wav").write_bytes(b"")
    soundfile.write(folder / "short.flac", samples[:5000], rate)
    (folder / "song.m4a").write_bytes(b"\0" * 99)
    whole = (folder / "with space.wav").read_bytes()
    (folder / "cut.ogg").write_bytes(whole[:20])
    (folder / "cover.jpg").write_bytes(b"\0")
    return folder


def expected(name: str) -> str:
    return ARTISTS[ODD.index(name) % 3]


def test_folder_of_odd_names_and_bad_files(model, folder, capfd):
    assert main(["predict", str(model), "--json", str(folder)]) == SOME_BAD
    out, err = capfd.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    good = {Path(row["path"]).name: row for row in rows if "error" not in row}
    assert set(good) == set(ODD)
    for name, row in good.items():
        assert row["artist"] == row["vote"] == expected(name)
        assert row["slices"] == len(row["over_time"]) == 4
        assert sum(a["probability"] for a in row["artists"]) == pytest.approx(1)
    *named, summary = err.splitlines()
    assert len(named) == 5
    for name in BAD:
        assert [line for line in named if f"/{name}: " in line], name
    assert summary == "artistid: 5 of 11 files could not be used"
    assert not list(folder.rglob("hacked"))


def test_csv_is_of_a_row_for_each_file(model, folder):
    done = run("predict", model, folder, "--csv", "--top", "2")
    assert done.returncode == SOME_BAD
    rows = list(csv.DictReader(io.StringIO(os.fsdecode(done.stdout), newline="")))
    assert len(rows) == 11
    assert {Path(row["path"]).name for row in rows if row["error"]} == set(BAD)
    for row in rows:
        if not row["error"]:
            assert row["top_1"] == row["artist"] == expected(Path(row["path"]).name)
            assert float(row["p_1"]) >= float(row["p_2"])
            assert "top_3" not in row


def run(*arguments: str | Path, **options) -> subprocess.CompletedProcess:
    """Run the command in a process of its own, anywhere but in the repository."""
    command = [sys.executable, "-m", "artistid", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, cwd="/", **options)


def test_list_on_standard_input_and_a_fresh_process(model, folder, tracks):
    paths = [folder / "line\nbreak.ogg", folder / "deep/er" / ODD[3], tracks[0][-1]]
    listed = b"\0".join(os.fsencode(path) for path in paths)
    done = run("predict", model, "-", "-0", "--json", input=listed)
    assert done.returncode == DONE, done.stderr
    assert done.stderr == b"", "no progress in a pipe, nor what decoders complain of"
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["path"] for row in rows] == list(map(str, paths))
    ensemble = Ensemble([read_package(model)])
    for row, path in zip(rows, paths, strict=True):
        answer = ensemble.answer(path)
        found = {a["artist"]: a["log_probability"] for a in row["artists"]}
        assert [found[artist] for artist in ARTISTS] == pytest.approx(
            answer.log_probability.tolist(), abs=1e-6
        )


def test_lines_of_text_for_people(model, tracks, capfd):
    assert main(["predict", str(model), str(tracks[1][-1]), "--passages"]) == DONE
    first, *passages = capfd.readouterr().out.splitlines()
    assert f"3.mp3: {ARTISTS[1]} " in first
    assert first.endswith(f"vote {ARTISTS[1]}; 4 slices")
    assert passages[0] == f"    0:00 - {passages[0][11:15]}  {ARTISTS[1]}"
    assert " - 0:04  " in passages[-1]


def test_progress_is_shown_on_a_terminal(model, tracks):
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "artistid", "predict", model, tracks[0][0]]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=theirs)
    os.close(theirs)
    assert done.returncode == DONE
    assert b"1: 0.mp3" in os.read(ours, 10_000)
    os.close(ours)


WRONG = [
    (["predict"], "the following arguments are required"),
    (["predikt"], "invalid choice"),
    ([], "the following arguments are required: COMMAND"),
    (["predict", "MODEL", "x", "--top", "0"], "'0' is not a whole number of 1 or more"),
    (["predict", "song.mp3"], "song.mp3: is not a model; name a *.safetensors file first"),
    (["predict", "MODEL"], "no audio file or folder is named"),
    (["predict", "/nothing.safetensors", "x"], "/nothing.safetensors: there is no such file"),
    (["predict", "MODEL", "x", "y", "--plot", "a.png"], "--plot draws one file, and 2 are named"),
    (["predict", "MODEL", "x", "--plot", "a.pdf"], "a figure is saved as .png or .svg"),
    (
        ["embed", "MODEL", "x", "-o", "o.npz"],
        "is not a network (gaussian_mfcc), so it has no features",
    ),
    (["export", "--onnx", "MODEL", "o.onnx"], "is not a network (gaussian_mfcc)"),
    (["info", "/nothing.safetensors"], "there is no such file"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG, ids=[row[1] for row in WRONG])
def test_wrong_calls_are_refused_in_a_line(model, arguments, message, capfd):
    arguments = [str(model) if part == "MODEL" else part for part in arguments]
    try:
        code = main(arguments)
    except SystemExit as ended:
        code = ended.code
    assert code == REFUSED
    err = capfd.readouterr().err
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize("command", ["", "predict", "info", "embed", "export"])
def test_help_is_there_and_loads_nothing_heavy(command, capfd):
    code = (
        "import sys; from artistid.__main__ import main\n"
        f"try: main({[*command.split(), '--help']})\n"
        "except SystemExit as ended: assert ended.code == 0\n"
        "heavy = {'torch', 'numpy', 'sklearn', 'scipy', 'librosa', 'matplotlib', 'pandas'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "usage: artistid" in done.stdout


def test_classical_model_needs_neither_torch_nor_librosa(model, tracks):
    code = (
        "import sys; from artistid.__main__ import main\n"
        f"assert main(['predict', {str(model)!r}, {str(tracks[0][0])!r}]) == 0\n"
        "assert not {'torch', 'librosa', 'matplotlib'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_info_is_the_card_and_json_has_all(network, capfd):
    assert main(["info", str(network)]) == DONE
    assert "# crnn: which of 3 artists is it?" in capfd.readouterr().out
    assert main(["info", str(network), "--json"]) == DONE
    told = json.loads(capfd.readouterr().out)
    assert told["classes"] == ARTISTS
    assert told["parameters"] > 1000
    assert len(told["sha256"]) == 64


def test_embed_writes_features_of_files_and_slices(network, tracks, folder, tmp_path, capfd):
    good, out = [tracks[0][0], tracks[1][0]], tmp_path / "features.npz"
    arguments = ["embed", network, *good, folder / "text.mp3", "-o", out]
    assert main(list(map(str, arguments))) == SOME_BAD
    assert "text.mp3: cannot be decoded" in capfd.readouterr().err
    with np.load(out, allow_pickle=False) as found:
        mean, paths = found["features"], found["path"].tolist()
    assert paths == list(map(str, good))
    assert mean.shape == (2, 32)
    assert main([*map(str, arguments), "--slices"]) == SOME_BAD
    with np.load(out, allow_pickle=False) as found:
        assert found["features"].shape == (8, 32)
        assert found["features"][:4].mean(axis=0) == pytest.approx(mean[0], abs=1e-6)
        assert found["start"][:4] == pytest.approx([0, 0.992, 1.984, 2.976])


@pytest.mark.parametrize("kind", ["model", "network"])
def test_plot_is_drawn(kind, request, tracks, tmp_path):
    package, plot = request.getfixturevalue(kind), tmp_path / "plot.png"
    assert main(["predict", str(package), str(tracks[0][0]), "--plot", str(plot)]) == DONE
    assert plot.read_bytes().startswith(b"\x89PNG")
