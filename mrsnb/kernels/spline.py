"""Cubic splines on evenly spaced knots, fitted by least squares to sorted points, outliers rejected.

Between two knots a spline is one cubic, so the points between them enter the normal equations only through the sums
``sum u^k`` (k = 0..6) and ``sum y u^k`` (k = 0..3), u running from -1 to 1. The four B-splines that live there are
cubics in u as well: with their coefficients P (4 x 4) and the sums as a matrix H, ``H[i, j] = sum u^(i + j)``,
the share of the interval is ``P H P^T``. A point thus costs ten multiplications, not a recursion of B-splines.

Knots: ``start`` and ``end`` four times each, and evenly spaced ones between, half a step away from both::

    start   first          first + step                      end
      |       |                 |         ...      |          |
"""

from typing import NamedTuple

import numpy as np

from mrsnb.kernels.clip import clipped_limits
from mrsnb.kernels.jit import njit

DEGREE = 3
TINY = 1e-13
"""A pivot smaller than this, relative to its diagonal, has too few points to support it."""


class Knots(NamedTuple):
    """The knots of a spline."""

    start: float
    first: float
    step: float
    inner: int
    """How many knots lie between start and end."""
    end: float


@njit(cache=True, nogil=True)
def fill_knots(knots, out):
    """Fill `out` with all ``inner + 8`` knots, those at the ends four times."""
    for i in range(DEGREE + 1):
        out[i] = knots.start
        out[knots.inner + DEGREE + 1 + i] = knots.end
    for i in range(knots.inner):
        out[DEGREE + 1 + i] = knots.first + i * knots.step


@njit(cache=True, nogil=True)
def piece_of(knots, x):
    """Return the piece, from 0, that `x` lies in; the outermost also hold what lies beyond."""
    piece = int(np.floor((x - knots.first) / knots.step)) + 1
    return min(max(piece, 0), knots.inner)


@njit(cache=True, nogil=True)
def basis(t, piece, x, out):
    """Fill `out` with the four B-splines of a piece at `x`, by the recursion of Cox and de Boor."""
    place = piece + DEGREE
    out[0] = 1.0
    for degree in range(1, DEGREE + 1):
        saved = 0.0
        for r in range(degree):
            right = t[place + r + 1]
            left = t[place + r + 1 - degree]
            share = out[r] / (right - left)
            out[r] = saved + (right - x) * share
            saved = (x - left) * share
        out[degree] = saved


@njit(cache=True, nogil=True)
def evaluate(knots, t, coefficients, x):
    """Return the spline at `x`; beyond its ends the outermost cubic goes on."""
    piece = piece_of(knots, x)
    values = np.empty(DEGREE + 1)
    basis(t, piece, x, values)
    total = 0.0
    for i in range(DEGREE + 1):
        total += coefficients[piece + i] * values[i]
    return total


@njit(cache=True, nogil=True)
def _as_cubics(t, piece, out):
    """Fill `out` (4, 4) with the coefficients, in powers of u, of the four B-splines of a piece.

    Through their values at u = -1, -1/3, 1/3, 1.
    """
    low = t[piece + DEGREE]
    high = t[piece + DEGREE + 1]
    at = np.empty((4, 4))
    for k in range(4):
        basis(t, piece, low + (high - low) * k / 3.0, at[k])
    for i in range(4):
        a, b, c, d = at[0, i], at[1, i], at[2, i], at[3, i]
        out[i, 0] = (-a + 9.0 * b + 9.0 * c - d) / 16.0
        out[i, 1] = (a - 27.0 * b + 27.0 * c - d) / 16.0
        out[i, 2] = 9.0 * (a - b - c + d) / 16.0
        out[i, 3] = 9.0 * (-a + 3.0 * b - 3.0 * c + d) / 16.0


@njit(cache=True, nogil=True)
def _solve(band, right):
    """Solve the banded normal equations in place, by Cholesky's factors; False if they are singular.

    `band[i, k]` is the element (i, i - 3 + k), the diagonal being k = 3.
    """
    n = right.size
    for i in range(n):
        diagonal = band[i, DEGREE]
        for j in range(max(0, i - DEGREE), i + 1):
            total = band[i, j - i + DEGREE]
            for k in range(max(0, i - DEGREE), j):
                total -= band[i, k - i + DEGREE] * band[j, k - j + DEGREE]
            if i == j:
                if not total > TINY * diagonal:
                    return False
                band[i, DEGREE] = np.sqrt(total)
            else:
                band[i, j - i + DEGREE] = total / band[j, DEGREE]
    for i in range(n):
        for k in range(max(0, i - DEGREE), i):
            right[i] -= band[i, k - i + DEGREE] * right[k]
        right[i] /= band[i, DEGREE]
    for i in range(n - 1, -1, -1):
        for k in range(i + 1, min(n, i + DEGREE + 1)):
            right[i] -= band[k, i - k + DEGREE] * right[k]
        right[i] /= band[i, DEGREE]
    return True


@njit(cache=True, nogil=True)
def _shares(x, y, low, high, cubics, band, right):
    """Add what the points of one piece contribute to its four rows of the normal equations."""
    s1, s2, s3, s4, s5, s6 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    v0, v1, v2, v3 = 0.0, 0.0, 0.0, 0.0
    for p in range(x.size):
        u = (2.0 * x[p] - low - high) / (high - low)
        u2 = u * u
        u3 = u2 * u
        s1 += u
        s2 += u2
        s3 += u3
        s4 += u2 * u2
        s5 += u2 * u3
        s6 += u3 * u3
        v0 += y[p]
        v1 += y[p] * u
        v2 += y[p] * u2
        v3 += y[p] * u3
    powers = (float(x.size), s1, s2, s3, s4, s5, s6)
    values = (v0, v1, v2, v3)
    for i in range(4):
        for k in range(4):
            right[i] += cubics[i, k] * values[k]
            for m in range(4):
                for j in range(i + 1):
                    band[i, j - i + DEGREE] += cubics[i, k] * cubics[j, m] * powers[k + m]


@njit(cache=True, nogil=True)
def _cubic(x, low, high, cubics, coefficients, model):
    """Fill `model` with the spline at the points of one piece."""
    a = np.zeros(4)
    for k in range(4):
        for i in range(4):
            a[k] += coefficients[i] * cubics[i, k]
    for p in range(x.size):
        u = (2.0 * x[p] - low - high) / (high - low)
        model[p] = a[0] + u * (a[1] + u * (a[2] + u * a[3]))


@njit(cache=True, nogil=True)
def fit(x, y, knots, coefficients, model):
    """Fit a spline to sorted points by least squares.

    Parameters
    ----------
    x, y : ndarray of float64, shape (m,)
    knots : Knots
    coefficients : ndarray, shape (inner + 4,)
        Filled with those of the B-splines.
    model : ndarray, shape (m,)
        Filled with the spline at the points.

    Returns
    -------
    bool
        False if the points do not determine the spline; the arrays then hold nothing of use.
    """
    pieces = knots.inner + 1
    t = np.empty(knots.inner + 2 * (DEGREE + 1))
    fill_knots(knots, t)
    edge = t[DEGREE : DEGREE + pieces + 1]
    limit = np.searchsorted(x, edge)
    limit[0], limit[pieces] = 0, x.size
    coefficients[:] = 0.0
    band = np.zeros((coefficients.size, DEGREE + 1))
    cubics = np.empty((pieces, 4, 4))
    for k in range(pieces):
        _as_cubics(t, k, cubics[k])
        a, b, rows = limit[k], limit[k + 1], slice(k, k + 4)
        _shares(x[a:b], y[a:b], edge[k], edge[k + 1], cubics[k], band[rows], coefficients[rows])
    if not _solve(band, coefficients):
        return False
    for k in range(pieces):
        a, b = limit[k], limit[k + 1]
        _cubic(x[a:b], edge[k], edge[k + 1], cubics[k], coefficients[k : k + 4], model[a:b])
    return True


@njit(cache=True, nogil=True)
def even_knots(low, high, pieces):
    """Return knots for `pieces` steps between two points given in single precision, as the observatory's package.

    Their number depends on how the division by the step happens to round: ``pieces - 1`` or ``pieces`` inner knots.
    """
    step = np.float32((high - low) / np.float32(pieces))
    first = np.float32(low + step / np.float32(2))
    stop = np.float32(high - step / np.float32(2))
    inner = int(np.ceil(np.float64(np.float32(np.float32(stop - first) / step))))
    return Knots(np.float64(low), np.float64(first), np.float64(step), max(inner, 0), np.float64(high))


@njit(cache=True, nogil=True)
def nth_largest(values, n):
    """Return the n-th largest of the values, the least if there are fewer."""
    top = np.full(n, -np.inf)
    for value in values:
        if value > top[n - 1]:
            i = n - 1
            while i > 0 and top[i - 1] < value:
                top[i] = top[i - 1]
                i -= 1
            top[i] = value
    return top[min(n, values.size) - 1]


@njit(cache=True, nogil=True)
def _even_points(x, y, pieces, space_ratio):
    """Return how many points stay, moved to the front, without those after a gap; -1 if the gaps are too wide."""
    m = x.size
    gaps = np.empty(m)
    before = np.float64(0.0)
    for i in range(m):
        gaps[i] = abs(x[i] - before)
        before = np.float64(x[i])
    mean, spread = clipped_limits(gaps, 3.0, 5)
    limit = mean + 5.0 * spread
    tenth = nth_largest(gaps, 10)
    n = 0
    for i in range(m):
        if gaps[i] <= limit:
            x[n], y[n] = x[i], y[i]
            n += 1
    if n == 0 or tenth > space_ratio * np.float32((x[n - 1] - x[0]) / np.float32(pieces)):
        return -1
    return n


@njit(cache=True, nogil=True)
def fit_clipped(x, y, pieces, space_ratio, sigma, rounds, coefficients):
    """Fit a spline to sorted points, and again without the outliers.

    Parameters
    ----------
    x, y : ndarray of float32, shape (m,)
        At least 10 points; changed.
    pieces : int
        Steps between knots that the range of x is divided in.
    space_ratio : float
        Largest allowed gap, the tenth largest in x, in steps.
    sigma : float
        Points farther from the spline, in standard deviations, are left out in the next round.
    rounds : int
    coefficients : ndarray, shape (pieces + 4,)
        Filled with those of the B-splines.

    Returns
    -------
    Knots
        With no inner knot if there is no fit.
    """
    none = Knots(0.0, 0.0, 1.0, 0, 0.0)
    n = _even_points(x, y, pieces, space_ratio)
    if n < DEGREE + 1:
        return none
    all_of_them = n
    best = none
    points, values, model = x[:n].astype(np.float64), y[:n].astype(np.float64), np.empty(n)
    attempt = np.empty(coefficients.size)
    for k in range(rounds):
        knots = even_knots(np.float32(points[0]), np.float32(points[n - 1]), pieces)
        size = knots.inner + DEGREE + 1
        if n < DEGREE + 1 or not fit(points[:n], values[:n], knots, attempt[:size], model[:n]):
            break
        best = knots
        coefficients[:size] = attempt[:size]
        if k == rounds - 1:
            break
        limit = sigma * np.std(values[:n] - model[:n])
        kept = 0
        for i in range(n):
            if abs(values[i] - model[i]) <= limit:
                points[kept], values[kept] = points[i], values[i]
                kept += 1
        if kept < 0.8 * all_of_them or kept == n:
            break
        n = kept
    return best
