"""Text as arrays of pixels, in the font that comes with the package: DejaVu Sans, without scripts that it lacks."""

from bisect import bisect_left
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from threading import RLock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.text import clean

CAPITAL = 0.729
"""Height of a capital letter, sizes of the font."""
NARROW = 0.2
"""Least width of a character that is counted on, sizes of the font."""
EDGE = 2
"""Width of the edge about outlined letters, pixels."""
_FONT = RLock()
"""A font has one place to draw in, so one thread draws at a time."""


class Glyphs(NamedTuple):
    """A line of text, drawn."""

    cover: NDArray[np.uint8]
    """How much of each pixel is inked, 0...255; shape (n_row, n_col)."""
    left: int
    top: int
    """Corner of `cover` from that of the line's box, which reaches from the baseline to the top of capitals."""
    width: float
    height: float
    """Of that box, pixels."""


def glyphs(text: str, size: float, *, upward: bool = False) -> Glyphs:
    """Return `text` drawn.

    Parameters
    ----------
    text : str
        As `readable` returns it.
    size : float
        Of the font, pixels.
    upward : bool
        Turned by a quarter, to be read from below.
    """
    from PIL import Image, ImageDraw

    font = _font(size)
    with _FONT:
        x0, y0, x1, y1 = (int(v) for v in font.getbbox(text, anchor="ls"))
        image = Image.new("L", (max(x1 - x0, 1), max(y1 - y0, 1)))
        ImageDraw.Draw(image).text((-x0, -y0), text, fill=255, font=font, anchor="ls")
        width = float(font.getlength(text))
    cover = np.asarray(image)
    height = CAPITAL * size
    if not upward:
        return Glyphs(cover, x0, round(y0 + height), width, height)
    return Glyphs(np.rot90(cover), round(y0 + height), round(width) - x0 - cover.shape[1], height, width)


def outlined(text: str, size: float) -> NDArray[np.uint8]:
    """Return the letters of `glyphs` and an edge about them, 255 where there is any; larger by `EDGE` on each side."""
    wide = np.pad(glyphs(text, size).cover, EDGE)
    for axis in (0, 1):
        wide = np.maximum.reduce([np.roll(wide, shift, axis) for shift in range(-EDGE, EDGE + 1)])
    return np.where(wide > 90, np.uint8(255), np.uint8(0))


@lru_cache(4096)
def length(text: str, size: float) -> float:
    """Return the length of a line of text, pixels."""
    font = _font(size)
    with _FONT:
        return float(font.getlength(readable(text)))


def elided(text: str, size: float, width: float) -> str:
    """Return the end of `text` that is no longer than `width` pixels; names of files differ there.

    Examples
    --------
    >>> elided("1A", 12.0, 100.0), elided("a_long_name_exposure9.fits", 12.0, 110.0)
    ('1A', '…_exposure9.fits')
    """
    text = readable(text)
    most = int(width / (NARROW * size)) + 1
    if len(text) <= most and length(text, size) <= width:
        return text
    text = text[-most:]
    start = bisect_left(range(len(text)), -width, key=lambda start: -length("…" + text[start:], size))
    return "…" + text[start:]


@lru_cache(4096)
def readable(text: str) -> str:
    """Return `text` with what the font cannot draw replaced, so that no name can stop a picture."""
    return "".join(char if _is_drawable(char) else "\N{REPLACEMENT CHARACTER}" for char in clean(text))


@cache
def _is_drawable(char: str) -> bool:
    return char == " " or _outline(char) != _outline("\uffff")


@cache
def _outline(char: str) -> bytes:
    with _FONT:
        return bytes(_loaded(20.0).getmask(char))


def _font(size: float) -> Any:
    with _FONT:
        return _loaded(size)


@cache
def _loaded(size: float) -> Any:
    from PIL import ImageFont

    return ImageFont.truetype(BytesIO(_file()), size, layout_engine=ImageFont.Layout.BASIC)


@cache
def _file() -> bytes:
    return (files(__package__) / "font" / "DejaVuSans.ttf").read_bytes()
