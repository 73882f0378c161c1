"""Figure: tracks or slices as a network sees them, in two dimensions."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from artistid.figures.style import (
    LINE_HEIGHT,
    MARKERS,
    PAGE,
    in_order,
    label,
    label_width,
    new_figure,
    styled,
)

MAX_COMPONENTS = 30
MAX_PERPLEXITY = 30
MIN_POINTS = 4
_LTR = "\N{LEFT-TO-RIGHT MARK}"

# The first eight are Okabe & Ito's. Each of the others was chosen to be as far as possible from
# those before it in CIELAB, as seen with full vision, protanopia and deuteranopia.
ARTIST_COLOURS = tuple(
    "#0072B2 #D55E00 #009E73 #E69F00 #CC79A7 #56B4E9 #000000 #F0E442 #0000FF #7766FF "
    "#773311 #AACC77 #554455 #0044AA #DDBBBB #4422CC #6699FF #DD2244 #663377 #44CCDD".split()
)
_SHARE_NEAR = 6  # an artist's number goes to the sixth of its points that is closest together
_ROWS = 40  # of a legend's column, at most


def project(features: NDArray[np.floating], seed: int) -> NDArray[np.float64]:
    """Return features in two dimensions: standardised, principal components, t-SNE.

    Args:
        features: shape (n, d). Where there are no neighbourhoods to keep, points lie in a row:
            fewer than four of them, of a single feature, or all alike.
        seed: of t-SNE and the principal components; the same seed gives the same map.

    Returns:
        Array of shape (n, 2), in t-SNE's arbitrary units.
    """
    n, d = features.shape
    if n < MIN_POINTS or d < 2 or np.ptp(features, axis=0).max() == 0:
        return np.stack([np.arange(n, dtype=np.float64), np.zeros(n)], axis=1)
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from sklearn.preprocessing import StandardScaler

    standardised = StandardScaler().fit_transform(np.asarray(features, np.float64))
    components = PCA(min(MAX_COMPONENTS, n, d), random_state=seed).fit_transform(standardised)
    perplexity = min(MAX_PERPLEXITY, (n - 1) / 3)
    tsne = TSNE(perplexity=perplexity, init="pca", random_state=seed)
    return tsne.fit_transform(components).astype(np.float64)


@styled()
def draw_embedding_map(
    points: NDArray[np.floating],
    artist_of_point: Sequence[str],
    album_of_point: Sequence[str],
    title: str,
) -> Figure:
    """Draw points by artist (colour, and a number where its points are densest) and album (marker).

    From the 21st artist on the colours come again, with open markers.

    Args:
        points: what `project` returns, shape (n, 2).
        artist_of_point: the artist of each point.
        album_of_point: the album of each point; an album counts within its artist.
        title: what is shown, above the figure.
    """
    artists, albums = np.asarray(artist_of_point, object), np.asarray(album_of_point, object)
    names = in_order(sorted(artists))
    n_columns = -(-len(names) // _ROWS)
    n_rows = -(-len(names) // n_columns)
    longest = 24 if n_columns == 1 else 16
    # The mark keeps the number on the left of an Arabic or Hebrew name.
    shown = [f"{_LTR}{rank + 1}  {label(name, longest)}" for rank, name in enumerate(names)]
    beside = n_columns * (label_width(shown) + 0.35) + 0.4
    width = PAGE - beside
    height = max(min(width, 5.0) + 0.4, LINE_HEIGHT * (n_rows + 4))
    figure = new_figure(PAGE, height)
    axes = figure.subplots()
    for rank, name in enumerate(names):
        of_artist = artists == name
        for number, album in enumerate(in_order(sorted(albums[of_artist]))):
            x, y = points[of_artist & (albums == album)].T
            axes.plot(x, y, linestyle="none", **_look(rank, MARKERS[number % len(MARKERS)]))
    for rank, name in enumerate(names):
        _write_number(axes, points[artists == name], rank + 1)
    _show_all(axes, points)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("t-SNE dimension 1 (arbitrary units)")
    axes.set_ylabel("t-SNE dimension 2 (arbitrary units)")
    axes.set_title(label(title, int(width / label_width("x"))))
    figure.legend(
        handles=[
            Line2D([], [], linestyle="none", **_look(rank, "o"), label=text)
            for rank, text in enumerate(shown)
        ],
        loc="outside right upper",
        title="number, colour: artist\nmarker: album",
        alignment="left",
        ncols=n_columns,
        handlelength=1.0,
    )
    return figure


def _show_all(axes: Axes, points: NDArray[np.floating]) -> None:
    """Give both axes one scale, so that distances can be compared."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = 0.53 * max(*(high - low), 1e-9)
    x, y = (low + high) / 2
    axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half), aspect="equal", anchor="N")


def _look(rank: int, marker: str) -> dict[str, Any]:
    colour = ARTIST_COLOURS[rank % len(ARTIST_COLOURS)]
    is_open = rank // len(ARTIST_COLOURS) % 2 == 1
    return {
        "marker": marker,
        "markersize": 3.2,
        "markerfacecolor": "none" if is_open else colour,
        "markeredgecolor": colour if is_open else "white",
        "markeredgewidth": 0.8 if is_open else 0.2,
    }


def _write_number(axes: Axes, points: NDArray[np.floating], number: int) -> None:
    """Write an artist's number where its points are densest."""
    # The middle of all its points would often be none of its places: clusters are albums.
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    nearest = np.sort(distances, axis=1)[:, : 1 + len(points) // _SHARE_NEAR]
    x, y = points[nearest.sum(axis=1).argmin()]
    halo = [withStroke(linewidth=2.0, foreground="white")]
    axes.text(
        x, y, str(number), ha="center", va="center", weight="bold", path_effects=halo, zorder=4
    )
