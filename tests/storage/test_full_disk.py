"""A full disk, and folders that may not be written to: one clear line, and no half of a file.

And a power cut: what bears its name is on the disk.
"""

import errno
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from conftest import copy_workflow, ordinary_user, snakemake

from artistid.errors import InputError
from artistid.storage.files import write_text

KILOBYTES = 50
LIMITED = (
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2);"
    "os.execvp(sys.argv[2], sys.argv[2:])"
)


def limited(kilobytes: int) -> list[str]:
    """A command that runs another one, for which the disk is full: no file grows further."""
    return [sys.executable, "-c", LIMITED, str(kilobytes * 1024)]


WRITERS = {
    "cache.h5": """
from artistid.features.mel_cache import write_album
row = {"track_id": "t", "sha256": "", "sampling_rate": "16000", "duration": "1"}
write_album(path, [(row, iter(generator.random((100, 256, 128), "f4")))], {"top_db": 80.0})""",
    "predictions.h5": """
from artistid.runs import Run
from artistid.scoring.predictions import Predictions, write_predictions
many = np.zeros(100_000, int)
part = Predictions(generator.random((100_000, 3)), many, many, ["t"])
run = Run("c", "e", "m", "song", "draw1", 1.0, 31, 1)
write_predictions(path, run, ["a"] * 3, {"test": part})""",
    "rows.csv": """
from artistid.storage.files import write_rows
write_rows(path, [{"text": "x" * 1000}] * 1000, ["text"])""",
    "text.json": """
from artistid.storage.files import write_json
write_json(path, ["x" * 1000] * 1000)""",
    "weights.safetensors": """
import torch
from artistid.training.weights import save_weights
save_weights(path, torch.nn.Linear(1000, 1000), (np.zeros(3), np.ones(3)), {})""",
    "figure.svg": """
from matplotlib.figure import Figure
from artistid.figures.style import save
figure = Figure()
figure.subplots().plot(generator.random(10_000))
save(figure, path)""",
    "song.mp3": """
from artistid.demo.recordings import make_album
make_album([path], 0, 0, 15, 1)""",
}
WRITE = """
import sys
from pathlib import Path
import numpy as np
from artistid.jobs.logs import job_log
path, generator = Path(sys.argv[1]), np.random.default_rng(1)
with job_log(sys.argv[2], "job"):
"""


def write(name: str, folder: Path, within: list[str]) -> tuple[int, str]:
    body = "\n".join(f"    {line}" for line in WRITERS[name].splitlines())
    log = folder.parent / "job.log"
    command = [*within, sys.executable, "-c", WRITE + body, folder / name, log]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr


@pytest.mark.parametrize("name", WRITERS)
def test_full_disk_is_one_line_and_leaves_nothing(tmp_path, name):
    folder = tmp_path / "out"
    folder.mkdir()
    code, said = write(name, folder, limited(KILOBYTES))
    assert code == 1, said
    assert said == (
        f"job: {folder / name}: cannot be written (File too large); raise the limit on the size "
        "of files (ulimit -f), and run the same command again: finished files are kept\n"
    )
    assert list(folder.iterdir()) == []
    assert write(name, folder, [])[0] == 0
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize("name", WRITERS)
def test_unwritable_folder_is_one_line(tmp_path, name):
    folder = tmp_path / "out"
    folder.mkdir(mode=0o555)
    code, said = write(name, folder, ordinary_user())
    assert code == 1, said
    assert said == (
        f"job: {folder / name}: cannot be written (Permission denied); make its folder writable "
        "for you, and run the same command again: finished files are kept\n"
    )


@pytest.mark.parametrize("name", WRITERS)
def test_content_is_on_the_disk_before_its_name_and_then_the_folder(tmp_path, monkeypatch, name):
    path, calls = tmp_path / "out" / name, []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor):
        status = os.fstat(descriptor)
        kind = "folder" if stat.S_ISDIR(status.st_mode) else "file"
        calls.append((f"fsync {kind}", status.st_ino, status.st_size))
        fsync(descriptor)

    def noted_replace(source, target):
        status = Path(source).stat()
        calls.append(("rename", status.st_ino, status.st_size))
        replace(source, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    exec(WRITERS[name], {"path": path, "generator": np.random.default_rng(1), "np": np})  # noqa: S102
    assert [call[0] for call in calls] == ["fsync file", "rename", "fsync folder"]
    whole = (path.stat().st_ino, path.stat().st_size)
    assert [call[1:] for call in calls[:2]] == [whole, whole]  # nothing is written after the fsync
    assert calls[2][1] == path.parent.stat().st_ino


def refuse(monkeypatch, number: int, kind) -> None:
    """Let fsync fail for files (stat.S_ISREG) or folders (stat.S_ISDIR)."""
    fsync = os.fsync

    def fails(descriptor):
        if kind(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fails)


@pytest.mark.parametrize("kind", [stat.S_ISREG, stat.S_ISDIR], ids=["file", "folder"])
@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.ENOSPC, "No space left on device); make room"),
        (errno.EDQUOT, "Disk quota exceeded); make room in your quota"),
        (errno.EIO, "Input/output error); check the disk"),
    ],
)
def test_data_that_do_not_reach_the_disk_are_one_line(tmp_path, monkeypatch, kind, number, message):
    write_text(tmp_path / "table.csv", "before")
    refuse(monkeypatch, number, kind)
    with pytest.raises(InputError) as error:
        write_text(tmp_path / "table.csv", "after")
    assert str(error.value) == (
        f"{tmp_path / 'table.csv'}: cannot be written ({message}, and run the same command "
        "again: finished files are kept"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    assert kind is stat.S_ISDIR or (tmp_path / "table.csv").read_text() == "before"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES])
def test_file_systems_without_fsync_fail_no_job(tmp_path, monkeypatch, number):
    refuse(monkeypatch, number, lambda mode: True)
    write_text(tmp_path / "table.csv", "whole")
    assert (tmp_path / "table.csv").read_text() == "whole"


def test_workflow_in_a_folder_that_is_not_ones_own_says_so(tmp_path):
    workdir = copy_workflow(tmp_path / "clone")
    workdir.chmod(0o555)
    done = snakemake(workdir, "-n", within=ordinary_user())
    workdir.chmod(0o755)
    assert done.returncode != 0
    assert f"{workdir}: cannot be written to; run the workflow in your own folder" in (
        done.stdout + done.stderr
    )
    assert "Traceback" not in done.stdout + done.stderr


@pytest.fixture
def copied(finished, tmp_path) -> Path:
    workdir = tmp_path / "clone"
    shutil.copytree(finished, workdir, symlinks=True)
    return workdir


def state(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_disk_that_is_full_in_the_middle_and_the_run_after_it(copied):
    """Training and extraction cannot write; with room again, all is as it was."""
    results = copied / "results/tiny"
    weights = next(
        (results / "experiments/paper/runs/crnn/song").glob("*/1s/*/weights.safetensors")
    )
    cache = sorted((results / "log_mel").glob("*.h5"))[0]
    before = {path: path.read_bytes() for path in (weights, cache)}
    arguments = ("--configfile", "tiny.yaml", "--resources", "gpu=2")
    for path in before:
        path.unlink()
        target = str(path.relative_to(copied))
        done = snakemake(copied, target, *arguments, within=limited(KILOBYTES))
        assert done.returncode != 0
        assert f"{target}: cannot be written (File too large); raise the limit" in done.stderr
        assert not path.exists()
        assert not list(results.rglob("*.part"))
    targets = [str(path.relative_to(copied)) for path in before]
    done = snakemake(copied, *targets, *arguments)
    assert done.returncode == 0, done.stderr
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "folder", ["results", "results/tiny/experiments/paper/tables", "results/tiny/log_mel"]
)
def test_results_that_may_not_be_written_to_are_named_before_any_job(copied, folder):
    tables = copied / "results/tiny/experiments/paper/tables"
    if folder == "results":
        shutil.rmtree(copied / "results/tiny")
    else:
        (tables / "f1_by_model.csv").unlink()
    before = state(copied / "results")
    (copied / folder).chmod(0o555)
    done = snakemake(copied, "--configfile", "tiny.yaml", "--quiet", "host", within=ordinary_user())
    (copied / folder).chmod(0o755)
    assert done.returncode != 0
    assert f"{folder}: cannot be written to; make it writable for you, or give" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "Finished jobid" not in done.stderr
    assert state(copied / "results") == before
