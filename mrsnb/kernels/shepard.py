"""Spread detector pixels, taken as points, over the voxels around them: the modified Shepard method.

A voxel takes every pixel within ``roi_spatial`` of it on the sky and ``roi_spectral`` in wavelength. With distances in
units of a voxel, ``d^2 = (dx / size)^2 + (dy / size)^2 + (dz / step)^2``, the weight is

* emsm: ``exp(-d^2 / (scale / size))``,
* msm: ``1 / max(d^power, soft)``,

as in the observatory's cube_build (jwst 3.0.0). As in `mrsnb.kernels.drizzle`, each thread owns whole planes.
"""

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
    m = points.flux.size
    row = np.zeros(m, np.int32)
    first = np.zeros(m, np.int32)
    count = np.zeros(m, np.int32)
    for p in range(m):
        if not (np.isfinite(points.flux[p]) and np.isfinite(points.wave[p])):
            continue
        row[p] = _nearest(reach.wave, points.wave[p])
        roi = reach.roi_spectral[row[p]]
        k = np.searchsorted(planes.wave, points.wave[p] - 1.000001 * roi)
        while k < planes.wave.size and planes.wave[k] < points.wave[p] and points.wave[p] - planes.wave[k] > roi:
            k += 1
        first[p] = k
        while k < planes.wave.size and abs(planes.wave[k] - points.wave[p]) <= roi:
            k += 1
        count[p] = k - first[p]
    return row, first, count


@njit(cache=True, nogil=True)
def _neighbours(x, y, planes, roi, spaxel, distance2):
    """List the spaxels within `roi` of a point and their squared distances in spaxels; return how many."""
    n_x = planes.x.size
    i1 = max(0, int(np.floor((x - roi - planes.x[0]) / planes.size)))
    i2 = min(n_x, int(np.ceil((x + roi - planes.x[0]) / planes.size)) + 1)
    j1 = max(0, int(np.floor((y - roi - planes.y[0]) / planes.size)))
    j2 = min(planes.y.size, int(np.ceil((y + roi - planes.y[0]) / planes.size)) + 1)
    n = 0
    for j in range(j1, j2):
        dy = planes.y[j] - y
        for i in range(i1, i2):
            dx = planes.x[i] - x
            if abs(dx) <= roi and abs(dy) <= roi and np.sqrt(dx * dx + dy * dy) <= roi:
                spaxel[n] = j * n_x + i
                distance2[n] = (dx / planes.size) ** 2 + (dy / planes.size) ** 2
                n += 1
    return n


@njit(cache=True, nogil=True)
def _deposit_points(points, which, ranges, row, planes, reach, kind, begin, sums):
    first, count = ranges
    spaxel = np.empty(sums.shape[1], np.int32)
    distance2 = np.empty(sums.shape[1])
    for q in range(which.size):
        p = which[q]
        low = max(first[p], begin)
        high = min(first[p] + count[p], begin + sums.shape[0])
        if low >= high:
            continue
        r = row[p]
        n = _neighbours(points.xi[p], points.eta[p], planes, reach.roi_spatial[r], spaxel, distance2)
        for k in range(low, high):
            along2 = ((points.wave[p] - planes.wave[k]) / planes.step[k]) ** 2
            for i in range(n):
                d2 = distance2[i] + along2
                if kind == EMSM:
                    w = np.exp(-d2 / (reach.scale[r] / planes.size))
                else:
                    w = 1.0 / max(np.sqrt(d2) ** reach.power[r], reach.soft[r])
                v = sums[k - begin, spaxel[i]]
                v[0] += points.flux[p] * w
                v[1] += w
                v[2] += (points.err[p] * w) ** 2
                v[3] += 1.0


def deposit_points(points, in_order, row, planes, reach, kind, begin, sums):
    """Add the pixels of one exposure to the sums of a group of planes.

    Parameters
    ----------
    points : Points
    in_order : mrsnb.kernels.drizzle.Sorted
        Of the first planes and numbers of planes from `point_ranges`, as is
    row : ndarray of int32, shape (m,)
        row of `reach`.
    planes : Planes
    reach : Reach
    kind : int
        `EMSM` or `MSM`.
    begin : int
        First plane of the group.
    sums : ndarray of float64, shape (n, n_y * n_x, 4)
        As in `mrsnb.kernels.drizzle.deposit`, with weights without unit; changed in place.
    """
    which = in_order.reaching(begin, begin + len(sums))
    _deposit_points(points, which, (in_order.first, in_order.number), row, planes, reach, kind, begin, sums)
