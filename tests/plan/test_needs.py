"""What jobs request: it follows the work, and measurements stay below it."""

import copy
import csv
import os
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch
from conftest import (
    ROOT,
    TARGETS,
    copy_workflow,
    fake_nvidia_smi,
    rules_of,
    snakemake,
    write_config,
)

from artistid.corpus.listings import TRACK_COLUMNS
from artistid.corpus.size import CorpusSize, corpus_size
from artistid.demo.names import album_name, artist_name, track_name
from artistid.errors import InputError
from artistid.models import costs
from artistid.models.costs import NetworkCost, network_cost, system_cost
from artistid.models.registry import NETWORKS, available, build_network
from artistid.plan.needs import (
    SNAKEMAKE_MB,
    audit,
    averaging,
    calibration,
    comparison,
    demo_album,
    extraction,
    figure,
    frame_system,
    listening,
    log_mel_mb,
    mel_filters,
    near_duplicates,
    packaging,
    prediction,
    references,
    scan,
    scoring,
    song_system,
    split,
    tables,
    training,
    training_threads,
)
from artistid.storage.files import write_rows

LOG_MEL = {"sampling_rate": 16000, "hop_length": 512, "n_mels": 128}
ARTIST20 = CorpusSize(20, 1413, 93 * 3600.0, {f"a{n:03d}": 2790.0 for n in range(120)}, 1000.0)
TWICE = replace(ARTIST20, n_tracks=2826, seconds=186 * 3600.0)
TRAINING = {"epochs": 300, "batch_size": 16}


IN_MEMORY_MB = 4000


def asked(model="crnn", width=64, size=ARTIST20, frames=31, in_memory=IN_MEMORY_MB, **settings):
    return training(size, model, {"width": width}, TRAINING | settings, frames, LOG_MEL, in_memory)


def test_size_of_a_corpus_counts_usable_tracks_only(tmp_path):
    row = dict.fromkeys(TRACK_COLUMNS, "")
    write_rows(
        tmp_path / "tracks.csv",
        [
            row | {"artist": 'A "x", y', "album_id": "b", "duration": 10.5, "status": "ok"},
            row | {"artist": "A\nB", "album_id": "a", "duration": 2.0, "status": "ok"},
            row | {"artist": 'A "x", y', "album_id": "b", "duration": 1.0, "status": "ok"},
            row | {"artist": "\udcff", "album_id": "c", "status": "undecodable"},
        ],
        TRACK_COLUMNS,
    )
    size = corpus_size(tmp_path / "tracks.csv")
    albums = {"a": 2.0, "b": 11.5}
    assert size == CorpusSize(2, 3, 13.5, albums, 10.5, size.digest)
    assert list(size.albums) == ["a", "b"]


@pytest.mark.parametrize(
    "more",
    [
        {"size": TWICE},
        {"frames": 310},
        {"batch_size": 64},
        {"width": 128},
    ],
    ids=str,
)
def test_training_asks_for_more_memory_when_there_is_more_to_hold(more):
    assert asked(**more).mem_mb > asked().mem_mb


def test_training_asks_for_no_more_memory_than_its_limit_and_for_disk_above_it():
    ten_times = replace(ARTIST20, n_tracks=14_130, seconds=930 * 3600.0)
    in_memory, mapped = asked(size=ten_times, in_memory=30_000), asked(size=ten_times)
    data_mb = log_mel_mb(ten_times.seconds, LOG_MEL)
    assert 26_000 < data_mb < 28_000
    assert in_memory.mem_mb - mapped.mem_mb == pytest.approx(data_mb - IN_MEMORY_MB, abs=100)
    assert mapped.disk_mb - in_memory.disk_mb == pytest.approx(data_mb, abs=1)
    # What is mapped takes no anonymous memory: a limit of 0 leaves torch, a step and the slices.
    assert asked(size=ten_times, in_memory=0).mem_mb < 8000


@pytest.mark.parametrize("more", [{"size": TWICE}, {"epochs": 600}, {"width": 128}], ids=str)
def test_training_asks_for_more_time_when_there_is_more_to_do(more):
    assert asked(**more).runtime > asked().runtime


def test_a_model_brings_its_own_cost(tmp_path, monkeypatch):
    for name in available(NETWORKS):
        module = import_module(f"artistid.models.networks.{name}")
        assert network_cost(name) == module.COST
    assert system_cost("svm_mfcc").columns == {"n_features": 1}
    assert system_cost("gaussian_mfcc").columns == {}


def test_a_network_that_says_nothing_is_taken_for_the_most_expensive(tmp_path, monkeypatch):
    (tmp_path / "silent.py").write_text("class Silent: pass\n")
    (tmp_path / "odd.py").write_text("COST = NetworkCost(step_mb=1 + x)\n")
    shipped = costs.file_of
    own = {"silent", "odd"}
    monkeypatch.setattr(
        costs, "file_of", lambda name: tmp_path / f"{name}.py" if name in own else shipped(name)
    )
    assert network_cost("silent") == NetworkCost(14, 800, 95, 1000)
    with pytest.raises(InputError, match=r"odd\.py: COST cannot be read; write NetworkCost"):
        network_cost("odd")


@pytest.mark.parametrize("name", available(NETWORKS))
def test_disk_of_a_training_holds_two_states_and_the_weights(name, tmp_path):
    torch.manual_seed(0)
    network = build_network(name, 128, 20)
    optimiser = torch.optim.Adam(network.parameters())
    for parameter in network.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()
    weights = network.state_dict()
    state = {"network": weights, "best": copy.deepcopy(weights), "adam": optimiser.state_dict()}
    torch.save(state, tmp_path / "state.pt")
    torch.save(weights, tmp_path / "weights.pt")
    size = {path.stem: path.stat().st_size / 1e6 for path in tmp_path.iterdir()}
    # A state is replaced when its successor is whole.
    needed = 2 * size["state"] + size["weights"]
    without_predictions = asked(name, size=replace(ARTIST20, seconds=0.0)).disk_mb
    assert needed < without_predictions < 1.3 * needed + 150


def test_training_on_the_processor_asks_for_no_cuda_libraries():
    at_cpu = training(ARTIST20, "crnn", {}, TRAINING, 31, LOG_MEL, IN_MEMORY_MB, on_gpu=False)
    assert at_cpu.mem_mb == asked().mem_mb - 2500


@pytest.mark.parametrize(
    ("cores", "at_once", "on_gpu", "threads"),
    [
        (16, 1, True, 2),
        (16, 8, True, 2),
        (1, 1, True, 1),
        (16, 1, False, 16),
        (16, 4, False, 4),
        (4, None, False, 4),
        (2, 8, False, 1),
    ],
)
def test_threads_of_a_training(cores, at_once, on_gpu, threads):
    assert training_threads(cores, at_once, on_gpu) == threads


def test_classical_systems_ask_by_what_they_learn_from():
    def memory(**settings):
        return frame_system(ARTIST20, "svm_mfcc", settings, 31, LOG_MEL).mem_mb

    few = memory(frames_per_track=500, n_features=500)
    assert memory(frames_per_track=1000, n_features=500) > few
    assert memory(frames_per_track=None, n_features=500) > few
    assert memory(frames_per_track=500, n_features=50) < few
    assert song_system(TWICE, LOG_MEL).mem_mb > song_system(ARTIST20, LOG_MEL).mem_mb


def test_albums_scans_and_scores_ask_by_their_size():
    album, long_album = extraction(3600, 300, LOG_MEL), extraction(36000, 36000, LOG_MEL)
    assert long_album.mem_mb > album.mem_mb
    assert long_album.runtime > album.runtime
    assert long_album.disk_mb > album.disk_mb
    assert scan(100_000, 10**12, 4).runtime > scan(1413, 10**9, 4).runtime
    assert scoring(TWICE, 31, LOG_MEL).mem_mb >= scoring(ARTIST20, 31, LOG_MEL).mem_mb
    assert scoring(ARTIST20, None, LOG_MEL).mem_mb <= scoring(ARTIST20, 31, LOG_MEL).mem_mb
    few, many = averaging(ARTIST20, 2, 31, LOG_MEL), averaging(ARTIST20, 1000, 31, LOG_MEL)
    assert many.mem_mb == few.mem_mb < averaging(TWICE, 2, 31, LOG_MEL).mem_mb
    assert many.runtime > few.runtime
    many_artists = replace(ARTIST20, n_artists=500)
    assert comparison(many_artists, 66, 9).mem_mb > comparison(ARTIST20, 66, 9).mem_mb
    many_songs = replace(ARTIST20, n_tracks=12_000)
    assert comparison(many_songs, 66, 9).runtime > comparison(ARTIST20, 66, 9).runtime
    # 30 models are 435 pairs at six levels, and each was measured to take 0.37 s: 16 minutes.
    assert comparison(ARTIST20, 180, 30).runtime > 3 * 16 + comparison(ARTIST20, 180, 9).runtime
    # Measured: 433 MB above 66 of 2 artists, 6,000 test songs and 3 seeds; 139 MB of 500 artists,
    # 2,000 songs and one run.
    two = replace(ARTIST20, n_artists=2, n_tracks=12_000)
    assert comparison(two, 3, 1).mem_mb > 433 + 66 + SNAKEMAKE_MB
    assert comparison(replace(many_artists, n_tracks=4000), 1, 1).mem_mb < 2000
    gmm = {"frames_per_track": 1000, "n_components": 20}
    few, many = (
        frame_system(size, "gmm_mfcc", gmm, 31, LOG_MEL) for size in (ARTIST20, many_artists)
    )
    assert many.runtime > 10 * few.runtime
    assert many.mem_mb > few.mem_mb
    assert (
        frame_system(CorpusSize(0, 0, 0.0, {}, 0.0), "gmm_mfcc", gmm, 31, LOG_MEL).mem_mb
        > SNAKEMAKE_MB
    )
    assert tables(many_artists, 200).mem_mb > tables(ARTIST20, 6).mem_mb


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.smk")), ids=lambda path: path.name)
def test_every_rule_declares_what_it_needs(path):
    text = path.read_text()
    n_scripts = len(re.findall(r"^\s+script:", text, re.MULTILINE))
    assert len(re.findall(r"^\s+\*\*(?:asks\(|system_needs)", text, re.MULTILINE)) == n_scripts


def documented() -> dict[str, tuple[int, int, int]]:
    """Return memory and minutes requested, and memory measured, of docs/cluster.md's table."""
    text = (ROOT / "docs/cluster.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`[\w*]+`.*?) \| \d \| (\d+) \| (\d+) \| (\d+) \|", text, re.MULTILINE)
    return {
        name.strip("† ").replace("`", ""): (int(mb), int(minutes), int(measured))
        for name, mb, minutes, measured in rows
    }


def test_documented_table_is_what_jobs_ask_for(config):
    needs = {
        f"train_network {model}, {seconds} s": asked(
            model, config["models"][model]["width"], frames=31 * seconds
        )
        for model in available(NETWORKS)
        for seconds in (1, 6, 10, 30)
    }
    for model in ("svm_mfcc", "gaussian_mfcc", "gmm_mfcc"):
        needs[f"train_frame_system {model}"] = frame_system(
            ARTIST20, model, config["models"][model], 31, LOG_MEL
        )
    needs |= {
        "make_demo_album": demo_album(config["demo"]["tracks"], config["demo"]["seconds"]),
        "scan_corpus": scan(1413, 1413 * 237 * 4000, threads=4),
        "write_mel_filters": mel_filters(),
        "extract_log_mel": extraction(2790, 1000, LOG_MEL),
        "index_log_mel": references(ARTIST20),
        "check_corpus": split(ARTIST20),
        "read_list": split(ARTIST20),
        "draw_split": split(ARTIST20),
        "audit_split": audit(ARTIST20),
        "collect_leakage": audit(ARTIST20),
        "find_near_duplicates": near_duplicates(ARTIST20, LOG_MEL),
        "train_song_system": song_system(ARTIST20, LOG_MEL),
        "average_predictions": averaging(ARTIST20, 4, 31, LOG_MEL),
        "score_run": scoring(ARTIST20, 31, LOG_MEL),
        "score_references": references(ARTIST20),
        "choose_follow_up": tables(ARTIST20, 66),
        "aggregate_runs": tables(ARTIST20, 66),
        "compare_runs": comparison(ARTIST20, 66, 9),
        "make_tables": tables(ARTIST20, 66),
        "compare_experiments": tables(ARTIST20, 66),
        "plot_*": figure(),
        "plot_reliability": calibration(ARTIST20, 66, LOG_MEL),
        "score_calibration": calibration(ARTIST20, 66, LOG_MEL),
        "package_model": packaging(ARTIST20),
        "list_files": packaging(ARTIST20),
        "predict_files": prediction(100),
        "collect_answers": packaging(ARTIST20),
        "make_listening_page": listening(ARTIST20, LOG_MEL, 66, 30),
    }
    table = documented()
    rules = set(rules_of(ROOT)) - TARGETS
    others = {name.partition(" ")[0] for name in table} - {"plot_*"}
    figures = {rule for rule in rules - others if rule.startswith("plot_")}
    assert others == rules - figures
    for name, (mem_mb, minutes, measured) in table.items():
        assert (needs[name].mem_mb, needs[name].runtime) == (mem_mb, minutes), name
        assert measured < mem_mb - SNAKEMAKE_MB, name


def declared_after_the_scan(finished, *arguments: str) -> dict[str, dict[str, int]]:
    """Return the resources of every job after the scan, by its benchmark file."""
    rules = (
        "extract_log_mel write_mel_filters draw_split train_network train_frame_system"
        " train_song_system score_run score_references choose_follow_up"
    ).split()
    done = snakemake(
        finished,
        *("-n", "--quiet", "host", "--configfile", "tiny.yaml", *arguments),
        *("--forcerun", *rules),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return resources_by_benchmark(done.stdout + done.stderr)


def resources_by_benchmark(text: str) -> dict[str, dict[str, int]]:
    jobs = re.findall(
        r"^    benchmark: (.+)\n(?:    .*\n)*?    resources: (.+)$", text, re.MULTILINE
    )
    return {
        path: {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)\b", resources)}
        for path, resources in jobs
    }


def test_measured_memory_stays_below_what_was_asked_for(finished):
    everything = snakemake(finished, "-n", "-F", "--quiet", "host", "--configfile", "tiny.yaml")
    declared = resources_by_benchmark(everything.stdout) | declared_after_the_scan(finished)
    measured = 0
    for path, resources in declared.items():
        with (finished / path).open(newline="") as stream:
            (row,) = csv.DictReader(stream, delimiter="\t")
        if row["max_rss"] in ("NA", "-"):  # the job ended before the first look at it
            continue
        measured += 1
        # The job's own share; the rest is for Snakemake's processes beside it.
        assert float(row["max_rss"]) <= resources["mem_mb"] - SNAKEMAKE_MB, path
        assert float(row["s"]) <= 60 * resources["runtime"], path
    names = [path.partition("/benchmarks/")[2].partition("/")[0] for path in declared]
    rules = {name.removesuffix(".tsv") for name in names}
    assert {"train", "scan_corpus", "extract_log_mel", "score_run", "make_tables"} <= rules
    assert measured > 40


def test_a_training_takes_all_cores_where_no_limit_lets_others_run_beside_it(finished):
    # The command line's resources replace the profile's, and with them its limit of GPUs.
    for resources, threads in (("mem_mb=8000", 2), ("gpu=2", 1)):
        plan = ("-n", "--quiet", "host", "--forcerun", "train_network", "--resources", resources)
        done = snakemake(finished, *plan, "--configfile", "tiny.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
        blocks = re.findall(r"^rule train_network:\n(?: .*\n)+", done.stdout, re.MULTILINE)
        assert blocks
        for block in blocks:
            found = re.search(r"threads: (\d+)", block)  # not shown where it is 1
            assert int(found[1] if found else 1) == threads


def test_a_training_on_a_gpu_leaves_cores_to_others_and_goes_first(finished, tmp_path):
    fake_nvidia_smi(tmp_path, "GPU 0: A (UUID: GPU-aa11)\n")
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    environment |= {"CUDA_VISIBLE_DEVICES": "0"}
    plan = ("-n", "--quiet", "host", "--forcerun", "train_network", "--configfile", "tiny.yaml")
    more = ("--cores", "16", "--resources", "gpu=1")
    done = snakemake(finished, *plan, *more, **environment)
    assert done.returncode == 0, done.stdout + done.stderr
    blocks = re.findall(r"^rule (\w+):\n((?: .*\n)+)", done.stdout, re.MULTILINE)
    trainings = [block for rule, block in blocks if rule == "train_network"]
    assert trainings
    for block in trainings:
        assert "threads: 2\n" in block
        assert "priority: 1\n" in block
    others = [block for rule, block in blocks if rule != "train_network"]
    assert others and not any("priority:" in block for block in others)


MACHINE = """
import os
real = os.sysconf
os.sysconf = lambda name: {megabytes} * 10**6 // 4096 if name == "SC_PHYS_PAGES" else real(name)
"""


def on_a_machine_of(megabytes: int, folder: Path, *arguments: str) -> str:
    """Run Snakemake for two albums of a small demo, which request 600 MB each."""
    (folder / "machine").mkdir(exist_ok=True)
    (folder / "machine/sitecustomize.py").write_text(MACHINE.format(megabytes=megabytes))
    demo = {"demo": {"tracks": 1, "seconds": 1}}
    write_config(folder / "demo.yaml", demo)
    albums = [f"results/demo/audio/{artist_name(0)}/{album_name(n)}" for n in range(2)]
    targets = [f"{album}/{track_name(0)}" for album in albums]
    arguments = (*targets, "--configfile", "demo.yaml", *arguments, "--quiet", "host")
    done = snakemake(folder, *arguments, PYTHONPATH=str(folder / "machine"))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_jobs_side_by_side_take_no_more_memory_than_there_is(tmp_path):
    workdir = copy_workflow(tmp_path / "workflow")
    # `--resources` replaces the profile's limits, and not this one.
    said = on_a_machine_of(1000, workdir, "--resources", "gpu=1")
    assert '"mem_mb", 999' in said  # whole pages
    assert "Execute 2 jobs" not in said
    assert "MB of memory, and the limit" not in said
    said = on_a_machine_of(1000, workdir, "--forceall", "--resources", "mem_mb=1500")
    assert "Execute 2 jobs" in said


def test_job_that_asks_for_more_memory_than_there_is_is_named_and_a_cluster_decides_itself(
    tmp_path,
):
    workdir = copy_workflow(tmp_path / "workflow")
    line = "make_demo_album: requests 600 MB of memory, and the limit is 499 MB: its jobs run one"
    assert on_a_machine_of(500, workdir, "-n").count(line) == 1
    said = on_a_machine_of(500, workdir, "-n", "--workflow-profile", "profiles/slurm")
    assert "MB of memory, and the limit" not in said


def test_further_attempt_asks_for_more(finished):
    first = declared_after_the_scan(finished)
    second = declared_after_the_scan(finished, "--attempt", "2")
    assert first.keys() == second.keys()
    for path, resources in first.items():
        assert second[path]["mem_mb"] == 2 * resources["mem_mb"], path
        # A training resumes where the first attempt stopped.
        factor = 1 if resources.get("gpu") else 2
        assert second[path]["runtime"] == factor * resources["runtime"], path
        assert second[path].get("gpu") == resources.get("gpu"), path
