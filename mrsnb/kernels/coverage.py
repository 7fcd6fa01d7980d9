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

from numba import njit

LEAST_SHARE = 1e-12
"""Shares of a cell below this are rounding, not overlap."""


@njit(cache=True, nogil=True)
def _add_edge(cells, u1, v1, u2, v2):
    """Add one edge, in cell units from the window's corner, to the pending shares of a window."""
    if v1 == v2:
        return
    sign = 1.0
    if v1 > v2:
        u1, v1, u2, v2 = u2, v2, u1, v1
        sign = -1.0
    across = u2 - u1
    slope = across / (v2 - v1)
    rate = sign * abs((v2 - v1) / across) if across != 0.0 else 0.0
    row = int(v1)
    u, v = u1, v1
    while v < v2:
        v_next = float(row + 1)
        u_next = u1 + slope * (v_next - v1)
        if v_next >= v2:
            u_next, v_next = u2, v2
        _add_piece(cells, row, min(u, u_next), max(u, u_next), sign * (v_next - v), rate)
        row += 1
        u, v = u_next, v_next


@njit(cache=True, nogil=True)
def _add_piece(cells, row, low, high, dv, rate):
    """Add a piece of an edge within one row, from column `low` to `high`, that climbs by `dv`: by `rate` a column."""
    first, last = int(low), int(high)
    if first == last:
        t = 0.5 * (low + high) - first
        cells[row, first] += dv * (1.0 - t)
        cells[row, first + 1] += dv * t
        return
    a = low
    for i in range(first, last + 1):
        b = min(high, float(i + 1))
        part = rate * (b - a)
        t = 0.5 * (a + b) - i
        cells[row, i] += part * (1.0 - t)
        cells[row, i + 1] += part * t
        a = b


@njit(cache=True, nogil=True)
def extent_of(values):
    """Return the least and the largest of four values."""
    a, b, c, d = values[0], values[1], values[2], values[3]
    return min(a, b, c, d), max(a, b, c, d)


@njit(cache=True, nogil=True)
def cover(us, vs, n_x, n_y, spaxel, share, window):
    """List the cells that a quadrilateral covers, with their shares.

    Parameters
    ----------
    us, vs : ndarray, shape (4,)
        Corners in order, either sense, in cells: cell (i, j) is ``i <= u < i + 1, j <= v < j + 1``.
    n_x, n_y : int
        Size of the grid; what lies outside is left out.
    spaxel : ndarray of int32, shape (n_x * n_y,)
        Receives the flat indices ``j * n_x + i``.
    share : ndarray, shape (n_x * n_y,)
        Receives the fractions of a cell.
    window : ndarray, shape (>= rows, >= columns + 2)
        Scratch space, zero before and after.

    Returns
    -------
    int
        Number of cells listed; -1 if the window is too small.
    """
    (u_low, u_high), (v_low, v_high) = extent_of(us), extent_of(vs)
    i0, j0 = math.floor(u_low), math.floor(v_low)
    columns, rows = math.floor(u_high) - i0 + 1, math.floor(v_high) - j0 + 1
    if i0 >= n_x or j0 >= n_y or i0 + columns <= 0 or j0 + rows <= 0:
        return 0
    if rows > window.shape[0] or columns + 2 > window.shape[1]:
        return -1
    u, v = us[3] - i0, vs[3] - j0
    for k in range(4):
        u_next, v_next = us[k] - i0, vs[k] - j0
        _add_edge(window, u, v, u_next, v_next)
        u, v = u_next, v_next
    n = 0
    for j in range(rows):
        total = 0.0
        in_grid = 0 <= j0 + j < n_y
        for i in range(columns + 2):
            total += window[j, i]
            window[j, i] = 0.0
            if abs(total) > LEAST_SHARE and in_grid and 0 <= i0 + i < n_x:
                spaxel[n] = (j0 + j) * n_x + i0 + i
                share[n] = abs(total)
                n += 1
    return n
