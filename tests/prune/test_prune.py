"""The command that lists and removes what no configuration asks for, on a small workflow."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, environment_of

from artistid.errors import InputError

SNAKEFILE = """
configfile: "config.yaml"
CORPUS = f"results/{config['name']}"
HERE = f"{CORPUS}/experiments/{config['experiment']['name']}"

PREDICTED_FOLDERS = [f"{HERE}/predict"]
LISTENING_FOLDERS = [f"{HERE}/listening"]

def asked(wildcards):
    checkpoints.scan.get()
    return expand(f"{HERE}/runs/{{seed}}/metrics.csv", seed=config["experiment"]["seeds"])

rule all:
    input: asked

rule experiments:
    input: asked

rule models:
    input: asked

checkpoint scan:
    output: f"{CORPUS}/corpus/tracks.csv", albums=directory(f"{CORPUS}/corpus/albums")
    shell: "false"

rule train:
    input: f"{CORPUS}/corpus/tracks.csv"
    output: f"{HERE}/runs/{{seed}}/metrics.csv"
    log: f"{CORPUS}/logs/{config['experiment']['name']}/{{seed}}.log"
    benchmark: f"{CORPUS}/benchmarks/{config['experiment']['name']}/{{seed}}.tsv"
    params: state=f"{CORPUS}/training_state/{config['experiment']['name']}/{{seed}}.pt"
    shell: "false"
"""
CONFIG = """
name: tiny
corpus: {audio_dir: results/tiny/audio}
experiment: {name: one, seeds: [1]}
"""
OTHER = "experiment: {name: two, seeds: [2]}"


SEED_3 = {
    "benchmarks/two/3.tsv",
    "experiments/two/runs/3/metrics.csv",
    "logs/two/3.log",
    "training_state/two/3.pt",
}
MADE = {
    "audio/1.mp3",
    "benchmarks/one/1.tsv",
    "benchmarks/two/2.tsv",
    "corpus/albums/a.csv",
    "corpus/tracks.csv",
    "experiments/one/configuration.yaml",
    "experiments/one/predict/answers.csv",
    "experiments/one/listening/index.html",
    "experiments/one/runs/1/metrics.csv",
    "experiments/two/configuration.yaml",
    "experiments/two/runs/2/metrics.csv",
    "logs/one/1.log",
    "logs/two/2.log",
    "training_state/two/2.pt",
}


def prune(workdir: Path, *options: str) -> subprocess.CompletedProcess:
    """Run the command as a person does."""
    return subprocess.run(
        [sys.executable, ROOT / "workflow_scripts/prune.py", *options],
        cwd=workdir,
        env=environment_of(ROOT),
        capture_output=True,
        text=True,
        timeout=120,
    )


def files(workdir: Path) -> set[str]:
    results = workdir / "results/tiny"
    return {path.relative_to(results).as_posix() for path in results.rglob("*") if path.is_file()}


@pytest.fixture
def workdir(tmp_path) -> Path:
    """Two finished experiments of a corpus, the second of which had another seed before."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "two.yaml").write_text(OTHER)
    for name in MADE | SEED_3:
        path = tmp_path / "results/tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    experiments = tmp_path / "results/tiny/experiments"
    (experiments / "one/configuration.yaml").write_text(CONFIG)
    (experiments / "two/configuration.yaml").write_text(CONFIG + OTHER)
    return tmp_path


def test_command_removes_exactly_what_it_lists_and_no_experiment_asks_for(workdir):
    done = prune(workdir, "--remove", "--configfile", "two.yaml")
    assert done.stdout == (
        "results/tiny: 4 files, 0 B that no configuration needs\n"
        "  benchmarks/two/3.tsv: 0 B\n"
        "  experiments/two/runs/3/: 1 file, 0 B\n"
        "  logs/two/3.log: 0 B\n"
        "  training_state/two/3.pt: 0 B\n"
        "removed: 4 files\n"
    ), done.stderr
    assert files(workdir) == MADE


def test_command_waits_for_checkpoints_and_for_a_running_workflow(workdir):
    (workdir / ".snakemake/locks").mkdir(parents=True)
    (workdir / ".snakemake/locks/0.output.lock").write_text("results/tiny/corpus/tracks.csv\n")
    done = prune(workdir, "--remove", "--configfile", "two.yaml")
    assert done.stderr == "prune: results/tiny: a workflow is running there; wait until it ends\n"
    (workdir / "results/tiny/corpus/tracks.csv").unlink()
    done = prune(workdir, "--remove")
    assert done.stderr == (
        "prune: the configuration: scan must run first, because they decide what is "
        "needed; run the workflow, then prune\n"
    )
    assert files(workdir) > SEED_3


@pytest.fixture
def script(workdir, monkeypatch):
    """The script's functions, with answers of the workflow that need no Snakemake."""
    spec = importlib.util.spec_from_file_location("prune", ROOT / "workflow_scripts/prune.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(workdir)
    asked = {"": "one", "--configfile": "two"}

    def asked_for(options, what):
        experiment = asked[options[0] if options else ""]
        runs = [f"results/tiny/experiments/{experiment}/runs/{seed}/metrics.csv" for seed in (1, 2)]
        config = {"corpus": {"audio_dir": "results/tiny/audio"}, "experiment": {"name": experiment}}
        return module.Asked(config, "results/tiny", runs, [], [], False)

    monkeypatch.setattr(module, "asked_for", asked_for)
    monkeypatch.setattr(module, "asked", asked, raising=False)
    return module


def test_nothing_is_removed_unless_asked(script, workdir, capsys):
    script.prune([], is_remove=False)
    assert files(workdir) == MADE | SEED_3
    assert capsys.readouterr().out.endswith("nothing is removed without --remove\n")


def test_records_that_do_not_fit_their_folders_stop_it(script, workdir):
    script.asked["--configfile"] = "one"  # a folder that was copied
    with pytest.raises(InputError, match=r"two/configuration\.yaml: needs nothing in its folder"):
        script.prune([], is_remove=True)
    (workdir / "results/tiny/experiments/two/configuration.yaml").unlink()
    with pytest.raises(InputError, match=r"two/configuration\.yaml: is missing"):
        script.prune([], is_remove=True)
    assert files(workdir) > SEED_3
