"""Take a background off an exposure, its error with it."""

import math

import numpy as np

from mrsnb.kernels.jit import njit
from mrsnb.kernels.threads import share

_ROWS = 128
"""Rows of a part that one thread does."""


def subtract(value, error, background, variance):
    """Return images less a background, and their errors with that of the background.

    Parameters
    ----------
    value, error : ndarray of float32, shape (n_row, n_col)
        MJy/sr.
    background, variance : ndarray of float64, shape (n_row, n_col)
        MJy/sr, and its square.

    Returns
    -------
    value, error : ndarray of float32, shape (n_row, n_col)
        MJy/sr.
    """
    less, wider = np.empty_like(value), np.empty_like(error)

    def part(i: int) -> None:
        rows = slice(i * _ROWS, (i + 1) * _ROWS)
        _subtract(value[rows], error[rows], background[rows], variance[rows], less[rows], wider[rows])

    share(part, -(-len(value) // _ROWS))
    return less, wider


@njit(cache=True, nogil=True)
def _subtract(value, error, background, variance, less, wider):
    for y in range(value.shape[0]):
        for x in range(value.shape[1]):
            less[y, x] = value[y, x] - background[y, x]
            wider[y, x] = math.sqrt(np.float64(error[y, x]) * np.float64(error[y, x]) + variance[y, x])
