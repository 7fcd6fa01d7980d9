"""How much of each spaxel lies in a circle.

``center``: all or nothing, by the spaxel's middle. ``subpixel``: the fraction of a regular grid of points inside
the circle. ``exact``: the area, by Green's theorem along the spaxel's border::

      +-----+     inside the circle an edge adds the triangle it spans with the centre,
      |   _-|     outside it adds the sector of the circle below it
      |_-###|
      +-----+

All three give what photutils gives, the second to the last bit.
"""

import math

import numpy as np
from numba import njit

CENTER, SUBPIXEL, EXACT = 0, 1, 2
METHODS = {"center": CENTER, "subpixel": SUBPIXEL, "exact": EXACT}


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


@njit(cache=True, nogil=True, inline="always")
def _sector(x1, y1, x2, y2, radius):
    angle = math.atan2(x1 * y2 - x2 * y1, x1 * x2 + y1 * y2)
    return 0.5 * radius * radius * angle


@njit(cache=True, nogil=True)
def circle_share(x, y, radius, method, n):
    """Return the fraction of the unit square centred on `(x, y)` that lies in a circle about the origin.

    Parameters
    ----------
    x, y, radius : float
        In spaxels.
    method : int
        One of `METHODS`.
    n : int
        Points an axis, for ``subpixel``.
    """
    reach = 0.5 * math.sqrt(2.0)
    distance = math.sqrt(x * x + y * y)
    if distance >= radius + reach:
        return 0.0
    if distance < radius - reach:
        return 1.0
    if method == EXACT:
        a, b, c, d = x - 0.5, y - 0.5, x + 0.5, y + 0.5
        area = _below_edge(a, b, c, b, radius) + _below_edge(c, b, c, d, radius)
        return area + _below_edge(c, d, a, d, radius) + _below_edge(a, d, a, b, radius)
    if method == CENTER:
        n = 1
    step = ((x + 0.5) - (x - 0.5)) / n
    count = 0
    px = (x - 0.5) - 0.5 * step
    for _ in range(n):
        px += step
        py = (y - 0.5) - 0.5 * step
        for _ in range(n):
            py += step
            count += px * px + py * py < radius * radius
    return count / (n * n)


@njit(cache=True, nogil=True)
def fill_shares(out, x_centre, y_centre, radius, method, n):
    """Set `out` (shape (n_y, n_x)) to the share of each spaxel in a circle; centre and radius in spaxels."""
    out[:] = 0.0
    n_y, n_x = out.shape
    j1 = max(0, math.floor(y_centre - radius - 1.0))
    j2 = min(n_y, math.ceil(y_centre + radius + 2.0))
    i1 = max(0, math.floor(x_centre - radius - 1.0))
    i2 = min(n_x, math.ceil(x_centre + radius + 2.0))
    for j in range(j1, j2):
        for i in range(i1, i2):
            out[j, i] = circle_share(i - x_centre, j - y_centre, radius, method, n)


@njit(cache=True, nogil=True)
def clipped_limits(values, sigma, rounds):
    """Return the mean and standard deviation of `values` after clipping `sigma` deviations about the median.

    As ``astropy.stats.sigma_clipped_stats`` with its defaults and ``maxiters=rounds``, but a round that would leave
    nothing, as happens with a `sigma` of 1 or less, is not done.
    """
    kept = values.copy()
    n = kept.size
    for _ in range(rounds):
        middle = np.median(kept[:n])
        spread = kept[:n].std()
        low, high = middle - sigma * spread, middle + sigma * spread
        m = 0
        for i in range(n):
            if low <= kept[i] <= high:
                kept[m] = kept[i]
                m += 1
        if m in (0, n):
            break
        n = m
    return kept[:n].mean(), kept[:n].std()
