"""How values become shades: limits that ignore outliers, and a stretch that bears negative values and NaN."""

from dataclasses import dataclass
from math import asinh, ceil, floor, log10, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Kind = Literal["linear", "log", "asinh", "power"]
KINDS: tuple[Kind, ...] = ("linear", "log", "asinh", "power")
_DECADES = 1e5
"""Brightest over faintest value of a logarithmic stretch, at most."""
_ENOUGH = 10_000
"""Values from which limits are found; of more, so many are looked at."""
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Stretch:
    """A monotonic map of values on 0...1.

    Parameters
    ----------
    low, high : float
        Values shown as 0 and 1; what lies beyond is clipped.
    kind : str
        ``"linear"``; ``"log"``; ``"asinh"``, which is linear within `width` of zero and logarithmic beyond; or
        ``"power"``, the square root of the height above `low`.
    width : float
        Half width of the linear part.

    Examples
    --------
    >>> [round(float(v), 3) for v in Stretch(1.0, 100.0, "log")(np.array([-1.0, 1.0, 10.0, 1000.0, np.nan]))]
    [0.0, 0.0, 0.5, 1.0, nan]
    """

    low: float
    high: float
    kind: Kind = "linear"
    width: float = 1.0

    def __call__(self, values: Array) -> Array:
        """Return `values` (any shape) on 0...1; NaN stays NaN."""
        ends = self._bend(np.array([self.low, self.high]))
        clipped = np.clip(np.asarray(values, dtype=float), self.low, self.high)
        return np.asarray((self._bend(clipped) - ends[0]) / (ends[1] - ends[0]))

    def _bend(self, values: Array) -> Array:
        if self.kind == "log":
            return np.log10(values)
        if self.kind == "asinh":
            return np.arcsinh(values / self.width)
        if self.kind == "power":
            return np.sqrt(values - self.low)
        return values

    def ticks(self, apart: float = 0.14) -> list[float]:
        """Return round values between the limits, at least `apart` from each other on 0...1, in order.

        Candidates come in tiers, the roundest first, until there are enough.
        """
        chosen: dict[float, float] = {}
        enough = min(5, int(0.5 / apart) + 1)
        for tier in self._tiers(apart):
            if len(chosen) >= enough:
                break
            for value in tier:
                if self.low <= value <= self.high:
                    share = self.share(value)
                    if all(abs(share - other) > 0.99 * apart for other in chosen.values()):
                        chosen[value] = share
        return sorted(chosen)

    def share(self, value: float) -> float:
        """Return one value between the limits on 0...1.

        Examples
        --------
        >>> Stretch(1.0, 100.0, "log").share(10.0)
        0.5
        """
        if self.kind == "log":
            return log10(value / self.low) / log10(self.high / self.low)
        if self.kind == "asinh":
            low, high = asinh(self.low / self.width), asinh(self.high / self.width)
            return (asinh(value / self.width) - low) / (high - low)
        share = (value - self.low) / (self.high - self.low)
        return sqrt(share) if self.kind == "power" else share

    def _tiers(self, apart: float) -> list[list[float]]:
        if self.kind in ("linear", "power"):
            return [self._even(apart / finer) for finer in ((1,) if self.kind == "linear" else (1, 2, 4))]
        top = max(abs(self.low), abs(self.high))
        bottom = self.low if self.kind == "log" else self.width / 3
        powers = range(floor(log10(top)), floor(log10(bottom)) - 1, -1)
        tiers = [[m * 10.0**p for p in powers for m in sizes] for sizes in ((1,), (3,), (2, 5), (1.5, 4, 7))]
        if self.kind == "log":
            return [*tiers, self._even(apart)]
        return [[0.0], *([*tier, *(-v for v in tier)] for tier in tiers)]

    def _even(self, apart: float) -> list[float]:
        """Return round values between the limits, evenly spaced."""
        span = self.high - self.low
        power = 10.0 ** floor(log10(span * apart))
        step = next(m * power for m in (1, 2, 5, 10) if m * power >= 0.999 * span * apart)
        return [float(f"{k * step:.9g}") for k in range(ceil(self.low / step), floor(self.high / step) + 1)]


def stretch_of(image: Array, *, low: float = 1.0, high: float = 99.9) -> Stretch | None:
    """Return the stretch that shows both the faint and the bright parts of `image`, or None if nothing is finite.

    Logarithmic where values are positive, linear where they hardly differ; where noise reaches below zero, asinh with
    the noise as its linear part.

    Parameters
    ----------
    image : ndarray
        Any shape; NaN and infinities are left out.
    low, high : float
        Percentiles shown as darkest and brightest.
    """
    good = image[np.isfinite(image)]
    if good.size == 0:
        return None
    if good.size > _ENOUGH:
        good = good[np.arange(_ENOUGH) * good.size // _ENOUGH]
    good = good.astype(float)
    bottom, median, top = percentiles(good, low, 50.0, high)
    if not top > bottom:
        bottom, top = float(good.min()), float(good.max())
    if not top > bottom:
        half = abs(top) / 2 or 1.0
        return Stretch(bottom - half, top + half)
    if bottom > 0:
        if top <= 1.5 * bottom:
            return Stretch(bottom, top)
        return Stretch(max(bottom, top / _DECADES), top, "log")
    return Stretch(bottom, top, "asinh", _noise(good, median, bottom, top))


def percentiles(values: Array, *shares: float) -> list[float]:
    """Return percentiles of finite values, as `numpy.percentile` does, which takes longer to begin than to do it.

    Parameters
    ----------
    values : ndarray
        At least one, of shape (n,), float; put into another order.
    *shares : float
        0...100.

    Examples
    --------
    >>> percentiles(np.array([4.0, 1.0, 2.0]), 0.0, 50.0, 75.0)
    [1.0, 2.0, 3.0]
    """
    last = values.size - 1
    places = [share / 100.0 * last for share in shares]
    values.partition(sorted({k for place in places for k in (floor(place), ceil(place))}))
    ends = [(float(values[floor(place)]), float(values[ceil(place)]), place % 1.0) for place in places]
    return [below + (above - below) * part for below, above, part in ends]


def even_stretch(difference: Array) -> Stretch | None:
    """Return the linear stretch of a difference, zero in its middle, or None if nothing is finite.

    Examples
    --------
    >>> even_stretch(np.array([-2.0, 0.0, 1.0, np.nan])).low
    -1.99
    """
    good = np.abs(difference[np.isfinite(difference)])
    if not good.size:
        return None
    most = float(np.percentile(good, 99.5)) or float(good.max()) or 1.0
    return Stretch(-most, most)


def stretch_between(image: Array, kind: Kind, low: float, high: float) -> Stretch:
    """Return a stretch of a kind between two values, of which the scatter of `image` sets the linear part of asinh.

    Where nothing is positive, a logarithmic one becomes linear; where the values are equal, they are moved apart.

    Parameters
    ----------
    image : ndarray
        Any shape; NaN and infinities are left out.
    kind : str
        One of `KINDS`.
    low, high : float
        Values shown as darkest and brightest.

    Examples
    --------
    >>> stretch_between(np.array([-1.0, 10.0]), "log", -1.0, 10.0)
    Stretch(low=0.0001, high=10.0, kind='log', width=1.0)
    """
    low, high = sorted((float(low), float(high)))
    if not high > low:
        half = abs(high) / 2 if high != 0 else 1.0
        low, high = low - half, high + half
    if kind == "log" and high > 0:
        return Stretch(max(low, high / _DECADES), high, "log")
    if kind == "asinh":
        good = image[np.isfinite(image)].astype(float)
        middle = float(np.median(good)) if good.size else 0.0
        return Stretch(low, high, "asinh", _noise(good, middle, low, high))
    return Stretch(low, high, "power" if kind == "power" else "linear")


def limits_of(image: Array, how: float | str) -> tuple[float, float] | None:
    """Return values to be shown as darkest and brightest, or None if nothing is finite.

    Parameters
    ----------
    image : ndarray
        Any shape; NaN and infinities are left out.
    how : float or str
        Percentage of the values that lie between, as many left out on either side; or ``"zscale"``, the range about the
        median that IRAF shows.

    Examples
    --------
    >>> limits_of(np.arange(101.0), 90)
    (5.0, 95.0)
    """
    good = image[np.isfinite(image)].astype(float)
    if good.size == 0:
        return None
    if how == "zscale":
        from astropy.visualization import ZScaleInterval

        low, high = ZScaleInterval().get_limits(good)
    else:
        beyond = (100.0 - float(how)) / 2
        low, high = np.percentile(good, [beyond, 100.0 - beyond])
    return float(low), float(high)


def _noise(good: Array, middle: float, low: float, high: float) -> float:
    """Return the scatter of values, within reason for the linear part of an asinh stretch."""
    span = max(abs(low), abs(high))
    noise = 1.4826 * percentiles(np.abs(good - middle), 50.0)[0] if good.size else span
    return float(np.clip(noise, span / 1e3, span))


def compact(value: float) -> str:
    """Return a short form of `value` for the tick of an axis.

    Examples
    --------
    >>> compact(0.02), compact(1500.0), compact(1e6)
    ('0.02', '1500', '10⁶')
    """
    if value == 0:
        return "0"
    sign = "\N{MINUS SIGN}" if value < 0 else ""
    if 1e-3 <= abs(value) < 1e5:
        return f"{sign}{abs(value):.6g}"
    mantissa, _, exponent = f"{abs(value):.3e}".partition("e")
    power = power_of_ten(int(exponent))
    digits = f"{float(mantissa):g}"
    return sign + (power if digits == "1" else f"{digits}\N{MULTIPLICATION SIGN}{power}")


def power_of_ten(exponent: int) -> str:
    """Return ten with a raised exponent.

    Examples
    --------
    >>> power_of_ten(-7)
    '10⁻⁷'
    """
    return "10" + str(exponent).translate(_RAISED)
