"""Sum a cube, plane by plane, in an aperture, and estimate the background beside it."""

from typing import NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from mrsnb.kernels.aperture import clipped_limits, fill_shares

CLIP_ROUNDS = 5


class Apertures(NamedTuple):
    """A circle and an annulus for every plane; lengths in spaxels."""

    x: float
    y: float
    radius: NDArray[np.float64]
    """Shape (n_wave,)."""
    inner: NDArray[np.float64]
    """Shape (n_wave,)."""
    outer: NDArray[np.float64]
    """Shape (n_wave,)."""
    subtract: NDArray[np.bool_]
    """Shape (n_wave,): planes with a background annulus."""
    method: int
    subpixels: int


class Sums(NamedTuple):
    """What was found in each plane; every array of shape (n_wave,).

    The kernels write the rows of one plain array, in this order: numba 0.61 to 0.68 drops writes to the members of a
    named tuple in a parallel loop.
    """

    flux: NDArray[np.float64]
    """Sum in the aperture, background subtracted where asked for; MJy/sr x spaxels."""
    variance: NDArray[np.float64]
    """Its variance."""
    area: NDArray[np.float64]
    """Area of the aperture where there is light, spaxels."""
    empty: NDArray[np.float64]
    """1 where there is no light in the aperture, else 0."""
    background: NDArray[np.float64]
    """Sum of the background pixels."""
    background_variance: NDArray[np.float64]
    """Its variance."""
    background_area: NDArray[np.float64]
    """Area that the background sum is divided by, spaxels."""


FLUX, VARIANCE, AREA, EMPTY, BACKGROUND, BACKGROUND_VARIANCE, BACKGROUND_AREA = range(7)


@njit(cache=True, nogil=True)
def _plane_limits(flux, weight, share, sigma, annulus_only, buffer):
    """Return the limits within which a spaxel counts as background, and whether there are any."""
    n = 0
    for j in range(flux.shape[0]):
        for i in range(flux.shape[1]):
            if weight[j, i] > 0 and (share[j, i] > 0 or not annulus_only):
                buffer[n] = flux[j, i]
                n += 1
    if n == 0:
        return -np.inf, np.inf
    mean, spread = clipped_limits(buffer[:n], sigma, CLIP_ROUNDS)
    return mean - sigma * spread, mean + sigma * spread


@njit(cache=True, nogil=True)
def _weighted(flux, err, weight, share, low, high):
    """Return the sums of flux, variance and area over a plane's spaxels with light and with flux within limits."""
    total = 0.0
    variance = 0.0
    area = 0.0
    for j in range(flux.shape[0]):
        for i in range(flux.shape[1]):
            if share[j, i] > 0 and weight[j, i] > 0 and low <= flux[j, i] <= high:
                area += share[j, i]
                total += share[j, i] * flux[j, i]
                variance += share[j, i] * (err[j, i] * err[j, i])
    return total, variance, area


@njit(cache=True, nogil=True, parallel=True)
def _sum_point(flux, err, weight, apertures, sigma, as_upstream, out):
    n_wave, n_y, n_x = flux.shape
    a = apertures
    for k in prange(n_wave):
        share = np.empty((n_y, n_x))
        fill_shares(share, a.x, a.y, a.radius[k], a.method, a.subpixels)
        total, variance, area = _weighted(flux[k], err[k], weight[k], share, -np.inf, np.inf)
        if area == 0.0:
            out[EMPTY, k] = 1.0
            area = np.pi * a.radius[k] ** 2
        if a.subtract[k]:
            inner = np.empty((n_y, n_x))
            fill_shares(inner, a.x, a.y, a.inner[k], a.method, a.subpixels)
            fill_shares(share, a.x, a.y, a.outer[k], a.method, a.subpixels)
            share -= inner
            low, high = _plane_limits(flux[k], weight[k], share, sigma, not as_upstream, np.empty(n_y * n_x))
            background, spread, divisor = _weighted(flux[k], err[k], weight[k], share, low, high)
            if as_upstream:
                _, spread, divisor = _weighted(flux[k], err[k], weight[k], share, -np.inf, np.inf)
            if divisor == 0.0:
                divisor = np.pi * (a.outer[k] ** 2 - a.inner[k] ** 2)
            total -= background * area / divisor
            variance += spread * (area / divisor) ** 2
            out[BACKGROUND, k] = background
            out[BACKGROUND_VARIANCE, k] = spread
            out[BACKGROUND_AREA, k] = divisor
        out[FLUX, k] = total
        out[VARIANCE, k] = variance
        out[AREA, k] = area


@njit(cache=True, nogil=True, parallel=True)
def _sum_extended(flux, err, weight, sigma, out):
    n_wave, n_y, n_x = flux.shape
    for k in prange(n_wave):
        everywhere = np.ones((n_y, n_x))
        low, high = _plane_limits(flux[k], weight[k], everywhere, sigma, False, np.empty(n_y * n_x))
        total, variance, area = _weighted(flux[k], err[k], weight[k], everywhere, -np.inf, np.inf)
        out[FLUX, k], out[VARIANCE, k], out[AREA, k] = total, variance, area
        total, variance, area = _weighted(flux[k], err[k], weight[k], everywhere, low, high)
        out[BACKGROUND, k], out[BACKGROUND_VARIANCE, k], out[BACKGROUND_AREA, k] = total, variance, area
        if out[AREA, k] == 0.0:
            out[EMPTY, k] = 1.0
            out[AREA, k] = n_y * n_x


def sum_point(flux, err, weight, apertures: Apertures, sigma: float, as_upstream: bool) -> Sums:
    """Return sums in a circle, less the background in an annulus.

    Parameters
    ----------
    flux, err, weight : ndarray of float32, shape (n_wave, n_y, n_x)
        Spaxels with weight 0 are left out.
    apertures : Apertures
    sigma : float
        Background spaxels further than this many deviations from the mean are left out.
    as_upstream : bool
        False takes the statistics from the annulus, and divides the background by the area that was kept. True takes
        them from the whole plane, source included, and divides by the whole annulus, as the observatory's
        extract_1d does, which makes the background too low.
    """
    out = np.zeros((7, len(flux)))
    _sum_point(flux, err, weight, apertures, sigma, as_upstream, out)
    return Sums(*out)


def sum_extended(flux, err, weight, sigma: float) -> Sums:
    """Return sums over whole planes; the background is the clipped sum, not subtracted. Arguments as `sum_point`."""
    out = np.zeros((7, len(flux)))
    _sum_extended(flux, err, weight, sigma, out)
    return Sums(*out)
