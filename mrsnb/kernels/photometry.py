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


@njit(cache=True, nogil=True)
def _sum_plane(k, planes, share, around, geometric, modes, sigma, out, net, back):  # noqa: PLR0917
    """Sum plane `k` in `share`, and the background in `around`; fill row `k` of the coefficients, if there are any.

    `geometric` holds the areas of aperture and annulus, taken where there is no light; `modes` whether there is a
    background, whether it is subtracted, and whether all is as upstream.
    """
    flux, err, weight = planes[0][k], planes[1][k], planes[2][k]
    has_background, subtract, as_upstream = modes
    total, variance, area = _weighted(flux, err, weight, share, -np.inf, np.inf)
    if area == 0.0:
        out[EMPTY, k] = 1.0
        area = geometric[0]
    if net.size > 0:
        _fill_coefficients(net[k], flux, weight, share, -np.inf, np.inf, 1.0)
    if has_background:
        low, high = _plane_limits(flux, weight, around, sigma, not as_upstream, np.empty(flux.size))
        background, spread, divisor = _weighted(flux, err, weight, around, low, high)
        if as_upstream:
            _, spread, divisor = _weighted(flux, err, weight, around, -np.inf, np.inf)
        elif divisor == 0.0:  # limits that leave nothing are none
            low, high = -np.inf, np.inf
            background, spread, divisor = _weighted(flux, err, weight, around, low, high)
        if divisor == 0.0:
            divisor = geometric[1]
        if subtract:
            total -= background * area / divisor
            variance += spread * (area / divisor) ** 2
        if net.size > 0:
            _fill_coefficients(back[k], flux, weight, around, low, high, 1.0 / divisor)
            if subtract:
                _fill_coefficients(net[k], flux, weight, around, low, high, -area / divisor)
        out[BACKGROUND, k] = background
        out[BACKGROUND_VARIANCE, k] = spread
        out[BACKGROUND_AREA, k] = divisor
    out[FLUX, k] = total
    out[VARIANCE, k] = variance
    out[AREA, k] = area


@njit(cache=True, nogil=True)
def _fill_coefficients(out, flux, weight, share, low, high, factor):
    """Add to `out` what each spaxel is multiplied by in a sum."""
    for j in range(flux.shape[0]):
        for i in range(flux.shape[1]):
            if share[j, i] > 0 and weight[j, i] > 0 and low <= flux[j, i] <= high:
                out[j, i] += factor * share[j, i]


@njit(cache=True, nogil=True, parallel=True)
def _sum_point(flux, err, weight, apertures, sigma, as_upstream, out, net, back):
    n_wave, n_y, n_x = flux.shape
    a = apertures
    for k in prange(n_wave):
        share = np.empty((n_y, n_x))
        around = np.zeros((n_y, n_x))
        fill_shares(share, a.x, a.y, a.radius[k], a.method, a.subpixels)
        if a.subtract[k]:
            inner = np.empty((n_y, n_x))
            fill_shares(inner, a.x, a.y, a.inner[k], a.method, a.subpixels)
            fill_shares(around, a.x, a.y, a.outer[k], a.method, a.subpixels)
            around -= inner
        areas = (np.pi * a.radius[k] ** 2, np.pi * (a.outer[k] ** 2 - a.inner[k] ** 2))
        modes = (a.subtract[k], a.subtract[k], as_upstream)
        _sum_plane(k, (flux, err, weight), share, around, areas, modes, sigma, out, net, back)


@njit(cache=True, nogil=True, parallel=True)
def _sum_shares(flux, err, weight, share, around, modes, sigma, out, net, back):  # noqa: PLR0917
    areas = (share.sum(), max(around.sum(), 1e-300))
    for k in prange(flux.shape[0]):
        _sum_plane(k, (flux, err, weight), share, around, areas, modes, sigma, out, net, back)


class Coefficients(NamedTuple):
    """What each spaxel is multiplied by in the sums, for the propagation of covariance."""

    net: NDArray[np.float32]
    """Of the flux, background subtracted where it is; shape (n_wave, n_y, n_x)."""
    background: NDArray[np.float32]
    """Of the background per spaxel; shape (n_wave, n_y, n_x)."""


def no_coefficients() -> Coefficients:
    """Return the coefficients of a sum whose coefficients nobody asks for."""
    return Coefficients(np.zeros((0, 0, 0), np.float32), np.zeros((0, 0, 0), np.float32))


def empty_coefficients(shape: tuple[int, int, int]) -> Coefficients:
    """Return zeros for a sum to fill."""
    return Coefficients(np.zeros(shape, np.float32), np.zeros(shape, np.float32))


def sum_point(
    flux, err, weight, apertures: Apertures, sigma: float, as_upstream: bool, wanted: Coefficients | None = None
) -> Sums:
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
    wanted : Coefficients, optional
        Zeros, to be filled.
    """
    net, back = no_coefficients() if wanted is None else wanted
    out = np.zeros((7, len(flux)))
    _sum_point(flux, err, weight, apertures, sigma, as_upstream, out, net, back)
    return Sums(*out)


def sum_region(
    flux, err, weight, share, around, subtract: bool, sigma: float, wanted: Coefficients | None = None
) -> Sums:
    """Return sums in a region that is the same in every plane.

    Parameters
    ----------
    share, around : ndarray, shape (n_y, n_x)
        Of each spaxel, in the region and in that of the background; `around` may be 0 everywhere.
    subtract : bool
        True subtracts the background.
    flux, err, weight, sigma, wanted
        As `sum_point`.
    """
    net, back = no_coefficients() if wanted is None else wanted
    out = np.zeros((7, len(flux)))
    modes = (bool(around.any()), bool(subtract), False)
    _sum_shares(flux, err, weight, share, around, modes, sigma, out, net, back)
    return Sums(*out)


def sum_extended(flux, err, weight, sigma: float, wanted: Coefficients | None = None) -> Sums:
    """Return sums over whole planes; the background is the clipped sum, not subtracted. Arguments as `sum_point`."""
    everywhere = np.ones(flux.shape[1:])
    return sum_region(flux, err, weight, everywhere, everywhere, False, sigma, wanted)
