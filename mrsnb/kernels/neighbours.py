"""How much a pixel differs from its neighbours across the dispersion, at least, over many exposures."""

import math

import numpy as np

from mrsnb.kernels.jit import njit
from mrsnb.kernels.threads import share

_ROWS = 128
"""Rows of a part that one thread does."""


@njit(cache=True, nogil=True, inline="always")
def _smaller(a, b):
    """Return the smaller of two numbers; the other if one is NaN."""
    if math.isnan(a):
        return b
    if b < a:
        return b
    return a


@njit(cache=True, nogil=True)
def _lower(flux, usable, zero_outside, first, last, least, own):
    """Do the rows from `first` to before `last`."""
    n = flux.shape[1]
    for y in range(first, last):
        left = 0.0 if zero_outside else np.nan
        here = float(flux[y, 0]) if usable[y, 0] else np.nan
        for x in range(n):
            right = 0.0 if zero_outside else np.nan
            if x < n - 1:
                right = float(flux[y, x + 1]) if usable[y, x + 1] else np.nan
            own[y, x] = _smaller(abs(here - left), abs(here - right))
            least[y, x] = _smaller(least[y, x], own[y, x])
            left, here = here, right


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
    n_row = flux.shape[0]

    def part(i: int) -> None:
        _lower(flux, usable, zero_outside, i * _ROWS, min((i + 1) * _ROWS, n_row), least, own)

    share(part, -(-n_row // _ROWS))
