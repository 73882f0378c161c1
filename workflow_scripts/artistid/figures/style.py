"""What all figures share: fonts, colours, how a name is shown, and how a figure is saved.

Figures are made without pyplot, so that none outlives its job and no display is looked for.
"""

import unicodedata
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.lines import Line2D

from artistid.storage.files import atomic_write

COLUMN, PAGE = 3.4, 6.8  # widths of a figure, in
FONT_SIZE = 8  # pt
LINE_HEIGHT = 0.17  # of a line of a legend, in
DPI = 300
_LAYOUT_PASSES = 2  # the second starts from where the first put the parts
PALE = 0.35  # opacity of what should not be relied on

# Okabe & Ito's colours, told apart by colour-blind readers too; without their yellow, which is
# hard to see as a line on white.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p")
GREY = "#555555"

# Of what DejaVu Sans lacks (it comes with matplotlib), these have the most, where installed.
_FALLBACK_FONTS = ("Noto Sans CJK JP", "Noto Sans CJK SC", "Arial Unicode MS", "Unifont")
_UNPRINTABLE = ("Cc", "Cs", "Cn")  # control characters, bytes that are not UTF-8, unassigned

_METADATA: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


def _installed(names: Sequence[str]) -> list[str]:
    installed = {font.name for font in fontManager.ttflist}
    return [name for name in names if name in installed]


_STYLE = {
    "font.family": ["DejaVu Sans", *_installed(_FALLBACK_FONTS)],
    "font.size": FONT_SIZE,
    "axes.titlesize": FONT_SIZE,
    "axes.labelsize": FONT_SIZE,
    "xtick.labelsize": FONT_SIZE,
    "ytick.labelsize": FONT_SIZE,
    "legend.fontsize": FONT_SIZE,
    "legend.title_fontsize": FONT_SIZE,
    "figure.titlesize": FONT_SIZE,
    "figure.labelsize": FONT_SIZE,
    "legend.frameon": False,
    "legend.handlelength": 1.8,
    "legend.columnspacing": 1.2,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "lines.linewidth": 1.0,
    "lines.markersize": 4,
    "svg.fonttype": "path",  # looks the same wherever it is opened
    "svg.hashsalt": "artistid",  # equal figures are equal bytes
    "text.parse_math": False,  # A$AP and Ke$ha are names, no formulae
}


def styled() -> Any:
    """Return a context, or decorator, in which matplotlib has our style and no user's settings."""
    return matplotlib.style.context(_STYLE, after_reset=True)


def new_figure(width: float, height: float, layout: Any = "constrained") -> Figure:
    """Return an empty figure whose parts make room for each other.

    Args:
        width: in inches, `COLUMN` or `PAGE` as a rule.
        height: in inches.
        layout: matplotlib's name of how room is made.
    """
    figure = Figure(figsize=(width, height), layout=layout, dpi=DPI)
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as a whole; equal figures give equal bytes.

    Args:
        figure: what one of the figure modules returned.
        path: ends in ``.svg`` or ``.png``.

    Raises:
        ValueError: another ending.
    """
    kind = Path(path).suffix.lower().lstrip(".")
    if kind not in _METADATA:
        raise ValueError(f"{path}: figures are saved as {' or '.join(_METADATA)}")
    with styled(), atomic_write(path) as temporary, warnings.catch_warnings():
        # A character that no font has is drawn as a box; one warning for each would hide others.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from font")
        _fix_layout(figure)
        figure.savefig(temporary, format=kind, dpi=DPI, metadata=_METADATA[kind])


def _fix_layout(figure: Figure) -> None:
    """Make room for a figure's parts, once for all kinds of file."""
    if isinstance(figure.get_layout_engine(), PlaceHolderLayoutEngine | None):
        return  # it was saved before
    for _ in range(_LAYOUT_PASSES):
        figure.draw_without_rendering()
    figure.set_layout_engine("none")


def label(text: str, longest: int = 24) -> str:
    """Return a name as figures show it: on one line, printable, not too long.

    Args:
        text: any text; bytes that are not UTF-8 (surrogates) show as replacement characters.
        longest: columns at most, an East Asian character takes two; what is cut off becomes ``…``.
    """
    shown = "".join(map(_printable, " ".join(str(text).split())))
    if _columns(shown) <= longest:
        return shown
    while shown and _columns(shown) >= longest:
        shown = shown[:-1]
    return shown.rstrip() + "…"


def _printable(character: str) -> str:
    is_printable = unicodedata.category(character) not in _UNPRINTABLE
    return character if is_printable else "\N{REPLACEMENT CHARACTER}"


def _columns(text: str) -> int:
    return sum(_columns_of(character) for character in text)


def _columns_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def label_width(texts: Sequence[str]) -> float:
    """Return about how wide the widest of some labels is, in inches."""
    return max(map(_columns, texts), default=0) * 0.55 * FONT_SIZE / 72


def look_of(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return a colour and a marker for each name; no pair comes twice in 56 names."""
    return {
        name: {
            "color": COLOURS[rank % len(COLOURS)],
            "marker": MARKERS[rank % len(MARKERS)],
        }
        for rank, name in enumerate(names)
    }


def in_order(names: Sequence[str]) -> list[str]:
    """Return the distinct names, in the order of their first appearance."""
    return list(dict.fromkeys(names))


def without_box(axes: Axes) -> None:
    """Remove the two edges of the frame without a scale."""
    axes.spines[["top", "right"]].set_visible(False)


def unreliable_bar(min_songs: int) -> Line2D:
    """Return the legend entry of intervals that are drawn pale.

    Args:
        min_songs: songs per artist from which on an interval is relied on.
    """
    text = f"pale: unreliable interval,\nan artist has < {min_songs} songs"
    return Line2D([], [], color=GREY, alpha=PALE, linewidth=2, label=text)


def contrasting(colour: Any) -> str:
    """Return black or white, whichever reads better on a colour."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if luminance > 0.18 else "white"  # where both contrasts are equal (WCAG 2)
