"""A run on a terminal and in a pipe, with a warning, a training and a job that fails."""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest
from conftest import LAST_WORDS, environment_of, snakemake

RUN = "results/tiny/experiments/paper/runs/crnn/song/draw1/1s/seed1/weights.safetensors"
LOG = "results/tiny/experiments/paper/logs/train_network/crnn/song/draw1/1s/seed1.log"
FIGURE = "results/tiny/figures/log_mels.svg"
EPOCH = (
    "epoch %d/3: loss 1.0, validation loss 2.0 (best in epoch 1), validation F1 0.250, "
    "9 slices/s, at most 0.1 min left"
)
# A training that is over when the test has seen it.
TRAINING = f"""
import time
from pathlib import Path
from artistid.jobs.logs import job_log
with job_log(snakemake.log[0], "training") as log:
    log.info("only for the log")
    log.warning("a warning\\nof two lines")
    log.info({EPOCH!r}, 2)
    while not Path("go").exists():
        time.sleep(0.1)
    for path in snakemake.output:
        Path(path).write_text("")
"""
FAILURE = """
from artistid.errors import InputError
from artistid.jobs.logs import job_log
with job_log(snakemake.log[0], "figure") as log:
    log.warning("another warning")
    log.info("a line before the end")
    raise InputError("a.csv: is empty; write something")
"""
ARGUMENTS = (RUN, FIGURE, "--configfile", "tiny.yaml")


@pytest.fixture
def broken(finished, tmp_path) -> Path:
    """The finished workflow with a training to do, and a figure whose script fails."""
    workdir = shutil.copytree(finished, tmp_path / "copy", symlinks=True)
    for name, script in (("train_network", TRAINING), ("plot_log_mels", FAILURE)):
        (workdir / f"workflow_scripts/{name}.py").write_text(script)
    return workdir


class Terminal:
    """A program on a pseudo-terminal of 100 columns, and what it has written there."""

    def __init__(self, workdir: Path, *arguments: str) -> None:
        self.own, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
        environment = environment_of(workdir, TERM="xterm-256color")
        environment.pop("NO_COLOR", None)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
            cwd=workdir,
            env=environment,
            stdin=other,
            stdout=other,
            stderr=other,
        )
        os.close(other)
        self.raw = b""
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    @property
    def text(self) -> str:
        """What was written, without colours and movements."""
        text = re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", self.raw.decode(errors="replace"))
        return re.sub(r"\r\n?", "\n", text)

    def wait_for(self, pattern: str) -> None:
        deadline = time.monotonic() + 120
        while not re.search(pattern, self.text, re.MULTILINE):
            assert time.monotonic() < deadline, self.text
            assert self.reader.is_alive(), self.text
            time.sleep(0.1)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join(timeout=10)
        os.close(self.own)

    def wait(self) -> int:
        status = self.process.wait(timeout=120)
        self.reader.join(timeout=10)
        return status

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self.own, 65536)
            except OSError:  # the other end is closed
                return
            if not data:
                return
            self.raw += data


def test_terminal_shows_stages_epochs_warnings_and_a_failed_job(broken):
    with Terminal(broken, *ARGUMENTS) as terminal:
        terminal.wait_for(r"^ +training +━+ +1 job to do")
        terminal.wait_for(r"^ +crnn song draw1 1s seed1 +epoch 2 of 3, validation F1 0\.250")
        terminal.wait_for(r"^✗ +figures +━+ +0 of 1 job done in \d+ s, 1 failed")
        (broken / "go").touch()
        assert terminal.wait() == 1
    text = terminal.text
    assert re.search(
        r"^warning: train_network crnn song draw1 1s seed1: a warning\nof two", text, re.M
    )
    assert "\nwarning: plot_log_mels: another warning\n" in text
    assert re.search(r"^figure: a\.csv: is empty; write something\n", text, re.M), "the job's line"
    failed = re.search(
        r"^failed: plot_log_mels\n +\d.* WARNING another warning\n"
        r" +\d.* INFO a line before the end\n  log: (.*)\n",
        text,
        re.M,
    )
    assert (broken / failed[1]).is_file()
    assert re.search(r"^✓ +training +━+ +1 job done in \d+ s", text, re.M), "the last state stays"
    assert "1 job failed (see above)" in text
    for hidden in ("only for the log", "Select jobs", "CalledProcessError", "Job stats"):
        assert hidden not in text
    assert terminal.raw.rfind(b"\x1b[?25h") > terminal.raw.rfind(b"\x1b[?25l"), "a cursor again"


def test_pipe_gets_few_lines_and_the_log_of_snakemake_gets_all(broken):
    (broken / "go").touch()
    done = snakemake(broken, *ARGUMENTS)
    assert done.returncode == 1
    assert "\r" not in done.stderr
    assert "\x1b" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("demo corpus")]
    for line in (
        "training: 1 job to do",
        "figures: 1 job to do",
        "warning: train_network crnn song draw1 1s seed1: a warning",
        "figure: a.csv: is empty; write something",
        "failed: plot_log_mels",
        "1 job failed (see above). Finished jobs are kept: fix the cause, and repeat the same "
        "command.",
    ):
        assert lines.count(line) == 1, line
    assert [line for line in lines if re.fullmatch(r"training: 1 job done in \d+ s", line)]
    assert len(lines) < 25
    [log] = sorted((broken / ".snakemake/log").glob("*.log"))[-1:]
    said = log.read_text()
    assert str(log) in done.stderr
    for text in ("localrule train_network:\n", "reason: ", "Error in rule plot_log_mels:", LOG):
        assert text in said


def test_all_lines_are_had_by_asking(broken):
    (broken / "go").touch()
    done = snakemake(broken, *ARGUMENTS, "--quiet", "host")
    assert "\nlocalrule train_network:\n" in done.stderr
    assert "training: only for the log\n" in done.stderr
    assert "Error in rule plot_log_mels:" in done.stderr
    assert "failed: " not in done.stderr


def test_last_words_are_the_scores_and_where_the_results_are(finished):
    text = (finished / LAST_WORDS).read_text()
    assert max(map(len, text.splitlines())) <= 100
    rows = re.findall(
        r"^(\S.*?) +(?:–|\d\.\d{3}) / \d\.\d{3} +(?:–|\d\.\d{3}) / \d\.\d{3}$", text, re.M
    )
    assert {"inception_rnn, 1 s", "svm_song_kl", "chance"} <= set(rows)
    assert "\ntables: results/tiny/experiments/paper/tables\n" in text
    assert "\nfigures: results/tiny/experiments/paper/figures\n" in text
    listening = "snakemake --cores 2 listening --configfile tiny.yaml"
    assert f"\nto make the listening page: {listening}\n" in text
    report = "snakemake --cores 2 --report results/report.html --configfile tiny.yaml"
    assert f"\nto make the report: {report}\n" in text
    assert "\nNext:\n  snakemake --cores 2 models --configfile tiny.yaml" in text
