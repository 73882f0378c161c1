"""Experiments of one corpus share its files, and none overwrites another's."""

import copy
from pathlib import Path

import pytest
import yaml
from test_config import folder, merged

from artistid.errors import InputError
from artistid.plan.recorded import RECORD, write_record
from artistid.plan.shared import check_shared


@pytest.fixture
def corpus(config, tmp_path):
    """The results of a corpus on which the experiment of the shipped configuration was run."""
    record(folder(config), tmp_path)
    return tmp_path


def record(given: dict, corpus: Path) -> None:
    """Leave what an experiment leaves that was run: the least is its check."""
    write_record(corpus / "experiments/paper", given)
    (corpus / "experiments/paper/check.txt").touch()


def test_an_experiment_of_which_nothing_was_computed_shares_nothing(config, corpus):
    different = other(config, log_mel={"n_fft": 1024})
    (corpus / "experiments/paper/check.txt").unlink()
    check_shared(different, corpus / "experiments/other")


def other(config: dict, **over) -> dict:
    """Another experiment on the same corpus."""
    return merged(folder(config), merged({"experiment": {"name": "other"}}, over))


def test_what_is_recorded_is_the_configuration_as_given(config, corpus):
    recorded = yaml.safe_load((corpus / "experiments/paper" / RECORD).read_text())
    assert recorded == folder(config)


DIFFERENT_BUT_SHARING_NOTHING = [
    {"training": {"epochs": 3}, "models": {"resnet50": {"width": 8}}},
    {"experiment": {"seeds": [7], "splits": ["song"], "slice_seconds": [2]}},
    {"corpus": {"audio_dir": "/moved"}},
    {"splits": {"mine": {"kind": "folds", "by": "album", "folds": 5}}},
    {"audit": {"accept": [["a", "b"]]}},  # accepted after the draw
    # A definition that only the other experiment uses, under a name of this one's.
    {
        "experiment": {"splits": ["song"]},
        "splits": {"album": {"albums": {"validation": 1, "test": 2}}},
    },
]


@pytest.mark.parametrize("over", DIFFERENT_BUT_SHARING_NOTHING)
def test_experiments_differ_in_what_is_their_own(config, corpus, over):
    check_shared(other(config, **over), corpus / "experiments/other")


DIFFERENT = [
    ({"log_mel": {"n_fft": 1024}}, "log_mel.n_fft is 1024 here and 2048 there; write the same"),
    ({"corpus": {"names": "tags"}}, 'corpus.names is "tags" here and "folders" there; write the'),
    ({"corpus": {"min_albums": 3}}, "corpus.min_albums is 3 here and 1 there; write the same"),
    (
        {"splits": {"album": {"albums": {"test": 2}}}},
        'splits.album is .*"test": 2.* here and .*"test": 1.* there; give one of the splits',
    ),
    (
        {"audit": {"near_duplicates": "one_side"}},
        'audit.near_duplicates is "one_side" here and "stop" there; write the same',
    ),
]


@pytest.mark.parametrize(("over", "message"), DIFFERENT, ids=[message for _, message in DIFFERENT])
def test_what_both_share_and_one_defines_differently_is_refused(config, corpus, over, message):
    with pytest.raises(InputError, match=message) as error:
        check_shared(other(config, **over), corpus / "experiments/other")
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith("experiment 'paper' of this corpus")
    assert f"delete {corpus / 'experiments/paper'}" in text
    assert "its own corpus.name" in text


def test_an_older_record_goes_by_folders(config, tmp_path):
    older = copy.deepcopy(folder(config))
    del older["corpus"]["names"]
    record(older, tmp_path)
    check_shared(other(config), tmp_path / "experiments/other")
    with pytest.raises(InputError, match=r"corpus\.names"):
        check_shared(other(config, corpus={"names": "tags"}), tmp_path / "experiments/other")


def test_an_edit_within_one_experiment_is_no_conflict(config, corpus):
    check_shared(merged(folder(config), {"log_mel": {"n_fft": 1024}}), corpus / "experiments/paper")


def test_pairs_accepted_before_the_draw_are_shared(config, tmp_path):
    one_side = {"audit": {"near_duplicates": "one_side"}}
    record(merged(folder(config), one_side), tmp_path)
    accepting = merged(one_side, {"audit": {"accept": [["a", "b"]]}})
    with pytest.raises(InputError, match=r"audit\.accept"):
        check_shared(other(config, **accepting), tmp_path / "experiments/other")


def test_two_spellings_of_one_definition_are_the_same(config, corpus):
    spelt = copy.deepcopy(other(config))
    spelt["splits"]["album"] = dict(reversed(spelt["splits"]["album"].items())) | {"draw": None}
    check_shared(spelt, corpus / "experiments/other")


def test_the_demos_own_keys_are_shared_but_not_what_it_reduces(config, tmp_path):
    record(config, tmp_path)
    second = merged(config, {"experiment": {"name": "other"}})
    check_shared(
        merged(second, {"demo": {"reduced": {"training": {"epochs": 1}}}}),
        tmp_path / "experiments/other",
    )
    with pytest.raises(InputError, match=r"demo\.seconds is 9 here and 8 there"):
        check_shared(merged(second, {"demo": {"seconds": 9}}), tmp_path / "experiments/other")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a configuration; run the experiment again"),
        ("[1", "cannot be read as YAML"),
        ("corpus: {}", "is not a configuration; run the experiment again"),
        ("experiment: {splits: [song]}", "is not a configuration of this version"),
        ("- a", "is not a configuration; run the experiment again"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(config, corpus, text, message):
    path = corpus / "experiments/paper" / RECORD
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        check_shared(other(config), corpus / "experiments/other")
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_odd_names_are_recorded(config, tmp_path):
    given = folder(config, corpus={"exclude": {"artists": ["日本語", "a\udcff\nb"], "albums": []}})
    given = merged(folder(config), {"corpus": given["corpus"]})
    record(given, tmp_path)
    check_shared(merged(given, {"experiment": {"name": "other"}}), tmp_path / "experiments/other")
