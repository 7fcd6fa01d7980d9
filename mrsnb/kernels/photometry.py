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
def _plane_limits(flux, weight, share, sigma, annulus_only, buffer):  # type: ignore[no-untyped-def]
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


@njit(cache=True, nogil=True, parallel=True)
def _sum_point(flux, err, weight, apertures, sigma, as_upstream, out):  # type: ignore[no-untyped-def]
    n_wave, n_y, n_x = flux.shape
    a = apertures
    for k in prange(n_wave):
        inside = np.empty((n_y, n_x))
        fill_shares(inside, a.x, a.y, a.radius[k], a.method, a.subpixels)
        total = 0.0
        variance = 0.0
        area = 0.0
        for j in range(n_y):
            for i in range(n_x):
                if inside[j, i] > 0 and weight[k, j, i] > 0:
                    area += inside[j, i]
                    total += inside[j, i] * flux[k, j, i]
                    variance += inside[j, i] * (err[k, j, i] * err[k, j, i])
        if area == 0.0:
            out[EMPTY, k] = 1.0
            area = np.pi * a.radius[k] ** 2
        out[AREA, k] = area
        if a.subtract[k]:
            annulus = np.empty((n_y, n_x))
            fill_shares(annulus, a.x, a.y, a.outer[k], a.method, a.subpixels)
            fill_shares(inside, a.x, a.y, a.inner[k], a.method, a.subpixels)
            annulus -= inside
            low, high = _plane_limits(
                flux[k], weight[k], annulus, sigma, not as_upstream, np.empty(n_y * n_x, np.float64)
            )
            background = 0.0
            spread = 0.0
            whole = 0.0
            kept = 0.0
            for j in range(n_y):
                for i in range(n_x):
                    w = annulus[j, i]
                    if w > 0 and weight[k, j, i] > 0:
                        within = low <= flux[k, j, i] <= high
                        whole += w
                        if within or as_upstream:
                            spread += w * (err[k, j, i] * err[k, j, i])
                        if within:
                            kept += w
                            background += w * flux[k, j, i]
            divisor = whole if as_upstream else kept
            if divisor == 0.0:
                divisor = np.pi * (a.outer[k] ** 2 - a.inner[k] ** 2)
            total -= background * area / divisor
            variance += spread * (area / divisor) ** 2
            out[BACKGROUND, k] = background
            out[BACKGROUND_VARIANCE, k] = spread
            out[BACKGROUND_AREA, k] = divisor
        out[FLUX, k] = total
        out[VARIANCE, k] = variance


@njit(cache=True, nogil=True, parallel=True)
def _sum_extended(flux, err, weight, sigma, out):  # type: ignore[no-untyped-def]
    n_wave, n_y, n_x = flux.shape
    for k in prange(n_wave):
        everywhere = np.ones((n_y, n_x))
        low, high = _plane_limits(flux[k], weight[k], everywhere, sigma, False, np.empty(n_y * n_x, np.float64))
        for j in range(n_y):
            for i in range(n_x):
                if weight[k, j, i] > 0:
                    variance = err[k, j, i] * err[k, j, i]
                    out[AREA, k] += 1.0
                    out[FLUX, k] += flux[k, j, i]
                    out[VARIANCE, k] += variance
                    if low <= flux[k, j, i] <= high:
                        out[BACKGROUND_AREA, k] += 1.0
                        out[BACKGROUND, k] += flux[k, j, i]
                        out[BACKGROUND_VARIANCE, k] += variance
        if out[AREA, k] == 0.0:
            out[EMPTY, k] = 1.0
            out[AREA, k] = n_y * n_x


def sum_point(flux, err, weight, apertures: Apertures, sigma: float, as_upstream: bool) -> Sums:  # type: ignore[no-untyped-def]
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


def sum_extended(flux, err, weight, sigma: float) -> Sums:  # type: ignore[no-untyped-def]
    """Return sums over whole planes; the background is the clipped sum, not subtracted. Arguments as `sum_point`."""
    out = np.zeros((7, len(flux)))
    _sum_extended(flux, err, weight, sigma, out)
    return Sums(*out)
