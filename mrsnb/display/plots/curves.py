"""Curves on a canvas: in each column of pixels, the span that the curve covers."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.canvas import SHARPNESS, Box, Canvas
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
    column = np.floor(x[some]).astype(int) - first
    np.fmin.at(top, column, y[some])
    np.fmax.at(bottom, column, y[some])
    return Extent(first, top, bottom)


def draw_curve(
    canvas: Canvas, box: Box, x: Array, y: Array, colour: Colour, *, width: float = 1.0, on: Colour | None = None
) -> None:
    """Draw a curve within a box; arguments as for `extent`, `width` in CSS pixels, `on` a colour that is beneath."""
    half = width / 2 * SHARPNESS
    first, top, bottom = extent(x, y)
    above, below = np.fmin(_left(top), _right(top)), np.fmax(_left(bottom), _right(bottom))
    top, bottom = np.fmin(top - half, above + half), np.fmax(bottom + half, below - half)  # the pen is as wide as high
    beneath = (0, 0) if on is None else (canvas.solid(on), canvas.ramp(colour, on))
    canvas.spans(first, top, bottom, canvas.within(box)[0], ramp=canvas.ramp(colour), on=beneath)


def draw_band(canvas: Canvas, box: Box, x: Array, low: Array, high: Array, colour: Colour) -> None:
    """Fill the room between two curves; arguments as for `extent`."""
    first, top, _ = extent(x, high)
    canvas.bars(first, np.round(top), np.round(extent(x, low).bottom), canvas.within(box)[0], colour)


def _left(values: Array) -> Array:
    return np.append(np.nan, values[:-1])


def _right(values: Array) -> Array:
    return np.append(values[1:], np.nan)
