"""Table: the albums that are most often mistaken for another artist."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.experiment import by_album, has_slices
from artistid.tables.captions import subset_shown
from artistid.tables.inputs import Inputs

if TYPE_CHECKING:
    import pandas as pd

TITLE = "Albums mistaken for another artist"
CAPTION = (
    "Albums of the splits that keep albums together whose slices were most often mistaken "
    "for one other artist; mean over the models, slice lengths and runs that tested the album. "
    "Right: share of slices answered with the album's own artist. Share: of slices answered with "
    "the named one."
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return has_slices(config) and bool(by_album(config))


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    return subset_shown(inputs)


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per run, test album and artist answered."""
    return inputs.read("albums")


def show(albums: "pd.DataFrame", at_most: int = 40) -> "pd.DataFrame":
    """Return the albums that are most often mistaken for one other artist, over models and runs.

    Args:
        albums: one row per run, test album and artist answered, with the share of the answers. The
            split is a column of the table if there are several.
        at_most: rows.
    """
    import pandas as pd

    album = ["artist", "album"]
    if len(albums["split"].unique()) > 1:
        album = ["split", *album]
    is_right = albums["answered"] == albums["artist"]
    right = albums[is_right].groupby(album)["share"]  # a row of each run
    # A run that never answered an artist has no row of it, and counts as 0.
    taken = albums[~is_right].groupby([*album, "answered"])["share"].sum()
    strongest = taken.sort_values(ascending=False, kind="stable").reset_index("answered")
    strongest = strongest[~strongest.index.duplicated()]
    table = pd.DataFrame(
        {
            "Right": right.mean(),
            "Most taken for": strongest["answered"],
            "Share": strongest["share"] / right.size(),
            "Runs": right.size(),
        }
    ).dropna()
    table = table.sort_values("Share", ascending=False, kind="stable").head(at_most).reset_index()
    for column in ("Right", "Share"):
        table[column] = table[column].map("{:.1%}".format)
    return table.rename(columns={"split": "Split", "artist": "Artist", "album": "Album"})
