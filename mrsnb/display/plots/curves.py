"""Curves on a canvas: in each column of pixels, the span that the curve covers."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.canvas import SHARPNESS, Box, Canvas, Spans
from mrsnb.display.plots.colours import Colour

Array = NDArray[Any]


class Extent(NamedTuple):
    """What a curve covers, pixels of the file."""

    first: int
    """Column of the file."""
    top: Array
    bottom: Array
    """Shape (n_col,); NaN where there is nothing."""


def extent(x: Array, y: Array) -> Extent:
    """Return the span that a curve covers in each column.

    Parameters
    ----------
    x, y : ndarray
        Places of its samples, CSS pixels, shape (n,); x does not fall, and NaN in y interrupts the curve.
    """
    x, y = np.asarray(x, float) * SHARPNESS, np.asarray(y, float) * SHARPNESS
    first = int(np.floor(x[0])) - 1
    n = int(np.floor(x[-1])) + 2 - first
    edges = np.interp(first + np.arange(n + 1), x, y, left=np.nan, right=np.nan)
    top, bottom = np.fmin(edges[:-1], edges[1:]), np.fmax(edges[:-1], edges[1:])
    some = np.isfinite(y)
    column, y = np.floor(x[some]).astype(int) - first, y[some]
    np.fmin.at(top, column, y)
    np.fmax.at(bottom, column, y)
    return Extent(first, top, bottom)


class Stroke(NamedTuple):
    """A curve to be drawn."""

    x: Array
    y: Array
    """Places of its samples, as for `extent`."""
    colour: Colour
    on: Colour | None = None
    """A colour that is beneath."""


def draw_curves(canvas: Canvas, box: Box, strokes: Sequence[Stroke], *, width: float = 1.0) -> None:
    """Draw curves within a box, `width` CSS pixels wide."""
    half, gap = width / 2 * SHARPNESS, np.array([np.nan])
    parts, ramps = [], []
    for x, y, colour, on in strokes:
        first, top, bottom = extent(x, y)
        parts.append((np.arange(first, first + len(top) + 1), top, gap, bottom, gap))
        ramp = canvas.ramp(colour)
        ramps.append((ramp, *((0, ramp) if on is None else (canvas.solid(on), canvas.ramp(colour, on)))))
    column = np.concatenate([part[0] for part in parts])
    top, bottom = (np.concatenate([one for part in parts for one in part[k : k + 2]]) for k in (1, 3))
    above, below = np.fmin(_left(top), _right(top)), np.fmax(_left(bottom), _right(bottom))
    top, bottom = np.fmin(top - half, above + half), np.fmax(bottom + half, below - half)  # the pen is as wide as high
    inks = np.repeat(np.array(ramps), [len(part[0]) for part in parts], axis=0).T
    canvas.spans(Spans(column, top, bottom), canvas.within(box)[0], inks[0], inks[1:])


def draw_band(canvas: Canvas, box: Box, x: Array, low: Array, high: Array, colour: Colour) -> None:
    """Fill the room between two curves; arguments as for `extent`."""
    first, top, _ = extent(x, high)
    spans = Spans(first + np.arange(len(top)), np.round(top), np.round(extent(x, low).bottom))
    canvas.bars(spans, canvas.within(box)[0], colour)


def _left(values: Array) -> Array:
    return np.append(np.nan, values[:-1])


def _right(values: Array) -> Array:
    return np.append(values[1:], np.nan)
