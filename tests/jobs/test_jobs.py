"""A job's log: what reaches the terminal, and what the file keeps."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from artistid.storage.files import atomic_write, write_text

PREAMBLE = """
import logging, os, sys
from artistid.errors import InputError
from artistid.jobs.logs import job_log
with job_log(sys.argv[1], "resnet50 100% {song}") as log:
    BODY
"""


def run_job(tmp_path, body):
    code = PREAMBLE.replace("BODY", body)
    command = [sys.executable, "-c", code, str(tmp_path / "logs/job.log")]
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


def test_garbage_is_not_looked_for_among_the_modules(tmp_path):
    body = "import gc; log.info('%s', gc.get_freeze_count() > len(gc.get_objects()))"
    _, _, file = run_job(tmp_path, body)
    assert file.endswith("INFO True\n")


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
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("ha")
        raise RuntimeError
    assert path.read_text() == "whole"
    assert list(tmp_path.iterdir()) == [path]


def is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # gone before, or while it is read
        return False
    return state != "Z"


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux tells when a process ended")
@pytest.mark.parametrize("shell", [False, True])
def test_a_job_dies_with_its_workflow(tmp_path, shell):
    """Also with a shell between the two, as for a job in a separate environment."""
    job = PREAMBLE.replace("BODY", "print(os.getpid(), flush=True); import time; time.sleep(60)")
    (tmp_path / "job.py").write_text(job)
    workflow = (
        "import subprocess, sys;"
        "from artistid.jobs.lifetime import mark_workflow; mark_workflow();"
        "command = [sys.executable, *sys.argv[2:]];"
        "command = ['sh', '-c', '\"$@\"; true', 'sh', *command] if sys.argv[1] else command;"
        "subprocess.run(command)"
    )
    arguments = [str(tmp_path / "job.py"), str(tmp_path / "job.log")]
    command = [sys.executable, "-c", workflow, "sh" if shell else "", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        job_id = int(process.stdout.readline())
        time.sleep(0.5)
        assert is_running(job_id)
        process.kill()
    until = time.monotonic() + 10
    while is_running(job_id):
        assert time.monotonic() < until, "the job outlived its workflow"
        time.sleep(0.05)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="Linux tells when a process ended")
def test_a_job_whose_workflow_ended_while_it_started_ends_too(tmp_path):
    """Python takes a while to import: what was started may find itself without a workflow."""
    late = "import os, time\nwhile os.getppid() == int(os.environ['PARENT']): time.sleep(0.01)\n"
    (tmp_path / "job.py").write_text(late + PREAMBLE.replace("BODY", "print('begun')"))
    workflow = (
        "import os, subprocess, sys;"
        "from artistid.jobs.lifetime import mark_workflow; mark_workflow();"
        "os.environ['PARENT'] = str(os.getpid()); subprocess.Popen([sys.executable, *sys.argv[1:]])"
    )
    arguments = [str(tmp_path / "job.py"), str(tmp_path / "job.log")]
    command = [sys.executable, "-c", workflow, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)  # until all ended
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert not (tmp_path / "job.log").exists()


def test_a_mark_of_another_machine_is_none(tmp_path):
    mark = {"ARTISTID_WORKFLOW": "elsewhere:pid:[1] 1234567"}
    code = PREAMBLE.replace("BODY", "log.info('done')")
    command = [sys.executable, "-c", code, str(tmp_path / "job.log")]
    assert subprocess.run(command, env=os.environ | mark, capture_output=True).returncode == 0


def test_a_job_that_is_told_to_end_leaves_nothing_half_written(tmp_path):
    body = (
        "from artistid.storage.files import atomic_write\n"
        "    import time\n"
        "    with atomic_write('whole.txt') as part:\n"
        "        part.write_text('ha'); print(flush=True); time.sleep(60)"
    )
    (tmp_path / "job.py").write_text(PREAMBLE.replace("BODY", body))
    command = [sys.executable, "job.py", "job.log"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=tmp_path) as process:
        process.stdout.readline()
        process.terminate()
    assert process.returncode == 128 + 15
    assert {path.name for path in tmp_path.iterdir()} == {"job.py", "job.log"}
    assert "terminated from outside" in (tmp_path / "job.log").read_text()


def test_what_a_killed_process_left_is_removed(tmp_path):
    (tmp_path / ".table.csv.123.part").write_text("ha")
    (tmp_path / ".other.csv.123.part").write_text("ha")
    write_text(tmp_path / "table.csv", "whole")
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv", ".other.csv.123.part"}
