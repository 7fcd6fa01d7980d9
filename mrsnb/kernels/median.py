"""Medians: of a window that slides over an image, and of a few numbers.

The window's values are kept sorted. One step along a row takes one column of values out and puts one in, each found
by bisection, so a step costs a window's height, not its area::

      - - - - - +          -  leaves the window
      - # # # # +          +  enters it
      - # # # # +          #  stays where it is in the sorted list
"""

import math

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray


@njit(cache=True, nogil=True)
def _place(values, n, value):
    """Return how many of the first `n` sorted `values` are smaller than `value`."""
    low, high = 0, n
    while low < high:
        middle = (low + high) // 2
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True, nogil=True)
def _exchange(values, n, leaves, enters):
    """Take one number out of the first `n` sorted values and put another in; return the new count. NaN is none."""
    if math.isnan(leaves):
        if math.isnan(enters):
            return n
        hole = n
        n += 1
    else:
        hole = _place(values, n, leaves)
        if math.isnan(enters):
            for i in range(hole, n - 1):
                values[i] = values[i + 1]
            return n - 1
    while hole > 0 and values[hole - 1] > enters:
        values[hole] = values[hole - 1]
        hole -= 1
    while hole < n - 1 and values[hole + 1] < enters:
        values[hole] = values[hole + 1]
        hole += 1
    values[hole] = enters
    return n


@njit(cache=True, nogil=True, inline="always")
def _middle(values, n):
    """Return the median of the first `n` sorted values; NaN if there are none."""
    if n == 0:
        return np.nan
    if n % 2 == 1:
        return values[n // 2]
    return (values[n // 2 - 1] + values[n // 2]) / 2.0


@njit(cache=True, nogil=True)
def median_of(values, n):
    """Sort the first `n` of `values` in place and return their median; NaN if there are none. None may be NaN."""
    for i in range(1, n):
        value = values[i]
        j = i
        while j > 0 and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value
    return _middle(values, n)


@njit(cache=True, nogil=True, parallel=True)
def _slide(image, half_rows, half_cols, outside):
    n_row, n_col = image.shape
    out = np.empty((n_row, n_col))
    for y in prange(n_row):
        values = np.empty((2 * half_rows + 1) * (2 * half_cols + 1) + 1)
        n = 0
        for x in range(-2 * half_cols, n_col):
            for r in range(y - half_rows, y + half_rows + 1):
                in_rows = 0 <= r < n_row
                enters = image[r, x + half_cols] if in_rows and 0 <= x + half_cols < n_col else outside
                column = x - half_cols - 1
                leaves = image[r, column] if in_rows and 0 <= column < n_col else outside
                n = _exchange(values, n, leaves if column >= -half_cols else np.nan, enters)
            if x >= 0:
                out[y, x] = _middle(values, n)
    return out


def windowed_median(
    image: NDArray[np.float64], window: tuple[int, int], outside: float = np.nan
) -> NDArray[np.float64]:
    """Return the median of the numbers in a window about each pixel.

    Parameters
    ----------
    image : ndarray of float64, shape (n_row, n_col)
        NaN is left out.
    window : tuple of int
        Rows and columns of the window, odd.
    outside : float
        Value of what lies beyond the image; NaN leaves it out.

    Returns
    -------
    ndarray of float64, shape (n_row, n_col)
        NaN where the window holds no number.
    """
    rows, cols = window
    if rows > cols:  # a step costs the window's extent across it
        return np.ascontiguousarray(windowed_median(np.ascontiguousarray(image.T), (cols, rows), outside).T)
    return np.asarray(_slide(np.ascontiguousarray(image, dtype=np.float64), rows // 2, cols // 2, outside))
