"""How much of each spaxel lies in a circle.

``center``: all or nothing, by the spaxel's middle. ``subpixel``: the fraction of a regular grid of points inside
the circle. ``exact``: the area, by Green's theorem along the spaxel's border::

      +-----+     inside the circle an edge adds the triangle it spans with the centre,
      |   _-|     outside it adds the sector of the circle below it
      |_-###|
      +-----+

All three give what photutils gives, the second to the last bit. Circles about one point share all but their radius: the
distances of the spaxels, and of the points in them.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit

CENTER, SUBPIXEL, EXACT = 0, 1, 2
METHODS = {"center": CENTER, "subpixel": SUBPIXEL, "exact": EXACT}

_REACH = 0.5 * math.sqrt(2.0)
"""From a spaxel's middle to its corner."""


class Spaxels(NamedTuple):
    """The spaxels near a point, row by row; lengths in spaxels, from that point."""

    at: NDArray[np.int64]
    """In a plane, ``y * n_x + x``; shape (n,)."""
    x: NDArray[np.float64]
    """Shape (n,)."""
    y: NDArray[np.float64]
    """Shape (n,)."""
    distance: NDArray[np.float64]
    """Shape (n,)."""
    points: NDArray[np.float64]
    """Squared distances of the points in each, rising; shape (n, m), ``m = 0`` for exact areas."""


def spaxels_about(shape: tuple[int, int], x: float, y: float, radius: float, method: int, n: int) -> Spaxels:
    """Return the spaxels that circles about a point can meet.

    Parameters
    ----------
    shape : tuple of int
        ``(n_y, n_x)``.
    x, y : float
        The point, 0-based.
    radius : float
        The largest.
    method : int
        One of `METHODS`.
    n : int
        Points an axis, for ``subpixel``.
    """
    dx, dy = np.arange(shape[1], dtype=np.float64) - x, np.arange(shape[0], dtype=np.float64) - y
    distance = np.sqrt(dx * dx + (dy * dy)[:, None])
    j, i = np.nonzero(distance < radius + _REACH)
    if method == EXACT:
        points = np.empty((len(i), 0))
    else:
        m = n if method == SUBPIXEL else 1
        x2, y2 = _squares(dx, m)[i], _squares(dy, m)[j]
        points = np.sort((x2[:, :, None] + y2[:, None, :]).reshape(len(i), m * m))
    return Spaxels(j * shape[1] + i, dx[i], dy[j], distance[j, i], points)


def _squares(middle: NDArray[np.float64], n: int) -> NDArray[np.float64]:
    """Return the squares of the places of `n` points in intervals of length 1, shape (len(middle), n)."""
    out = np.empty((len(middle), n))
    step = ((middle + 0.5) - (middle - 0.5)) / n
    place = (middle - 0.5) - 0.5 * step
    for k in range(n):
        place = place + step
        out[:, k] = place * place
    return out


def circle_shares(spaxels: Spaxels, radius: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of each spaxel in circles about one point.

    Parameters
    ----------
    spaxels : Spaxels
    radius : ndarray, shape (n_circle,)
        None larger than what `spaxels` were chosen for.

    Returns
    -------
    ndarray, shape (n_circle, n)
    """
    out = np.empty((len(radius), len(spaxels.at)))
    if spaxels.points.shape[1]:
        _count_points(spaxels.distance, spaxels.points, radius, out)
    else:
        _areas(spaxels.distance, spaxels.x, spaxels.y, radius, out)
    return out


@njit(cache=True, nogil=True)
def _count_points(distance, points, radius, out):
    n = points.shape[1]
    for k in range(distance.size):
        inside = 0  # near the number for the circle before
        for q in range(radius.size):
            r = radius[q]
            if distance[k] >= r + _REACH:
                out[q, k] = 0.0
            elif distance[k] < r - _REACH:
                out[q, k] = 1.0
            else:
                while inside < n and points[k, inside] < r * r:
                    inside += 1
                while inside > 0 and points[k, inside - 1] >= r * r:
                    inside -= 1
                out[q, k] = inside / n


@njit(cache=True, nogil=True)
def _areas(distance, x, y, radius, out):
    for q in range(radius.size):
        r = radius[q]
        for k in range(distance.size):
            if distance[k] >= r + _REACH:
                out[q, k] = 0.0
            elif distance[k] < r - _REACH:
                out[q, k] = 1.0
            else:
                a, b, c, d = x[k] - 0.5, y[k] - 0.5, x[k] + 0.5, y[k] + 0.5
                area = _below_edge(a, b, c, b, r) + _below_edge(c, b, c, d, r)
                out[q, k] = area + _below_edge(c, d, a, d, r) + _below_edge(a, d, a, b, r)


@njit(cache=True, nogil=True)
def _below_edge(x1, y1, x2, y2, radius):
    """Return the signed area between the circle's centre and an edge, no farther out than the circle."""
    dx, dy = x2 - x1, y2 - y1
    length2 = dx * dx + dy * dy
    along = -(x1 * dx + y1 * dy) / length2
    offset = x1 * dy - y1 * dx
    inside = radius * radius * length2 - offset * offset
    if inside <= 0.0:
        return _sector(x1, y1, x2, y2, radius)
    half = math.sqrt(inside) / length2
    low, high = max(along - half, 0.0), min(along + half, 1.0)
    if low >= high:
        return _sector(x1, y1, x2, y2, radius)
    xa, ya, xb, yb = x1 + low * dx, y1 + low * dy, x1 + high * dx, y1 + high * dy
    area = 0.5 * (xa * yb - xb * ya)
    if low > 0.0:
        area += _sector(x1, y1, xa, ya, radius)
    if high < 1.0:
        area += _sector(xb, yb, x2, y2, radius)
    return area


@njit(cache=True, nogil=True)
def _sector(x1, y1, x2, y2, radius):
    angle = math.atan2(x1 * y2 - x2 * y1, x1 * x2 + y1 * y2)
    return 0.5 * radius * radius * angle
