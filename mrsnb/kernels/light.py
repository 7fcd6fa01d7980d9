"""The mean light of a cube over wavelength, its extremes left out."""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from mrsnb.kernels.threads import share

Array = NDArray[np.float64]


class Light(NamedTuple):
    """What is seen at each spaxel in some planes."""

    mean: Array
    """Shape (n_y, n_x), NaN where there is no light."""
    count: NDArray[np.int64]
    """Planes with light; shape (n_y, n_x)."""
    variance: Array
    """Sum of the variances; shape (n_y, n_x)."""
    lit: NDArray[np.bool_]
    """Planes with any light; shape (n_plane,)."""


def mean_light(flux, err, weight, trim: float) -> Light:
    """Return the mean over planes, without the share `trim` of them with the least flux, and with the most.

    There is light where the weight is positive, flux and error are finite, and the error is positive.

    Parameters
    ----------
    flux, err, weight : ndarray of float32, shape (n_plane, n_y, n_x)
    trim : float
        At each spaxel, from 0 to 0.5; at least one plane is left.
    """
    n_plane, n_y, n_x = flux.shape
    mean, variance = np.full((n_y, n_x), np.nan), np.zeros((n_y, n_x))
    count, lit = np.zeros((n_y, n_x), np.int64), np.zeros((n_y, n_plane), np.bool_)

    def row(y: int) -> None:
        light = np.empty((n_x, n_plane), np.float32)
        place = np.empty(n_x, np.int64)
        n = _gather(flux, err, weight, y, light, place, count, variance, lit)
        light[:n].sort(axis=1)
        _average(light, place[:n], count, y, trim, mean)

    share(row, n_y)
    return Light(mean, count, variance, lit.any(axis=0))


@njit(cache=True, nogil=True)
def _gather(flux, err, weight, y, light, place, count, variance, lit):  # noqa: PLR0917
    """Put the light of row `y` in rows of `light`, filled up with infinity, one a spaxel that has any; return how many.

    `place` is filled with where these are along x.
    """
    n_plane, _, n_x = flux.shape
    slot = np.empty(n_x, np.int64)
    for x in range(n_x):
        slot[x] = -1
    n = 0
    for k in range(n_plane):
        for x in range(n_x):
            value = flux[k, y, x]
            error = err[k, y, x]
            if weight[k, y, x] > 0 and 0 < error < np.inf and -np.inf < value < np.inf:
                if slot[x] < 0:
                    slot[x] = n
                    place[n] = x
                    n += 1
                light[slot[x], count[y, x]] = value
                count[y, x] += 1
                variance[y, x] += np.float64(error) * np.float64(error)
                lit[y, k] = True
    for i in range(n):
        for k in range(count[y, place[i]], n_plane):
            light[i, k] = np.inf
    return n


@njit(cache=True, nogil=True)
def _average(light, place, count, y, trim, mean):
    """Fill in the means of the spaxels at `place` of row `y` from their sorted light."""
    for i in range(place.size):
        n = count[y, place[i]]
        low = int(math.floor(trim * n))
        high = max(n - low, low + 1)
        total = 0.0
        for k in range(low, high):
            total += light[i, k]
        mean[y, place[i]] = total / (high - low)
