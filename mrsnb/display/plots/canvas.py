"""From a painting function to a `Picture`: one style, whatever the user's own matplotlib settings are."""

from collections.abc import Callable
from functools import cache
from io import BytesIO
from threading import Lock
from typing import Any

from mrsnb.display.text import clean
from mrsnb.display.values import Picture

INK = "#1c1c1e"
FAINT = "#6b6f76"
FONT = "DejaVu Sans"
UNITS_PER_INCH = 100
"""CSS pixels to an inch of a figure: 9 pt are then 12.5 CSS pixels."""
SHARPNESS = 2
"""Pixels of the file for each CSS pixel."""

_STYLE = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.labelsize": 9.5,
    "axes.linewidth": 0.8,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.5,
    "axes.titlepad": 8.0,
    "axes.unicode_minus": True,
    "font.family": [FONT],
    "font.size": 9.0,
    "text.color": INK,
    "text.parse_math": False,  # a target may be called "$x"
    "xtick.color": INK,
    "xtick.direction": "in",
    "xtick.labelsize": 9.0,
    "xtick.major.size": 4.5,
    "xtick.minor.size": 2.5,
    "ytick.color": INK,
    "ytick.direction": "in",
    "ytick.labelsize": 9.0,
    "ytick.major.size": 4.5,
    "ytick.minor.size": 2.5,
}
_DRAWING = Lock()
"""matplotlib's settings are one per process, so one thread draws at a time."""


def draw(title: str, width: int, height: int, paint: Callable[[Any], None]) -> Picture:
    """Return the picture that `paint` makes on an empty figure.

    Parameters
    ----------
    title : str
        Title of the picture; `paint` may or may not show it.
    width, height : int
        CSS pixels.
    paint : callable
        Draws on the ``matplotlib.figure.Figure`` that it is given.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with _DRAWING, mpl.rc_context({**_defaults(), **_STYLE}):
        figure = Figure(
            figsize=(width / UNITS_PER_INCH, height / UNITS_PER_INCH), dpi=UNITS_PER_INCH, facecolor="white"
        )
        FigureCanvasAgg(figure)
        paint(figure)
        file = BytesIO()
        figure.savefig(
            file, format="png", dpi=UNITS_PER_INCH * SHARPNESS, metadata={"Title": _latin(title), "Software": "mrsnb"}
        )
    return Picture(title, file.getvalue(), width, height)


def readable(text: str) -> str:
    """Return `text` with what the font cannot draw replaced, so that no name can stop a picture."""
    drawable = _characters()
    return "".join(char if ord(char) in drawable else "\N{REPLACEMENT CHARACTER}" for char in clean(text))


@cache
def _defaults() -> dict[str, Any]:
    from matplotlib import rcParamsDefault

    ours = ("axes.", "figure.", "font.", "image.", "lines.", "patch.", "path.", "savefig.", "text.", "xtick.", "ytick.")
    return {key: value for key, value in rcParamsDefault.items() if key.startswith(ours)}


@cache
def _characters() -> frozenset[int]:
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont(FONT)).get_charmap())


def _latin(text: str) -> str:
    return clean(text).encode("latin-1", "replace").decode("latin-1")
