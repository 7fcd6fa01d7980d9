"""Splines with given knots, fitted to weighted points by least squares."""

import math

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit

Array = NDArray[np.float64]


class KnottedSpline:
    """A spline through points whose values and weights change while their places stay.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Rising.
    knots : ndarray, shape (m,)
        Between the first and the last point, rising.
    degree : int

    References
    ----------
    de Boor (1978, A Practical Guide to Splines), chapter X: only ``degree + 1`` B-splines differ from 0 at a point.
    Golub & Van Loan (2013, Matrix Computations), section 5.1: the points are rotated into a triangle one by one
    (Givens), so that those of tiny weight lose no digits where there are no others, as they would in normal equations.

    Examples
    --------
    >>> x = np.arange(9.0)
    >>> KnottedSpline(x, np.array([4.0]), 1).fitted(np.abs(x - 4), np.ones(9)).round(6)
    array([4., 3., 2., 1., 0., 1., 2., 3., 4.])
    """

    def __init__(self, x: Array, knots: Array, degree: int) -> None:
        t = np.concatenate([np.repeat(x[0], degree + 1), knots, np.repeat(x[-1], degree + 1)])
        self.size = t.size - degree - 1
        piece = np.clip(np.searchsorted(t, x, side="right") - 1, degree, self.size - 1)
        self._first = piece - degree
        self._basis = np.ascontiguousarray(_basis(t, piece, x, degree).T)

    def fitted(self, y: Array, weights: Array) -> Array:
        """Return the spline at the points; it makes the sum of ``(weights * (y - spline))**2`` least.

        Parameters
        ----------
        y, weights : ndarray, shape (n,)
            Weights positive.
        """
        coefficients = np.zeros(self.size)
        _fit(self._first, self._basis * weights[:, None], y * weights, coefficients)
        curve: Array = (self._basis * coefficients[self._first[:, None] + np.arange(self._basis.shape[1])]).sum(axis=1)
        return curve


def _basis(t: Array, piece: NDArray[np.intp], x: Array, degree: int) -> Array:
    """Return the B-splines that differ from 0 at each point, shape (degree + 1, n)."""
    values = np.ones((1, x.size))
    for d in range(1, degree + 1):
        higher = np.zeros((d + 1, x.size))
        for r in range(d):
            right, left = t[piece + r + 1], t[piece + r + 1 - d]
            share = values[r] / (right - left)
            higher[r] += (right - x) * share
            higher[r + 1] = (x - left) * share
        values = higher
    return values


@njit(cache=True, nogil=True)
def _fit(first, rows, values, coefficients):
    """Fill `coefficients` with those of the B-splines; what no point determines is 0.

    Row p of `rows`, shape (n, width), holds the weighted B-splines ``first[p]`` and following; it is changed.
    """
    width = rows.shape[1]
    triangle = np.zeros((coefficients.size, width))
    for p in range(first.size):
        value = values[p]
        for i in range(width):
            k, below = first[p] + i, rows[p, i]
            if below == 0.0:
                continue
            size = math.sqrt(triangle[k, 0] * triangle[k, 0] + below * below)
            cosine, sine = triangle[k, 0] / size, below / size
            triangle[k, 0] = size
            for j in range(1, width - i):
                above, below = triangle[k, j], rows[p, i + j]
                triangle[k, j] = cosine * above + sine * below
                rows[p, i + j] = cosine * below - sine * above
            coefficients[k], value = cosine * coefficients[k] + sine * value, cosine * value - sine * coefficients[k]
    for k in range(coefficients.size - 1, -1, -1):
        for j in range(1, min(width, coefficients.size - k)):
            coefficients[k] -= triangle[k, j] * coefficients[k + j]
        coefficients[k] = coefficients[k] / triangle[k, 0] if triangle[k, 0] > 0.0 else 0.0
