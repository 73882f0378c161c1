"""A job's log: what reaches the terminal, and what the file keeps."""

import subprocess
import sys

import pytest

from artistid.files import replacing, write_text
from artistid.sources import ROOT as SCRIPTS

PREAMBLE = """
import logging, os, sys
sys.path.insert(0, sys.argv[2])
from artistid.errors import InputError
from artistid.jobs import logged
with logged(sys.argv[1], "resnet50 100% {song}") as log:
    BODY
"""


def run_job(tmp_path, body):
    code = PREAMBLE.replace("BODY", body)
    command = [sys.executable, "-c", code, str(tmp_path / "logs/job.log"), str(SCRIPTS)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr, (tmp_path / "logs/job.log").read_text()


def test_progress_reaches_the_terminal_once_in_a_while_and_the_file_always(tmp_path):
    body = "[log.info('epoch %d', epoch) for epoch in range(50)]; log.warning('odd')"
    code, terminal, file = run_job(tmp_path, body)
    assert code == 0
    assert terminal.splitlines() == [
        "resnet50 100% {song}: epoch 0",
        "resnet50 100% {song}: odd",
    ]
    assert file.count("INFO epoch") == 50


def test_input_error_is_one_line(tmp_path):
    code, terminal, file = run_job(tmp_path, "raise InputError('a.mp3: cannot be decoded')")
    assert code == 1
    assert terminal == "resnet50 100% {song}: a.mp3: cannot be decoded\n"
    assert "Traceback" not in file


def test_traceback_of_anything_else_is_in_the_file(tmp_path):
    code, terminal, file = run_job(tmp_path, "1 / 0")
    assert code == 1
    assert terminal.startswith("resnet50 100% {song}: ZeroDivisionError: division by zero; details")
    assert "Traceback" not in terminal
    assert "Traceback" in file


def test_chatter_of_libraries_goes_to_the_file(tmp_path):
    code, terminal, file = run_job(tmp_path, "os.write(2, b'mpg123: hm\\n'); log.info('done')")
    assert code == 0
    assert terminal == "resnet50 100% {song}: done\n"
    assert "mpg123: hm" in file


def test_half_a_file_never_bears_the_name(tmp_path):
    path = tmp_path / "table.csv"
    write_text(path, "whole")
    with pytest.raises(RuntimeError), replacing(path) as temporary:
        temporary.write_text("ha")
        raise RuntimeError
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]
