r"""The area that a convex quadrilateral shares with a square spaxel.

Sutherland & Hodgman (1974, CACM 17, 32): the polygon is clipped by one edge of the square after another; what is left
is their common area::

        +-------+                  left, right, bottom, top, in this order. A vertex on an edge counts as outside;
    +---|--.    |                  since the clipped vertex then falls on the same place, the area is the same.
    |   |###\   |
    '---|----'  |                  The shoelace sum is taken from the lower left corner of the clipped polygon, so
        +-------+                  that no digits are lost far from the origin.
"""

import numpy as np

from mrsnb.kernels.jit import njit

MAX_VERTICES = 12
"""A quadrilateral clipped by four edges has at most 8 vertices; room to spare for rounding."""


@njit(cache=True, nogil=True)
def _slope(x1, y1, x2, y2, single):
    """Return dy/dx, rounded to single precision where the observatory's package rounds it."""
    m = (y2 - y1) / (x2 - x1)
    return np.float64(np.float32(m)) if single else m


@njit(cache=True, nogil=True)
def _inverse_slope(x1, y1, x2, y2, single):
    """Return dx/dy, through the single-precision slope where the observatory's package has it so."""
    if single:
        if x2 == x1:
            return 0.0
        return np.float64(np.float32(1.0) / np.float32((y2 - y1) / (x2 - x1)))
    return (x2 - x1) / (y2 - y1)


@njit(cache=True, nogil=True)
def _clip(xs, ys, n, limit, vertical, keep_above, single, x_out, y_out):
    """Clip a polygon of `n` vertices by one edge of the spaxel; return the number of vertices left."""
    count = 0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        x1, y1, x2, y2 = xs[i], ys[i], xs[j], ys[j]
        if vertical:
            inside1 = x1 > limit if keep_above else x1 < limit
            inside2 = x2 > limit if keep_above else x2 < limit
        else:
            inside1 = y1 > limit if keep_above else y1 < limit
            inside2 = y2 > limit if keep_above else y2 < limit
        if inside1 != inside2:
            if vertical:
                x_out[count] = limit
                y_out[count] = y1 + _slope(x1, y1, x2, y2, single) * (limit - x1)
            else:
                x_out[count] = x1 + _inverse_slope(x1, y1, x2, y2, single) * (limit - y1)
                y_out[count] = limit
            count += 1
        if inside2:
            x_out[count] = x2
            y_out[count] = y2
            count += 1
    return count


@njit(cache=True, nogil=True)
def shared_area(xs, ys, box, single, xa, ya, xb, yb):
    """Return the area shared by a quadrilateral and an axis-aligned rectangle.

    Parameters
    ----------
    xs, ys : ndarray, shape (4,)
        Corners in order, either sense.
    box : tuple of four float
        Left, right, bottom and top of the rectangle.
    single : bool
        True for slopes in single precision, as in the observatory's package (errors of some 1e-7 of the area).
    xa, ya, xb, yb : ndarray, shape (MAX_VERTICES,)
        Scratch space.
    """
    left, right, bottom, top = box
    n = _clip(xs, ys, 4, left, True, True, single, xa, ya)
    n = _clip(xa, ya, n, right, True, False, single, xb, yb)
    n = _clip(xb, yb, n, bottom, False, True, single, xa, ya)
    n = _clip(xa, ya, n, top, False, False, single, xb, yb)
    if n < 3:
        return 0.0
    x0 = xb[0]
    y0 = yb[0]
    for i in range(1, n):
        x0 = min(x0, xb[i])
        y0 = min(y0, yb[i])
    total = 0.0
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        total += (xb[i] - x0) * (yb[j] - y0) - (xb[j] - x0) * (yb[i] - y0)
    return abs(0.5 * total)
