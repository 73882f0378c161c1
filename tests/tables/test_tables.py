"""Tables: summaries against what they are made of, published values, files for people."""

import math

import pandas as pd
import pytest
from conftest import ROOT

from artistid.models.registry import KINDS, available
from artistid.scoring.open_set_metrics import METRICS
from artistid.tables import (
    album_confusions,
    calibration,
    f1_by_slice,
    published,
    training_time,
    unknown_artists,
)
from artistid.tables.f1_by_artist import artist_table
from artistid.tables.inputs import Inputs
from artistid.tables.published_results import side_by_side, with_published_hours
from artistid.tables.reading import read_table
from artistid.tables.rendering import markdown, write_html
from artistid.tables.summaries import f1_table, summarise_runs, with_intervals
from artistid.tables.training_time import training_times


def metrics(model, split, seconds, values, level="slice", pooling="none"):
    return [
        {"model": model, "split": split, "slice_seconds": seconds, "seed": seed, "subset": subset}
        | {"level": level, "pooling": pooling, "macro_f1": value, "weighted_f1": value}
        | {"accuracy": value, "n_tracks": 10 + seed, "n_answers": 100, "cut": f"draw{seed}"}
        | {"top_k": 3, "top_k_accuracy": None if pooling == "vote" else value + 0.1}
        | {"experiment": "first"}
        for seed, value in enumerate(values)
        for subset in ("validation", "test")
    ]


def without_intervals(summary: pd.DataFrame) -> pd.DataFrame:
    columns = ["model", "split", "slice_seconds", "level", "pooling"]
    empty = summary[columns].head(0).assign(metric="", low=[], high=[], too_few=[])
    return with_intervals(summary, empty)


def test_summary_is_mean_deviation_and_best_over_seeds():
    rows = metrics("b", "album", 1, [0.2, 0.4, 0.3]) + metrics("a", "song", 1, [0.5])
    rows += metrics("b", "song", 1, [0.6, 0.7, 0.8]) + metrics("chance", "song", 1, [0.1])
    rows += metrics("b", "song", 1, [0.9, 0.9, 0.9], "song", "mean")
    summary = summarise_runs(pd.DataFrame(rows), ["b", "a", "chance"])
    assert list(zip(summary["model"], summary["split"], strict=True)) == [
        ("b", "song"),
        ("b", "album"),
        ("a", "song"),
        ("chance", "song"),
    ]
    album = summary.iloc[1]
    assert album["macro_f1_mean"] == pytest.approx(0.3)
    assert album["macro_f1_std"] == pytest.approx(0.1)  # n - 1
    assert (album["macro_f1_best"], album["best_seed"], album["seeds"]) == (0.4, 1, 3)
    assert album["songs_mean"] == 11
    assert math.isnan(summary.iloc[2]["macro_f1_std"])
    shown = f1_table(without_intervals(summary))
    assert shown["Macro F1"].tolist()[1:3] == ["0.300 ± 0.100", "0.500"]
    assert shown["Best"].tolist()[1] == "0.400 (seed 1)"
    assert shown["Accuracy"].tolist()[2] == "0.500"
    assert shown["Top-3 accuracy"].tolist() == ["0.800", "0.400", "0.600", "0.200"]


def test_systems_on_whole_songs_stand_among_the_models():
    rows = metrics("net", "song", 1, [0.5], "song", "mean")
    rows += metrics("net", "song", 3, [0.6], "song", "mean")
    rows += metrics("svm", "song", None, [0.7, 0.8], "song", "mean")
    rows += metrics("chance", "song", 1, [0.1], "song", "mean")
    summary = summarise_runs(pd.DataFrame(rows), ["net", "svm", "chance"], "song", "mean")
    shown = f1_table(without_intervals(summary))
    assert shown["Model"].tolist() == ["net", "svm", "chance", "net"]
    assert shown["Slice"].tolist() == ["1 s", "whole", "1 s", "3 s"]
    assert shown["Best"].tolist()[1] == "0.800 (seed 1)"


def test_intervals_join_their_cells_and_are_marked():
    rows = metrics("a", "song", 1, [0.5]) + metrics("a", "song", None, [0.5], "song", "mean")
    frame = pd.DataFrame(rows)
    intervals = pd.DataFrame(
        {
            "model": ["a"] * 3,
            "split": ["song"] * 3,
            "slice_seconds": [1, 1, None],
            "level": ["slice", "slice", "song"],
            "pooling": ["none", "none", "mean"],
            "metric": ["macro_f1", "accuracy", "macro_f1"],
            "low": [0.4, 0.1, 0.3],
            "high": [0.6, 0.8, 0.7],
            "too_few": [True, True, False],
        }
    )
    of_slices = f1_table(with_intervals(summarise_runs(frame, ["a"]), intervals))
    assert of_slices["Macro F1"].tolist() == ["0.500 (0.400 to 0.600 †)"]
    assert of_slices["Accuracy"].tolist() == ["0.500 (0.100 to 0.800 †)"]
    assert of_slices["Weighted F1"].tolist() == ["0.500"]
    of_songs = summarise_runs(frame, ["a"], "song", "mean")
    assert f1_table(with_intervals(of_songs, intervals))["Macro F1"].tolist() == [
        "0.500 (0.300 to 0.700)"
    ]


def test_slices_by_split_shows_models_of_several_lengths():
    rows = metrics("a", "song", 1, [0.5]) + metrics("b", "song", 1, [0.6])
    rows += metrics("b", "song", 3, [0.7]) + metrics("b", "album", 3, [0.4])
    rows += metrics("chance", "song", 3, [0.1])
    summary = summarise_runs(pd.DataFrame(rows), ["a", "b", "chance"])
    table = f1_by_slice.show(f1_by_slice.at_several_lengths(without_intervals(summary)))
    assert table.columns.tolist() == ["Model", "Split", "1 s", "3 s"]
    assert table["Model"].tolist() == ["b", "b", "chance"]
    assert table["3 s"].tolist()[:2] == ["0.700", "0.400"]


def test_training_times_are_averaged_over_runs():
    rows = [
        {"model": "a", "slice_seconds": 1, "device": "cpu", "seconds": seconds, "epochs": 10}
        for seconds in (60, 120)
    ]
    [row] = training_times(pd.DataFrame(rows), ["a"]).to_dict("records")
    assert (row["runs"], row["minutes_mean"], row["seconds_per_epoch_mean"]) == (2, 1.5, 9.0)


def test_albums_are_listed_by_how_often_they_are_taken_for_one_artist():
    columns = ["artist", "album", "answered", "share", "split"]
    rows = [
        # Two runs: in each another artist is first, and c is second in both.
        *(("a", "1", "a", 0.15), ("a", "1", "b", 0.45), ("a", "1", "c", 0.4)),
        *(("a", "1", "a", 0.15), ("a", "1", "d", 0.45), ("a", "1", "c", 0.4)),
        *(("b", "1", "b", 0.5), ("b", "1", "c", 0.5)),
        *(("b", "1", "b", 1.0),),
        *(("c", "1", "c", 1.0),),
    ]
    rows = [(*row, "album") for row in rows]
    table = album_confusions.show(pd.DataFrame(rows, columns=columns))
    assert table["Artist"].tolist() == ["a", "b"]
    assert table["Most taken for"].tolist() == ["c", "c"]
    assert table["Right"].tolist() == ["15.0%", "75.0%"]
    assert table["Share"].tolist() == ["40.0%", "25.0%"]
    assert table["Runs"].tolist() == [2, 2]
    assert album_confusions.show(pd.DataFrame(rows[-1:], columns=columns)).empty
    nothing = album_confusions.show(pd.DataFrame(columns=columns).astype({"share": float}))
    assert list(nothing) == list(table) and nothing.empty


def test_published_values_stand_beside_what_was_measured_alike():
    results = read_table(ROOT / "resources/published_results.csv")
    rows = metrics("crnn", "song", 1, [0.6, 0.7, 0.8])
    rows += metrics("crnn", "song", 3, [0.9], "song", "vote")
    rows += metrics("crnn", "song", 3, [0.1], "song", "mean")
    rates = {"crnn": 1e-3, "resnet50": 1e-4, "slow": 1e-5}
    own = {"crnn": "crnn", "resnet50": "resnet50"}
    table = side_by_side(results, pd.DataFrame(rows), rates, own)
    # A variant of a network has its own row beside each published value.
    rows += metrics("slow", "song", 1, [0.5])
    twice = side_by_side(results, pd.DataFrame(rows), rates, own | {"slow": "crnn"})
    cell = twice[(twice["split"] == "song") & (twice["level"] == "slice")]
    cell = cell[(cell["model"] == "crnn") & (cell["slice_seconds"] == 1)]
    assert cell["value"].tolist() == [0.729, 0.729]
    assert cell["model_here"].tolist() == ["crnn", "slow"]
    assert cell["measured"].tolist() == pytest.approx([0.7, 0.5])
    assert cell["learning_rate"].tolist() == [1e-3, 1e-5]
    assert "training hours" not in set(table["metric"])
    crnn = table[(table["model"] == "crnn") & (table["split"] == "song")]
    of_slices = crnn[(crnn["level"] == "slice") & (crnn["slice_seconds"] == 1)].iloc[0]
    assert (of_slices["value"], of_slices["metric"]) == (0.729, "weighted F1")
    assert of_slices["measured"] == pytest.approx(0.7)
    assert of_slices["measured_runs"] == 3
    of_songs = crnn[(crnn["level"] == "song") & (crnn["slice_seconds"] == 3)].iloc[0]
    assert (of_songs["value"], of_songs["measured"]) == (0.937, 0.9)
    assert table["measured"].notna().sum() == 2
    shown = published.show(table)
    assert shown["Measured"].tolist().count("–") == len(table) - 2
    # A row names the rate that its network was trained with here; no other does.
    assert (shown["Learning rate"] == "0.001").equals(table["measured"].notna())
    assert set(shown["Learning rate"]) == {"0.001", "–"}


def test_published_results_carry_their_corrections():
    results = read_table(ROOT / "resources/published_results.csv")
    assert not results["source"].str.contains("Zhang et al. \\(FGNL").any()
    fgnl = results[results["system"].str.contains("FGNL")]
    assert set(fgnl["source"]) == {"Kuo Wei & Lin AAAI 2021"}
    assert sorted(fgnl["value"]) == [0.55, 0.58, 0.73, 0.74, 0.83]
    assert {"genreMERT + LCA", "CRNN + domain adaptation (CAN)"} <= set(results["system"])
    known = {name for kind in KINDS for name in available(kind)} | {""}
    assert set(results["model"]) <= known
    assert (results["model"] != "").sum() == 34


def test_the_papers_training_hours_stand_beside_ours():
    results = read_table(ROOT / "resources/published_results.csv")
    models = ["inception_rnn", "resnet50", "resnet50_rnn", "crnn"]
    rows = [
        {"model": model, "slice_seconds": seconds, "device": "cuda", "seconds": 3600, "epochs": 9}
        for model in models
        for seconds in (1.0, 3.0)
    ]
    times = training_times(pd.DataFrame(rows), models)
    shown = training_time.show(with_published_hours(times, results))
    at_1s = shown[shown["Slice"] == "1 s"]
    assert at_1s["Published minutes"].tolist() == ["420", "540", "660", "–"]
    assert set(shown["Published minutes"][shown["Slice"] == "3 s"]) == {"–"}
    assert "Published minutes" not in training_time.show(times)


def inputs_of(tmp_path, **files: pd.DataFrame) -> Inputs:
    """What a table of one split is made of."""
    tmp_path.mkdir(exist_ok=True)
    paths = {name: str(tmp_path / f"{name}.csv") for name in files}
    for name, table in files.items():
        table.to_csv(paths[name], index=False)
    models = ["crnn", "gmm_mfcc"]
    kept = {"song": False}
    return Inputs(paths, models, [1], None, {}, {}, ["song"], kept, {"song": 0}, "test")


def test_unknown_artists_have_a_row_for_each_cell(tmp_path):
    cells = {"gmm_mfcc": 0.5, "crnn": 0.8}
    rows = pd.DataFrame(
        [
            {"model": model, "split": "song", "slice_seconds": 1.0, "metric": metric}
            | {"mean": mean + number / 100, "std": 0.1, "low": mean - 0.2, "high": mean + 0.1}
            | {"too_few": True, "resampled": "songs", "known_songs": 8.0, "unknown_songs": 40.5}
            | {"threshold": 0.7, "runs": 3}
            for model, mean in cells.items()
            for number, metric in enumerate(METRICS)
        ]
    )
    intervals = pd.DataFrame({"split": ["song"], "resampled": ["songs"]})
    runs = pd.DataFrame(metrics("crnn", "song", 1, [0.5, 0.6]))
    inputs = inputs_of(tmp_path, open_sets=rows, intervals=intervals, metrics=runs)
    shown = unknown_artists.show(unknown_artists.build(inputs))
    assert shown["Model"].tolist() == ["crnn", "gmm_mfcc"]
    first = shown.iloc[0]
    assert first["AUROC"] == "0.800 ± 0.100 (0.600 to 0.900 †)"
    assert first["Accuracy"].startswith("0.810 ± ")
    assert (first["Known"], first["Unknown"]) == ("0.820 (0.840)", "0.830")
    assert (first["Threshold"], first["Songs"], first["Runs"]) == ("0.700", "8 + 40.5", 3)
    assert unknown_artists.note(inputs).startswith("Test set. ")
    # A list may name no unknown artist in validation: there is no threshold then, and no row.
    without = inputs_of(tmp_path / "none", open_sets=rows.head(0))
    shown = unknown_artists.show(unknown_artists.build(without))
    assert shown.empty and "AUROC" in shown


def test_calibration_shows_errors_without_and_with_temperatures(tmp_path):
    row = {"model": "crnn", "split": "song", "slice_seconds": 1.0, "subset": "test", "runs": 3}
    row |= {"songs": 24, "temperature_low": 0.5, "temperature_high": 1.25}
    row |= {"ece_before": 0.2, "ece_after": 0.1, "nll_before": 0.75, "nll_after": 0.5}
    inputs = inputs_of(tmp_path, calibration=pd.DataFrame([row]))
    [shown] = calibration.show(calibration.build(inputs)).to_dict("records")
    assert (shown["ECE"], shown["NLL"]) == ("0.200 → 0.100", "0.750 → 0.500")
    assert (shown["Temperature"], shown["Songs"]) == ("0.50 to 1.25", 24)


@pytest.mark.parametrize("module", [unknown_artists, calibration])
def test_unknown_artists_are_tabulated_where_a_split_has_some(module):
    song = {"kind": "random", "by": "track"}
    song["shares"] = {"train": 0.8, "validation": 0.1, "test": 0.1}
    given = {"splits": {"song": song}, "experiment": {"splits": ["song"]}}
    assert not module.applies(given)
    assert module.applies(given | {"splits": {"song": song | {"unknown_artists": 2}}})


def test_markdown_escapes_what_would_break_a_table():
    text = markdown(pd.DataFrame({"Artist": ["a|b", "x\ny"], "F1": [0.5, math.nan]}))
    assert text.splitlines() == [
        "| Artist | F1 |",
        "| :--- | ---: |",
        "| a\\|b | 0.5 |",
        "| x y | – |",
    ]


def test_html_escapes_names_and_needs_nothing_from_elsewhere(tmp_path):
    table = pd.DataFrame({"Artist": ["<script>alert(1)</script>"], "F1": [0.5]})
    write_html(table, tmp_path / "t.html", "Title & more", "What it means")
    text = (tmp_path / "t.html").read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "http" not in text


def test_artists_stand_beside_guessing_at_the_shortest_slices():
    def row(model, seconds, level, pooling, f1):
        names = ("model", "slice_seconds", "level", "pooling", "f1")
        fixed = {"split": "song", "subset": "test", "artist": "a", "seed": 1, "n_answers": 8}
        return fixed | dict(zip(names, (model, seconds, level, pooling, f1), strict=True))

    slices = ("slice", "none")
    guessing = [row("chance", s, *slices, 0.1) for s in (1, 3)] + [
        row("chance", 1, "song", pooling, 0.2) for pooling in ("vote", "mean")
    ]
    runs = [row("net", s, *slices, s / 10) for s in (1, 3)] + [
        row("net", 1, "song", "mean", 0.9),
        row("kl", math.nan, "song", "vote", 0.7),
        row("kl", math.nan, "song", "mean", 0.8),
    ]
    models = ["net", "kl", "chance"]
    both = artist_table(pd.DataFrame(runs + guessing), models)
    assert both["f1_mean"].tolist() == [0.1, 0.8, 0.1, 0.3]
    assert both["model"].tolist() == ["net", "kl", "chance", "net"]
    songs_only = artist_table(pd.DataFrame(runs[3:] + guessing), models)
    assert songs_only["f1_mean"].tolist() == [0.8, 0.2]
