"""The areas that a polygon shares with the cells of a grid, all of them in one walk along its border.

Each edge is cut where it crosses a cell border. A piece that climbs by ``dv`` at a mean distance ``t`` from its
cell's left side bounds, to its right, the area ``dv * (1 - t)`` of its own cell and ``dv`` of each further cell of the
row::

      |    /|     |            own cell:  dv (1 - t)
      |   /#|#####|##          the next:  dv t more, and from there on dv, by a running sum along the row
      |  /##|#####|##

Summed with sign around the border, what is left is the polygon's share of every cell. (The exact-area rasterisation
of font renderers, e.g. Levien 2016, "Inside the fastest font renderer in the world".)
"""

import math

import numpy as np

from mrsnb.kernels.jit import njit

FARTHEST = 1e9
"""Cells from the grid's corner: what is farther off, or nowhere (NaN), is left out; no array has a place for it."""

LEAST_SHARE = 1e-12
"""Shares of a cell below this are rounding, not overlap."""


@njit(cache=True, nogil=True)
def _add_edge(cells, width, u1, v1, u2, v2):
    """Add one edge, in cell units from the window's corner, to the pending shares of a window."""
    if v1 == v2:
        return
    sign = 1.0
    if v1 > v2:
        u1, v1, u2, v2 = u2, v2, u1, v1
        sign = -1.0
    across, climb = u2 - u1, v2 - v1
    slope = across / climb
    rate = sign * abs(climb / across) if across != 0.0 else 0.0  # what it climbs in one column
    u, v, row = u1, v1, int(v1)
    is_last = False
    while not is_last:
        v_next = float(row + 1)
        is_last = v_next >= v2
        if is_last:
            u_next, v_next = u2, v2
        else:
            u_next = u1 + slope * (v_next - v1)
        low, high = (u, u_next) if u < u_next else (u_next, u)
        i, last, climbed = int(low), int(high), sign * (v_next - v)
        place = np.uint64(row * width + i)  # unsigned, so that no index is looked at for being negative
        if i == last:
            t = 0.5 * (low + high) - i
            cells[place] += climbed * (1.0 - t)
            cells[place + np.uint64(1)] += climbed * t
        else:
            a = low
            while i <= last:
                b = min(high, float(i + 1))
                part = rate * (b - a)
                t = 0.5 * (a + b) - i
                cells[place] += part * (1.0 - t)
                cells[place + np.uint64(1)] += part * t
                a, i, place = b, i + 1, place + np.uint64(1)
        u, v, row = u_next, v_next, row + 1


@njit(cache=True, nogil=True)
def extent_of(values):
    """Return the least and the largest of four values."""
    a, b, c, d = values[0], values[1], values[2], values[3]
    return min(min(a, b), min(c, d)), max(max(a, b), max(c, d))  # noqa: PLW3301 -- several times as fast


@njit(cache=True, nogil=True)
def cover(us, vs, n_x, n_y, spaxel, share, cells, width):
    """List the cells that a quadrilateral covers, with their shares.

    Parameters
    ----------
    us, vs : tuple of four float
        Corners in order, either sense, in cells: cell (i, j) is ``i <= u < i + 1, j <= v < j + 1``.
    n_x, n_y : int
        Size of the grid; what lies outside is left out.
    spaxel : ndarray of int32, shape (n_x * n_y,)
        Receives the flat indices ``j * n_x + i``.
    share : ndarray, shape (n_x * n_y,)
        Receives the fractions of a cell.
    cells : ndarray, shape (n * width,)
        Scratch space, zero before and after: rows of `width` cells, two more than the quadrilateral has.

    Returns
    -------
    int
        Number of cells listed; -1 if the scratch space is too small.
    """
    far = abs(us[0]) + abs(us[1]) + abs(us[2]) + abs(us[3]) + abs(vs[0]) + abs(vs[1]) + abs(vs[2]) + abs(vs[3])
    if not far < FARTHEST:  # NaN is not
        return 0
    (u_low, u_high), (v_low, v_high) = extent_of(us), extent_of(vs)
    i0, j0 = math.floor(u_low), math.floor(v_low)
    columns, rows = math.floor(u_high) - i0 + 1, math.floor(v_high) - j0 + 1
    if i0 >= n_x or j0 >= n_y or i0 + columns <= 0 or j0 + rows <= 0:
        return 0
    if columns + 2 > width or rows * width > cells.size:
        return -1
    u0, u1, u2, u3 = us[0] - i0, us[1] - i0, us[2] - i0, us[3] - i0
    v0, v1, v2, v3 = vs[0] - j0, vs[1] - j0, vs[2] - j0, vs[3] - j0
    _add_edge(cells, width, u3, v3, u0, v0)
    _add_edge(cells, width, u0, v0, u1, v1)
    _add_edge(cells, width, u1, v1, u2, v2)
    _add_edge(cells, width, u2, v2, u3, v3)
    is_inside = i0 >= 0 and j0 >= 0 and i0 + columns + 2 <= n_x and j0 + rows <= n_y
    n = 0
    for j in range(rows):
        total = 0.0
        in_grid = 0 <= j0 + j < n_y
        for i in range(columns + 2):
            place = np.uint64(j * width + i)
            total += cells[place]
            cells[place] = 0.0
            if abs(total) > LEAST_SHARE and (is_inside or (in_grid and 0 <= i0 + i < n_x)):
                spaxel[np.uint64(n)] = (j0 + j) * n_x + i0 + i
                share[np.uint64(n)] = abs(total)
                n += 1
    return n
