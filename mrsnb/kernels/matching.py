"""Match images of the same sky that differ by smooth backgrounds: sums over voxels, and the polynomials from them.

The polynomials ``P`` of all images ``I`` on one grid minimise::

    sum over pairs n < m, voxels k:  w_nm(k) [I_n(k) - I_m(k) - P_n(k) + P_m(k)]^2

Only differences are determined, so the mean of all polynomials is 0. A polynomial has all terms ``x^a y^b z^c`` with
``a, b, c`` up to its degree. ``x`` and ``y`` belong to a spaxel and ``z`` to a plane, so sums over planes come first.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit
from mrsnb.kernels.threads import share

CLIP = 3.0
"""Voxels further than this many standard deviations from the median of their plane are sources."""
CLIP_ROUNDS = 5
_SINGULAR = 1e-11
"""Singular values below this fraction of the largest are taken as 0."""
_SPAXELS = 256
"""Spaxels of a part that one thread does."""

Array = NDArray[np.float64]


class PairSums(NamedTuple):
    """Sums over the planes of one pair of images, for ``n`` spaxels and degree ``d``."""

    weight: Array
    """``sum w z^c`` for c to 2d; shape (n, 2d + 1)."""
    difference: Array
    """``sum w (I_n - I_m) z^c`` for c to d; shape (n, d + 1)."""


def background_only(flux, weight):
    """Return a copy of `flux`, NaN where there is no weight and where a source is.

    Parameters
    ----------
    flux, weight : ndarray of float32, shape (n_wave, n_y, n_x)
    """
    kept = np.full(flux.shape, np.float32(np.nan), np.float32)

    def part(k: int) -> None:
        image, seen = flux[k], weight[k] > 0
        values = image[seen & np.isfinite(image) & (image != 0)]
        if values.size:
            middle, spread = _clipped(np.sort(values.astype(np.float64)))
            with np.errstate(over="ignore", invalid="ignore"):  # of numbers near the largest
                near = seen & (np.abs(image - middle) <= CLIP * spread)
            kept[k][near] = image[near]

    share(part, len(flux))
    return kept


@njit(cache=True, nogil=True)
def _clipped(values):
    """Return median and standard deviation of sorted values after clipping about the median, as astropy's defaults."""
    low, high = 0, values.size
    middle = spread = 0.0
    for k in range(CLIP_ROUNDS + 1):
        n = high - low
        middle = (values[low + (n - 1) // 2] + values[low + n // 2]) / 2.0
        mean = square = 0.0
        for i in range(low, high):
            mean += values[i]
        mean /= n
        for i in range(low, high):
            square += (values[i] - mean) ** 2
        spread = math.sqrt(square / n)
        if k == CLIP_ROUNDS:
            break
        while low < high and middle - values[low] > CLIP * spread:
            low += 1
        while high > low and values[high - 1] - middle > CLIP * spread:
            high -= 1
        if high - low == n:
            break
    return middle, spread


@njit(cache=True, nogil=True)
def _pair_sums(flux_n, weight_n, flux_m, weight_m, powers, first, last, weights, differences):
    """Do the spaxels from `first` to before `last`."""
    n_wave = flux_n.shape[0]
    terms = weights.shape[1]
    right = differences.shape[1]
    for k in range(n_wave):
        for s in range(first, last):
            difference = float(flux_n[k, s]) - float(flux_m[k, s])
            if math.isnan(difference):
                continue
            w = 1.0 / (1.0 / float(weight_n[k, s]) + 1.0 / float(weight_m[k, s]))
            for c in range(terms):
                weights[s, c] += w * powers[k, c]
            for c in range(right):
                differences[s, c] += w * difference * powers[k, c]


def pair_sums(flux_n, weight_n, flux_m, weight_m, z: Array, degree: int) -> PairSums:
    """Return the sums over planes of one pair of images.

    Parameters
    ----------
    flux_n, flux_m : ndarray of float32, shape (n_wave, n_spaxel)
        NaN where not to be used.
    weight_n, weight_m : ndarray of float32, shape (n_wave, n_spaxel)
        Inverse variances; positive where the flux is finite.
    z : ndarray, shape (n_wave,)
    degree : int
    """
    powers = z[:, np.newaxis] ** np.arange(2 * degree + 1)
    sums = PairSums(np.zeros((flux_n.shape[1], 2 * degree + 1)), np.zeros((flux_n.shape[1], degree + 1)))
    n = flux_n.shape[1]

    def part(i: int) -> None:
        span = i * _SPAXELS, min((i + 1) * _SPAXELS, n)
        _pair_sums(flux_n, weight_n, flux_m, weight_m, powers, *span, sums.weight, sums.difference)

    share(part, -(-n // _SPAXELS))
    return sums


def normal_equations(sums: PairSums, x: Array, y: Array, degree: int) -> tuple[Array, Array]:
    """Return the matrix and the right side that one pair contributes; ``t = (degree + 1)^3`` terms.

    Parameters
    ----------
    sums : PairSums
    x, y : ndarray, shape (n,)
    degree : int

    Returns
    -------
    matrix : ndarray, shape (t, t)
    right : ndarray, shape (t,)
        Terms ordered by the power of x, then of y, then of z.
    """
    d = degree + 1
    power_x = x[:, np.newaxis] ** np.arange(2 * degree + 1)
    power_y = y[:, np.newaxis] ** np.arange(2 * degree + 1)
    moments = np.einsum("sa,sb,sc->abc", power_x, power_y, sums.weight, optimize=True)
    right = np.einsum("sa,sb,sc->abc", power_x[:, :d], power_y[:, :d], sums.difference, optimize=True)
    a, b, c = (part.ravel() for part in np.indices((d, d, d)))
    matrix = moments[a[:, np.newaxis] + a, b[:, np.newaxis] + b, c[:, np.newaxis] + c]
    return matrix, right.ravel()


def solve(pairs: Mapping[tuple[int, int], tuple[Array, Array]], n_images: int) -> Array:
    """Return the coefficients of each image's polynomial, shape (n_images, t).

    Parameters
    ----------
    pairs : mapping of (int, int) to (matrix, right)
        `normal_equations` of pairs of images that overlap.
    n_images : int

    Notes
    -----
    The solution of least norm. Images that overlap, also by way of others, form groups; the mean of the polynomials
    of each group is 0, and that of an image alone is 0.
    """
    terms = len(next(iter(pairs.values()))[1]) if pairs else 1
    matrix, right = np.zeros((n_images, terms, n_images, terms)), np.zeros((n_images, terms))
    for (n, m), (block, side) in pairs.items():
        for first, second, sign in ((n, n, 1), (m, m, 1), (n, m, -1), (m, n, -1)):
            matrix[first, :, second] += sign * block
        right[n] += side
        right[m] -= side
    size = n_images * terms
    solution = np.linalg.lstsq(matrix.reshape(size, size), right.ravel(), rcond=_SINGULAR)[0]
    return np.asarray(solution.reshape(n_images, terms))
