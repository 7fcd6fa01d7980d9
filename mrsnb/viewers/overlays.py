"""What is drawn over an image: compass, scale bar, size of the point-spread function, contours; and ticks of its axes.

All are lines in offsets from the middle spaxel, arcsec, as in `mrsnb.viewers.aperture`; lines of one kind are joined by
NaN.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

_BARS = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0)
"""Lengths of a scale bar, arcsec."""


class View(NamedTuple):
    """The part of the sky in the window, arcsec."""

    left: float
    right: float
    low: float
    high: float

    @property
    def side(self) -> float:
        """The shorter side."""
        return min(self.right - self.left, self.high - self.low)

    def at(self, x: float, y: float) -> Array:
        """Return the place at a fraction of the width and height."""
        return np.array([self.left + x * (self.right - self.left), self.low + y * (self.high - self.low)])

    def fraction(self, places: Array) -> Array:
        """Return places, shape (n, 2), as fractions of the width and height."""
        return (places - (self.left, self.low)) / (self.right - self.left, self.high - self.low)

    def has(self, place: tuple[float, float]) -> bool:
        """Return whether a place is in the window."""
        return self.left < place[0] < self.right and self.low < place[1] < self.high


def joined(lines: Iterable[Array]) -> tuple[Array, Array]:
    """Return x and y of several lines as those of one that is interrupted by NaN.

    Examples
    --------
    >>> x, y = joined([np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[4.0, 5.0]])])
    >>> x.tolist()
    [0.0, 2.0, nan, 4.0]
    """
    parts = [np.asarray(line, float) for line in lines if len(line)]
    gap = np.full((1, 2), np.nan)
    if not parts:
        return np.empty(0), np.empty(0)
    points = np.vstack([row for part in parts for row in (part, gap)][:-1])
    return points[:, 0], points[:, 1]


def compass(view: View, rotation: float) -> tuple[list[Array], dict[str, Array]]:
    """Return arrows toward north and east in the lower right corner, and where their letters go.

    Parameters
    ----------
    view : View
    rotation : float
        Direction of the y axis, deg east of north.
    """
    turn = math.radians(rotation)
    length = 0.09 * view.side
    north, east = np.array([math.sin(turn), math.cos(turn)]), np.array([-math.cos(turn), math.sin(turn)])
    corner = np.array([view.right, view.low]) + np.array([-0.7, 0.7]) * 2.1 * length
    start = corner - (north + east) * 0.5 * length
    lines, letters = [], {}
    for name, toward in (("N", north), ("E", east)):
        tip = start + toward * length
        aside = np.array([-toward[1], toward[0]])
        barbs = [tip - (toward - side * 0.6 * aside) * 0.22 * length for side in (1, -1)]
        lines += [np.array([start, tip]), np.array([barbs[0], tip, barbs[1]])]
        letters[name] = start + toward * 1.35 * length
    return lines, letters


def scale_bar(view: View) -> tuple[Array, str, Array]:
    """Return a bar of a round length in the lower left corner, its length in words, and where they go."""
    width = view.right - view.left
    length = max((bar for bar in _BARS if bar <= 0.3 * width), default=_BARS[0])
    start = view.at(0.05, 0.05)
    bar = np.array([start, start + np.array([length, 0.0])])
    return bar, f"{length:g}\N{DOUBLE PRIME}", bar.mean(axis=0) + np.array([0.0, 0.04 * view.side])


def circle(centre: Array, radius: float, corners: int = 48) -> Array:
    """Return a circle as a closed line, shape (n, 2)."""
    angle = np.linspace(0.0, 2 * math.pi, corners + 1)
    return np.asarray(centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))


def psf_fwhm(wave: float) -> float:
    """Return the FWHM of the MRS's point-spread function at a wavelength in micron, arcsec.

    References
    ----------
    Law et al. 2023, AJ 166, 45, equation 1.
    """
    return 0.033 * wave + 0.106


def psf_circle(view: View, wave: float) -> Array:
    """Return a circle as wide as the MRS's point-spread function at a wavelength in micron, in a corner."""
    fwhm = psf_fwhm(wave)
    return circle(np.array([view.left + fwhm, view.high - fwhm]), fwhm / 2)


def contours(image: Array, x: Array, y: Array, levels: Iterable[float]) -> list[Array]:
    """Return the lines along which an image has given values.

    Parameters
    ----------
    image : ndarray, shape (n_y, n_x)
        NaN is left out.
    x, y : ndarray
        Centres of its columns and rows.
    levels : iterable of float

    Returns
    -------
    list of ndarray, each of shape (n, 2)
    """
    if min(image.shape) < 2:
        return []
    from contourpy import contour_generator

    generator = contour_generator(x, y, np.ma.masked_invalid(image.astype(float)))
    return [np.asarray(line) for level in levels for line in generator.lines(float(level))]


def round_ticks(low: float, high: float, most: int = 7) -> Array:
    """Return round numbers between two, at most so many.

    Examples
    --------
    >>> round_ticks(-3.2, 3.2).tolist()
    [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0]
    """
    span = high - low
    if not span > 0 or not math.isfinite(span):
        return np.array([low])
    power = 10.0 ** math.floor(math.log10(span / most))
    step = next(m * power for m in (1, 2, 5, 10, 20) if span / (m * power) <= most)
    return np.round(np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step, 10)
