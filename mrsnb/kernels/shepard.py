"""Spread detector pixels, taken as points, over the voxels around them: the modified Shepard method.

A voxel takes every pixel within ``roi_spatial`` of it on the sky and ``roi_spectral`` in wavelength. With distances in
units of a voxel, ``d^2 = (dx / size)^2 + (dy / size)^2 + (dz / step)^2``, the weight is

* emsm: ``exp(-d^2 / (scale / size))``,
* msm: ``1 / max(d^power, soft)``,

as in the observatory's cube_build (jwst 3.0.0). As in `mrsnb.kernels.drizzle`, each thread owns whole planes.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

EMSM, MSM = 0, 1


class Points(NamedTuple):
    """Detector pixels as points in the cube; ``m`` pixels."""

    flux: NDArray[np.float32]
    """Shape (m,), MJy/sr; a pixel with NaN is left out."""
    err: NDArray[np.float32]
    """Shape (m,), MJy/sr."""
    wave: NDArray[np.float64]
    """Shape (m,), micron."""
    xi: NDArray[np.float64]
    """Centres, shape (m,), arcsec."""
    eta: NDArray[np.float64]
    """Centres, shape (m,), arcsec."""


class Reach(NamedTuple):
    """How far a pixel reaches, by wavelength; ``n`` rows, one if it is the same everywhere."""

    wave: NDArray[np.float64]
    """Shape (n,), increasing, micron; a pixel takes the row nearest to it."""
    roi_spatial: NDArray[np.float64]
    """Shape (n,), arcsec."""
    roi_spectral: NDArray[np.float64]
    """Shape (n,), micron."""
    scale: NDArray[np.float64]
    """emsm: shape (n,), arcsec."""
    power: NDArray[np.float64]
    """msm: shape (n,)."""
    soft: NDArray[np.float64]
    """msm: shape (n,)."""


@njit(cache=True, nogil=True)
def _nearest(table, value):
    a, b = 0, table.size - 1
    while a < b:
        middle = (a + b) // 2
        if table[middle] < value:
            a = middle + 1
        else:
            b = middle
    if a > 0 and value - table[a - 1] <= table[a] - value:
        a -= 1
    return a


@njit(cache=True, nogil=True)
def point_ranges(points, planes, reach):
    """Return each pixel's row of `reach`, its first plane and its number of planes (0 if it feeds nothing)."""
    flux, _, wave, _, _ = points
    table, roi_spectral, plane_wave = reach.wave, reach.roi_spectral, planes.wave
    m = flux.size
    row = np.zeros(m, np.int32)
    first = np.zeros(m, np.int32)
    count = np.zeros(m, np.int32)
    for p in range(m):
        if not (math.isfinite(flux[p]) and math.isfinite(wave[p])):
            continue
        row[p] = _nearest(table, wave[p])
        roi = roi_spectral[row[p]]
        k = np.searchsorted(plane_wave, wave[p] - 1.000001 * roi)
        while k < plane_wave.size and plane_wave[k] < wave[p] and wave[p] - plane_wave[k] > roi:
            k += 1
        first[p] = k
        while k < plane_wave.size and abs(plane_wave[k] - wave[p]) <= roi:
            k += 1
        count[p] = k - first[p]
    return row, first, count


@njit(cache=True, nogil=True)
def _neighbours(x, y, xs, ys, size, roi, spaxel, distance2):
    """List the spaxels within `roi` of a point and their squared distances in spaxels; return how many."""
    n_x = xs.size
    i1 = max(0, math.floor((x - roi - xs[0]) / size))
    i2 = min(n_x, math.ceil((x + roi - xs[0]) / size) + 1)
    j1 = max(0, math.floor((y - roi - ys[0]) / size))
    j2 = min(ys.size, math.ceil((y + roi - ys[0]) / size) + 1)
    n = 0
    for j in range(j1, j2):
        dy = ys[j] - y
        for i in range(i1, i2):
            dx = xs[i] - x
            if abs(dx) <= roi and abs(dy) <= roi and math.sqrt(dx * dx + dy * dy) <= roi:
                spaxel[n] = j * n_x + i
                distance2[n] = (dx / size) ** 2 + (dy / size) ** 2
                n += 1
    return n


@njit(cache=True, nogil=True)
def _add(flux, err, weight, k, spaxel, sums):
    """Add a pixel to a voxel; all is read before anything is written, so that four sums are one instruction."""
    s = np.uint64(spaxel)
    value, error = flux * weight, err * weight
    f, w, v, n = sums[k, s, 0], sums[k, s, 1], sums[k, s, 2], sums[k, s, 3]
    sums[k, s, 0], sums[k, s, 1], sums[k, s, 2], sums[k, s, 3] = f + value, w + weight, v + error * error, n + 1.0


@njit(cache=True, nogil=True)
def _deposit_points(points, which, ranges, row, planes, reach, kind, begin, sums):
    first, count = ranges
    flux, err, wave, xi, eta = points  # attributes cost a count of references each time
    xs, ys, size, plane_wave, plane_step = planes
    _, roi, _, scale, power, soft = reach
    spaxel = np.empty(sums.shape[1], np.int32)
    distance2 = np.empty(sums.shape[1])
    across = np.empty(sums.shape[1])
    for q in range(which.size):
        p = which[q]
        low = max(first[p], begin)
        high = min(first[p] + count[p], begin + sums.shape[0])
        if low >= high:
            continue
        r, f, e = row[p], np.float64(flux[p]), np.float64(err[p])
        rate = -size / scale[r] if kind == EMSM else 0.0
        n = _neighbours(xi[p], eta[p], xs, ys, size, roi[r], spaxel, distance2)
        if kind == EMSM:
            for i in range(n):
                across[i] = math.exp(rate * distance2[i])
        for k in range(low, high):
            along2 = ((wave[p] - plane_wave[k]) / plane_step[k]) ** 2
            if kind == EMSM:
                along = math.exp(rate * along2)
                for i in range(n):
                    _add(f, e, across[i] * along, k - begin, spaxel[i], sums)
            else:
                for i in range(n):
                    d2 = distance2[i] + along2
                    nearness = d2 if power[r] == 2.0 else d2 ** (0.5 * power[r])
                    _add(f, e, 1.0 / max(nearness, soft[r]), k - begin, spaxel[i], sums)


def deposit_points(points, in_order, which, row, planes, reach, kind, begin, sums):
    """Add the pixels of one exposure to the sums of a group of planes.

    Parameters
    ----------
    points : Points
    in_order : mrsnb.kernels.drizzle.Sorted
        Of the first planes and numbers of planes from `point_ranges`.
    which : ndarray of int32, shape (n,)
        ``in_order.reaching(begin, end)``.
    row : ndarray of int32, shape (m,)
        Each pixel's row of `reach`, from `point_ranges`.
    planes : Planes
    reach : Reach
    kind : int
        `EMSM` or `MSM`.
    begin : int
        First plane of the group.
    sums : ndarray of float64, shape (n, n_y * n_x, 4)
        As in `mrsnb.kernels.drizzle.deposit`, with weights without unit; changed in place.
    """
    _deposit_points(points, which, (in_order.first, in_order.number), row, planes, reach, kind, begin, sums)
