"""Make a pixel that is invalid in one image of an exposure invalid in all of them."""

import math

import numpy as np

from mrsnb.kernels.jit import njit
from mrsnb.kernels.threads import share

_ROWS = 128
"""Rows of a part that one thread does."""


def mark_alike(images, dq, bit):
    """Return images that are NaN in the same pixels, and flags that say so there.

    Parameters
    ----------
    images : tuple of ndarray of float32, shape (n_row, n_col)
    dq : ndarray of uint32, shape (n_row, n_col)
    bit : uint32
        Flag of an invalid pixel: one that has it, or is NaN in any image.

    Returns
    -------
    images : tuple of ndarray of float32, shape (n_row, n_col)
    dq : ndarray of uint32, shape (n_row, n_col)
    """
    marked, flags = tuple(np.empty_like(image) for image in images), np.empty_like(dq)

    def part(i: int) -> None:
        rows = slice(i * _ROWS, (i + 1) * _ROWS)
        _mark(tuple(image[rows] for image in images), dq[rows], bit, tuple(m[rows] for m in marked), flags[rows])

    share(part, -(-len(dq) // _ROWS))
    return marked, flags


@njit(cache=True, nogil=True)
def _mark(images, dq, bit, marked, flags):
    bad = np.empty(dq.shape[1], np.bool_)
    for y in range(dq.shape[0]):
        for x in range(bad.size):
            bad[x] = (dq[y, x] & bit) != 0
        for image in images:
            for x in range(bad.size):
                bad[x] |= math.isnan(image[y, x])
        for x in range(bad.size):
            flags[y, x] = dq[y, x] | bit if bad[x] else dq[y, x]
        for k in range(len(images)):
            image, out = images[k], marked[k]
            for x in range(bad.size):
                out[y, x] = np.float32(np.nan) if bad[x] else image[y, x]
