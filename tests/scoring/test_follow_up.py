"""The choice of the second step's network: validation only, ties by order."""

from artistid.scoring.follow_up import choose, explain, read_choice
from artistid.storage.files import write_json


def row(model, subset, score, level="slice"):
    return {"model": model, "subset": subset, "level": level, "macro_f1": str(score)}


METRICS = [
    row("a", "validation", 0.5),
    row("a", "validation", 0.7),
    row("a", "test", 0.99),
    row("b", "validation", 0.65),
    row("b", "validation", 0.65),
    row("b", "validation", 0.99, level="song"),
    row("b", "test", 0.1),
]


def test_highest_mean_on_validation_is_chosen_and_explained(tmp_path):
    rows = choose(METRICS, ["a", "b"])
    assert [(r["model"], r["is_chosen"], r["runs"]) for r in rows] == [
        ("a", False, 2),
        ("b", True, 2),
    ]
    write_json(tmp_path / "choice.json", explain(rows))
    assert read_choice(tmp_path / "choice.json") == "b"
    assert explain(rows)["validation_macro_f1"] == {"a": 0.6, "b": 0.65}
    assert "validation" in explain(rows)["reason"]


def test_test_scores_choose_nothing():
    tampered = [r | {"macro_f1": "0"} if r["subset"] == "test" else r for r in METRICS]
    assert choose(tampered, ["a", "b"]) == choose(METRICS, ["a", "b"])


def test_ties_go_to_the_first_in_the_configuration():
    equal = [row("a", "validation", 0.5), row("b", "validation", 0.5)]
    assert explain(choose(equal, ["b", "a"]))["model"] == "b"
    assert explain(choose(equal, ["a", "b"]))["model"] == "a"
