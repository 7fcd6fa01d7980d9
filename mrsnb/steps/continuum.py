"""The continuum of a spectrum, where its lines are, and the envelopes between which it goes up and down."""

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.hermite import monotone
from mrsnb.kernels.knotted import KnottedSpline

Array = NDArray[np.float64]

_ROUNDS = 50
_TOLERANCE = 1e-4
_DOMAIN = 10.0
_FLOOR = 1e-6
"""Least robust weight, so that a piece of the spline with outliers only is still defined."""


def envelopes(y: Array, reach: int) -> tuple[Array, Array]:
    """Return smooth curves through the local minima and through the local maxima of `y`.

    Parameters
    ----------
    y : ndarray, shape (n,)
        ``n > 2 * reach``.
    reach : int
        Number of neighbours on each side that an extreme exceeds. Both ends count as extremes.

    Returns
    -------
    low, high : ndarray, shape (n,)

    Examples
    --------
    >>> low, high = envelopes(np.cos(np.arange(400) / 10), 2)
    >>> f"{low.mean():.2f} {high.mean():.2f}"
    '-0.92 0.96'
    """
    index, curves = np.arange(float(y.size)), []
    for z in (-y, y):
        inner = z[reach : y.size - reach]
        extreme = np.ones(y.size, bool)
        extreme[1:reach] = extreme[y.size - reach : -1] = False
        for k in range(1, reach + 1):
            before, after = z[reach - k : y.size - reach - k], z[reach + k : y.size - reach + k]
            extreme[reach : y.size - reach] &= (inner > before) & (inner > after)
        curves.append(monotone(index[extreme], y[extreme], index))
    return curves[0], curves[1]


def featureless(y: Array, sigma: float) -> NDArray[np.bool_]:
    """Return where a spectrum is near the middle of its envelopes: False in lines and at edges.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Positive.
    sigma : float
        Relative distances from the middle that exceed their median by this many standard deviations (clipped at the
        same limit) are features.

    Examples
    --------
    >>> x = np.arange(200.0)
    >>> near = featureless(1.0 + 0.01 * np.sin(x) + np.exp(-(((x - 100) / 2) ** 2)), 5.0)
    >>> bool(near[100]), bool(near[50])
    (False, True)
    """
    low, high = envelopes(y, 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.abs(2.0 * y / (low + high) - 1.0)
    kept = distance[np.isfinite(distance)]
    for _ in range(5):
        fewer = kept[kept <= np.median(kept) + sigma * kept.std()]
        if fewer.size == kept.size:
            break
        kept = fewer
    with np.errstate(invalid="ignore"):
        near: NDArray[np.bool_] = distance < np.median(kept) + sigma * kept.std()
    return near


def spline_continuum(nu: Array, y: Array, weights: Array, period: float, degree: int, *, scaled: bool = False) -> Array:
    """Return a spline through `y` with a knot every period, so that it cannot follow fringes.

    Parameters
    ----------
    nu : ndarray, shape (n,)
        Falling wavenumber, cm^-1.
    y, weights : ndarray, shape (n,)
        Weights positive; points with less than 1e-5 are gaps, over which the continuum is a straight line.
    period : float
        cm^-1.
    degree : int
        1, or 2 for a fit that is robust against outliers.
    scaled : bool
        True if `y` is of order 1. False stops the robust fit at an absolute change of its chi squared, as the
        observatory's package does, in whatever unit `y` is.

    Examples
    --------
    >>> nu = np.linspace(1100.0, 1000.0, 500)
    >>> fringed = 1.0 + 0.1 * np.sin(2 * np.pi * nu / 2.9)
    >>> smooth = spline_continuum(nu, fringed, np.ones(500), 2.9, 1)
    >>> bool(np.std(smooth) < 0.2 * np.std(fringed))
    True
    """
    x, z, w = (nu / nu.min())[::-1], y[::-1], weights[::-1]
    knots = x[::-1][_knots(y, weights, int(np.ptp(nu) / period))][::-1][1:-1]

    spline = KnottedSpline(x, knots, degree)
    fit = spline.fitted(z, w)
    chi2, freedom = float(w @ (z - fit) ** 2), float(w.sum()) - (len(knots) + 6)
    for _ in range(_ROUNDS if degree == 2 and freedom > 0 else 0):
        if chi2 == 0.0:
            break
        inside = 1.0 - (z - fit) ** 2 / (_DOMAIN**2 * chi2 / freedom)
        robust = np.where(inside > 0.0, inside, _FLOOR) ** 2 * w
        fit, before = spline.fitted(z, robust), chi2
        chi2 = float(robust @ (z - fit) ** 2)
        if abs(before - chi2) < _TOLERANCE * (chi2 if scaled else max(chi2, 1.0)):
            break
    return _bridged(fit[::-1], weights < 1e-5)


def _bridged(fit: Array, gap: NDArray[np.bool_]) -> Array:
    if not gap.any() or gap.all():
        return fit
    index = np.arange(fit.size)
    return np.where(gap, np.interp(index, index[~gap], fit[~gap]), fit)


def _knots(y: Array, weights: Array, n: int) -> NDArray[np.int64]:
    """Return the points where pieces of the spline join: `n` evenly in index, and the edges of gaps."""
    step = y.size / n
    last = y.size - 1 - round((n - 1) * step)
    even = np.concatenate([[0.0, y.size - 1.0], np.arange(n) * step + last / 2.0])
    first, second = weights[:-1] * (y[:-1] > 1e-3), weights[1:] * (y[1:] > 1e-3)
    largest, jump = np.maximum(first, second), np.abs(second - first)
    edge = (largest > 1e-3) & (largest - jump <= 0.1 * largest)
    at = (np.flatnonzero(edge) + (second > first)[edge]).astype(float)
    at = at[~(np.isin(at - 1.0, even) | np.isin(at + 1.0, even))]
    return np.unique(np.concatenate([even, at]).astype(np.int64))
