"""What the experiments of a corpus recorded, and what of it holds beside another one."""

from pathlib import Path

import pytest
import yaml

from artistid.errors import InputError
from artistid.plan.config import check_config, effective_config
from artistid.plan.recorded import RECORD, beside, experiment_folders, folders_with, read_record


def test_record_of_an_experiment_is_read_and_folders_are_sorted(tmp_path):
    assert experiment_folders(tmp_path) == []
    for name in ("b", "a"):
        (tmp_path / "experiments" / name).mkdir(parents=True)
    (tmp_path / "experiments/file").touch()
    first, second = experiment_folders(tmp_path)
    assert (first.name, second.name) == ("a", "b")
    (first / RECORD).write_text("experiment: {seeds: [1]}\n")
    assert read_record(first) == {"experiment": {"seeds": [1]}}


def test_folders_of_experiments_are_told_from_their_files():
    files = ["r/c/experiments/a/runs/x.csv", "r/c/experiments/b/y", "r/c/log_mel/z.h5", "elsewhere"]
    assert folders_with(Path("r/c"), files) == {
        Path("r/c/experiments/a"),
        Path("r/c/experiments/b"),
    }


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "is missing, so it is not known"),
        (b"experiment: {", "cannot be read as YAML"),
        (b"\xff", "cannot be read as YAML"),
        (b"!!python/name:os.system x", "cannot be read as YAML"),
        (b"[1]", "is not a configuration"),
        (b"experiment: 1", "is not a configuration"),
    ],
)
def test_record_that_says_nothing_is_an_error_with_a_remedy(tmp_path, content, says):
    if content is not None:
        (tmp_path / RECORD).write_bytes(content)
    with pytest.raises(InputError, match=rf"{RECORD}: {says}.*delete its folder"):
        read_record(tmp_path)


def test_corpus_is_as_in_force_and_the_experiment_as_recorded():
    record = {
        "corpus": {"name": "c", "min_albums": 1},
        "log_mel": {"n_mels": 128},
        "experiment": {"seeds": [1]},
        "splits": {"song": "old", "own": "its own"},
    }
    in_force = {
        "corpus": {"name": "c", "min_albums": 3},
        "log_mel": {"n_mels": 256},
        "experiment": {"seeds": [2]},
        "splits": {"song": "new"},
    }
    before = yaml.safe_dump([record, in_force])
    assert beside(record, in_force) == {
        "corpus": {"name": "c", "min_albums": 3},
        "log_mel": {"n_mels": 256},
        "experiment": {"seeds": [1]},
        "splits": {"song": "new", "own": "its own"},
    }
    assert yaml.safe_dump([record, in_force]) == before


def test_what_the_demo_makes_smaller_is_not_made_smaller_again(config, schema):
    """A record is in force already; merged over config.yaml it comes out the same."""
    given = {**config, "experiment": {**config["experiment"], "seeds": [7], "follow_up": None}}
    record = effective_config(given)
    record["experiment"]["models"] = ["crnn"]
    record["experiment"]["follow_up"] = None
    again = {**config, **beside(record, effective_config(config))}
    check_config(again, schema)
    in_force = effective_config(again)
    for key in ("experiment", "training", "models", "corpus"):
        assert in_force[key] == record[key], key
