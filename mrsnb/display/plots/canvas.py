"""A sheet to draw on: places in a palette, without paper, so that a picture fits light and dark pages."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.colours import INK, Colour
from mrsnb.display.plots.glyphs import EDGE, elided, glyphs, outlined, readable
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
            self.palette += [_over(colour, step / STEPS, under) for step in range(1, STEPS + 1)]
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
        drawn = glyphs(readable(text), size * SHARPNESS, upward=upward)
        left = round(x * SHARPNESS - at[0] * drawn.width) + drawn.left
        top = round(y * SHARPNESS - at[1] * drawn.height) + drawn.top
        if outline and under is not None:
            edge = outlined(readable(text), size * SHARPNESS)
            self.stamp(left - EDGE, top - EDGE, edge, self.ramp(under))
        self.stamp(left, top, drawn.cover, self.ramp(colour, under))

    def title(self, x: float, title: str) -> None:
        """Write a title at the top, its end if it is too long."""
        self.text(x, 18, elided(title, 14.0, self.width - x - 8), size=14)

    def stamp(self, left: int, top: int, cover: Array, ramp: int) -> None:
        """Ink pixels of the file by how much of each is covered, uint8, from the corner (left, top) on."""
        height, width = cover.shape
        rows, columns = slice(max(top, 0), max(top + height, 0)), slice(max(left, 0), max(left + width, 0))
        part = self.pixels[rows, columns]
        y, x = max(-top, 0), max(-left, 0)
        level = _LEVELS.take(cover[y : y + part.shape[0], x : x + part.shape[1]])
        np.copyto(part, level + np.uint8(ramp - 1), where=level > 0)

    def fill(self, box: Box, colour: Colour) -> None:
        """Fill a rectangle, its edges at the nearest pixels."""
        rows, columns = self.within(box)
        self.pixels[rows, columns] = self.solid(colour)

    def frame(self, box: Box, colour: Colour = INK) -> None:
        """Draw the edges of a rectangle, a CSS pixel wide, around it."""
        x, y, right, bottom = box.x, box.y, box.right, box.bottom
        for edge in (
            Box(x - 1, y - 1, box.width + 2, 1),
            Box(x - 1, bottom, box.width + 2, 1),
            Box(x - 1, y, 1, box.height),
            Box(right, y, 1, box.height),
        ):
            self.fill(edge, colour)

    def within(self, box: Box) -> tuple[slice, slice]:
        """Return the rows and columns of the file that a box covers."""
        edges = [round(edge * SHARPNESS) for edge in (box.y, box.bottom, box.x, box.right)]
        return slice(edges[0], max(edges[1], edges[0] + 1)), slice(edges[2], max(edges[3], edges[2] + 1))

    def image(self, box: Box, places: Array) -> None:
        """Fill a box with an image of places in the palette, first row on top."""
        rows, columns = self.within(box)
        n_row, n_col = rows.stop - rows.start, columns.stop - columns.start
        y, x = (np.arange(n) * have // n for n, have in zip((n_row, n_col), places.shape, strict=True))
        self.pixels[rows, columns] = places.take(x, axis=1).take(y, axis=0)

    def lines(self, ends: Array, *, width: float = 1.0, colour: Colour = INK) -> None:
        """Draw straight lines; `ends` has shape (n, 4): x and y of both ends of each."""
        ends = np.asarray(ends, float)
        (left, top), (right, bottom) = ends.reshape(-1, 2).min(axis=0) - 4, ends.reshape(-1, 2).max(axis=0) + 4
        box = Box(left, top, right - left, bottom - top)
        cover = np.clip(width / 2 * SHARPNESS + 0.5 - away_from(ends, box), 0.0, 1.0)
        self.stamp(round(left * SHARPNESS), round(top * SHARPNESS), share_of_255(cover), self.ramp(colour))

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
        first = np.floor(middle - half).astype(int)
        rows = np.broadcast_to(rows, first.shape)
        for k in range(int(2 * half.max()) + 2):
            cover = np.minimum(middle + half, first + k + 1) - np.maximum(middle - half, first + k)
            self._edge(rows.ravel(), (first + k).ravel(), np.clip(cover, 0.0, 1.0).ravel(), self.ramp(colour), (0, 0))
        for place, end in zip(column.astype(int), np.round(ends * SHARPNESS).astype(int), strict=True):
            self.pixels[round(knee * SHARPNESS) : end, place] = self.solid(colour)

    def spans(
        self, first: int, top: Array, bottom: Array, clip: slice, *, ramp: int, on: tuple[int, int] = (0, 0)
    ) -> None:
        """Ink one span of each column of the file from the column `first` on.

        Parameters
        ----------
        first : int
            Column of the file.
        top, bottom : ndarray
            Edges of the spans, shape (n_col,), pixels of the file; NaN where there is none.
        clip : slice
            Rows that may be inked.
        ramp : int
            Opacities to ink with.
        on : tuple of int
            A place in the palette, and the opacities to ink its pixels with.
        """
        column, top, bottom = _clipped(first, top, bottom, clip)
        start, stop = np.ceil(top).astype(int), np.floor(bottom).astype(int)
        self._edge(start - 1, column, np.where(start > stop, bottom - top, start - top), ramp, on)
        self._edge(stop, column, np.where(start > stop, 0.0, bottom - stop), ramp, on)
        self._columns(column, start, stop, ramp + STEPS - 1)

    def bars(self, first: int, top: Array, bottom: Array, clip: slice, colour: Colour) -> None:
        """Fill whole pixels of one span of each column; arguments as for `spans`."""
        column, top, bottom = _clipped(first, top, bottom, clip)
        self._columns(column, top.astype(int), bottom.astype(int), self.solid(colour))

    def _columns(self, column: Array, start: Array, stop: Array, place: int) -> None:
        count = np.maximum(stop - start, 0)
        within = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
        n_col = self.pixels.shape[1]
        self.pixels.ravel()[np.repeat(start * n_col + column, count) + within * n_col] = place

    def _edge(self, row: Array, column: Array, cover: Array, ramp: int, on: tuple[int, int]) -> None:
        level = _levels(cover)
        some = (level > 0) & (row >= 0) & (row < self.pixels.shape[0])
        row, column, level = row[some], column[some], level[some]
        first = np.where(self.pixels[row, column] == on[0], on[1], ramp) if on[1] else ramp
        self.pixels[row, column] = first - 1 + level

    def picture(self, title: str) -> Picture:
        """Return what was drawn."""
        return Picture(title, indexed_png(self.pixels, self.palette, title), self.width, self.height)


def _clipped(first: int, top: Array, bottom: Array, clip: slice) -> tuple[Array, Array, Array]:
    """Return the columns that have a span within the rows of `clip`, and its edges there."""
    some = np.flatnonzero((bottom >= clip.start) & (top <= clip.stop))
    return first + some, np.clip(top[some], clip.start, clip.stop), np.clip(bottom[some], clip.start, clip.stop)


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


def share_of_255(cover: Array) -> NDArray[np.uint8]:
    """Return shares of a pixel, 0...1, as 0...255."""
    return (cover * 255.0 + 0.5).astype(np.uint8)


_LEVELS = _levels(np.arange(256) / 255.0)


def _over(colour: Colour, share: float, under: Colour | None) -> Colour:
    """Return `colour`, less opaque, over another."""
    above = share * colour[3] / 255
    if under is None:
        return (*colour[:3], round(255 * above))
    below = under[3] / 255 * (1 - above)
    total = above + below
    mixed = [round((c * above + u * below) / total) for c, u in zip(colour[:3], under[:3], strict=True)]
    return mixed[0], mixed[1], mixed[2], round(255 * total)
