"""A sheet to draw on: places in a palette, without paper, so that a picture fits light and dark pages."""

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.colours import INK, Colour
from mrsnb.display.plots.glyphs import EDGE, Glyphs, elided, glyphs, outlined, readable
from mrsnb.display.plots.png import indexed_png
from mrsnb.display.values import Picture

SHARPNESS = 2
"""Pixels of the file for each CSS pixel."""
STEPS = 12
"""Opacities of the edge of a line or letter."""

Array = NDArray[Any]


class Box(NamedTuple):
    """A rectangle, CSS pixels from the upper left corner of the sheet."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """Right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Lower edge."""
        return self.y + self.height


class Ink(NamedTuple):
    """What a stamp leaves on a sheet."""

    level: NDArray[np.uint8]
    """Steps of opacity, 0 for none, shape (n_row, n_col), pixels of the file."""
    some: NDArray[np.bool_]
    """Where there is any."""

    @classmethod
    def of(cls, cover: Array) -> "Ink":
        """Return the ink that covers shares of pixels, 0...1."""
        level = _levels(cover)
        return cls(level, level > 0)


class Canvas:
    """A sheet of `width` x `height` CSS pixels; all places are in CSS pixels from its upper left corner.

    Examples
    --------
    >>> canvas = Canvas(200, 50)
    >>> canvas.text(10, 25, "NGC 7027")
    >>> canvas.picture("a name").width
    200
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.pixels: NDArray[np.uint8] = np.zeros((height * SHARPNESS, width * SHARPNESS), np.uint8)
        self.palette: list[Colour] = [(0, 0, 0, 0)]
        self._ramps: dict[tuple[Colour, Colour | None], int] = {}
        self._maps: dict[str, int] = {}

    def colour_map(self, name: str, colours: Array) -> int:
        """Return the place of the first of some colours, shape (n, 3), known by a name."""
        if name not in self._maps:
            self._maps[name] = len(self.palette)
            self.palette += [(int(r), int(g), int(b), 255) for r, g, b in colours]
        return self._maps[name]

    def ramp(self, colour: Colour, under: Colour | None = None) -> int:
        """Return the place of the faintest of `STEPS` opacities of `colour`, over nothing or over another."""
        key = (colour, under)
        if key not in self._ramps:
            self._ramps[key] = len(self.palette)
            self.palette += _shades_over(colour, under)
        return self._ramps[key]

    def solid(self, colour: Colour) -> int:
        """Return the place of `colour`."""
        key = (colour, colour)
        if key not in self._ramps:
            self._ramps[key] = len(self.palette)
            self.palette.append(colour)
        return self._ramps[key]

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 12.5,
        colour: Colour = INK,
        at: tuple[float, float] = (0.0, 0.5),
        upward: bool = False,
        under: Colour | None = None,
        outline: bool = False,
    ) -> None:
        """Write one line.

        Parameters
        ----------
        x, y : float
        text : str
            Any; what cannot be drawn is replaced.
        size : float
            Of the font, CSS pixels.
        at : tuple of float
            The part of the text that is at (x, y), of its width and of the height of its capitals: (0, 0) is the upper
            left corner.
        upward : bool
            Written from below upward.
        under : tuple of int, optional
            The colour that it is written on, if it is not the page.
        outline : bool
            With an edge of the colour `under`.
        """
        drawn, ink = _written(text, size, upward)
        left = round(x * SHARPNESS - at[0] * drawn.width) + drawn.left
        top = round(y * SHARPNESS - at[1] * drawn.height) + drawn.top
        if outline and under is not None:
            self.stamp(left - EDGE, top - EDGE, _edged(text, size), self.ramp(under))
        self.stamp(left, top, ink, self.ramp(colour, under))

    def title(self, x: float, title: str, room: float = 0.0) -> None:
        """Write a title at the top, its end if it is too long; some room at the right is kept."""
        self.text(x, 18, elided(title, 14.0, self.width - x - 8 - room), size=14)

    def stamp(self, left: int, top: int, ink: Ink, ramp: int) -> None:
        """Ink pixels of the file from the corner (left, top) on."""
        (height, width), (n_row, n_col) = ink.level.shape, self.pixels.shape
        if top < 0 or left < 0 or top + height > n_row or left + width > n_col:
            seen = np.s_[max(-top, 0) : max(n_row - top, 0), max(-left, 0) : max(n_col - left, 0)]
            ink, top, left = Ink(ink.level[seen], ink.some[seen]), max(top, 0), max(left, 0)
            height, width = ink.level.shape
        part = self.pixels[top : top + height, left : left + width]
        np.add(ink.level, np.uint8(ramp - 1), out=part, where=ink.some)

    def shades(self, cover: Array, colour: Colour, under: Colour) -> NDArray[np.uint8]:
        """Return the places of a colour that covers another one by so much, 0...1."""
        level = _levels(cover)
        return np.where(level > 0, level + np.uint8(self.ramp(colour, under) - 1), np.uint8(self.solid(under)))

    def fill(self, box: Box, colour: Colour) -> None:
        """Fill a rectangle, its edges at the nearest pixels."""
        rows, columns = self.within(box)
        self.pixels[rows, columns] = self.solid(colour)

    def fill_each(self, x: Array | float, y: Array | float, size: tuple[float, float], colour: Colour) -> None:
        """Fill rectangles of one width and height; `x` and `y` are of their upper left corners."""
        left, top = (np.rint(np.asarray(edge) * SHARPNESS).astype(int)[..., None, None] for edge in (x, y))
        across, down = (np.arange(max(round(side * SHARPNESS), 1)) for side in size)
        self.pixels[top + down[:, None], left + across] = self.solid(colour)

    def frame(self, box: Box, colour: Colour = INK) -> None:
        """Draw the edges of a rectangle, a CSS pixel wide, around it."""
        rows, columns = self.within(box)
        (y, bottom), (x, right) = ((max(at.start - SHARPNESS, 0), at.stop) for at in (rows, columns))
        place, pixels = self.solid(colour), self.pixels
        pixels[y : rows.start, x : right + SHARPNESS] = place
        pixels[bottom : bottom + SHARPNESS, x : right + SHARPNESS] = place
        pixels[rows, x : columns.start] = place
        pixels[rows, right : right + SHARPNESS] = place

    def within(self, box: Box) -> tuple[slice, slice]:
        """Return the rows and columns of the file that a box covers."""
        x, y, width, height = box
        top, left = round(y * SHARPNESS), round(x * SHARPNESS)
        bottom, right = round((y + height) * SHARPNESS), round((x + width) * SHARPNESS)
        return slice(top, max(bottom, top + 1)), slice(left, max(right, left + 1))

    def image(self, box: Box, places: Array) -> None:
        """Fill a box with an image of places in the palette, first row on top."""
        rows, columns = self.within(box)
        n_row, n_col = rows.stop - rows.start, columns.stop - columns.start
        y, x = (np.arange(n) * have // n for n, have in zip((n_row, n_col), places.shape, strict=True))
        wide = places if places.shape[1] == 1 else places.take(x, axis=1)
        self.pixels[rows, columns] = wide.take(y, axis=0)

    def lines(self, ends: Array, *, width: float = 1.0, colour: Colour = INK) -> None:
        """Draw straight lines; `ends` has shape (n, 4): x and y of both ends of each."""
        ends = np.asarray(ends, float)
        (left, top), (right, bottom) = ends.reshape(-1, 2).min(axis=0) - 4, ends.reshape(-1, 2).max(axis=0) + 4
        box = Box(left, top, right - left, bottom - top)
        ink = Ink.of(np.clip(width / 2 * SHARPNESS + 0.5 - away_from(ends, box), 0.0, 1.0))
        self.stamp(round(left * SHARPNESS), round(top * SHARPNESS), ink, self.ramp(colour))

    def leaders(self, x: Array, labels: Array, ends: Array, top: float, knee: float, colour: Colour) -> None:
        """Draw thin lines from labels, side by side at height `top`, to above what they name, and straight down to it.

        Parameters
        ----------
        x, labels, ends : ndarray
            Where the lines go down and where their labels are, along x, and how far down they go; shape (n,).
        top, knee : float
            Where lines begin, and where they turn straight down.
        colour : tuple of int
        """
        rows = np.arange(round(top * SHARPNESS), round(knee * SHARPNESS))[:, None]
        column = np.floor(x * SHARPNESS)
        start, move = labels * SHARPNESS, column + 0.5 - labels * SHARPNESS
        middle = start + move * (rows + 0.5 - rows[0]) / len(rows)
        half = 0.5 + 0.5 * np.abs(move) / len(rows)
        columns = np.floor(middle - half).astype(int) + np.arange(int(2 * half.max()) + 2)[:, None, None]
        cover = np.minimum(middle + half, columns + 1) - np.maximum(middle - half, columns)
        rows = np.broadcast_to(rows, columns.shape)
        self._edge(rows.ravel(), columns.ravel(), np.clip(cover, 0.0, 1.0).ravel(), self.ramp(colour))
        for place, end in zip(column.astype(int), np.round(ends * SHARPNESS).astype(int), strict=True):
            self.pixels[round(knee * SHARPNESS) : end, place] = self.solid(colour)

    def spans(self, spans: "Spans", clip: slice, ramp: Array, on: Array) -> None:
        """Ink spans of columns.

        Parameters
        ----------
        spans : Spans
            Shape (n,).
        clip : slice
            Rows that may be inked.
        ramp : ndarray
            Opacities to ink each with, shape (n,).
        on : ndarray
            A place in the palette, and the opacities to ink its pixels with, shape (2, n).
        """
        some, (column, top, bottom) = _clipped(spans, clip)
        ramp, on = ramp[some], on[:, some]
        start, stop = np.ceil(top).astype(int), np.floor(bottom).astype(int)
        self._edge(start - 1, column, np.where(start > stop, bottom - top, start - top), ramp, on)
        self._edge(stop, column, np.where(start > stop, 0.0, bottom - stop), ramp, on)
        self._columns(column, start, stop, ramp + STEPS - 1)

    def bars(self, spans: "Spans", clip: slice, colour: Colour) -> None:
        """Fill whole pixels of spans of columns, as far as they are in the rows of `clip`."""
        _, (column, top, bottom) = _clipped(spans, clip)
        self._columns(column, top.astype(int), bottom.astype(int), self.solid(colour))

    def _columns(self, column: Array, start: Array, stop: Array, place: Array | int) -> None:
        count = np.maximum(stop - start, 0)
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        n_col = self.pixels.shape[1]
        each = place if isinstance(place, int) else np.repeat(place, count)
        self.pixels.ravel()[np.repeat(start * n_col + column, count) + within * n_col] = each

    def _edge(self, row: Array, column: Array, cover: Array, ramp: Array | int, on: Array | None = None) -> None:
        level = _levels(cover)
        some = np.flatnonzero((level > 0) & (row >= 0) & (row < self.pixels.shape[0]))
        row, column = row[some], column[some]
        first = ramp if isinstance(ramp, int) else ramp[some]
        if on is not None:
            first = np.where(self.pixels[row, column] == on[0, some], on[1, some], first)
        self.pixels[row, column] = first - 1 + level[some]

    def picture(self, title: str) -> Picture:
        """Return what was drawn."""
        return Picture(title, indexed_png(self.pixels, self.palette, title), self.width, self.height)


class Spans(NamedTuple):
    """Parts of columns of the file, shape (n,) each."""

    column: Array
    top: Array
    bottom: Array
    """Pixels of the file; NaN where there is nothing."""


def _clipped(spans: Spans, clip: slice) -> tuple[Array, Spans]:
    """Return which spans are within the rows of `clip`, and what of them is."""
    column, top, bottom = spans
    some = np.flatnonzero((bottom >= clip.start) & (top <= clip.stop))
    ends = clip.start, clip.stop
    return some, Spans(column[some], np.clip(top[some], *ends), np.clip(bottom[some], *ends))


def away_from(ends: Array, box: Box) -> Array:
    """Return how far the pixels of a box are from the nearest of some lines, which are as for `Canvas.lines`."""
    x0, y0, x1, y1 = (np.asarray(ends, float).reshape(-1, 4) * SHARPNESS).T[..., None, None]
    left, right, top, bottom = (round(edge * SHARPNESS) for edge in (box.x, box.right, box.y, box.bottom))
    x, y = np.arange(left, right) + 0.5, np.arange(top, bottom)[:, None] + 0.5
    dx, dy = x1 - x0, y1 - y0
    along = np.clip(((x - x0) * dx + (y - y0) * dy) / np.maximum(dx**2 + dy**2, 1e-9), 0.0, 1.0)
    return np.asarray(np.hypot(x - x0 - along * dx, y - y0 - along * dy).min(axis=0))


def _levels(cover: Array) -> NDArray[np.uint8]:
    """Return shares of a pixel, 0...1, as steps of opacity, 0 for none."""
    return (cover * STEPS + 0.5).astype(np.uint8)


_LEVELS = _levels(np.arange(256) / 255.0)


def _ink_of_letters(cover: NDArray[np.uint8]) -> Ink:
    level = _LEVELS.take(cover)
    return Ink(level, level > 0)


@lru_cache(1024)
def _written(text: str, size: float, upward: bool) -> tuple[Glyphs, Ink]:
    """Return a line of text, its letters only as ink."""
    drawn = glyphs(readable(text), size * SHARPNESS, upward=upward)
    ink = _ink_of_letters(drawn.cover)
    return drawn._replace(cover=ink.level), ink


@lru_cache(256)
def _edged(text: str, size: float) -> Ink:
    return _ink_of_letters(outlined(readable(text), size * SHARPNESS))


@lru_cache(256)
def _shades_over(colour: Colour, under: Colour | None) -> list[Colour]:
    """Return `STEPS` opacities of a colour over another, the faintest first."""
    return [_over(colour, step / STEPS, under) for step in range(1, STEPS + 1)]


def _over(colour: Colour, share: float, under: Colour | None) -> Colour:
    """Return `colour`, less opaque, over another."""
    above = share * colour[3] / 255
    if under is None:
        return (*colour[:3], round(255 * above))
    below = under[3] / 255 * (1 - above)
    total = above + below
    mixed = [round((c * above + u * below) / total) for c, u in zip(colour[:3], under[:3], strict=True)]
    return mixed[0], mixed[1], mixed[2], round(255 * total)
