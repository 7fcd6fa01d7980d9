"""Sum a cube, plane by plane, in an aperture, and estimate the background beside it."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.aperture import circle_shares, spaxels_about
from mrsnb.kernels.clip import clipped_limits, clipped_limits_of
from mrsnb.kernels.jit import njit
from mrsnb.kernels.threads import share as share_parts

CLIP_ROUNDS = 5
_PLANES = 64
"""In a part."""


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
    """What was found in each plane; arrays of shape (n_wave,), columns of one array in this order."""

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


FLUX, VARIANCE, AREA, EMPTY, BACKGROUND, BACKGROUND_VARIANCE, BACKGROUND_AREA, LOW, HIGH = range(9)
"""Columns that kernels write; the last two are the limits within which a spaxel counts as background."""


@njit(cache=True, nogil=True)
def _sum_planes(flux, err, weight, first, index, share, around, modes, sigma, geometric, out):  # noqa: PLR0917
    """Sum planes from the `first` on, in spaxels `index` with their `share`, and the background with that `around`.

    Parameters
    ----------
    flux, err, weight : ndarray, shape (n_wave, n_spaxel)
    first : int
    index : ndarray, shape (n,)
    share, around : ndarray, shape (n_plane, n), or (1, n) if they are the same in all planes
    modes : ndarray of bool, shape (n_plane, 3)
        Whether there is a background, whether it is subtracted, and whether all is as upstream.
    sigma : float
    geometric : ndarray, shape (n_plane, 2)
        Areas of aperture and annulus, taken where there is no light.
    out : ndarray, shape (n_wave, 9)
        As upstream, the limits are to be filled in before.
    """
    beside = np.empty((3, index.size))
    for q in range(modes.shape[0]):
        k = first + q
        s = q if share.shape[0] > 1 else 0
        has_background, subtract, as_upstream = modes[q, 0], modes[q, 1], modes[q, 2]
        m = _sum_plane(flux[k], err[k], weight[k], index, share[s], around[s], out[k], beside)
        if out[k, AREA] == 0.0:
            out[k, EMPTY], out[k, AREA] = 1.0, geometric[q, 0]
        if not has_background:
            continue
        if not as_upstream:
            mean, spread = clipped_limits_of(beside[0], m, sigma, CLIP_ROUNDS)
            out[k, LOW], out[k, HIGH] = mean - sigma * spread, mean + sigma * spread
        background, variance, area = _weighted(beside, m, out[k, LOW], out[k, HIGH])
        if as_upstream or area == 0.0:
            total, variance, area = _weighted(beside, m, -np.inf, np.inf)
            if not as_upstream:  # limits that leave nothing are none
                background, out[k, LOW], out[k, HIGH] = total, -np.inf, np.inf
        if area == 0.0:
            area = geometric[q, 1]
        if subtract:
            out[k, FLUX] -= background * out[k, AREA] / area
            out[k, VARIANCE] += variance * (out[k, AREA] / area) ** 2
        out[k, BACKGROUND], out[k, BACKGROUND_VARIANCE], out[k, BACKGROUND_AREA] = background, variance, area


@njit(cache=True, nogil=True)
def _sum_plane(flux, err, weight, index, share, around, out, beside):
    """Sum one plane in the aperture, and return how many spaxels with light are in the background.

    Their flux, share and variance go to the three rows of `beside`.
    """
    total = variance = area = 0.0
    m = np.int64(0)  # plain 0 would have what it is passed to compiled twice, for a literal too
    for c in range(index.size):
        p = index[c]
        if not weight[p] > 0:
            continue
        value = np.float64(flux[p])
        square = np.float64(err[p] * err[p])  # in single precision, as upstream, where it has room
        if math.isinf(square):
            square = np.float64(err[p]) * np.float64(err[p])
        if share[c] > 0.0 and value == value:  # noqa: PLR0124 (False for NaN)
            area += share[c]
            total += share[c] * value
            variance += share[c] * square
        if around[c] > 0.0:
            beside[0, m], beside[1, m], beside[2, m] = value, around[c], square
            m += 1
    out[FLUX], out[VARIANCE], out[AREA] = total, variance, area
    return m


@njit(cache=True, nogil=True)
def _weighted(beside, n, low, high):
    """Return the sums of flux, variance and area over the first `n` spaxels, those with flux within limits."""
    total = variance = area = 0.0
    for c in range(n):
        if low <= beside[0, c] <= high:
            area += beside[1, c]
            total += beside[1, c] * beside[0, c]
            variance += beside[1, c] * beside[2, c]
    return total, variance, area


def _fill_limits_as_upstream(flux, weight, first: int, n: int, sigma: float, out) -> None:
    """Fill in the limits of `n` planes from all their spaxels with light."""
    for k in range(first, first + n):
        values = flux[k][weight[k] > 0].astype(float)
        if values.size:
            mean, spread = clipped_limits(values, sigma, CLIP_ROUNDS)
            out[k, [LOW, HIGH]] = mean - sigma * spread, mean + sigma * spread


@njit(cache=True, nogil=True)
def _fill_coefficients(flux, weight, first, index, share, around, modes, out, net, back):  # noqa: PLR0917
    """Add what each spaxel is multiplied by in the sums that `_sum_planes` made with the same arguments."""
    for q in range(modes.shape[0]):
        k = first + q
        s = q if share.shape[0] > 1 else 0
        for c in range(index.size):
            p = index[c]
            value = flux[k, p]
            if not weight[k, p] > 0 or value != value:  # noqa: PLR0124
                continue
            net[k, p] += share[s, c]
            if modes[q, 0] and around[s, c] > 0.0 and out[k, LOW] <= value <= out[k, HIGH]:
                back[k, p] += 1.0 / out[k, BACKGROUND_AREA] * around[s, c]
                if modes[q, 1]:
                    net[k, p] += -out[k, AREA] / out[k, BACKGROUND_AREA] * around[s, c]


def _empty_sums(n: int) -> NDArray[np.float64]:
    out = np.zeros((n, 9))
    out[:, LOW], out[:, HIGH] = -np.inf, np.inf
    return out


def _by_plane(cube: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a cube with its spaxels in a row, shape (n_wave, n_spaxel)."""
    return np.ascontiguousarray(cube).reshape(len(cube), -1)


class Coefficients(NamedTuple):
    """What each spaxel is multiplied by in the sums, for the propagation of covariance."""

    net: NDArray[np.float32]
    """Of the flux, background subtracted where it is; shape (n_wave, n_y, n_x)."""
    background: NDArray[np.float32]
    """Of the background per spaxel; shape (n_wave, n_y, n_x)."""


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
    a, shape = apertures, flux.shape[1:]
    cube = (_by_plane(flux), _by_plane(err), _by_plane(weight))
    largest = max(float(a.radius.max()), float(a.outer[a.subtract].max(initial=0.0)))
    spaxels = spaxels_about(shape, a.x, a.y, largest, a.method, a.subpixels)
    modes = np.stack([a.subtract, a.subtract, np.full(len(flux), as_upstream)], axis=1)
    areas = np.pi * np.stack([a.radius**2, a.outer**2 - a.inner**2], axis=1)
    out = _empty_sums(len(flux))

    def part(i: int) -> None:
        here = slice(i * _PLANES, (i + 1) * _PLANES)
        shares = circle_shares(spaxels, a.radius[here])
        around = np.zeros_like(shares)
        ring = a.subtract[here]
        around[ring] = circle_shares(spaxels, a.outer[here][ring]) - circle_shares(spaxels, a.inner[here][ring])
        _sum_part(cube, here, spaxels.at, (shares, around), modes, sigma, areas, out, wanted)

    share_parts(part, -(-len(flux) // _PLANES))
    return Sums(*out.T[: len(Sums._fields)])


def _sum_part(cube, here, index, shares, modes, sigma, areas, out, wanted):
    if modes[0, 2]:
        _fill_limits_as_upstream(cube[0], cube[2], here.start, len(modes[here]), sigma, out)
    _sum_planes(*cube, here.start, index, *shares, modes[here], sigma, areas[here], out)
    if wanted is not None:
        net, back = (_by_plane(coefficients) for coefficients in wanted)
        _fill_coefficients(cube[0], cube[2], here.start, index, *shares, modes[here], out, net, back)


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
    cube = (_by_plane(flux), _by_plane(err), _by_plane(weight))
    index = np.flatnonzero((share > 0) | (around > 0))
    shares = (np.ravel(share)[index][None, :], np.ravel(around)[index][None, :])
    modes = np.tile([bool(around.any()), bool(subtract), False], (len(flux), 1))
    area, beside = (float(sum(values[0].tolist())) for values in shares)
    areas = np.tile([area, max(beside, 1e-300)], (len(flux), 1))
    out = _empty_sums(len(flux))

    def part(i: int) -> None:
        here = slice(i * _PLANES, (i + 1) * _PLANES)
        _sum_part(cube, here, index, shares, modes, sigma, areas, out, wanted)

    share_parts(part, -(-len(flux) // _PLANES))
    return Sums(*out.T[: len(Sums._fields)])


def sum_extended(flux, err, weight, sigma: float, wanted: Coefficients | None = None) -> Sums:
    """Return sums over whole planes; the background is the clipped sum, not subtracted. Arguments as `sum_point`."""
    everywhere = np.ones(flux.shape[1:])
    return sum_region(flux, err, weight, everywhere, everywhere, False, sigma, wanted)
