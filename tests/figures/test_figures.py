"""Figures of made-up data: complete and reproducible for any artist's name."""

import time
import xml.etree.ElementTree as ET
from io import BytesIO
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest

from artistid.features.log_mel import LogMelParameters
from artistid.figures.album_effect import draw_album_effect
from artistid.figures.confusion import draw_confusion
from artistid.figures.embedding_map import draw_embedding_map, project
from artistid.figures.f1_by_slice import draw_f1_by_slice
from artistid.figures.learning_curves import draw_learning_curves
from artistid.figures.log_mel_gallery import draw_log_mels
from artistid.figures.prediction import draw_prediction
from artistid.figures.reliability import Panel, draw_reliability
from artistid.figures.resources import draw_resources
from artistid.figures.style import contrasting, label, save, styled
from artistid.prediction.answers import Answer
from artistid.prediction.spectrograms import Spectrogram
from artistid.scoring.calibration import reliability

ODD = ["A$AP_1", "Ke$ha $x$", "Björk|x", "x" * 60, "久石 譲", "\udcff\n", "<&>", "محمد عبده"]
NAMES = ODD + [f"artist {number}" for number in range(12)]
MODELS = ["resnet50_rnn", "gmm", "a_$_model$"]
SECONDS = 40  # of processor time: a figure at artist20's size takes far less, a busy machine more


def generator():
    return np.random.default_rng(0)


def log_mels(n_artists):
    noise = generator().normal(-20, 10, (n_artists, 120, 128)).astype(np.float16)
    hz_of_band = np.geomspace(20, 7900, 128)
    return draw_log_mels(list(zip(NAMES, noise, strict=False)), 31.25, hz_of_band)


def history(seed):
    epoch = np.arange(1, 31)
    loss = 3 * np.exp(-epoch / 10) + (epoch - 20 - seed) ** 2 / 400
    columns = {"epoch": epoch, "train_loss": loss / 2, "validation_loss": loss}
    return pd.DataFrame(columns | {"validation_macro_f1": 1 / (1 + loss)})


def learning_curves():
    runs = [history(seed) for seed in range(3)]
    return draw_learning_curves({"song": runs, "album": runs[:1]}, "a_$_model$, slices of 3 s")


def confusion(n_classes, unit="slices"):
    counts = generator().integers(0, 900, (n_classes, n_classes))
    counts[0] = 0  # an artist without a slice to test
    names = (NAMES * 3)[:n_classes]
    return draw_confusion(counts, names, "a_$_model$, album split", unit)


def scores(lengths):
    return pd.DataFrame(
        [
            {"model": model, "split": split, "slice_seconds": seconds, "too_few": seconds == 10}
            | {"mean": 0.5 + rank / 10, "low": 0.45 + rank / 10, "high": 0.6 + rank / 10}
            for rank, model in enumerate([*MODELS, "chance"])
            for split in ("song", "album")
            for seconds in lengths
        ]
    )


def album_effect():
    mean = np.array([0.3, 0.1, -0.02])
    models = [*MODELS[:2], "svm_song_mahalanobis"]  # a long name leaves little width below the axis
    columns = {"model": models, "mean": mean, "low": mean - 0.1, "high": mean + 0.05}
    return draw_album_effect(pd.DataFrame(columns | {"too_few": [False, True, False]}))


def embedding_map(n_artists, n_points=1000):
    points = generator().normal(size=(n_points, 2))
    artists = [NAMES[number % n_artists] for number in range(n_points)]
    albums = [f"album {number // n_artists % 6}" for number in range(n_points)]
    return draw_embedding_map(points, artists, albums, "a_$_model$: test slices")


def resources(spread, gpu_mb=np.nan):
    columns = {
        "model": MODELS * 3,
        "slice_seconds": 1.0,
        "seconds": np.geomspace(60, 60 * spread, 9),
    }
    columns |= {"peak_mb": np.linspace(2000, 5000, 9), "gpu_peak_mb": gpu_mb}
    return draw_resources(pd.DataFrame(columns))


def prediction(n_artists, n_slices):
    """An answer to a recording of so many slices; to a whole one of ten seconds without them."""
    log_probability = np.log(generator().dirichlet(np.ones(n_artists), n_slices or 1))
    seconds = (n_slices or 10) * 0.992
    noise = generator().normal(-20, 10, (round(seconds * 31.25), 128)).astype(np.float16)
    answer = Answer(
        Path(ODD[5]),
        (NAMES * 3)[:n_artists],
        log_probability.mean(axis=0),
        seconds,
        0.992 * np.arange(n_slices),
        0.992 if n_slices else None,
        log_probability[:n_slices],
    )
    spectrogram = Spectrogram(BytesIO(noise.tobytes()), len(noise), 128, np.float32(-90), 0.032)
    return draw_prediction(answer, spectrogram, LogMelParameters())


def reliability_of(seed, n_songs):
    generator = np.random.default_rng(seed)
    confidence = generator.beta(3, 1, n_songs)
    return reliability(confidence, generator.random(n_songs) < confidence)


def reliabilities(models, splits):
    return draw_reliability(
        [
            Panel(model, split, reliability_of(row, 200), reliability_of(row + 1, 1))
            for row, model in enumerate(models)
            for split in splits[row % 2 :] or splits
        ]
    )


FIGURES = {
    "reliability_1": lambda: reliabilities(MODELS[:1], ["song"]),
    "reliability_of_many": lambda: reliabilities([*MODELS, *NAMES[:2]], ["song", "album", ODD[3]]),
    "prediction_2": lambda: prediction(2, 1),
    "prediction_7": lambda: prediction(7, 30),
    "prediction_of_hours": lambda: prediction(20, 2000),
    "prediction_of_a_whole_song": lambda: prediction(20, 0),
    "log_mels_2": lambda: log_mels(2),
    "log_mels_20": lambda: log_mels(20),
    "learning_curves": learning_curves,
    "confusion_2": lambda: confusion(2),
    "confusion_8": lambda: confusion(8, "songs"),
    "confusion_20": lambda: confusion(20),
    "confusion_50": lambda: confusion(50),
    "f1_by_slice": lambda: draw_f1_by_slice(scores([1, 3, 10, 30])),
    "f1_of_songs": lambda: draw_f1_by_slice(scores([3, 0])),
    "f1_at_one_length": lambda: draw_f1_by_slice(scores([3])),
    "album_effect": album_effect,
    "embedding_map_2": lambda: embedding_map(2, 5),
    "embedding_map_20": lambda: embedding_map(20),
    "resources": lambda: resources(4),
    "resources_log": lambda: resources(100),
    "resources_of_gpus": lambda: resources(100, np.linspace(500, 900, 9)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_saved_whole_and_the_same_again(name, tmp_path):
    start = time.process_time()
    first = FIGURES[name]()
    save(first, tmp_path / "1.png")
    save(first, tmp_path / "1.svg")
    assert time.process_time() - start < SECONDS
    with matplotlib.rc_context({"font.size": 20, "text.parse_math": True}):  # a user's settings
        again = FIGURES[name]()
        save(again, tmp_path / "2.svg")
        save(again, tmp_path / "2.png")
    for kind in ("png", "svg"):
        assert (tmp_path / f"1.{kind}").read_bytes() == (tmp_path / f"2.{kind}").read_bytes()
    assert (tmp_path / "1.png").read_bytes().startswith(b"\x89PNG")
    assert ET.parse(tmp_path / "1.svg").getroot().tag.endswith("svg")  # noqa: S314 our own file
    assert len(list(tmp_path.iterdir())) == 4  # nothing temporary stays behind


@pytest.mark.filterwarnings("ignore:Glyph")
@pytest.mark.parametrize("name", FIGURES)
def test_nothing_is_drawn_outside_the_figure(name, tmp_path):
    figure = FIGURES[name]()
    save(figure, tmp_path / "figure.png")
    with styled():
        drawn, paper = figure.get_tightbbox(), figure.bbox_inches
    assert drawn.x0 >= -0.01 and drawn.y0 >= -0.01
    assert drawn.x1 <= paper.x1 + 0.01 and drawn.y1 <= paper.y1 + 0.01


def test_names_stay_as_they_are_written(tmp_path):
    figure = confusion(2)
    save(figure, tmp_path / "figure.svg")
    ticks = figure.axes[0].get_yticklabels()
    assert [tick.get_text() for tick in ticks] == ["A$AP_1", "Ke$ha $x$"]
    assert not any(tick.get_parse_math() for tick in ticks)


def test_labels_are_short_and_printable():
    assert label("Björk|x") == "Björk|x"
    assert label("x" * 60) == "x" * 23 + "…"
    assert label("久" * 20, 10) == "久" * 4 + "…"  # two columns each
    assert label(" a\n\tb ") == "a b"
    assert label("\udcff\x00") == "\N{REPLACEMENT CHARACTER}" * 2
    assert label("") == ""


def test_text_contrasts_with_its_cell():
    assert [contrasting(colour) for colour in ("white", "yellow", "navy", "black")] == [
        "black",
        "black",
        "white",
        "white",
    ]


def test_only_svg_and_png_are_saved(tmp_path):
    with pytest.raises(ValueError, match=r"svg or png"):
        save(album_effect(), tmp_path / "figure.pdf")
    assert not list(tmp_path.iterdir())


def test_numbers_stand_in_cells_of_few_classes_only():
    few, many = confusion(8), confusion(20)
    assert few.axes[0].texts and not many.axes[0].texts
    assert len(many.axes) == 2  # the matrix and its colour bar


def test_unreliable_intervals_are_pale_and_named():
    [axes] = draw_f1_by_slice(scores([3, 10])).axes
    bars = axes.collections[0]
    assert bars.get_alpha().tolist() == [1.0, pytest.approx(0.35)]
    for lengths, is_named in (([3, 10], True), ([3], False)):
        [legend] = draw_f1_by_slice(scores(lengths)).legends
        assert any("unreliable" in text.get_text() for text in legend.texts) == is_named


@pytest.mark.parametrize(("spread", "scale"), [(4, "linear"), (100, "log")])
def test_resources_are_logarithmic_where_they_differ_much(spread, scale):
    minutes, gigabytes = resources(spread).axes
    assert (minutes.get_xscale(), gigabytes.get_xscale()) == (scale, "linear")
    assert gigabytes.lines[0].get_xdata().tolist() == [2.0, 3.125, 4.25]
    assert minutes.get_xlabel() == ("training (s)" if spread == 4 else "training (min)")
    assert len(resources(spread, 700.0).axes) == 3


@pytest.mark.parametrize("n", [4, 10, 60])
def test_projection_depends_on_seed_and_data_alone(n):
    features = generator().normal(size=(n, 40)).astype(np.float32)
    first = project(features, 3)
    assert first.shape == (n, 2) and np.isfinite(first).all()
    assert np.array_equal(first, project(features, 3))


def test_projection_keeps_clusters_together():
    centres = generator().normal(0, 3, (3, 40))
    cluster = np.arange(90) % 3
    points = project(centres[cluster] + generator().normal(size=(90, 40)), 0)
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert (cluster[distances.argmin(axis=1)] == cluster).all()


def test_projection_of_a_test_set_takes_seconds():
    features = generator().normal(size=(1000, 2048)).astype(np.float32)
    start = time.process_time()
    project(features, 0)
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize(
    "features",
    [np.eye(1, 5), np.eye(3, 5), np.arange(50.0)[:, None], np.full((50, 8), 0.3, np.float32)],
    ids=["one point", "three points", "one feature", "all alike"],
)
def test_points_without_neighbourhoods_lie_in_a_row(features):
    points = project(features, 0)
    assert points.shape == (len(features), 2)
    assert len(np.unique(points[:, 0])) == len(features)
