"""Medians: of a window that slides over an image, and of a few numbers.

The window's numbers are kept sorted, and so are those of each of its columns. One step along a row takes one column
out and merges one in; one step down takes one number out of each column and puts one in::

      - # # # # +          -  leaves the window
      - # # # # +          +  enters it
      - # # # # +          #  stays
"""

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit
from mrsnb.kernels.threads import share

_ROWS = 32
"""Rows of a part that one thread does."""


@njit(cache=True, nogil=True)
def _put(column, n, value):
    """Put a number into the first `n` sorted ones and return their number then; NaN is none."""
    if np.isnan(value):
        return n
    i = n
    while i > 0 and column[i - 1] > value:
        column[i] = column[i - 1]
        i -= 1
    column[i] = value
    return n + 1


@njit(cache=True, nogil=True)
def _take(column, n, value):
    """Take a number out of the first `n` sorted ones and return their number then; NaN is none."""
    if np.isnan(value):
        return n
    n -= 1
    i = n
    last = column[n]
    while last != value:
        i -= 1
        last, column[i] = column[i], last
    return n


@njit(cache=True, nogil=True)
def _merged(old, n, leaves, n_leaves, enters, n_enters, new):
    """Fill `new` with the `n` sorted numbers of `old` without those that leave and with those that enter."""
    left = entered = m = 0
    for i in range(n):
        value = old[i]
        if left < n_leaves and value == leaves[left]:
            left += 1
            continue
        while entered < n_enters and enters[entered] < value:
            new[m] = enters[entered]
            entered += 1
            m += 1
        new[m] = value
        m += 1
    while entered < n_enters:
        new[m] = enters[entered]
        entered += 1
        m += 1
    return m


@njit(cache=True, nogil=True)
def _slide(image, rows, cols, first, last, out):
    """Do the rows of `out` from `first` to before `last`; `image` has the border of half a window that they lack."""
    n_col = image.shape[1]
    columns = np.empty((n_col, rows + 1))
    sizes = np.zeros(n_col, np.int64)
    old, new = np.empty(rows * cols), np.empty(rows * cols)
    for r in range(first, last + rows - 1):
        n = 0
        for x in range(n_col):
            if r >= first + rows:
                sizes[x] = _take(columns[x], sizes[x], image[r - rows, x])
            sizes[x] = _put(columns[x], sizes[x], image[r, x])
            if r < first + rows - 1:
                continue
            gone = max(x - cols, 0)
            n = _merged(old, n, columns[gone], sizes[gone] if x >= cols else 0, columns[x], sizes[x], new)
            old, new = new, old
            if x >= cols - 1:
                value = np.nan
                if n > 0:
                    value = old[n // 2] if n % 2 == 1 else (old[n // 2 - 1] + old[n // 2]) / 2.0
                out[r - rows + 1, x - cols + 1] = value


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
    if n == 0:
        return np.nan
    if n % 2 == 1:
        return values[n // 2]
    return (values[n // 2 - 1] + values[n // 2]) / 2.0


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
    wider = np.full((image.shape[0] + rows - 1, image.shape[1] + cols - 1), outside)
    wider[rows // 2 : rows // 2 + image.shape[0], cols // 2 : cols // 2 + image.shape[1]] = image
    out = np.empty(image.shape)

    def part(i: int) -> None:
        _slide(wider, rows, cols, i * _ROWS, min((i + 1) * _ROWS, len(out)), out)

    share(part, -(-len(out) // _ROWS))
    return out
