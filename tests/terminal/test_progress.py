"""How far a run is, from its events and the logs of its jobs; the lines of a pipe."""

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from artistid.terminal.display import Lines
from artistid.terminal.ending import WIDTH, Result, f1_table, where
from artistid.terminal.joblog import Epoch, JobLog, epoch_in, last_lines, warnings_in
from artistid.terminal.progress import Progress
from artistid.terminal.words import left_in_words, minutes_in_words, seconds_in_words
from artistid.training.fit import _progress

STAGE_OF = {"extract": "features", "train": "training", "train_song": "training"}
CRNN, RESNET, SONG = ("train", "crnn"), ("train", "resnet50"), ("train_song", "svm")


def line(level: str, message: str) -> str:
    return f"2026-01-02 03:04:05,678 {level} {message}"


def epoch_line(number: int, of: int) -> str:
    """What a training says of an epoch."""
    row = {"epoch": number, "train_loss": 1.0, "validation_loss": 2.0, "validation_macro_f1": 0.4}
    training = SimpleNamespace(history=[row], seconds=[3.0], best_epoch=1)
    return line("INFO", _progress(training, 100, of))


@pytest.fixture
def progress() -> Progress:
    return Progress(STAGE_OF)


@pytest.fixture
def training(progress):
    stage = progress.stage("train")
    assert stage.name == "training"
    return stage


def test_jobs_are_counted_by_stage_and_a_target_is_none(progress):
    progress.expect({("extract", ""): 5, CRNN: 2, SONG: 1, ("all", ""): 1}, may_grow=False)
    assert {name: stage.total for name, stage in progress.stages.items()} == {
        "features": 5,
        "training": 3,
    }
    progress.start(1, ("all", ""), "", None, 0.0)
    assert progress.running == {}
    assert progress.end(1, 1.0) is None


def test_time_left_is_said_of_what_is_known_only(progress, training):
    progress.expect({CRNN: 4, SONG: 1}, may_grow=False)
    progress.start(1, CRNN, "", None, 100.0)
    assert progress.seconds_left(training, 105.0) is None
    progress.end(1, 110.0)
    assert progress.seconds_left(training, 110.0) is None, "nothing is known of the song system"
    progress.start(2, SONG, "", None, 110.0)
    progress.end(2, 112.0)
    assert progress.seconds_left(training, 112.0) == pytest.approx(3 * 10)


def test_unknown_rule_takes_what_its_stage_does_once_some_jobs_are_done(progress, training):
    progress.expect({CRNN: 3, SONG: 2}, may_grow=False)
    for number in range(3):
        assert progress.seconds_left(training, 10.0 * number) is None
        progress.start(number, CRNN, "", None, 10.0 * number)
        progress.end(number, 10.0 * number + 10)
    assert progress.seconds_left(training, 30.0) == pytest.approx(2 * 10)


def test_time_left_is_shared_by_the_jobs_that_run_at_once(progress, training):
    progress.expect({CRNN: 6}, may_grow=False)
    for number in (1, 2):
        progress.start(number, CRNN, "", None, 0.0)
    for number in (1, 2):
        progress.end(number, 10.0)
    assert progress.seconds_left(training, 10.0) == pytest.approx(4 * 10 / 2)


def test_time_left_is_not_said_while_a_stage_waits_for_others(progress, training):
    progress.expect({CRNN: 2}, may_grow=False)
    progress.start(1, CRNN, "", None, 0.0)
    progress.end(1, 10.0)
    assert progress.seconds_left(training, 15.0) is not None
    assert progress.seconds_left(training, 30.0) is None
    progress.start(2, CRNN, "", None, 30.0)
    assert progress.seconds_left(training, 31.0) is not None


def test_model_takes_what_it_took_and_an_unknown_one_what_its_rule_did(progress, training):
    progress.expect({CRNN: 2, RESNET: 1}, may_grow=False)
    progress.start(1, CRNN, "", None, 0.0)
    progress.end(1, 10.0)
    assert progress.seconds_left(training, 10.0) == pytest.approx(20)
    progress.start(2, RESNET, "", None, 10.0)
    progress.end(2, 40.0)
    assert progress.seconds_left(training, 40.0) == pytest.approx(10), "another CRNN"


def test_running_training_takes_what_its_epochs_say(progress, training, tmp_path):
    log = tmp_path / "job.log"
    progress.expect({CRNN: 1}, may_grow=False)
    progress.start(1, CRNN, "crnn", log, 0.0)
    log.write_text(epoch_line(3, 12) + "\n")
    assert progress.running[1].look() == []
    assert progress.running[1].epoch == Epoch(3, 12, "0.400")
    assert progress.seconds_left(training, 30.0) == pytest.approx(90)
    progress.expect({CRNN: 2}, may_grow=False)
    progress.start(2, CRNN, "", None, 0.0)
    progress.end(2, 30.0)
    assert progress.seconds_left(training, 30.0) == pytest.approx(90 / 2), "not what others took"


def test_failed_job_is_not_left_and_counts_once_when_it_is_run_again(progress, training):
    progress.expect({CRNN: 2}, may_grow=False)
    progress.start(1, CRNN, "", None, 0.0)
    progress.end(1, 1.0, failed=True)
    assert (training.left, training.done, training.failed) == (1, 0, {1})
    progress.start(1, CRNN, "", None, 1.0)
    progress.end(1, 3.0)
    assert (training.left, training.done, training.failed) == (1, 1, set())
    assert progress.seconds_left(training, 3.0) == pytest.approx(2 * 3 / 2)


def test_stage_is_not_over_while_a_checkpoint_may_add_jobs(progress, training):
    progress.expect({CRNN: 1}, may_grow=True)
    progress.start(1, CRNN, "", None, 0.0)
    progress.end(1, 1.0)
    assert not progress.is_over(training)
    progress.expect({CRNN: 1}, may_grow=False)
    assert progress.is_over(training)


def test_log_of_an_earlier_job_is_not_taken_for_the_new_ones(tmp_path):
    path = tmp_path / "job.log"
    path.write_text(line("WARNING", "of yesterday") + "\n")
    log = JobLog(path)
    assert log.new_lines() == []
    path.write_text("one\ntwo\nth")
    assert log.new_lines() == ["one", "two"]
    with path.open("a") as stream:
        stream.write("ree\n")
    assert log.new_lines() == ["three"]
    assert log.new_lines() == []


def test_warnings_of_a_job_are_found_with_all_their_lines(tmp_path):
    code = (
        "import sys, warnings; from artistid.jobs.logs import job_log\n"
        "with job_log(sys.argv[1], 'job') as log:\n"
        "    log.info('said'); log.warning('told')\n"
        "    warnings.warn('of a library'); log.info('end')\n"
    )
    path = tmp_path / "job.log"
    subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True)
    first, second = warnings_in(path.read_text().splitlines())
    assert first == "told"
    assert "UserWarning: of a library" in second
    assert "end" not in second
    lines = [line("WARNING", "a"), "b", line("INFO", "c"), "d", line("WARNING", "e")]
    assert list(warnings_in(lines)) == ["a\nb", "e"]


def test_what_the_log_of_a_failed_job_ends_with(tmp_path):
    path = tmp_path / "job.log"
    assert last_lines(path, 3) == ["(the job wrote no log)"]
    path.write_text("")
    assert last_lines(path, 3) == ["(the log is empty)"]
    lines = [line("INFO", str(number)) for number in range(9)] + [line("ERROR", "it failed")]
    path.write_text("\n".join(lines) + "\n")
    assert last_lines(path, 3) == lines[-3:]
    assert last_lines(path, 3, without_error=True) == lines[-4:-1]
    path.write_bytes(b"\xff\n")
    assert last_lines(path, 3) == ["�"]


def test_lines_are_few_and_say_when_a_stage_begins_goes_on_and_ends(progress, tmp_path):
    stream, log = io.StringIO(), tmp_path / "job.log"
    lines = Lines(stream, progress, interval=60)
    progress.expect({CRNN: 1, ("extract", ""): 1}, may_grow=False)
    lines.update(0.0)
    assert stream.getvalue() == ""
    progress.start(1, CRNN, "crnn song", log, 0.0)
    for second in range(61):
        lines.update(float(second))
        if second == 30:
            log.write_text(epoch_line(1, 2) + "\n")
            progress.running[1].look()
    progress.end(1, 61.0)
    lines.update(61.0)
    lines.end()
    assert stream.getvalue().splitlines() == [
        "training: 1 job to do",
        "training: 1 job to do, about 1 min left",
        "  crnn song: epoch 1 of 2, validation F1 0.400, at most 1 min left",
        "training: 1 job done in 1 min",
    ]


def test_times_are_said_in_words():
    assert seconds_in_words(59.4) == "59 s"
    assert seconds_in_words(60) == "1 min"
    assert left_in_words(59) == "less than a minute left"
    assert left_in_words(7100) == "about 118 min left"
    assert minutes_in_words(121) == "2 hours"
    assert minutes_in_words(3 * 24 * 60) == "3 days"


@pytest.mark.parametrize("n_splits", [1, 4, 5, 9])
def test_table_has_every_score_within_100_columns(n_splits):
    splits = [f"a_split_with_a_long_name_{number}" for number in range(n_splits)]
    models = ["crnn", "a_model_with_a_name_that_no_table_would_have_room_for", "chance"]
    rows = [
        {"model": model, "split": split, "slice_seconds": "1.0", "pooling": pooling}
        | {"macro_f1_mean": f"0.{first}{second}{int(pooling == 'mean')}"}
        for first, model in enumerate(models)
        for second, split in enumerate(splits)
        for pooling in ("none", "vote", "mean")
    ]
    of_slices = [row for row in rows if row["pooling"] == "none"]
    text = f1_table(of_slices, [row for row in rows if row["pooling"] != "none"])
    assert max(map(len, text.splitlines())) <= WIDTH
    for first in range(len(models)):
        for second in range(n_splits):
            assert text.count(f"0.{first}{second}0 / 0.{first}{second}1") == 1
    assert "crnn, 1 s" in text
    assert "\nchance  " in text


def test_what_is_not_made_or_out_of_date_has_its_command(tmp_path):
    tables, page = tmp_path / "tables.csv", tmp_path / "page.html"
    result = Result("page", page, "make page", of=tables)
    tables.touch()
    assert list(where([result])) == ["to make the page: make page"]
    page.touch()
    assert list(where([result])) == [f"page: {page}"]
    later = page.stat().st_mtime + 10
    os.utime(tables, (later, later))
    assert list(where([result])) == ["to make the page: make page"]


def test_epochs_are_read_from_what_trainings_say():
    assert epoch_in([epoch_line(1, 300), "else", epoch_line(2, 300)]) == Epoch(2, 300, "0.400")
    assert epoch_in(["else"]) is None


def test_a_job_whose_log_is_shown_says_only_what_ends_it(tmp_path):
    code = (
        "import os, sys; from artistid.jobs.lifetime import mark_workflow, show_jobs\n"
        "import subprocess\n"
        "mark_workflow(); sys.argv[2] == 'shown' and show_jobs()\n"
        "job = '''import sys; from artistid.jobs.logs import job_log\n"
        'with job_log(sys.argv[1], "job") as log:\n'
        '    log.warning("a warning"); raise ValueError("the end")\'\'\'\n'
        "sys.exit(subprocess.run([sys.executable, '-c', job, sys.argv[1]]).returncode)\n"
    )

    def said(how: str) -> str:
        command = [sys.executable, "-c", code, str(tmp_path / "job.log"), how]
        return subprocess.run(command, capture_output=True, text=True).stderr

    assert said("") == (
        f"job: a warning\njob: ValueError: the end; details in {tmp_path / 'job.log'}\n"
    )
    assert said("shown") == f"job: ValueError: the end; details in {tmp_path / 'job.log'}\n"
