"""What one channel of one exposure saw, and how to find one's way in it: along a row, and along a trace.

The pixels of a slice are kept row by row, so a row of a slice is one run of them, of rising or falling alpha. The light
of one place on the sky falls on one trace: on each row, the pixel with the nearest alpha::

    row 7   . . . # .
    row 6   . . # . .        alpha is the same along the trace; the column is not
    row 5   . . # . .
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit

REACH = 0.75
"""A trace ends where the nearest pixel of a row is further away than this, in pixels."""


class Look(NamedTuple):
    """What one channel of one exposure saw: ``m`` pixels of ``n`` slices, by slice, row, column."""

    flux: NDArray[np.float32]
    """Shape (m,), MJy/sr; NaN where unusable."""
    err: NDArray[np.float32]
    """Shape (m,), MJy/sr."""
    wave: NDArray[np.float64]
    """Shape (m,), micron; NaN where undefined."""
    alpha: NDArray[np.float64]
    """Place along the slice, shape (m,), arcsec."""
    row: NDArray[np.int16]
    """Row of the detector image, shape (m,)."""
    column: NDArray[np.int16]
    """Column of the detector image, shape (m,)."""
    start: NDArray[np.int64]
    """Where each slice starts, shape (n + 1,)."""
    first: NDArray[np.int32]
    """First pixel of each row of each slice, shape (n, n_row)."""
    length: NDArray[np.int32]
    """Pixels of each row of each slice, shape (n, n_row)."""


@njit(cache=True, nogil=True)
def slice_rows(pixel, start, n_row, n_col):
    """Return where each row of each slice begins among the pixels, and how many pixels it has.

    Parameters
    ----------
    pixel : ndarray of int32, shape (m,)
        Flat indices into the detector image, by slice, then row-major.
    start : ndarray of int64, shape (n + 1,)
    n_row, n_col : int
        Shape of the detector image.

    Returns
    -------
    first, length : ndarray of int32, shape (n, n_row)
        A row with a gap counts up to the gap.
    """
    n = start.size - 1
    first = np.zeros((n, n_row), np.int32)
    length = np.zeros((n, n_row), np.int32)
    for s in range(n):
        for p in range(start[s], start[s + 1]):
            y = pixel[p] // n_col
            if length[s, y] == 0:
                first[s, y] = p
            if pixel[p] == pixel[first[s, y]] + length[s, y]:
                length[s, y] += 1
    return first, length


@njit(cache=True, nogil=True)
def place_in_row(alpha, first, n, wanted, hint):
    """Return the place of alpha `wanted` in a row of `n` >= 2 pixels, counted in pixels from the first.

    The search starts at `hint`; beyond the ends of the row, the place is extrapolated.
    """
    sign = 1.0 if alpha[first + 1] > alpha[first] else -1.0
    i = min(max(hint, 0), n - 2)
    while i < n - 2 and sign * (wanted - alpha[first + i + 1]) > 0.0:
        i += 1
    while i > 0 and sign * (wanted - alpha[first + i]) < 0.0:
        i -= 1
    here = alpha[first + i]
    return i + (wanted - here) / (alpha[first + i + 1] - here)


@njit(cache=True, nogil=True)
def follow_trace(look, s, p, half, found):
    """List the pixels on the trace of pixel `p` of slice `s`, up to `half` rows above and below, without `p` itself.

    Parameters
    ----------
    look : Look
    s, p : int
    half : int
    found : ndarray of int64, shape (2 * half,)
        Receives the pixels.

    Returns
    -------
    int
        Number of pixels listed.
    """
    alpha = look.alpha
    n_row = look.first.shape[1]
    wanted = alpha[p]
    y = look.row[p]
    n = 0
    for direction in (-1, 1):
        column = p - look.first[s, y]
        r = y + direction
        while 0 <= r < n_row and abs(r - y) <= half:
            first = look.first[s, r]
            last = look.length[s, r] - 1
            if last < 1:
                break
            i = min(max(column, 0), last)
            while i < last and abs(alpha[first + i + 1] - wanted) < abs(alpha[first + i] - wanted):
                i += 1
            while i > 0 and abs(alpha[first + i - 1] - wanted) < abs(alpha[first + i] - wanted):
                i -= 1
            pitch = abs(alpha[first + last] - alpha[first]) / last
            if abs(alpha[first + i] - wanted) <= REACH * pitch:
                found[n] = first + i
                n += 1
            column = i
            r += direction
    return n


@njit(cache=True, nogil=True, inline="always")
def beside(look, s, p, step):
    """Return the pixel `step` columns from pixel `p` in its row of slice `s`, or -1."""
    y = look.row[p]
    q = p + step
    return q if look.first[s, y] <= q < look.first[s, y] + look.length[s, y] else -1


@njit(cache=True, nogil=True, inline="always")
def above(look, s, p, step):
    """Return the pixel `step` rows above pixel `p` in its column and its slice `s`, or -1."""
    r = look.row[p] + step
    if r < 0 or r >= look.first.shape[1] or look.length[s, r] == 0:
        return -1
    first = look.first[s, r]
    i = look.column[p] - look.column[first]
    return first + i if 0 <= i < look.length[s, r] else -1
