"""Drizzle detector pixels into a cube: weight = shared area on the sky x shared extent in wavelength.

A pixel, seen as a quadrilateral in the tangent plane and an interval in wavelength, feeds every voxel it overlaps
(Law et al. 2023, AJ 166, 45, section 3.2). Its clip against the spaxels does not depend on the plane, so it is done
once and used for all planes that the pixel covers.

Pixels are sorted by their first plane, and a cube is made in groups of planes. A group is the work of one thread, which
visits the pixels that reach it in the same order whatever the number of threads, and so gives the same sums to the last
bit; and its sums stay in the processor's cache.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.coverage import cover, extent_of
from mrsnb.kernels.jit import njit
from mrsnb.kernels.overlap import MAX_VERTICES, shared_area
from mrsnb.kernels.voxels import add_weighted

WIDEST = 2000
"""Spaxels that a pixel may span; one that does not, since its WCS is nonsense there, is left out."""


class Pixels(NamedTuple):
    """Detector pixels as seen by the cube; ``m`` pixels."""

    flux: NDArray[np.float32]
    """Shape (m,), MJy/sr; a pixel with NaN is left out."""
    err: NDArray[np.float32]
    """Shape (m,), MJy/sr."""
    wave: NDArray[np.float64]
    """Shape (m,), micron."""
    width: NDArray[np.float64]
    """Shape (m,), micron."""


class Planes(NamedTuple):
    """The voxels' places along the three axes."""

    x: NDArray[np.float64]
    """Spaxel centres, shape (n_x,), arcsec."""
    y: NDArray[np.float64]
    """Spaxel centres, shape (n_y,), arcsec."""
    size: float
    """Side of a spaxel, arcsec."""
    wave: NDArray[np.float64]
    """Plane centres, shape (n_wave,), increasing, micron."""
    step: NDArray[np.float64]
    """Plane thicknesses, shape (n_wave,), micron."""


class Sorted(NamedTuple):
    """Of ``m`` pixels those whose wavelengths are in the cube, in the order of the planes they feed."""

    first: NDArray[np.int32]
    """First plane of each pixel, shape (m,)."""
    number: NDArray[np.int32]
    """Number of planes of each pixel, shape (m,); 0 if it feeds nothing."""
    order: NDArray[np.int32]
    """The pixels that feed anything, by first plane."""
    start: NDArray[np.int64]
    """Where in `order` each plane starts, shape (n_wave + 1,)."""
    longest: int
    """The largest number of planes."""

    def reaching(self, begin: int, end: int) -> NDArray[np.int32]:
        """Return the pixels that may feed the planes from `begin` to before `end`, in order."""
        return self.order[self.start[max(begin - self.longest + 1, 0)] : self.start[end]]


def sort_pixels(wave: NDArray[np.float64], width: NDArray[np.float64], planes: Planes) -> Sorted:
    """Return pixels, with their wavelengths and extents in micron, in the order of the planes of a cube."""
    first, number = plane_ranges(wave, width, planes)
    return sort_by_plane(first, number, planes.wave.size)


def sort_by_plane(first: NDArray[np.int32], number: NDArray[np.int32], n_wave: int) -> Sorted:
    """Return pixels in the order of the planes, from the first plane and the number of planes of each."""
    order, start = order_by_plane(first, number, n_wave)
    return Sorted(first, number, order, start, int(number.max(initial=0)))


@njit(cache=True, nogil=True)
def shared_extent(wave, width, plane, step):
    """Return the extent in wavelength shared by a pixel and a plane; negative if none."""
    low, high = wave - width / 2, wave + width / 2
    bottom, top = plane - step / 2, plane + step / 2
    return max(0.0, top - low) - max(0.0, top - high) - max(0.0, bottom - low)


@njit(cache=True, nogil=True)
def first_plane_above(wave, step, low):
    """Return the first plane whose upper edge is above `low`."""
    a, b = 0, wave.size
    while a < b:
        middle = (a + b) // 2
        if wave[middle] + step[middle] / 2 > low:
            b = middle
        else:
            a = middle + 1
    return a


def plane_ranges(wave, width, planes):
    """Return each pixel's first plane and number of planes; the number is 0 where the pixel feeds nothing."""
    first, number = np.zeros(wave.size, np.int32), np.zeros(wave.size, np.int32)
    _fill_ranges(wave, width, planes, first, number)
    return first, number


@njit(cache=True, nogil=True)
def _fill_ranges(wave, width, planes, first, count):
    plane_wave, plane_step = planes.wave, planes.step
    for p in range(wave.size):
        if not math.isfinite(wave[p]):
            continue
        k = first_plane_above(plane_wave, plane_step, wave[p] - width[p] / 2)
        first[p] = k
        high = wave[p] + width[p] / 2
        while k < plane_wave.size and plane_wave[k] - plane_step[k] / 2 < high:
            k += 1
        count[p] = k - first[p]


@njit(cache=True, nogil=True)
def order_by_plane(first, count, n_wave):
    """Return the used pixels ordered by first plane (a stable counting sort), and where each plane starts."""
    start = np.zeros(n_wave + 1, np.int64)
    for p in range(first.size):
        if count[p] > 0:
            start[first[p] + 1] += 1
    for k in range(n_wave):
        start[k + 1] += start[k]
    order = np.empty(start[-1], np.int32)
    cursor = start[:-1].copy()
    for p in range(first.size):
        if count[p] > 0:
            order[cursor[first[p]]] = p
            cursor[first[p]] += 1
    return order, start


@njit(cache=True, nogil=True)
def _folded_window(low, high, centre0, size, n):
    """Return the half-open range of spaxels that the observatory's package looks at for `[low, high]`.

    It takes distances left of the first spaxel as positive, so a pixel that starts outside the cube loses its share of
    the first spaxels.
    """
    first = int(abs(low - size / 2 - centre0) / size - 1)
    last = int(abs(high + size / 2 - centre0) / size + 1)
    return max(first, 0), min(last, n)


@njit(cache=True, nogil=True)
def _clip_as_upstream(xs, ys, x, y, size, spaxel, area, work):
    """List the spaxels a pixel touches and the shared areas as the observatory's package finds them."""
    xa, ya, xb, yb = work
    half = size / 2
    n_x = x.size
    (x_min, x_max), (y_min, y_max) = extent_of(xs), extent_of(ys)
    i1, i2 = _folded_window(x_min, x_max, x[0], size, n_x)
    j1, j2 = _folded_window(y_min, y_max, y[0], size, y.size)
    n = 0
    for j in range(j1, j2):
        bottom, top = y[j] - half, y[j] + half
        if y_min >= top or y_max <= bottom:
            continue
        for i in range(i1, i2):
            left, right = x[i] - half, x[i] + half
            if x_min >= right or x_max <= left:
                continue
            a = shared_area(xs, ys, (left, right, bottom, top), True, xa, ya, xb, yb)
            if a > 0.0:
                spaxel[n] = j * n_x + i
                area[n] = a
                n += 1
    return n


@njit(cache=True, nogil=True)
def frame_of(planes):
    """Return what `clip_pixel` needs of the spaxels: the first one's place, their size, and their numbers."""
    return planes.x[0], planes.y[0], planes.size, planes.x.size, planes.y.size


@njit(cache=True, nogil=True)
def clip_pixel(xi, eta, q, frame, spaxel, area, cells, width):
    """List the spaxels that pixel `q` touches, and the shared areas; return their number.

    `frame` is of `frame_of` the spaxels, `cells` and `width` of `window_for` the pixels; cells are 0 before and after.
    """
    x0, y0, size, n_x, n_y = frame
    scale = 1.0 / size
    u0, u1 = (xi[q, 0] - x0) * scale + 0.5, (xi[q, 1] - x0) * scale + 0.5
    u2, u3 = (xi[q, 2] - x0) * scale + 0.5, (xi[q, 3] - x0) * scale + 0.5
    v0, v1 = (eta[q, 0] - y0) * scale + 0.5, (eta[q, 1] - y0) * scale + 0.5
    v2, v3 = (eta[q, 2] - y0) * scale + 0.5, (eta[q, 3] - y0) * scale + 0.5
    n = cover((u0, u1, u2, u3), (v0, v1, v2, v3), n_x, n_y, spaxel, area, cells, width)
    for i in range(n):
        area[i] *= size * size
    return n


@njit(cache=True, nogil=True)
def window_for(xi, eta, size):
    """Return scratch space that holds the spaxels of the largest of some pixels: its cells, and how many a row."""
    rows = 0.0
    columns = 0.0
    for q in range(xi.shape[0]):
        wide, high = _length(xi, q), _length(eta, q)
        if wide < WIDEST * size and high < WIDEST * size:
            columns, rows = max(columns, wide), max(rows, high)
    width = int(columns / size) + 4
    return np.zeros((int(rows / size) + 2) * width), width


@njit(cache=True, nogil=True)
def _length(values, p):
    """Return the distance between the least and the largest of four corners of a pixel."""
    a, b, c, d = values[p, 0], values[p, 1], values[p, 2], values[p, 3]
    return max(a, b, c, d) - min(a, b, c, d)


@njit(cache=True, nogil=True)
def add_to_plane(flux, variance, factor, spaxel, weight, n, plane, sums):
    """Add a pixel to `n` spaxels of a plane, which multiplies the weights by a factor."""
    first = np.uint64(plane * sums.shape[1])
    for i in range(n):
        add_weighted(sums, first + np.uint64(spaxel[i]), flux, variance, factor * weight[i])


@njit(cache=True, nogil=True)
def _deposit(pixels, which, first, count, xi, eta, planes, begin, sums):
    spaxel = np.empty(sums.shape[1], np.int32)
    area = np.empty(sums.shape[1])
    cells, width = window_for(xi, eta, planes.size)
    frame = frame_of(planes)
    flux, err, wave, wide = pixels  # attributes cost a count of references each time
    plane_wave, plane_step = planes.wave, planes.step
    for q in range(which.size):
        p = which[q]
        low = max(first[p], begin)
        high = min(first[p] + count[p], begin + sums.shape[0])
        if low >= high or math.isnan(flux[p]):
            continue
        n = clip_pixel(xi, eta, q, frame, spaxel, area, cells, width)
        variance = np.float64(err[p]) ** 2
        for k in range(low, high):
            extent = shared_extent(wave[p], wide[p], plane_wave[k], plane_step[k])
            if extent > 0.0:
                add_to_plane(flux[p], variance, extent, spaxel, area, n, k - begin, sums)


@njit(cache=True, nogil=True)
def _deposit_as_upstream(pixels, which, first, count, xi, eta, planes, begin, sums):
    spaxel = np.empty(sums.shape[1], np.int32)
    area = np.empty(sums.shape[1])
    work = (np.empty(MAX_VERTICES), np.empty(MAX_VERTICES), np.empty(MAX_VERTICES), np.empty(MAX_VERTICES))
    xs, ys = np.empty(4), np.empty(4)
    flux, err, wave, wide = pixels
    x, y, size, plane_wave, plane_step = planes
    for q in range(which.size):
        p = which[q]
        low = max(first[p], begin)
        high = min(first[p] + count[p], begin + sums.shape[0])
        if low >= high or math.isnan(flux[p]):
            continue
        for c in range(4):
            xs[c] = xi[q, c]
            ys[c] = eta[q, c]
        n = _clip_as_upstream(xs, ys, x, y, size, spaxel, area, work)
        variance = np.float64(err[p]) ** 2
        for k in range(low, high):
            extent = shared_extent(wave[p], wide[p], plane_wave[k], plane_step[k])
            if extent > 0.0:
                add_to_plane(flux[p], variance, extent, spaxel, area, n, k - begin, sums)


def deposit(pixels, in_order, which, corners, planes, begin, sums, *, as_upstream=False):
    """Add the pixels of one exposure to the sums of a group of planes.

    Parameters
    ----------
    pixels : Pixels
    in_order : Sorted
    which : ndarray of int32, shape (n,)
        ``in_order.reaching(begin, end)``.
    corners : tuple of ndarray, shape (n, 4), arcsec
        xi and eta of the corners of `which`, in order around each pixel.
    planes : Planes
    begin : int
        First plane of the group.
    sums : ndarray of float64, shape (end - begin, n_y * n_x, 4)
        Sums over pixels of ``flux w``, ``w``, ``(err w)^2`` and 1, with w in arcsec^2 micron; changed in place.
    as_upstream : bool
        True repeats the defects of the observatory's package (single-precision slopes, folded cube edge).
    """
    add = _deposit_as_upstream if as_upstream else _deposit
    add(pixels, which, in_order.first, in_order.number, *corners, planes, begin, sums)
