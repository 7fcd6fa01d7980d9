"""What the spectrum viewer draws, as arrays: curves thinned out, limits of the axes, labels of lines."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.lines import Line, bright_lines
from mrsnb.display.plots.placement import spread
from mrsnb.viewers.decimate import decimated

Array = NDArray[np.float64]
BINS = 900
"""Of all curves together, across the view."""
LABEL_GAP = 12.5
"""Least distance of two labels, CSS pixels."""
FARTHEST = 34.0
"""That a label may be from its line, CSS pixels."""
_MOST_TICKS = 9


class Drawn(NamedTuple):
    """One curve ready to draw: x, y and the edges of its error band, shape (n,); NaN are gaps."""

    x: Array
    y: Array
    low: Array
    high: Array


class Labels(NamedTuple):
    """Lines in view: where they are, where their names go (same axis), the names, and how many found no room."""

    x: Array
    text_x: Array
    names: tuple[str, ...]
    hidden: int


def thinned(
    wave: Array, flux: Array, err: Array | None, view: tuple[float, float], n_bins: int, *, log: bool = False
) -> Drawn:
    """Return what to draw of a curve within `view` and half a width beside it.

    Parameters
    ----------
    wave, flux, err : ndarray
        Shape (n_wave,), in order of wavelength.
    view : tuple of float
        Wavelengths in sight, micron.
    n_bins : int
        See `decimated`.
    log : bool
        True where the flux axis is logarithmic: what is not positive becomes a gap, and the band ends a decade below.
    """
    edge = 0.5 * (view[1] - view[0])
    first, last = np.searchsorted(wave, (view[0] - edge, view[1] + edge))
    part = slice(max(int(first) - 1, 0), int(last) + 1)
    x, y = wave[part], flux[part]
    y = np.where(y > 0, y, np.nan) if log else y
    kept = decimated(x, y, n_bins)
    x, y = x[kept], y[kept]
    if err is None:
        return Drawn(x, y, y, y)
    e = np.where(np.isfinite(err[part]), err[part], 0.0)[kept]
    low = np.maximum(y - e, y / 10) if log else y - e
    return Drawn(x, y, low, y + e)


def lonely(curve: Drawn) -> NDArray[np.bool_]:
    """Return True for the finite points between two gaps, which a line does not show."""
    finite = np.isfinite(curve.y)
    return np.asarray(finite & ~np.r_[False, finite[:-1]] & ~np.r_[finite[1:], False])


def wave_limits(waves: Sequence[Array], *, log: bool = False) -> tuple[float, float]:
    """Return the limits of the wavelength axis that show all, with a little room; of the MRS if there is nothing."""
    some = [wave for wave in waves if wave.size]
    low, high = (min(w[0] for w in some), max(w[-1] for w in some)) if some else (4.9, 28.7)
    if log and low > 0:
        room = (high / low) ** 0.015 if high > low else 1.02
        return float(low / room), float(high * room)
    room = 0.015 * (high - low) or 0.02 * abs(high) or 1.0
    return float(low - room), float(high + room)


def without_spikes(flux: Array) -> Array:
    """Return a flux whose single samples far above or below both neighbours are as their neighbours; shape (n,).

    A spike stays if it is no farther off than what is left is wide: a line may be one sample wide.

    Examples
    --------
    >>> without_spikes(np.array([1.0, 2.0, 900.0, 3.0, 2.0, 1.5])).tolist()
    [1.0, 2.0, 3.0, 3.0, 2.0, 1.5]
    """
    if len(flux) < 5:
        return flux
    left, right = np.r_[flux[:1], flux[:-1]], np.r_[flux[1:], flux[-1:]]
    smooth = np.fmax(np.fmin(left, right), np.fmin(np.fmax(left, right), flux))
    known = smooth[np.isfinite(smooth)]
    room = float(np.ptp(known)) if known.size else 0.0
    return np.where((np.abs(flux - smooth) > room) & (room > 0), smooth, flux)


def flux_limits(
    fluxes: Sequence[Array], *, log: bool = False, above: float = 0.06, below: float = 0.06
) -> tuple[float, float]:
    """Return the limits of the flux axis for what is in sight.

    Parameters
    ----------
    fluxes : sequence of ndarray
        Of each curve, only what is in sight.
    log : bool
        Logarithmic axis.
    above, below : float
        Room, as fractions of the axis.
    """
    values = np.concatenate([np.zeros(0), *fluxes])
    values = values[np.isfinite(values) & ((values > 0) | (not log))]
    if not values.size:
        return (0.1, 10.0) if log else (0.0, 1.0)
    low, high = float(values.min()), float(values.max())
    if log:
        low = max(low, float(np.percentile(values, 1)) / 30, high * 1e-12)
        ends = np.log10([low, max(high, low * 1.05)])
    else:
        if 0 < low < 0.25 * high:
            low = 0.0
        ends = np.array([low, high])
    span = float(ends[1] - ends[0]) or abs(float(ends[1])) or 1.0
    used = 1 - above - below
    below = 0.0 if ends[0] == 0 and not log else below
    limits = ends[0] - span * below / used, ends[1] + span * above / used
    return (float(10 ** limits[0]), float(10 ** limits[1])) if log else (float(limits[0]), float(limits[1]))


def shares(counts: Sequence[int], n_bins: int = BINS) -> list[int]:
    """Return how many bins each curve gets, by how many of its samples are in sight."""
    total = max(sum(counts), 1)
    return [max(40, n_bins * count // total) for count in counts]


def line_labels(
    lines: Sequence[Line], redshift: float, view: tuple[float, float], width: float, *, log: bool = False
) -> Labels:
    """Return where lines and their names are drawn; bright lines come first where there is no room for all.

    Parameters
    ----------
    lines : sequence of Line
        Rest wavelengths, micron.
    redshift : float
        Of the source.
    view : tuple of float
        Wavelengths in sight, micron.
    width : float
        Of the axis, CSS pixels.
    log : bool
        Logarithmic wavelength axis.
    """
    bright = set(bright_lines())
    forward = np.log if log else np.asarray
    low, high = (float(forward(edge)) for edge in view)
    scale = width / (high - low)
    seen = sorted((line.wave * (1 + redshift), line.name, line in bright) for line in lines)
    kept = [one for one in seen if view[0] <= one[0] <= view[1]]
    inside = len(kept)
    kept = sorted(sorted(kept, key=lambda one: not one[2])[: int(width / LABEL_GAP)])
    while True:
        pixels = np.array([(float(forward(wave)) - low) * scale for wave, _, _ in kept])
        places = np.array(spread(list(pixels), LABEL_GAP, LABEL_GAP / 2, width - LABEL_GAP / 2))
        away = np.abs(places - pixels)
        if not kept or away.max() <= FARTHEST:
            break
        del kept[_least(int(np.argmax(away)), places, [is_bright for _, _, is_bright in kept])]
    x, back = np.array([wave for wave, _, _ in kept], dtype=float), places / scale + low
    text_x = np.asarray(np.exp(back) if log else back, dtype=float)
    return Labels(x, text_x, tuple(name for _, name, _ in kept), inside - len(kept))


def _least(worst: int, places: Array, bright: Sequence[bool]) -> int:
    """Return which label to drop of those that push the worst one aside: a faint line, or else the middle one."""
    touching = np.diff(places) < 1.01 * LABEL_GAP
    first, last = worst, worst
    while first > 0 and touching[first - 1]:
        first -= 1
    while last < len(places) - 1 and touching[last]:
        last += 1
    middle = (first + last) / 2
    return min(range(first, last + 1), key=lambda i: (bright[i], abs(i - middle)))


def log_ticks(low: float, high: float) -> list[float]:
    """Return round numbers for a logarithmic axis.

    Examples
    --------
    >>> log_ticks(0.5, 30.0)
    [0.5, 1.0, 2.0, 5.0, 10.0, 20.0]
    """
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in ((1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9), (1, 1.5, 2, 3, 4, 5, 6, 8), (1, 2, 5), (1,)):
        ticks = [float(f"{step}e{decade}") for decade in decades for step in steps]
        inside = [tick for tick in ticks if low <= tick <= high]
        if len(inside) <= _MOST_TICKS:
            return inside
    return inside[:: -(-len(inside) // _MOST_TICKS)]
