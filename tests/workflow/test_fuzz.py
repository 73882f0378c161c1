"""A few seconds of `python tests/fuzz_readers.py`."""

from fuzz_readers import fuzz


def test_mutated_inputs_are_read_or_refused_in_one_line(tmp_path):
    outcomes, failures = fuzz(seed=20, until=lambda number: number < 600, kept=tmp_path)
    assert failures == []
    kinds = {outcome.partition(":")[0] for outcome in outcomes}
    assert kinds == {
        "recording used",
        "recording refused",
        "configuration used",
        "configuration refused",
    }
