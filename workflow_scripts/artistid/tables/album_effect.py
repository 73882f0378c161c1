"""Table: what a split by track adds to a score."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from artistid.experiment import by_album, by_track
from artistid.tables.captions import intervals, subset_shown
from artistid.tables.cells import by_row, interval, length
from artistid.tables.inputs import Inputs
from artistid.tables.reading import in_order

if TYPE_CHECKING:
    import pandas as pd

TITLE = "The album effect: song-split minus album-split macro F1"
CAPTION = (
    "What a split by track adds to macro F1, against one that keeps albums together, because its "
    "songs share their albums with training songs. Mean over the runs."
)


def applies(config: Mapping[str, Any]) -> bool:
    """Return whether the experiment has something to say in this table."""
    return bool(by_track(config) and by_album(config))


def note(inputs: Inputs) -> str:
    """Return the text before the caption."""
    return subset_shown(inputs) + intervals(inputs).replace(" (in brackets)", "")


def build(inputs: Inputs) -> "pd.DataFrame":
    """Return a row per model, slice length, pair of splits and level."""
    return in_order(inputs.read("effects"), inputs.order)


def show(effects: "pd.DataFrame") -> "pd.DataFrame":
    """Return the table as it is printed; the pair of splits is a column if there are several."""
    import pandas as pd

    pairs = effects["split_by_track"] + " minus " + effects["split_by_album"]
    has_several = len(pairs.unique()) > 1
    named = "Difference" if has_several or effects.empty else _capitalised(pairs.iloc[0])
    shown = pd.DataFrame(
        {
            "Model": effects["model"],
            "Slice": effects["slice_seconds"].map(length),
            "Level": effects["level"].where(
                effects["pooling"] == "none", effects["level"] + " (" + effects["pooling"] + ")"
            ),
            named: effects["mean"].map("{:+.3f}".format),
            "95 % interval": by_row(effects, interval),
        }
    )
    if has_several:
        shown.insert(1, "Splits", pairs)
    return shown


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
