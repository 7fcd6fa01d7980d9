"""Where each detector pixel looks: the slice polynomials of the MRS, evaluated pixel by pixel.

A slice maps a pixel ``(x, y)`` to ``alpha`` along the slice and to ``wave``, each a polynomial in ``y`` and in the
shifted column ``x + shift``. On one detector row ``y`` is fixed, so each polynomial is first collapsed to one in ``x``;
the pixels of the row then cost one short Horner scheme each::

    p(y, x) = sum_j ( sum_i c[i, j] y^i ) x^j      inner sum once a row, outer sum once a pixel
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit
from mrsnb.kernels.threads import share

EDGE = 0.4999
"""Half a pixel, less a little, so that an edge rounds to its own pixel (as the observatory's cube_build has it)."""


class SlicePolynomials(NamedTuple):
    """The polynomials of all slices of one channel; ``n`` slices, ``k`` coefficients an axis."""

    label: NDArray[np.int16]
    """Labels in the slice map, shape (n,)."""
    beta: NDArray[np.float64]
    """Position across the slices, shape (n,), arcsec."""
    alpha: NDArray[np.float64]
    """Coefficients of alpha, shape (n, k, k): power of y, then of x + shift; arcsec."""
    alpha_shift: NDArray[np.float64]
    """Column shifts of alpha, shape (n,)."""
    wave: NDArray[np.float64]
    """Coefficients of wavelength, shape (n, k, k); micron, velocity factor included."""
    wave_shift: NDArray[np.float64]
    """Column shifts of wavelength, shape (n,)."""


class Samples(NamedTuple):
    """What each pixel of a channel sees; ``m`` pixels, ordered by slice, then row, then column."""

    pixel: NDArray[np.int32]
    """Flat index into the image, shape (m,)."""
    slice: NDArray[np.int16]
    """Row of the pixel's slice in `SlicePolynomials`, shape (m,)."""
    wave: NDArray[np.float64]
    """Wavelength of the pixel's centre, shape (m,), micron."""
    width: NDArray[np.float64]
    """Extent in wavelength between the edges at y -+ EDGE, shape (m,), micron."""
    alpha: NDArray[np.float64]
    """Alpha at the centre, and EDGE of a pixel of the image to either side, shape (m, 3), arcsec."""


@njit(cache=True, nogil=True)
def _collapse(coefficients, y, out):
    """Sum a polynomial over powers of y: ``out[j] = sum_i c[i, j] y^i``."""
    k = coefficients.shape[0]
    for j in range(k):
        total = 0.0
        for i in range(k - 1, -1, -1):
            total = total * y + coefficients[i, j]
        out[j] = total


@njit(cache=True, nogil=True)
def _horner(coefficients, x):
    total = 0.0
    for j in range(coefficients.shape[0] - 1, -1, -1):
        total = total * x + coefficients[j]
    return total


def slice_pixels(slice_map, labels, first_column, last_column):
    """Return the pixels of each slice, and where each slice starts among them.

    Parameters
    ----------
    slice_map : ndarray of int16, shape (n_row, n_col)
    labels : ndarray of int16, shape (n,)
    first_column, last_column : int
        Half-open range of columns; those beyond the map hold nothing.

    Returns
    -------
    index : ndarray of int32, shape (m,)
        Flat pixel indices, by slice, then row-major.
    start : ndarray of int64, shape (n + 1,)
    """
    lowest = int(labels.min())
    place = np.full(int(labels.max()) - lowest + 1, -1)
    place[labels - lowest] = np.arange(labels.size)
    columns = (first_column, min(last_column, slice_map.shape[1]))
    start = np.zeros(labels.size + 1, np.int64)
    _count_pixels(slice_map, columns, place, lowest, start)
    np.cumsum(start, out=start)
    index = np.empty(start[-1], np.int32)
    _list_pixels(slice_map, columns, place, lowest, start[:-1].copy(), index)
    return index, start


@njit(cache=True, nogil=True)
def _count_pixels(slice_map, columns, place, lowest, count):
    for y in range(slice_map.shape[0]):
        for x in range(columns[0], columns[1]):
            k = slice_map[y, x] - lowest
            if 0 <= k < place.size and place[k] >= 0:
                count[place[k] + 1] += 1


@njit(cache=True, nogil=True)
def _list_pixels(slice_map, columns, place, lowest, cursor, index):
    for y in range(slice_map.shape[0]):
        for x in range(columns[0], columns[1]):
            k = slice_map[y, x] - lowest
            if 0 <= k < place.size and place[k] >= 0:
                s = place[k]
                index[cursor[s]] = y * slice_map.shape[1] + x
                cursor[s] += 1


def sample_slices(polynomials, index, start, n_col, wave_low, wave_high, oversample=1.0):
    """Return the `Samples` of the pixels `index`; NaN where the wavelength leaves ``[wave_low, wave_high]``.

    Parameters
    ----------
    polynomials : SlicePolynomials
    index, start : ndarray
        As `slice_pixels` gives them.
    n_col : int
        Columns of the image.
    wave_low, wave_high : float
        Range in which the channel's transform is defined, micron.
    oversample : float
        Columns of the image for each column of the detector.
    """
    m = index.size
    samples = Samples(index, np.empty(m, np.int16), np.empty(m), np.empty(m), np.empty((m, 3)))
    limits = (float(wave_low), float(wave_high))
    share(lambda s: _sample_slice(polynomials, s, start, n_col, limits, float(oversample), samples), start.size - 1)
    return samples


@njit(cache=True, nogil=True)
def _sample_slice(polynomials, s, start, n_col, limits, oversample, samples):
    edge = EDGE / oversample
    pixel, which, wave, width, alpha = samples
    k = polynomials.alpha.shape[1]
    of_alpha, of_wave = polynomials.alpha[s], polynomials.wave[s]
    alpha_shift, wave_shift = polynomials.alpha_shift[s], polynomials.wave_shift[s]
    alpha_row = np.empty(k)
    wave_row = np.empty(k)
    lower_row = np.empty(k)
    upper_row = np.empty(k)
    row = -1
    for p in range(start[s], start[s + 1]):
        y = pixel[p] // n_col
        if y != row:
            row = y
            _collapse(of_alpha, float(y), alpha_row)
            _collapse(of_wave, float(y), wave_row)
            _collapse(of_wave, y - EDGE, lower_row)
            _collapse(of_wave, y + EDGE, upper_row)
        x = (pixel[p] - y * n_col - (oversample - 1) / 2) / oversample
        xa = x + alpha_shift
        xw = x + wave_shift
        middle = _horner(wave_row, xw)
        which[p] = s
        wave[p] = middle if limits[0] <= middle <= limits[1] else np.nan
        width[p] = abs(_horner(lower_row, xw) - _horner(upper_row, xw))
        alpha[p, 0] = _horner(alpha_row, xa)
        alpha[p, 1] = _horner(alpha_row, xa - edge)
        alpha[p, 2] = _horner(alpha_row, xa + edge)
