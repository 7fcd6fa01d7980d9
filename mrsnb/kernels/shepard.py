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
from numpy.typing import NDArray

from mrsnb.kernels.drizzle import add_to_plane
from mrsnb.kernels.exponential import exponentials
from mrsnb.kernels.jit import njit
from mrsnb.kernels.voxels import add_weighted

EMSM, MSM = 0, 1

_AT_ONCE = 32
"""Pixels: enough that many exponentials are worked out at once, and few enough that they stay in the cache."""
_LEAST = -320.0
"""Logarithm of the least weight, 1e-139, whose square times a variance is still well above 0; less is left out."""


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
def _near(place, centres, size, roi):
    """Return the range of spaxels along an axis that may be within `roi`."""
    first = max(0, math.floor((place - roi - centres[0]) / size))
    return first, max(first, min(centres.size, math.ceil((place + roi - centres[0]) / size) + 1))


@njit(cache=True, nogil=True)
def _deposit_msm(points, which, ranges, row, planes, reach, begin, sums):
    first, count = ranges
    flux, err, wave, xi, eta = points  # attributes cost a count of references each time
    xs, ys, size, plane_wave, plane_step = planes
    _, roi, _, _, power, soft = reach
    spaxel, distance2 = np.empty(sums.shape[1], np.int32), np.empty(sums.shape[1])
    for q in range(which.size):
        p = which[q]
        r, f, variance = row[p], np.float64(flux[p]), np.float64(err[p]) ** 2
        low, high = max(first[p], begin), min(first[p] + count[p], begin + sums.shape[0])
        if low >= high or not math.isfinite(f):
            continue
        i1, i2 = _near(xi[p], xs, size, roi[r])
        j1, j2 = _near(eta[p], ys, size, roi[r])
        farthest, n = (roi[r] / size) ** 2, 0
        for j in range(j1, j2):
            for i in range(i1, i2):
                away = ((xs[i] - xi[p]) / size) ** 2 + ((ys[j] - eta[p]) / size) ** 2
                if away <= farthest:
                    spaxel[n], distance2[n] = j * xs.size + i, away
                    n += 1
        for k in range(low, high):
            along2, voxel = ((wave[p] - plane_wave[k]) / plane_step[k]) ** 2, np.uint64((k - begin) * sums.shape[1])
            for i in range(n):
                d2 = distance2[i] + along2
                nearness = d2 if power[r] == 2.0 else d2 ** (0.5 * power[r])
                add_weighted(sums, voxel + np.uint64(spaxel[i]), f, variance, 1.0 / max(nearness, soft[r]))


@njit(cache=True, nogil=True)
def _deposit_emsm(points, which, ranges, row, planes, reach, begin, sums):
    """Do some pixels at a time: first the factors of their weights along the three axes, then the voxels."""
    flux, err = points.flux, points.err
    n_x, size, scale, roi = planes.x.size, planes.size, reach.scale, reach.roi_spatial
    per_size = 1.0 / size
    boxes = np.empty((_AT_ONCE, 6), np.int64)
    exponents = np.empty(_AT_ONCE * (n_x + planes.y.size + sums.shape[0]))
    factors = np.empty(exponents.size)
    group = begin, begin + sums.shape[0]
    spaxel = np.empty(sums.shape[1] + 1, np.int32)  # one more than there can be: see _list_near
    weight = np.empty(spaxel.size)
    for some in range(0, which.size, _AT_ONCE):
        some_of = which[some : some + _AT_ONCE]
        n = _fill_exponents(points, some_of, ranges, row, planes, reach, group, boxes, exponents)
        exponentials(exponents, n, factors)
        n = 0
        for q in range(some_of.size):
            p = some_of[q]
            r = row[p]
            least = -size / scale[r] * (roi[r] * per_size) ** 2
            at, m, listed = n, 0, 1.0
            n += boxes[q, 1] - boxes[q, 0] + boxes[q, 3] - boxes[q, 2]
            variance = np.float64(err[p]) ** 2
            for k in range(boxes[q, 4], boxes[q, 5]):
                wanted = max(least, _LEAST - exponents[n])  # mostly the same in all planes
                if wanted != listed:
                    m = _list_near(boxes, q, n_x, exponents, factors, at, wanted, spaxel, weight)
                    listed = wanted
                add_to_plane(flux[p], variance, factors[n], spaxel, weight, m, k - begin, sums)
                n += 1


@njit(cache=True, nogil=True)
def _fill_exponents(points, which, ranges, row, planes, reach, group, boxes, exponents):
    """Fill in the boxes of voxels that pixels reach, and the logarithms of their factors along x, y and wavelength.

    A box is a range of x, of y and of planes; the exponents of a pixel come one after the other, and their number is
    returned.
    """
    first, count = ranges
    flux, _, wave, xi, eta = points  # attributes cost a count of references each time
    xs, ys, size, plane_wave, plane_step = planes
    _, roi, _, scale, _, _ = reach
    per_size = 1.0 / size
    n = 0
    for q in range(which.size):
        p = which[q]
        low, high = max(first[p], group[0]), min(first[p] + count[p], group[1])
        r = row[p]
        i1, i2 = _near(xi[p], xs, size, roi[r])
        j1, j2 = _near(eta[p], ys, size, roi[r])
        if low >= high or not math.isfinite(flux[p]):
            i2, j2, high = i1, j1, low
        boxes[q, 0], boxes[q, 1], boxes[q, 2], boxes[q, 3], boxes[q, 4], boxes[q, 5] = i1, i2, j1, j2, low, high
        rate = -size / scale[r]
        for i in range(i1, i2):
            exponents[n] = rate * ((xs[i] - xi[p]) * per_size) ** 2
            n += 1
        for j in range(j1, j2):
            exponents[n] = rate * ((ys[j] - eta[p]) * per_size) ** 2
            n += 1
        for k in range(low, high):
            exponents[n] = rate * ((plane_wave[k] - wave[p]) / plane_step[k]) ** 2
            n += 1
    return n


@njit(cache=True, nogil=True)
def _list_near(boxes, q, n_x, exponents, factors, n, least, spaxel, weight):
    """List the spaxels of a pixel's box that are within reach, with the products of their factors; return how many.

    Whether one is within reach is no branch, which would be hard to foretell: the next overwrites what is not.
    """
    i1, i2, j1, j2 = boxes[q, 0], boxes[q, 1], boxes[q, 2], boxes[q, 3]
    of_row = n + i2 - i1 - j1
    of_column = n - i1
    m = 0
    for j in range(j1, j2):
        for i in range(i1, i2):
            spaxel[np.uint64(m)] = j * n_x + i
            weight[np.uint64(m)] = factors[np.uint64(of_column + i)] * factors[np.uint64(of_row + j)]
            m += exponents[np.uint64(of_column + i)] + exponents[np.uint64(of_row + j)] >= least
    return m


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
    add = _deposit_emsm if kind == EMSM else _deposit_msm
    add(points, which, (in_order.first, in_order.number), row, planes, reach, begin, sums)
