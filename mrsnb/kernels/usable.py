"""Pick the pixels of a channel out of an image, and count what is found in image after image."""

import math

import numpy as np
from numba import njit


def gather_usable(flux, err, dq, others, pixel, bits):
    """Return flux and error of some pixels; the flux is NaN where any array is invalid or a flag forbids the use.

    Parameters
    ----------
    flux, err : ndarray of float32, shape (n_row, n_col)
        MJy/sr.
    dq : ndarray of uint32, shape (n_row, n_col)
    others : tuple of ndarray of float32, shape (n_row, n_col)
        One or more images that must be numbers too.
    pixel : ndarray of int32, shape (m,)
        Flat indices.
    bits : uint32
        Flags that forbid the use.

    Returns
    -------
    flux, err : ndarray of float32, shape (m,)
        MJy/sr.
    """
    picked, error = np.empty(pixel.size, np.float32), np.empty(pixel.size, np.float32)
    _gather(flux, err, dq, others, pixel, bits, picked, error)
    return picked, error


@njit(cache=True, nogil=True)
def _gather(flux, err, dq, others, pixel, bits, picked, error):
    n_col = flux.shape[1]
    for p in range(pixel.size):
        y, x = divmod(pixel[p], n_col)
        error[p] = err[y, x]
        bad = (dq[y, x] & bits) != 0 or not math.isfinite(error[p])
        for other in others:
            bad |= math.isnan(other[y, x])
        picked[p] = np.float32(np.nan) if bad else flux[y, x]


@njit(cache=True, nogil=True)
def count_found(pixel, high, low, least, examined, n_high, n_low):
    """Count, pixel by pixel of an image, where something was examined, too high, too low.

    Parameters
    ----------
    pixel : ndarray of int32, shape (m,)
        Flat indices.
    high, low : ndarray of float32, shape (m,)
        By how much; NaN where nothing was examined.
    least : float
        More than this counts.
    examined, n_high, n_low : ndarray of uint16, flat
        Counts, changed in place.
    """
    for p in range(pixel.size):
        examined[pixel[p]] += math.isfinite(high[p])
        n_high[pixel[p]] += high[p] > least
        n_low[pixel[p]] += low[p] > least
