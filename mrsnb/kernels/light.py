"""The mean light of a cube over wavelength, its extremes left out."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit
from mrsnb.kernels.threads import share

Array = NDArray[np.float64]

_SPAXELS = 256
"""In a part: rows of memory long enough to be read well, and few enough for the cache."""


class Light(NamedTuple):
    """What is seen at each spaxel in some planes."""

    mean: Array
    """Shape (n_y, n_x), NaN where there is no light."""
    planes: NDArray[np.int64]
    """How many have light; shape (n_y, n_x)."""
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
    shape, n_plane = flux.shape[1:], len(flux)
    cube = [np.ascontiguousarray(array).reshape(n_plane, math.prod(shape)) for array in (flux, err, weight)]
    n, n_parts = cube[0].shape[1], -(-cube[0].shape[1] // _SPAXELS)
    mean, variance, count = np.full(n, np.nan), np.zeros(n), np.zeros(n, np.int64)
    lit = np.zeros((n_parts, n_plane), np.bool_)

    def part(i: int) -> None:
        first = i * _SPAXELS
        here = slice(first, first + _SPAXELS)
        light = np.empty((len(count[here]), n_plane), np.float32)
        place = np.empty(len(light), np.int64)
        n_lit = _gather(*cube, first, light, place, count[here], variance[here], lit[i])
        light[:n_lit].sort(axis=1)
        _average(light, n_lit, place, count[here], trim, mean[here])

    share(part, n_parts)
    return Light(mean.reshape(shape), count.reshape(shape), variance.reshape(shape), np.any(lit, axis=0))


@njit(cache=True, nogil=True)
def _gather(flux, err, weight, first, light, place, count, variance, lit):
    """Put the light of spaxels from the `first` on in rows of `light`, filled up with infinity, one a spaxel with any.

    Returns how many they are; `place` is filled with their numbers, from the first.
    """
    n_plane = flux.shape[0]
    slot = np.empty(count.size, np.int64)
    for x in range(count.size):
        slot[x] = -1
    n = 0
    for k in range(n_plane):
        for x in range(count.size):
            value = flux[k, first + x]
            error = err[k, first + x]
            if weight[k, first + x] > 0 and 0 < error < np.inf and -np.inf < value < np.inf:
                if slot[x] < 0:
                    slot[x] = n
                    place[n] = x
                    n += 1
                light[slot[x], count[x]] = value
                count[x] += 1
                variance[x] += np.float64(error) * np.float64(error)
                lit[k] = True
    for i in range(n):
        for k in range(count[place[i]], n_plane):
            light[i, k] = np.inf
    return n


@njit(cache=True, nogil=True)
def _average(light, n_lit, place, count, trim, mean):
    """Fill in the means of the first `n_lit` spaxels at `place` from their sorted light."""
    for i in range(n_lit):
        n = count[place[i]]
        low = math.floor(trim * n)
        high = max(n - low, low + 1)
        total = 0.0
        for k in range(low, high):
            total += np.float64(light[i, k])
        mean[place[i]] = total / (high - low)
