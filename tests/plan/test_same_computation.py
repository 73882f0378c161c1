"""The command that tells a change of sources from a change of results: its parts, without runs."""

import argparse
import json
import subprocess

import pytest
import same_computation
from conftest import ROOT
from same_computation import (
    Differences,
    compare,
    confirmed,
    contents,
    described,
    differing,
    explained,
    raised,
    scripts_of_rules,
    stage_that_wrote,
    stages_of_files,
)

from artistid.errors import InputError
from artistid.plan.computation import Locked, read_lock, stages, write_lock

A, B, C = "a" * 16, "b" * 16, "c" * 16
LOCKED = {
    "scan": Locked(2, A),
    "train/crnn": Locked(3, A),
    "train/resnet50": Locked(4, A),
    "left": Locked(5, A),
}
NOW = {"scan": A, "train/crnn": B, "train/resnet50": B, "joined": C}
SAID = """\
Building DAG of jobs...
checkpoint scan_corpus:
    input: results/tiny/audio/a.mp3
    output: results/tiny/corpus/tracks.csv, results/tiny/corpus/albums
    log: results/tiny/logs/scan_corpus.log
    jobid: 4
DAG of jobs will be updated after completion.

rule train_network:
    input: results/tiny/splits/song/draw1.csv
    output: results/tiny/runs/crnn/weights.safetensors, results/tiny/runs/crnn/history.csv
    jobid: 5
    wildcards: model=crnn, split=song, seed=1

rule train_network:
    output: results/tiny/runs/wide/history.csv
    wildcards: split=song, model=wide, seed=1

rule plot_confusion_of_songs:
    output: results/tiny/figures/confusion/svm_song_kl.svg
    wildcards: model=svm_song_kl
"""
RULES = """\
rule plot_confusion:
    script:
        "../workflow_scripts/plot_confusion.py"


use rule plot_confusion as plot_confusion_of_songs with:
    output:
        "songs.svg"


for kind in KINDS:

    rule:
        name:
            train
        script:
            "../workflow_scripts/{params.script}.py"
"""


def test_differing_stages_are_those_with_other_sources():
    assert differing(LOCKED, NOW) == ["train/crnn", "train/resnet50"]
    assert differing(LOCKED, {"scan": A}) == []
    assert differing({}, NOW) == []


def test_confirmed_lock_keeps_versions():
    new = confirmed(LOCKED, NOW)
    assert new == {
        "scan": Locked(2, A),
        "train/crnn": Locked(3, B),
        "train/resnet50": Locked(4, B),
        "joined": Locked(1, C),
    }
    assert described(LOCKED, new) == [
        "joined: new, version 1",
        "left: removed",
        "train/crnn: version 3 as before",
        "train/resnet50: version 4 as before",
    ]


def test_raised_versions_are_those_that_were_named():
    new = raised(LOCKED, NOW, ["train/crnn"])
    assert new == {
        "scan": Locked(2, A),
        "train/crnn": Locked(4, B),
        "train/resnet50": Locked(4, A),  # still differs, and a test says so
        "joined": Locked(1, C),
    }
    assert differing(new, NOW) == ["train/resnet50"]
    assert described(LOCKED, new)[2:] == ["train/crnn: version 3 -> 4"]


def test_versions_are_raised_by_pattern():
    new = raised(LOCKED, NOW, ["train/*", "scan"])
    assert {stage: entry.version for stage, entry in new.items()} == {
        "scan": 3,  # also where a library, and no source, changed
        "train/crnn": 4,
        "train/resnet50": 5,
        "joined": 1,
    }
    assert raised(LOCKED, NOW, ["*", "joined"])["joined"] == Locked(1, C)


def test_unknown_stage_is_an_error_that_names_those_that_there_are():
    with pytest.raises(InputError, match=r"--changed left: no such stage; there are: scan, "):
        raised(LOCKED, NOW, ["scan", "left"])


def write(folder, files):
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_results_are_compared_by_content_without_what_differs_between_any_two_runs(tmp_path):
    record = {"commit": "1", "configuration": {"a": 1}, "best_epoch": 2}
    before = {
        "tiny/runs/crnn/metrics.csv": "f1\n0.5",
        "tiny/runs/crnn/timing.csv": "1 s",
        "tiny/runs/crnn/provenance.json": json.dumps(record),
        "tiny/logs/a.log": "x",
        "tiny/benchmarks/a.tsv": "x",
        "tiny/tables/training_time.md": "x",
        "tiny/tables/all_timings.csv": "x",
        "tiny/figures/resources.svg": "x",
        "tiny/training_state/seed1.lock": "x",
    }
    after = dict.fromkeys(before, "y") | {
        "tiny/runs/crnn/metrics.csv": "f1\n0.5",
        "tiny/runs/crnn/provenance.json": json.dumps(record | {"commit": "2", "configuration": {}}),
    }
    one = contents(write(tmp_path / "before", before))
    two = contents(write(tmp_path / "after", after))
    assert len(one) == 2
    assert not compare(one, two)
    write(tmp_path / "after", {"tiny/runs/crnn/metrics.csv": "f1\n0.6"})
    assert compare(one, contents(tmp_path / "after")).other == ["tiny/runs/crnn/metrics.csv"]
    changed = json.dumps(record | {"best_epoch": 1})
    write(tmp_path / "after", {"tiny/runs/crnn/provenance.json": changed, "tiny/more.csv": ""})
    assert compare(one, contents(tmp_path / "after")) == Differences(
        ["tiny/runs/crnn/metrics.csv", "tiny/runs/crnn/provenance.json"], [], ["tiny/more.csv"]
    )


def test_file_belongs_to_the_stage_of_the_rule_that_writes_it():
    known = {"scan_corpus", "train_network/crnn", "plot_confusion"}
    scripts = scripts_of_rules(RULES)
    assert scripts == {
        "plot_confusion": "plot_confusion",
        "plot_confusion_of_songs": "plot_confusion",
    }
    found = stages_of_files(SAID, scripts, known)
    assert stage_that_wrote("tiny/corpus/tracks.csv", found) == "scan_corpus"
    assert stage_that_wrote("tiny/corpus/albums/a/b.csv", found) == "scan_corpus"
    assert stage_that_wrote("tiny/runs/crnn/history.csv", found) == "train_network/crnn"
    assert stage_that_wrote("tiny/runs/wide/history.csv", found) == "train_network/*"
    assert stage_that_wrote("tiny/figures/confusion/svm_song_kl.svg", found) == "plot_confusion"
    assert stage_that_wrote("tiny/audio/a.mp3", found) == "no job's output"


def test_rules_of_this_workflow_have_scripts_with_stages():
    rules = "\n".join(path.read_text() for path in sorted(ROOT.glob("rules/*.smk")))
    found = scripts_of_rules(rules)
    assert found["plot_confusion_of_songs"] == "plot_confusion"
    assert set(found.values()) <= {stage.partition("/")[0] for stage in stages()}


def test_difference_names_files_stages_and_what_to_do():
    found = stages_of_files(SAID, {}, {"scan_corpus", "train_network/crnn"})
    files = ["tiny/corpus/tracks.csv", "tiny/runs/crnn/history.csv", "tiny/runs/wide/history.csv"]
    changed = ["train_network/crnn", "train_network/resnet50"]
    said = explained(Differences(files, [], []), found, changed)
    assert said == [
        "train_network/*: 1 files differ",
        "    tiny/runs/wide/history.csv",
        "train_network/crnn: 1 files differ",
        "    tiny/runs/crnn/history.csv",
        "scan_corpus: 1 files differ (its sources are the same)",
        "    tiny/corpus/tracks.csv",
        "computation.lock stays as it is. If these results change on purpose, raise the versions "
        "of the stages that compute something else:",
        "    python tests/same_computation.py --changed 'train_network/*' train_network/crnn",
    ]


def test_other_layout_is_said_to_be_no_comparison():
    names = [f"tiny/runs/{number}.csv" for number in range(7)]
    said = explained(Differences(["tiny/a.csv"], names, ["tiny/b.csv"]), {}, [])
    assert said[0] == "7 files are there only before"
    assert said[6:9] == ["    and 2 more", "1 files are there only now", "    tiny/b.csv"]
    assert "cannot be compared; computation.lock stays as it is" in said[9]
    assert "--changed STAGE..." in said[10]


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """A separate lock, and sources with the digests NOW."""
    path = tmp_path / "computation.lock"
    monkeypatch.setattr(same_computation, "LOCK", path)
    monkeypatch.setattr(same_computation, "digests", lambda: NOW)
    monkeypatch.setattr(same_computation, "read_lock", lambda: read_lock(path))
    monkeypatch.setattr(same_computation, "write_lock", lambda new: write_lock(new, path))
    write_lock(LOCKED, path)
    return path


def run(**arguments):
    given = {"golden": None, "list": False, "changed": None} | arguments
    return same_computation.run(argparse.Namespace(**given))


def fake_runs(monkeypatch, tmp_path, value_after):
    """Instead of running workflows: results of one file, with these sources or the older ones."""

    def results_of(commit, folder):
        before = write(folder / "before/results", {"tiny/metrics.csv": "0.5"})
        after = write(folder / "after/results", {"tiny/metrics.csv": value_after})
        write(folder / "after", {"said.txt": "rule train:\n    output: results/tiny/metrics.csv\n"})
        return before, after

    monkeypatch.setattr(same_computation, "commit_of_lock", lambda locked: "0" * 40)
    monkeypatch.setattr(same_computation, "results_of", results_of)
    monkeypatch.setattr(same_computation.tempfile, "tempdir", str(tmp_path))


def test_same_results_confirm_the_lock(lock, monkeypatch, tmp_path, capsys):
    fake_runs(monkeypatch, tmp_path, "0.5")
    assert run() == 0
    assert read_lock(lock) == confirmed(LOCKED, NOW)
    said = capsys.readouterr().out
    assert "2 stages have other sources than the lock: train/crnn, train/resnet50" in said
    assert "1 files are the same" in said
    assert list(tmp_path.glob("same_computation-*")) == []


def test_other_results_leave_the_lock_as_it_is(lock, monkeypatch, tmp_path, capsys):
    fake_runs(monkeypatch, tmp_path, "0.6")
    before = lock.read_text()
    assert run() == 1
    assert lock.read_text() == before
    said = capsys.readouterr().out
    assert "train/*: 1 files differ\n    tiny/metrics.csv" in said
    assert "--changed 'train/*'" in said
    [kept] = tmp_path.glob("same_computation-*")
    assert f"Both results are in {kept}" in said


def test_list_names_what_differs_and_what_is_new(lock, capsys):
    assert run(list=True) == 0
    assert capsys.readouterr().out.split() == ["train/crnn", "train/resnet50", "joined"]


def test_raising_says_what_is_left(lock, capsys):
    assert run(changed=["train/crnn"]) == 0
    said = capsys.readouterr().out
    assert "train/crnn: version 3 -> 4" in said
    assert "Other sources than the lock still have: train/resnet50." in said


def test_new_and_removed_stages_need_no_comparison(lock, monkeypatch):
    monkeypatch.setattr(same_computation, "digests", lambda: {"scan": A, "joined": C})
    assert run() == 0
    assert read_lock(lock) == {"scan": Locked(2, A), "joined": Locked(1, C)}


def test_agreement_writes_nothing(lock, monkeypatch, capsys):
    monkeypatch.setattr(same_computation, "digests", lambda: dict.fromkeys(LOCKED, A))
    before = lock.stat().st_mtime_ns
    assert run() == 0
    assert lock.stat().st_mtime_ns == before
    assert "agrees with the sources of all 4 stages" in capsys.readouterr().out


def test_missing_lock_is_written_with_first_versions(lock):
    lock.unlink()
    assert run() == 0
    assert read_lock(lock) == {stage: Locked(1, digest) for stage, digest in NOW.items()}


@pytest.fixture
def repository(lock, monkeypatch):
    """A repository of one commit, which has the lock."""
    root = lock.parent
    monkeypatch.setattr(same_computation, "ROOT", root)

    def commit(message: str) -> str:
        person = ("-c", "user.name=a", "-c", "user.email=a@b")
        for command in (("add", "--all"), (*person, "commit", "--quiet", "-m", message)):
            subprocess.run(["git", *command], cwd=root, check=True)
        return same_computation.git("rev-parse", "HEAD")

    subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
    (root / "a.txt").write_text("first")
    lock.rename(root / "elsewhere")
    commit("no lock")
    (root / "elsewhere").rename(lock)
    return commit


def test_lock_is_compared_with_the_commit_at_which_it_last_changed(lock, repository):
    with pytest.raises(InputError, match=r"computation.lock: is in no commit"):
        same_computation.commit_of_lock(LOCKED)
    wanted = repository("lock")
    (lock.parent / "a.txt").write_text("second")
    repository("something else")
    assert same_computation.commit_of_lock(LOCKED) == wanted
    with same_computation.sources_of(wanted, lock.parent / "older") as sources:
        assert (sources / "a.txt").read_text() == "first"
    assert not sources.exists()
    assert len(same_computation.git("worktree", "list").splitlines()) == 1


def test_raised_versions_have_to_be_committed_before_the_next_comparison(repository):
    commit = repository("lock")
    newer = LOCKED | {"scan": Locked(3, A)}
    with pytest.raises(InputError, match=f"the versions of scan are not those of {commit[:10]}"):
        same_computation.commit_of_lock(newer)
    other_digest = LOCKED | {"scan": Locked(2, B), "joined": Locked(1, C)}
    assert same_computation.commit_of_lock(other_digest) == commit


def test_golden_run_has_one_core_and_no_gpu(monkeypatch, tmp_path):
    def snakemake(workdir, *arguments, **environment):
        asked = f"{arguments} {environment}"
        return subprocess.CompletedProcess([], returncode, stdout="", stderr=asked)

    monkeypatch.setattr(same_computation, "copy_workflow", lambda folder: folder)
    monkeypatch.setattr(same_computation, "snakemake", snakemake)
    returncode = 0
    same_computation.run_golden(tmp_path)
    said = (tmp_path / "said.txt").read_text()
    assert "'--cores', '1', '--configfile', 'golden.yaml'" in said
    assert "'CUDA_VISIBLE_DEVICES': ''" in said
    assert "'OMP_NUM_THREADS': '1'" in said
    returncode = 1
    with pytest.raises(SystemExit, match="golden"):
        same_computation.run_golden(tmp_path)


def test_commit_whose_sources_are_not_those_of_its_lock_says_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(same_computation, "git", lambda *arguments: "")
    monkeypatch.setattr(same_computation, "ask", lambda sources, *arguments: "scan\ntrain/crnn")
    with pytest.raises(
        InputError, match=r"its sources are not those of its .*\(scan, train/crnn\)"
    ):
        same_computation.results_of("1" * 40, tmp_path)
