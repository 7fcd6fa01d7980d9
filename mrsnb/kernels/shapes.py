"""How much of each spaxel lies in a shape: exact areas of circles, ellipses and polygons."""

import math

import numpy as np

from mrsnb.kernels.aperture import _below_edge
from mrsnb.kernels.coverage import _add_edge
from mrsnb.kernels.jit import njit


@njit(cache=True, nogil=True)
def add_ellipse(out, x, y, a, b, angle, factor):
    """Add `factor` x the share of each spaxel in an ellipse.

    The ellipse is made the unit circle, spaxels become parallelograms, and the area follows edge by edge.

    Parameters
    ----------
    out : ndarray, shape (n_y, n_x)
        Changed in place.
    x, y, a, b : float
        Centre and semi-axes, spaxels.
    angle : float
        From the x axis to `a`, counter-clockwise, radian.
    factor : float
    """
    c, s = math.cos(angle), math.sin(angle)
    half_x, half_y = math.hypot(a * c, b * s) + 1.0, math.hypot(a * s, b * c) + 1.0
    n_y, n_x = out.shape
    us, vs = np.empty(4), np.empty(4)
    for j in range(max(0, math.floor(y - half_y)), min(n_y, math.ceil(y + half_y) + 1)):
        for i in range(max(0, math.floor(x - half_x)), min(n_x, math.ceil(x + half_x) + 1)):
            for k in range(4):
                dx = i - x + (0.5 if k in (1, 2) else -0.5)
                dy = j - y + (0.5 if k in (2, 3) else -0.5)
                us[k] = (c * dx + s * dy) / a
                vs[k] = (c * dy - s * dx) / b
            area = 0.0
            for k in range(4):
                m = (k + 1) % 4
                area += _below_edge(us[k], vs[k], us[m], vs[m], 1.0)
            out[j, i] += factor * area * a * b


@njit(cache=True, nogil=True)
def add_polygon(out, xs, ys, factor):
    """Add `factor` x the share of each spaxel in a polygon that does not cross itself.

    Parameters
    ----------
    out : ndarray, shape (n_y, n_x)
        Changed in place.
    xs, ys : ndarray, shape (n,)
        Corners in order, either sense, spaxels.
    factor : float
    """
    n_y, n_x = out.shape
    i0, j0 = math.floor(xs.min() + 0.5), math.floor(ys.min() + 0.5)
    rows = int(math.floor(ys.max() + 0.5) - j0) + 1
    columns = int(math.floor(xs.max() + 0.5) - i0) + 1
    width = columns + 2
    window = np.zeros(rows * width + 1)
    for k in range(xs.size):
        m = (k + 1) % xs.size
        _add_edge(window, width, xs[k] + 0.5 - i0, ys[k] + 0.5 - j0, xs[m] + 0.5 - i0, ys[m] + 0.5 - j0)
    for j in range(max(0, -j0), min(rows, n_y - j0)):
        total = 0.0
        for i in range(columns):
            total += window[j * width + i]
            if 0 <= i0 + i < n_x:
                out[int(j0) + j, int(i0) + i] += factor * abs(total)
