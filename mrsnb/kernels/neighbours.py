"""How much a pixel differs from its neighbours across the dispersion, at least, over many exposures."""

import math

import numpy as np
from numba import njit, prange


@njit(cache=True, nogil=True, inline="always")
def _smaller(a, b):
    """Return the smaller of two numbers; the other if one is NaN."""
    if math.isnan(a):
        return b
    if b < a:
        return b
    return a


@njit(cache=True, nogil=True)
def _row_differences(row, usable, zero_outside, out):
    """Set `out` to each pixel's smaller difference from its left and right neighbour; NaN where it has none."""
    n = row.size
    for x in range(n):
        value = row[x] if usable[x] else np.nan
        left = row[x - 1] if x > 0 and usable[x - 1] else np.nan
        right = row[x + 1] if x < n - 1 and usable[x + 1] else np.nan
        if zero_outside and x == 0:
            left = 0.0
        if zero_outside and x == n - 1:
            right = 0.0
        out[x] = _smaller(abs(value - left), abs(value - right))


@njit(cache=True, nogil=True, parallel=True)
def lower_to_differences(flux, usable, zero_outside, least, own):
    """Lower `least` to the neighbour differences of one more exposure.

    A pixel's difference is the smaller of those from its left and its right neighbour, without sign; NaN if the pixel
    or both neighbours are unusable.

    Parameters
    ----------
    flux : ndarray of float32, shape (n_row, n_col)
        MJy/sr.
    usable : ndarray of bool, shape (n_row, n_col)
    zero_outside : bool
        True takes what lies beyond the first and last column as zero, as the observatory's package does; else it is
        no neighbour.
    least : ndarray of float64, shape (n_row, n_col)
        Least differences so far, NaN where there are none; changed in place.
    own : ndarray of float64, shape (n_row, n_col)
        Receives the differences of this exposure.
    """
    for y in prange(flux.shape[0]):
        row = flux[y].astype(np.float64)
        _row_differences(row, usable[y], zero_outside, own[y])
        for x in range(row.size):
            least[y, x] = _smaller(least[y, x], own[y, x])
