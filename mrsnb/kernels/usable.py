"""Pick the pixels of a channel out of an image, and count what is found in image after image."""

import math

import numpy as np

from mrsnb.kernels.jit import njit


def gather_usable(flux, err, dq, others, pixel, start, bits):
    """Return flux and error of some pixels; the flux is NaN where a flag forbids the use, or a number is missing.

    One is if it is NaN in any array, or infinite in flux or error.

    Parameters
    ----------
    flux, err : ndarray of float32, shape (n_row, n_col)
        MJy/sr.
    dq : ndarray of uint32, shape (n_row, n_col)
    others : tuple of ndarray of float32, shape (n_row, n_col)
        One or more images that must be numbers too.
    pixel : ndarray of int32, shape (m,)
        Flat indices, rising within each slice.
    start : ndarray of int64, shape (n + 1,)
        Where each slice starts among the pixels.
    bits : uint32
        Flags that forbid the use.

    Returns
    -------
    flux, err : ndarray of float32, shape (m,)
        MJy/sr.
    """
    found = np.empty(pixel.size, np.float32), np.empty(pixel.size, np.float32)
    flat = [image.reshape(-1) for image in (flux, err, dq, *others)]
    _gather(*flat[:3], tuple(flat[3:]), pixel, start, flux.shape, bits, found)
    return found


@njit(cache=True, nogil=True)
def _gather(flux, err, dq, others, pixel, start, shape, bits, found):
    """Go through the image row by row, through all slices on each: as it lies in memory."""
    picked, error = found
    cursor = start[:-1].copy()
    for y in range(shape[0]):
        end = (y + 1) * shape[1]
        for s in range(cursor.size):
            p = cursor[s]
            while p < start[s + 1] and pixel[p] < end:
                i = pixel[p]
                error[p] = err[i]
                bad = (dq[i] & bits) != 0 or not math.isfinite(error[p]) or not math.isfinite(flux[i])
                for other in others:
                    bad |= math.isnan(other[i])
                picked[p] = np.float32(np.nan) if bad else flux[i]
                p += 1
            cursor[s] = p


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
