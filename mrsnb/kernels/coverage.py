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
    slope = (u2 - u1) / (v2 - v1)
    row = int(v1)
    v = v1
    u = u1
    while v < v2:
        v_next = min(float(row + 1), v2)
        u_next = u2 if v_next == v2 else u1 + slope * (v_next - v1)
        _add_piece(cells[row], u, u_next, sign * (v_next - v))
        row += 1
        v = v_next
        u = u_next


@njit(cache=True, nogil=True, inline="always")
def _add_piece(cells, u1, u2, dv):
    """Add a piece of an edge within one row, from column position `u1` to `u2`, that climbs by `dv`."""
    low, high = min(u1, u2), max(u1, u2)
    first, last = int(low), int(high)
    if first == last:
        t = 0.5 * (low + high) - first
        cells[first] += dv * (1.0 - t)
        cells[first + 1] += dv * t
        return
    rate = dv / (high - low)
    for i in range(first, last + 1):
        a = max(low, float(i))
        b = min(high, float(i + 1))
        part = rate * (b - a)
        t = 0.5 * (a + b) - i
        cells[i] += part * (1.0 - t)
        cells[i + 1] += part * t


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
    u_low, v_low = math.floor(us.min()), math.floor(vs.min())
    rows, columns = int(math.floor(vs.max()) - v_low) + 1, int(math.floor(us.max()) - u_low) + 1
    if u_low >= n_x or v_low >= n_y or u_low + columns <= 0 or v_low + rows <= 0:
        return 0
    if rows > window.shape[0] or columns + 2 > window.shape[1]:
        return -1
    for k in range(4):
        m = (k + 1) % 4
        _add_edge(window, us[k] - u_low, vs[k] - v_low, us[m] - u_low, vs[m] - v_low)
    n = 0
    i0, j0 = int(u_low), int(v_low)
    for j in range(rows):
        total = 0.0
        for i in range(columns + 2):
            total += window[j, i]
            window[j, i] = 0.0
            x, y = i0 + i, j0 + j
            if abs(total) > LEAST_SHARE and 0 <= x < n_x and 0 <= y < n_y:
                spaxel[n] = y * n_x + x
                share[n] = abs(total)
                n += 1
    return n
