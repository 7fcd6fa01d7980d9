r"""The variance of sums over spaxels that share detector pixels.

A voxel is the mean of the pixels it overlaps, with weights w over their sum W, so a sum over the voxels i of a plane
with coefficients c is linear in the pixels p::

    sum_i c_i F_i = sum_p f_p (sum_i c_i w_ip / W_i)      variance = sum_p err_p^2 (sum_i c_i w_ip / W_i)^2

`add_variances` evaluates this pixel by pixel: it is exact. `spread_of_light` gives what can be said without the pixels:
their size and that of the spaxels correlate two voxels at a given distance.
"""

import math

import numpy as np

from mrsnb.kernels.drizzle import clip_pixel, frame_of, shared_extent, window_for
from mrsnb.kernels.jit import njit
from mrsnb.kernels.threads import share

_PLANES = 32
"""In a part."""


def add_variances(pixels, in_order, which, corners, planes, begin, ratio, out):
    """Add the pixels of one exposure to the variances of sums over the voxels of a group of planes.

    Parameters
    ----------
    pixels, in_order, which, corners, planes, begin
        As of `mrsnb.kernels.drizzle.deposit`.
    ratio : ndarray, shape (n_sum, n, n_y * n_x)
        Coefficients of each sum over the voxels' sums of weights; weights in arcsec^2 micron.
    out : ndarray, shape (n_sum, n)
        Variances; changed in place.
    """
    _add_variances(pixels, which, (in_order.first, in_order.number), corners, planes, begin, ratio, out)


@njit(cache=True, nogil=True)
def _add_variances(pixels, which, ranges, sides, planes, begin, ratio, out):
    first, count = ranges
    xi, eta = sides
    spaxel = np.empty(ratio.shape[2], np.int32)
    area = np.empty(ratio.shape[2])
    cells, width = window_for(xi, eta, planes.size)
    frame = frame_of(planes)
    for q in range(which.size):
        p = which[q]
        low = max(first[p], begin)
        high = min(first[p] + count[p], begin + ratio.shape[1])
        if low >= high or math.isnan(pixels.flux[p]):
            continue
        n = clip_pixel(xi, eta, q, frame, spaxel, area, cells, width)
        for k in range(low, high):
            extent = shared_extent(pixels.wave[p], pixels.width[p], planes.wave[k], planes.step[k])
            if extent > 0.0:
                _add_pixel(ratio, k - begin, spaxel, area, n, extent * pixels.err[p], out)


@njit(cache=True, nogil=True)
def _add_pixel(ratio, k, spaxel, area, n, factor, out):
    """Add one pixel in plane `k`: it feeds `n` spaxels with shared areas."""
    for s in range(ratio.shape[0]):
        total = 0.0
        for i in range(n):
            total += ratio[s, k, spaxel[i]] * area[i]
        out[s, k] += (total * factor) ** 2


def spread_of_light(pixel, angles, spaxel, reach):
    """Return the correlation of two voxels of a drizzled plane by their distance, pixels lying anywhere.

    The weight of a pixel in a voxel, over all places of the pixel, is the convolution of their two shapes; the
    covariance of two voxels is its autocorrelation, i.e. the product of the transforms of both shapes, squared.

    Parameters
    ----------
    pixel : tuple of float
        Along and across the slice, arcsec.
    angles : ndarray, shape (n,)
        From the x axis to the slice, radian; correlations are averaged over them.
    spaxel : float
        Side, arcsec.
    reach : int
        Largest distance along either axis, spaxels.

    Returns
    -------
    ndarray, shape (2 * reach + 1, 2 * reach + 1)
        1 in the middle.
    """
    fine, n = 4, 16 * reach
    f = np.fft.fftfreq(n, spaxel / fine)
    fy, fx = np.meshgrid(f, f, indexing="ij")
    of_spaxel = np.sinc(fx * spaxel) * np.sinc(fy * spaxel)
    power = np.zeros((n, n))
    for angle in angles:
        c, s = math.cos(angle), math.sin(angle)
        of_pixel = np.sinc((c * fx + s * fy) * pixel[0]) * np.sinc((c * fy - s * fx) * pixel[1])
        power += (of_pixel * of_spaxel) ** 2
    correlation = np.fft.ifft2(power).real
    lags = np.arange(-reach, reach + 1) * fine
    correlation = correlation[np.ix_(lags, lags)]
    return np.clip(correlation / correlation[reach, reach], 0.0, None)


def correlated_variances(coefficients, err, correlation, out):
    """Fill `out`, shape (n_wave,), with the variances of sums over voxels with a given correlation by distance.

    Parameters
    ----------
    coefficients, err : ndarray, shape (n_wave, n_y, n_x)
        Voxels with coefficient 0 may have any error.
    correlation : ndarray, shape (2 m + 1, 2 m + 1)
    out : ndarray, shape (n_wave,)
    """

    def part(i: int) -> None:
        here = slice(i * _PLANES, (i + 1) * _PLANES)
        _correlated(coefficients[here], err[here], correlation, out[here])

    share(part, -(-len(out) // _PLANES))


@njit(cache=True, nogil=True)
def _correlated(coefficients, err, correlation, out):
    n_wave, n_y, n_x = coefficients.shape
    m = correlation.shape[0] // 2
    c = np.empty((n_y, n_x))
    for k in range(n_wave):
        for j in range(n_y):
            for i in range(n_x):
                used = coefficients[k, j, i] != 0.0
                c[j, i] = coefficients[k, j, i] * err[k, j, i] if used else 0.0
        total = 0.0
        for j in range(n_y):
            for i in range(n_x):
                if c[j, i] == 0.0:
                    continue
                near = 0.0
                for dj in range(max(-m, -j), min(m, n_y - 1 - j) + 1):
                    for di in range(max(-m, -i), min(m, n_x - 1 - i) + 1):
                        near += correlation[dj + m, di + m] * c[j + dj, i + di]
                total += c[j, i] * near
        out[k] = max(total, 0.0)
