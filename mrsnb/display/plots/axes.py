"""Axes: scales, ticks at round values, frames with labels, colour bars."""

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.display.plots.canvas import Box, Canvas
from mrsnb.display.plots.colours import INK
from mrsnb.display.plots.stretch import Stretch, compact, power_of_ten

Array = NDArray[Any]
SMALL = 12.0
"""Size of the text of ticks, CSS pixels."""
LONG, SHORT = 5.0, 3.0
"""Ticks, CSS pixels."""


@dataclass(frozen=True)
class Scale:
    """A map of values on places along an axis: `low` at `start`, `high` at `stop`, linear or logarithmic."""

    low: float
    high: float
    start: float
    stop: float
    log: bool = False

    def __call__(self, values: Any) -> Array:
        """Return the places of `values`, CSS pixels; what a logarithm cannot take lies far below."""
        values = np.asarray(values, float)
        low, high = self.low, self.high
        if self.log:
            values = np.log10(np.maximum(values, 1e-300))
            low, high = log10(low), log10(high)
        return np.asarray(self.start + (values - low) / (high - low) * (self.stop - self.start))


class Ticks(NamedTuple):
    """Where an axis is marked."""

    values: list[float]
    labels: list[str]
    minor: list[float]
    factor: str = ""
    """What the labels are to be multiplied by; empty for 1."""


def linear_ticks(low: float, high: float, about: int = 6) -> Ticks:
    """Return round values between the limits, about so many, and four or five times as many between them.

    Examples
    --------
    >>> linear_ticks(0.0, 0.013).labels
    ['0.000', '0.002', '0.004', '0.006', '0.008', '0.010', '0.012']
    >>> linear_ticks(0.0, 2e-7, 4).labels
    ['0.0', '0.5', '1.0', '1.5', '2.0']
    """
    rough = (high - low) / about
    power = floor(log10(rough))
    size = next(m for m in (1, 2, 5, 10) if m * 10.0**power >= 0.8 * rough)
    step = size * 10.0**power
    fine = step / (4 if size == 2 else 5)
    values = [k * step for k in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]
    minor = [k * fine for k in range(ceil(low / fine), floor(high / fine) + 1)]
    top = max((abs(value) for value in values), default=0.0)
    exponent = floor(log10(top * 1.0000001)) if top > 0 else 0
    exponent = 0 if -3 <= exponent < 4 else exponent
    digits = max(0, exponent - floor(log10(step * 1.0000001)))
    labels = [f"{value / 10.0**exponent + 0.0:.{digits}f}".replace("-", "\N{MINUS SIGN}") for value in values]
    return Ticks(values, labels, minor, f"\N{MULTIPLICATION SIGN}{power_of_ten(exponent)}" if exponent else "")


def log_ticks(low: float, high: float) -> Ticks:
    """Return powers of ten between the limits, with their multiples by 2 and 5 where there is room for their labels.

    Examples
    --------
    >>> log_ticks(0.8, 12.0).labels
    ['1', '2', '5', '10']
    """
    decades = log10(high / low)
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    every = max(1, round(decades / 8))
    sizes = (1,) if decades > 2.2 else (1, 2, 5)
    values = [m * 10.0**p for p in powers if p % every == 0 for m in sizes]
    minor = [m * 10.0**p for p in powers for m in range(1, 10)] if decades < 12 else []
    values, minor = ([v for v in some if low <= v <= high] for some in (values, minor))
    return Ticks(values, [compact(float(f"{v:.3g}")) for v in values], minor)


def bottom_axis(canvas: Canvas, box: Box, scale: Scale, ticks: Ticks, label: str) -> None:
    """Draw ticks upward from the lower edge of a box, their labels and the axis's label below."""
    places = scale(ticks.values)
    for x, size in ((scale(ticks.minor), SHORT), (places, LONG)):
        canvas.fill_each(x - 0.5, box.bottom - size, (1, size), INK)
    for x, text in zip(places.tolist(), ticks.labels, strict=True):
        canvas.text(x, box.bottom + 8, text, size=SMALL, at=(0.5, 0.0))
    if ticks.factor:
        canvas.text(box.right, box.bottom + 29, ticks.factor, size=SMALL, at=(1.0, 0.0))
    canvas.text(box.x + box.width / 2, box.bottom + 28, label, size=13, at=(0.5, 0.0))


def left_axis(canvas: Canvas, box: Box, scale: Scale, ticks: Ticks, label: str, away: float = 56.0) -> None:
    """Draw ticks to the right from the left edge of a box, their labels, and the axis's label so far to its left."""
    places = scale(ticks.values)
    for y, size in ((scale(ticks.minor), SHORT), (places, LONG)):
        canvas.fill_each(box.x, y - 0.5, (size, 1), INK)
    for y, text in zip(places.tolist(), ticks.labels, strict=True):
        canvas.text(box.x - 7, y, text, size=SMALL, at=(1.0, 0.5))
    if ticks.factor:
        canvas.text(box.x + 8, box.y + 8, ticks.factor, size=SMALL, at=(0.0, 0.0))
    canvas.text(box.x - away, box.y + box.height / 2, label, size=13, at=(0.5, 0.5), upward=True)


def colour_bar(
    canvas: Canvas, box: Box, stretch: Stretch, colours: tuple[int, int], unit: str, apart: float = 0.09
) -> None:
    """Draw a bar of colours, its values to the right.

    Parameters
    ----------
    canvas : Canvas
    box : Box
    stretch : Stretch
        From values to colours.
    colours : tuple of int
        Place of the first in the palette, and how many they are.
    unit : str
        Written beside it.
    apart : float
        Least distance of two labels, as a share of its height.
    """
    first, n = colours
    canvas.image(box, first + np.arange(n)[::-1, None])
    canvas.frame(box)
    for value in stretch.ticks(apart):
        y = box.bottom - stretch.share(value) * box.height
        canvas.fill(Box(box.right + 1, y - 0.5, 3, 1), INK)
        canvas.text(box.right + 7, y, compact(value), size=11.5)
    if unit:
        canvas.text(canvas.width - 9, box.y + box.height / 2, unit, size=12.5, at=(0.5, 0.5), upward=True)
