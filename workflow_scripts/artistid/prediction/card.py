"""The model card: what a person should know of a model before using it (Mitchell et al. 2019)."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from artistid import __version__
from artistid.errors import InputError
from artistid.experiment import architecture_of
from artistid.models.registry import NETWORKS
from artistid.prediction.names import shown
from artistid.prediction.package import Package
from artistid.runs import Run
from artistid.scoring.comparison import by_cell, interval_rows, units_of
from artistid.scoring.outcomes import Outcomes
from artistid.splits.subsets import TEST, TRAIN, VALIDATION

SCORES = ("macro_f1", "weighted_f1", "accuracy")
_ANSWERS = {
    ("slice", "none"): "slices",
    ("song", "mean"): "songs, by mean log-probability",
    ("song", "vote"): "songs, by vote",
}


def facts(
    run: Run,
    provenance: Mapping[str, Any],
    manifest: Sequence[Mapping[str, str]],
    outcomes: Outcomes,
    tracks: Sequence[Mapping[str, str]],
    keeps_albums: bool,
) -> dict[str, Any]:
    """Return the facts of a card, plain types.

    Args:
        run: the training that is packaged.
        provenance: what it left, `artistid.training.records`.
        manifest: rows of the split's manifest.
        outcomes: of the run that is scored: of the training itself, or of all folds together.
        tracks: rows of ``usable.csv``.
        keeps_albums: whether the split keeps albums together, which intervals then resample.
    """
    config = provenance["configuration"]
    unit_of = units_of(tracks, {run.split: keeps_albums})
    rows = interval_rows(by_cell([outcomes]), unit_of)
    kept = ("level", "pooling", "metric", "mean", "low", "high", "too_few", "resampled")
    return {
        "run": run.columns,
        "dataset": config["corpus"]["dataset"],
        "corpus_source": config["corpus"]["source"],
        "tracks": {
            subset: sum(row["subset"] == subset for row in manifest)
            for subset in (TRAIN, VALIDATION, TEST)
        },
        "split": config["splits"].get(run.split, {}),
        "training": provenance.get("training"),
        "best_epoch": provenance.get("best_epoch"),
        "chosen": provenance.get("chosen"),
        "scored": {
            "cut": outcomes.run.cut,
            "subset": outcomes.subset,
            "tracks": len(outcomes.track_id),
        },
        "scores": [{key: row[key] for key in kept} for row in rows if row["metric"] in SCORES],
        "versions": provenance["versions"] | {"artistid": __version__},
        "commit": provenance["commit"],
        "architecture": architecture_of(config, run.model),
    }


def in_words(package: Package) -> str:
    """Return the card of a package as Markdown.

    Raises:
        InputError: the facts are none that `facts` returned.
    """
    try:
        lines = [shown(line) for line in _lines(package)]
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(
            f"{package.path}: its card is damaged; `artistid info --json` shows what is there"
        ) from None
    return "\n".join(lines) + "\n"


def _lines(package: Package) -> Iterator[str]:
    card, run = package.card, package.card.get("run", {})
    yield f"# {run.get('model', package.model)}: which of {len(package.classes)} artists is it?"
    yield ""
    yield f"Names the artist of a recording. {_kind(package)}"
    yield ""
    yield "## Training data"
    yield ""
    yield from _learnt(card, run)
    yield f"- Artists: {', '.join(map(_plain, package.classes))}."
    yield ""
    yield "## Scores"
    yield ""
    yield from _scores(card)
    yield ""
    yield "## Input"
    yield ""
    log_mel = package.log_mel
    yield (
        f"Front end {package.description['front_end']['name']}: any recording, mixed to mono at "
        f"{log_mel.sampling_rate} Hz; STFT of {log_mel.n_fft} samples (Hann, centred) every "
        f"{log_mel.hop_length}; {log_mel.n_mels} mel bands up to the Nyquist frequency (HTK "
        f"scale); decibels re 1.0, clipped {log_mel.top_db:g} dB below the recording's maximum."
        + _normalisation(package)
    )
    yield ""
    yield "## Intended use and limits"
    yield ""
    yield from _limits(package)
    yield ""
    yield "## Licence"
    yield ""
    yield from _LICENCE
    yield ""
    yield "## Made with"
    yield ""
    versions = card.get("versions", {})
    yield f"- Versions: {', '.join(f'{name} {of}' for name, of in sorted(versions.items()))}."
    yield f"- Commit of the workflow: {card.get('commit', 'unknown')}."
    yield f"- Settings: `{json.dumps(package.description['settings'], sort_keys=True)}`."
    if card.get("training"):
        yield f"- Training: `{json.dumps(card['training'], sort_keys=True)}`."
    if card.get("chosen"):
        yield f"- Chosen on validation: `{json.dumps(card['chosen'], sort_keys=True)}`."


def _normalisation(package: Package) -> str:
    """Return what the front end of a network does to its spectrograms; empty for nothing."""
    front_end, log_mel = package.front_end, package.log_mel
    text = ""
    if front_end.subtracts_mean:
        frames = front_end.window_frames
        seconds = (frames or 0) * log_mel.hop_length / log_mel.sampling_rate
        over = f"{seconds:.1f} s" if frames else "the recording"
        text += f" Each band's mean over {over} is subtracted."
    if front_end.relaxed is not None:
        text += f" Relaxed instance frequency-wise normalisation, lambda {front_end.relaxed:g}."
    return text


def _kind(package: Package) -> str:
    what = "A neural network" if package.kind == NETWORKS else "A classical system"
    seconds = package.slice_seconds
    seen = (
        "It takes a whole recording."
        if seconds is None
        else f"It answers for each slice of {seconds:.3g} s ({package.slice_frames} frames), and "
        "the mean of the slices' log-probabilities for the recording."
    )
    temperature = package.temperature
    sure = (
        "The probabilities of slices are not calibrated."
        if temperature is None
        else f"Its scores are calibrated on validation, with a temperature of {temperature:.4g}."
    )
    return f"{what} (`{package.model}`). {seen} {sure}"


def _learnt(card: Mapping[str, Any], run: Mapping[str, Any]) -> Iterator[str]:
    if not run:
        yield "- Its training is unknown."
        return
    dataset = f" ({card['dataset']})" if card.get("dataset") else ""
    if card.get("corpus_source") == "demo":
        dataset = " (synthesised music of invented artists: the model knows no real music)"
    yield f"- Corpus: {_plain(run['corpus'])}{dataset}; experiment {run['experiment']}."
    tracks = card["tracks"]
    yield (
        f"- Split: {run['split']}, cut {run['cut']}, seed {run['seed']}; {tracks[TRAIN]} tracks "
        f"for training, {tracks[VALIDATION]} for validation, {tracks[TEST]} for testing."
    )
    yield f"- Definition of the split: `{json.dumps(card['split'], sort_keys=True)}`."


def _scores(card: Mapping[str, Any]) -> Iterator[str]:
    if not card.get("scores"):
        yield "It was not scored."
        return
    scored, run = card["scored"], card["run"]
    folds = "" if scored["cut"] == run["cut"] else ", all folds together, of which this is one"
    first = card["scores"][0]
    yield (
        f"On {scored['tracks']} tracks of the {scored['subset']} set{folds}, with 95 % intervals "
        f"that resample {first['resampled']}. One run: other cuts and seeds score differently."
    )
    yield ""
    yield "| answers | macro F1 | weighted F1 | accuracy |"
    yield "| :--- | ---: | ---: | ---: |"
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for score in card["scores"]:
        rows.setdefault((score["level"], score["pooling"]), {})[score["metric"]] = score
    for level, of_level in rows.items():
        cells = (of_level[metric] for metric in SCORES)
        values = (f"{c['mean']:.3f} ({c['low']:.3f} to {c['high']:.3f})" for c in cells)
        yield f"| {_ANSWERS.get(level, ' '.join(level))} | {' | '.join(values)} |"
    if first["too_few"]:
        yield ""
        yield "Some artist has fewer than seven test songs: the intervals are too narrow."


def _plain(text: str) -> str:
    """Return a name that is only text in Markdown, on one line."""
    shown = " ".join(text.encode("utf-8", "replace").decode().split())
    return "".join(f"\\{letter}" if letter in "\\`*_{}[]<>#|!~&$" else letter for letter in shown)


def _limits(package: Package) -> Iterator[str]:
    yield _USE
    if package.threshold is None:
        yield from _NAMES_ALWAYS
    else:
        yield (
            '- Its answer is "unknown" if no artist has a probability of '
            f"{package.threshold:.3f} or more. The threshold was chosen on validation, with "
            "artists that were left out of training. The probabilities of recordings are "
            f"calibrated with a temperature of {package.song_temperature:.3f}. "
            "Other kinds of music were not tried."
        )
    yield from _LIMITS


_USE = (
    "- Use it for research on how such systems work and fail, on recordings by the artists above."
)

_NAMES_ALWAYS = """\
- It names one of its artists for any sound, including speech and silence. Music by anybody else
  gets a name too, often with a high probability.""".splitlines()

_LIMITS = """\
- It recognises productions as well as artists. So it performs worse on other albums, remasters and
  live recordings of an artist than on other songs of its training albums.
- Do not use it to decide on rights, payments or authorship.""".splitlines()

_LICENCE = """\
The software is under the MIT licence. The model was trained on the recordings of its
corpus: whether it may be passed on depends on the rights to these, which the workflow cannot know.
For the song-level systems and the frame SVM, numbers computed from training frames are part of the
file; no recording can be played from them.""".splitlines()
