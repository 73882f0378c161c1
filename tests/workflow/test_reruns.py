"""Each edit reruns what docs/reruns.md says, and leaves everything else as it was."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import soundfile
from conftest import FIRST_RUN, ON_DEMAND, ROOT, TARGETS, rules_of, snakemake, write_config

from artistid.corpus.folder import Recording
from artistid.demo.names import album_name, artist_name
from artistid.demo.recordings import make_album
from artistid.models.registry import NETWORKS, kind_of
from artistid.splits.subsets import COLUMNS, TEST, VALIDATION
from artistid.storage.files import read_rows, write_rows

Job = tuple[str, frozenset[tuple[str, str]]]  # a rule, and its wildcards with their values
SCAN, CHOICE = ("scan_corpus", frozenset()), ("choose_follow_up", frozenset())
DOCUMENT = (ROOT / "docs/reruns.md").read_text()
MUSIC = Path("music") / artist_name(0) / album_name(0)


@dataclass(frozen=True)
class Edit:
    """An edit of a finished workflow.

    `make` gets the workflow's folder and may return arguments for Snakemake; `config` is merged
    over the configuration. `of` says which wildcards the table's words mean. `is_real`: its
    jobs are run, not only planned.
    """

    make: Callable[[Path], list[str] | None] = lambda workdir: None
    config: dict = field(default_factory=dict)
    of: dict[str, dict[str, str]] = field(default_factory=dict)
    base: str = "small"
    is_real: bool = False


def source(*names: str) -> Callable[[Path], None]:
    """An edit of files: a line at the end, of code where it is Python."""

    def edit(workdir: Path) -> None:
        for name in names:
            with (workdir / name).open("a") as stream:
                stream.write("\nEDITED = True\n" if name.endswith(".py") else "\n# edited\n")

    return edit


def library(name: str) -> Callable[[Path], None]:
    return source(f"workflow_scripts/artistid/{name}")


def touch_all(workdir: Path) -> None:
    for folder in ("workflow_scripts", "rules", "schemas", "profiles", "resources", "report"):
        for path in (workdir / folder).rglob("*"):
            path.touch()
    for path in workdir.glob("*.yaml"):
        path.touch()
    (workdir / "Snakefile").touch()


def reword_all(workdir: Path) -> None:
    """Other comments and docstrings, and other line breaks, in every source."""
    for path in (workdir / "workflow_scripts").rglob("*.py"):
        text = path.read_text().replace('"""', '"""In other words: ', 1)
        path.write_text(text.replace("(\n", "(  # a comment\n\n") + "\n# the end\n")


def add_default_key(workdir: Path) -> None:
    """A later version's key of the training, at its default."""
    path = workdir / "schemas/config.schema.yaml"
    after = "      deterministic: {"
    key = '      warm_up: {description: "Epochs", type: integer, default: 0}\n'
    path.write_text(path.read_text().replace(after, key + after))
    path = workdir / "config.yaml"
    path.write_text(path.read_text().replace("  deterministic:", "  warm_up: 0\n  deterministic:"))


OTHER = {"experiment": {"name": "other", "models": ["gaussian_mfcc"], "follow_up": None}}


def run_other_experiment(workdir: Path) -> None:
    write_config(workdir / "other.yaml", OTHER)
    done = snakemake(workdir, "--configfile", "small.yaml", "other.yaml", "--quiet", "all")
    assert done.returncode == 0, done.stdout + done.stderr


LISTED = {
    "splits": {"mine": {"kind": "manifest", "by": "track", "files": "mine.csv"}},
    "experiment": {**OTHER["experiment"], "name": "listed", "splits": ["mine"]},
}


def edit_own_list(workdir: Path) -> None:
    """Run an experiment on a user's list, and exchange two tracks in the list."""
    rows = read_rows(workdir / "results/small/splits/song/draw1.csv")
    path = workdir / "mine.csv"
    write_list(path, rows)
    write_config(workdir / "listed.yaml", LISTED)
    done = snakemake(workdir, "--configfile", "small.yaml", "listed.yaml", "--quiet", "all")
    assert done.returncode == 0, done.stdout + done.stderr
    write_list(path, exchanged(rows))


def write_list(path: Path, rows: list[dict[str, str]]) -> None:
    columns = ("track_id", "subset")
    write_rows(path, [{column: row[column] for column in columns} for row in rows], columns)


def move_music(workdir: Path) -> None:
    (workdir / "music").rename(workdir / "moved")


def encode_anew(workdir: Path) -> None:
    for path in (workdir / MUSIC).iterdir():
        samples, rate = soundfile.read(path)
        soundfile.write(path, samples, rate, compression_level=0.9, bitrate_mode="CONSTANT")


def add_track(workdir: Path) -> None:
    make_album([workdir / MUSIC / "one more.mp3"], artist=0, album=5, seconds=3, seed=21)


def edit_manifest(workdir: Path) -> None:
    """Exchange an artist's test and validation tracks."""
    path = workdir / "results/small/splits/song/draw1.csv"
    write_rows(path, exchanged(read_rows(path)), COLUMNS)


def exchanged(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """The rows of a manifest, an artist's test and validation tracks exchanged."""
    other = {TEST: VALIDATION, VALIDATION: TEST}
    first = rows[0]["artist"]
    return [
        row | {"subset": other.get(row["subset"], row["subset"])} if row["artist"] == first else row
        for row in rows
    ]


def delete(path: str) -> Callable[[Path], None]:
    return lambda workdir: (workdir / "results" / path).unlink()


SONG = {"the song split": {"split": "song"}}
ALBUM_ID = Recording((MUSIC / "any.mp3").relative_to("music").as_posix()).album_id
THAT_ALBUM = {"that album": {"album_id": ALBUM_ID}}
OF_LISTED = {"split": "mine", "model": "gaussian_mfcc", "slice": "1s"}
OF_OTHER = {"that experiment": {"model": "gaussian_mfcc", "slice": "1s"}}
ONE_RUN = {"model": "resnet50", "split": "song", "cut": "draw1", "slice": "1s", "seed": "1"}
EDITS = {
    "nothing": Edit(is_real=True),
    "sources, scripts, rules and configuration files are touched, their contents stay": Edit(
        touch_all, is_real=True
    ),
    "comments, docstrings and formatting of any source": Edit(reword_all, is_real=True),
    "a later version's key, at its default": Edit(add_default_key),
    "a recording is touched": Edit(
        lambda workdir: next((workdir / MUSIC).iterdir()).touch(), is_real=True
    ),
    "the folder of recordings is moved": Edit(move_music, {"corpus": {"audio_dir": "moved"}}),
    "the source of one network": Edit(
        library("models/networks/crnn.py"), of={"that network": {"model": "crnn"}}, base="tiny"
    ),
    "the training loop": Edit(library("training/fit.py"), base="tiny"),
    "the learning rate": Edit(config={"training": {"learning_rate": 0.01}}),
    "the learning rate, and a pair that the audit accepts": Edit(
        config={"training": {"learning_rate": 0.01}, "audit": {"accept": [["a", "b"]]}}
    ),
    "the source of one classical system": Edit(
        library("models/frame_systems/gaussian_mfcc.py"),
        of={"that system": {"model": "gaussian_mfcc"}},
        is_real=True,
    ),
    "a setting of one classical system": Edit(
        config={"models": {"svm_song_kl": {"costs": [1.0]}}},
        of={"that system": {"model": "svm_song_kl"}},
        base="tiny",
    ),
    "the source of the scores": Edit(library("scoring/pooling.py"), base="tiny"),
    "the source of the statistics": Edit(library("scoring/comparison.py"), base="tiny"),
    "the script of the tables, or the published results": Edit(
        source("workflow_scripts/make_tables.py", "resources/published_results.csv")
    ),
    "the source of the search for near-duplicates": Edit(
        library("audit/near_duplicates.py"), is_real=True
    ),
    "the source of the audit, or a pair that it accepts": Edit(
        library("audit/leakage.py"), {"audit": {"accept": [["a", "b"]]}}
    ),
    "a plot's script": Edit(source("workflow_scripts/plot_learning_curves.py"), is_real=True),
    "a caption of the report": Edit(source("report/table.rst", "report/workflow.rst")),
    "the source of the scan": Edit(source("workflow_scripts/scan_corpus.py")),
    "the source that every job uses": Edit(library("jobs/logs.py"), base="tiny"),
    "a seed is added": Edit(
        config={"experiment": {"seeds": [1, 2, 3]}},
        of={"that seed": {"seed": "3", "cut": "draw3"}},
        base="tiny",
    ),
    "the measurements in `benchmarks/` are deleted, and a seed is added": Edit(
        lambda workdir: shutil.rmtree(workdir / "results/tiny/experiments/paper/benchmarks"),
        config={"experiment": {"seeds": [1, 2, 3]}},
        of={"that seed": {"seed": "3", "cut": "draw3"}},
        base="tiny",
    ),
    "a model is added": Edit(
        config={"experiment": {"models": ["resnet50", "gaussian_mfcc", "gmm_mfcc"]}},
        of={"that model": {"model": "gmm_mfcc"}},
    ),
    "an ensemble of trained models is added": Edit(
        config={
            "experiment": {"models": ["resnet50", "gaussian_mfcc", "both"]},
            "models": {"both": {"ensemble": ["resnet50", "gaussian_mfcc"]}},
        },
        of={"that ensemble": {"model": "both"}},
    ),
    "a slice length is added": Edit(
        config={"experiment": {"slice_seconds": [1, 2]}},
        of={"that length": {"slice": "2s"}},
        base="tiny",
    ),
    "the shares of the song split": Edit(
        config={"splits": {"song": {"shares": {"train": 0.6, "validation": 0.2, "test": 0.2}}}},
        of=SONG,
        base="tiny",
    ),
    "a mel parameter": Edit(config={"log_mel": {"n_fft": 1024}}, base="tiny"),
    "one album's audio is encoded anew": Edit(encode_anew, of=THAT_ALBUM),
    "one track is added to one album": Edit(add_track, of=THAT_ALBUM, is_real=True),
    "a broken recording is added": Edit(
        lambda workdir: (workdir / MUSIC / "broken.mp3").write_text("no music") and None,
        is_real=True,
    ),
    "the weights of one run are deleted": Edit(
        delete("small/experiments/paper/runs/resnet50/song/draw1/1s/seed1/weights.safetensors"),
        of={"that run": ONE_RUN},
        is_real=True,
    ),
    "a split's manifest is deleted": Edit(delete("small/splits/song/draw1.csv"), of=SONG),
    "a split's manifest is edited": Edit(edit_manifest, of=SONG, is_real=True),
    "a log-mel cache is deleted": Edit(
        delete(f"small/log_mel/{ALBUM_ID}.h5"), of=THAT_ALBUM, is_real=True
    ),
    "another experiment on the same corpus": Edit(config=OTHER, of=OF_OTHER, is_real=True),
    "back to the first experiment": Edit(run_other_experiment, is_real=True),
    "a split with folds is defined and added": Edit(
        config={
            "splits": {"thirds": {"kind": "folds", "by": "album", "folds": 3}},
            "experiment": {"splits": ["song", "thirds"]},
        },
        of={"that split": {"split": "thirds"}},
    ),
    "your own list is edited": Edit(
        edit_own_list, LISTED, of={"that split": OF_LISTED}, is_real=True
    ),
    "more trainings per GPU": Edit(
        lambda workdir: ["--set-resources", "train_network:jobs_per_device=2"]
    ),
    "the source of the demo's music, which comes out the same": Edit(
        library("demo/recordings.py"), base="tiny"
    ),
}


def table(first_heading: str) -> dict[str, str]:
    """A table of the document with two columns, as a mapping."""
    lines = DOCUMENT[DOCUMENT.index(f"| {first_heading} |") :].partition("\n\n")[0].splitlines()
    return dict(re.fullmatch(r"\| (.*?) \| (.*) \|", line).groups() for line in lines[2:])


ROWS = table("Edit")
GROUPS = {name: re.findall(r"`(\w+)`", rules) for name, rules in table("Name above").items()}


def expected(row: str, edit: Edit, jobs: set[Job]) -> set[Job]:
    """The jobs, of those that there are, that a row of the table speaks of."""
    if row == "nothing":
        return set()
    if row == "everything":
        return jobs
    found: set[Job] = set()
    for item in row.split(", "):
        name, _, words = item.partition(" of ")
        rules = GROUPS.get(name) or re.fullmatch(r"`(\w+)`", name).groups()
        found |= {job for job in jobs if job[0] in rules and is_of(job, words, edit)}
    return found


def is_of(job: Job, words: str, edit: Edit) -> bool:
    wildcards = dict(job[1])
    if words == "networks":
        return "model" not in wildcards or kind_of(wildcards["model"]) == NETWORKS
    wanted = edit.of[words] if words else {}
    return all(wildcards.get(key, value) == value for key, value in wanted.items())


def jobs_in(text: str) -> set[Job]:
    """The jobs that Snakemake names, planned or run."""
    jobs = set()
    for block in re.split(r"^(?=(?:local)?(?:rule|checkpoint) \w+:)", text, flags=re.MULTILINE)[1:]:
        rule = re.match(r"(?:local)?(?:rule|checkpoint) (\w+):", block)[1]
        wildcards = re.search(r"^    wildcards: (.*)$", block, re.MULTILINE)
        pairs = wildcards[1].split(", ") if wildcards else []
        jobs.add((rule, frozenset(tuple(pair.split("=", 1)) for pair in pairs)))
    return {job for job in jobs if job[0] not in TARGETS}


def files_of_jobs_in(text: str) -> set[str]:
    """What the jobs that Snakemake names write: outputs, logs and benchmarks."""
    lines = re.findall(r"^    (?:output|log|benchmark): (.*)$", text, re.MULTILINE)
    return {path for line in lines for path in line.split(", ")}


class Finished:
    """A copy of a finished workflow that an edit is made in."""

    def __init__(self, origin: Path, workdir: Path, edit: Edit) -> None:
        shutil.copytree(origin, workdir)
        self.workdir, self.base = workdir, edit.base
        self.first_jobs = jobs_in((workdir / FIRST_RUN).read_text())
        write_config(workdir / "edit.yaml", self.placed(edit.config))
        choice = workdir / f"results/{edit.base}/experiments/paper/follow_up/choice.json"
        chosen = json.loads(choice.read_text())["model"] if choice.exists() else None
        follow_up = {"experiment": {"follow_up": chosen}}
        write_config(workdir / "chosen.yaml", self.placed(follow_up))
        self.arguments = edit.make(workdir) or []

    def placed(self, config: dict) -> dict:
        """A configuration where it is in force: the demo's is reduced."""
        reduced = {
            key: config[key] for key in ("experiment", "training", "models") if key in config
        }
        rest = {key: config[key] for key in config if key not in reduced}
        return rest | ({"demo": {"reduced": reduced}} if self.base == "tiny" else reduced)

    def run(self, *arguments: str, configs: tuple[str, ...] = ()) -> str:
        files = ["--configfile", f"{self.base}.yaml", "edit.yaml", *configs]
        done = snakemake(self.workdir, *arguments, *files, *self.arguments, "--quiet", "host")
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def plan(self) -> tuple[set[Job], str]:
        """What would run, and what Snakemake said of the scan, which has to run to know it.

        A plan ends at a checkpoint: the scan is run, and the network that was chosen is named.
        """
        jobs, scanned = jobs_in(self.run("-n")), ""
        if SCAN in jobs:
            scanned = self.run("scan_corpus")
            jobs = jobs_in(self.run("-n"))
        if CHOICE in jobs:
            jobs = {CHOICE} | jobs_in(self.run("-n", configs=("chosen.yaml",)))
        return jobs_in(scanned) | jobs, scanned

    def state(self) -> dict[str, tuple[int, str]]:
        """Time and content of every file of the results."""
        return {
            str(path.relative_to(self.workdir)): (
                path.stat().st_mtime_ns,
                hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for path in (self.workdir / "results").rglob("*")
            # Says what the experiment was last run with.
            if path.is_file() and path.name != "configuration.yaml"
        }


@dataclass(frozen=True)
class Outcome:
    """What an edit led to.

    Attributes:
        planned: the jobs that it reruns.
        jobs: all that there are, before and after it.
        ran: those that ran, where they were not only planned.
        strays: files that changed, and are not files of a job that ran.
        after: what a further run would do.
    """

    planned: set[Job]
    jobs: set[Job]
    ran: set[Job] = frozenset()
    strays: set[str] = frozenset()
    after: set[Job] = frozenset()


def outcome_of(origin: Path, folder: Path, edit: Edit) -> Outcome:
    """Make an edit in a copy of a finished workflow, and see what would run, or what does."""
    finished = Finished(origin, folder, edit)
    before = finished.state()
    planned, scanned = finished.plan()
    outcome = Outcome(planned, finished.first_jobs | planned)
    if edit.is_real:
        said = scanned + finished.run()
        state, written = finished.state(), files_of_jobs_in(said)
        changed = {path for path in before | state if before.get(path) != state.get(path)}
        outcome = replace(
            outcome,
            ran=jobs_in(said),
            strays={path for path in changed if not any(is_below(path, o) for o in written)},
            after=jobs_in(finished.run("-n")),
        )
    shutil.rmtree(folder)
    return outcome


def is_below(path: str, output: str) -> bool:
    return path == output or path.startswith(f"{output}/")


@pytest.fixture(scope="module")
def outcomes(request, tmp_path_factory):
    """The outcome of each edit whose test was selected, two at a time."""
    asked = [
        item.callspec.params["name"]
        for item in request.session.items
        if item.function is test_edit_reruns_what_the_table_says
    ]
    fixtures = {"small": "small", "tiny": "finished"}
    origins = {
        base: request.getfixturevalue(fixtures[base])
        for base in {EDITS[name].base for name in asked}
    }
    with ThreadPoolExecutor(2) as pool:
        yield {
            name: pool.submit(
                outcome_of,
                origins[EDITS[name].base],
                tmp_path_factory.mktemp("edit") / "copy",
                EDITS[name],
            )
            for name in asked
        }


@pytest.mark.parametrize("name", EDITS)
def test_edit_reruns_what_the_table_says(name, outcomes):
    outcome = outcomes[name].result()
    edit = EDITS[name]
    wanted = expected(ROWS[name], edit, outcome.jobs)
    assert outcome.planned - wanted == set(), "reruns for no reason"
    assert wanted - outcome.planned == set(), "does not rerun"
    if edit.is_real:
        assert outcome.ran == wanted
        assert outcome.strays == set(), "changed, and no job that ran writes them"
        assert outcome.after == set(), "nothing is left to do"


def test_table_and_edits_are_the_same():
    assert list(ROWS) == list(EDITS)


def test_table_names_every_rule(small, finished):
    rules = set()
    for workdir, name in ((small, "small.yaml"), (finished, "tiny.yaml")):
        rules |= set(rules_of(workdir, "--configfile", name))
    named = re.findall(r"`(\w+)`", " ".join([*ROWS.values(), *table("Name above").values()]))
    # They are not part of `all`, and run if they are requested.
    assert set(named) == rules - TARGETS - {"compare_experiments"} - ON_DEMAND
