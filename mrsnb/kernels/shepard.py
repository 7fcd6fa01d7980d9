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

from mrsnb.kernels.drizzle import add_to_plane

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
def point_ranges(wave, planes, reach):
    """Return each pixel's row of `reach`, its first plane and its number of planes (0 if it feeds nothing).

    Parameters
    ----------
    wave : ndarray, shape (m,), micron
    planes : mrsnb.kernels.drizzle.Planes
    reach : Reach
    """
    table, roi_spectral, plane_wave = reach.wave, reach.roi_spectral, planes.wave
    m = wave.size
    row = np.zeros(m, np.int32)
    first = np.zeros(m, np.int32)
    count = np.zeros(m, np.int32)
    for p in range(m):
        if not math.isfinite(wave[p]):
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
def _near(place, centres, size, roi, distance2):
    """Return the first and the number of the spaxels along an axis that may be within `roi`.

    `distance2` becomes their squared distances in spaxels.
    """
    scale = 1.0 / size
    first = max(0, math.floor((place - roi - centres[0]) * scale))
    last = min(centres.size, math.ceil((place + roi - centres[0]) * scale) + 1)
    for i in range(first, last):
        distance2[i - first] = ((centres[i] - place) * scale) ** 2
    return first, last - first


@njit(cache=True, nogil=True)
def _list_near(columns, rows, of_column, of_row, n_x, farthest, spaxel, distance2):
    """List the spaxels no farther than `farthest`, with the squares of their distances; return how many.

    Whether one is within reach is no branch, which would be hard to foretell: the next overwrites what is not.
    """
    (i0, n_columns), (j0, n_rows) = columns, rows
    n = 0
    for j in range(n_rows):
        first = (j0 + j) * n_x + i0
        for i in range(n_columns):
            away = of_column[i] + of_row[j]
            spaxel[np.uint64(n)] = first + i
            distance2[np.uint64(n)] = away
            n += away <= farthest
    return n


@njit(cache=True, nogil=True)
def _deposit_points(points, which, ranges, row, planes, reach, kind, begin, sums):
    first, count = ranges
    flux, err, wave, xi, eta = points  # attributes cost a count of references each time
    xs, ys, size, plane_wave, plane_step = planes
    _, roi, _, scale, power, soft = reach
    of_column, of_row = np.empty(xs.size), np.empty(ys.size)
    spaxel = np.empty(sums.shape[1] + 1, np.int32)  # one more than there can be: see _list_near
    distance2 = np.empty(spaxel.size)
    weight = np.empty(spaxel.size)
    for q in range(which.size):
        p = which[q]
        r, f, variance = row[p], np.float64(flux[p]), np.float64(err[p]) ** 2
        low = max(first[p], begin)
        high = min(first[p] + count[p], begin + sums.shape[0])
        if low >= high or not math.isfinite(f):
            continue
        columns, rows = _near(xi[p], xs, size, roi[r], of_column), _near(eta[p], ys, size, roi[r], of_row)
        n = _list_near(columns, rows, of_column, of_row, xs.size, (roi[r] / size) ** 2, spaxel, distance2)
        rate = -size / scale[r]
        if kind == EMSM:
            for i in range(n):
                weight[i] = math.exp(rate * distance2[i])
        for k in range(low, high):
            along2, factor = ((wave[p] - plane_wave[k]) / plane_step[k]) ** 2, 1.0
            if kind == EMSM:
                factor = math.exp(rate * along2)
            else:
                for i in range(n):
                    d2 = distance2[i] + along2
                    weight[i] = 1.0 / max(d2 if power[r] == 2.0 else d2 ** (0.5 * power[r]), soft[r])
            add_to_plane(f, variance, factor, spaxel, weight, n, k - begin, sums)


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
