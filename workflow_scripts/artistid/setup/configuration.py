"""The configuration that is written for a folder of music, with comments."""

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from artistid.errors import InputError
from artistid.setup.choice import ALBUM, Choice
from artistid.setup.survey import TAGS, Survey

AT_MOST = 5  # names in one comment


def quoted(text: str) -> str:
    """Return a text as YAML in double quotes, on one line, whatever it holds.

    Raises:
        InputError: it is not Unicode, which YAML requires.
    """
    import yaml

    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(
            f"{text!r}: is not UTF-8, so it cannot be a name in a configuration; rename it"
        ) from None
    # A width that no text has: folded lines would be correct, and hard to read.
    dumped: str = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=1 << 30)
    return dumped.rstrip("\n")


def command(output: Path, cores: int) -> str:
    """Return the command that runs a configuration in the workflow's folder."""
    return f"snakemake --cores {cores} --configfile {shlex.quote(str(output))}"


def configuration(found: Survey, choice: Choice, run: str) -> str:
    """Return the text of a configuration: what `choice` has, and why.

    Args:
        found: what the folder holds.
        choice: what it is sufficient for.
        run: the command that runs it.

    Raises:
        InputError: the folder's name is not UTF-8.
    """
    corpus, experiment = choice.given["corpus"], choice.given["experiment"]
    lines = [
        "# Written by `artistid init`. In the workflow's folder, run",
        "#",
        f"#   {_on_one_line(run)}",
        "#",
        "# Keys that are missing here have the values of config.yaml, which explains every key.",
        "",
        "corpus:",
        f"  # Results go to results/{corpus['name']}/.",
        f"  name: {quoted(corpus['name'])}",
        "  source: folder",
        f"  audio_dir: {quoted(corpus['audio_dir'])}",
        *_names(found),
        *_exclude(found),
        *_least(choice),
        *_bad(corpus),
        "",
        "audit:",
        "  # If a recording is on an album and on a best-of, `one_side` keeps it in one subset",
        "  # and removes the copies from the others; `stop` ends the run and names them.",
        f"  near_duplicates: {choice.given['audit']['near_duplicates']}",
        "",
        "experiment:",
        f"  # Tables and figures go to results/{corpus['name']}/experiments/{experiment['name']}/.",
        f"  name: {experiment['name']}",
        "  # config.yaml lists the others.",
        f"  models: {_flow(experiment['models'])}",
        *_splits(choice),
        "  # Each seed gives different splits and weights; more seeds give more reliable scores.",
        f"  seeds: {_flow(experiment['seeds'])}",
        f"  slice_seconds: {_flow(experiment['slice_seconds'])}",
        "  follow_up: null",
    ]
    if training := choice.given["training"]:
        lines += [
            "",
            "training:",
            "  # The paper's 300 epochs at 0.0001 require a GPU. Fewer epochs need a higher rate.",
            *(f"  {key}: {value}" for key, value in training.items()),
        ]
    return "\n".join(lines) + "\n"


def _on_one_line(text: str) -> str:
    return quoted(text) if any(not character.isprintable() for character in text) else text


def _flow(values: Iterable[Any]) -> str:
    return f"[{', '.join(map(str, values))}]"


def _names(found: Survey) -> list[str]:
    why = "Folders name artist and album: <artist>/<album>/<track>."
    if found.names == TAGS:
        why = "The tags of a recording name its artist and album, wherever it is."
    return [f"  # {why}", f"  names: {found.names}"]


def _exclude(found: Survey) -> list[str]:
    """Return the artists that are left out by name; otherwise empty lists to fill in."""
    lines = ["  # Excluded by name; albums as \"Artist/Album\".", "  exclude:"]  # fmt: skip
    if found.compilations:
        lines += [
            "    artists:",
            "      # Compilations, not artists.",
            *(f"      - {quoted(folder)}" for folder in found.compilations),
        ]
    else:
        lines.append("    artists: []")
    return [*lines, "    albums: []"]


def _least(choice: Choice) -> list[str]:
    corpus = choice.given["corpus"]
    lines = ["  # Artists with fewer are left out, because the splits need this many of each."]
    if choice.left_out:
        lines += [
            "  # These artists are left out:",
            *(f"  #   {line}" for line in _first(choice.left_out)),
        ]
    keys = ("min_albums", "min_tracks")
    return lines + [f"  {key}: {corpus[key]}" for key in keys if key in corpus]


def _first(left_out: Mapping[str, str]) -> list[str]:
    """Return the first artists that are left out, in quotes, and how many more there are."""
    named = [quoted(artist) for artist in list(left_out)[:AT_MOST] if artist.isprintable()]
    more = len(left_out) - len(named)
    return named + [f"and {more} more, which the scan names"] * (more > 0)


def _bad(corpus: Mapping[str, Any]) -> list[str]:
    if "max_bad_share" not in corpus:
        return []
    return [
        "  # More files are unusable than config.yaml allows; `artistid init` and the scan "
        "name them.",
        f"  max_bad_share: {corpus['max_bad_share']}",
    ]


def _splits(choice: Choice) -> list[str]:
    splits, album = choice.given["experiment"]["splits"], choice.rooms[ALBUM]
    why = []
    if ALBUM not in splits:
        n_artists = len(album.enough) + len(album.fewer)
        why = [
            f"  # The album split needs {album.split.min_units} albums of each artist, and "
            f"{len(album.enough)} of {n_artists} artists have them."
        ]
    return [*why, f"  splits: {_flow(splits)}"]
