"""From a cube's sums to flux, error, weight and data quality."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit

HOLE = 1
"""DQ of a voxel inside the field of view that no pixel fed."""
OUTSIDE = 513
"""DQ of a voxel outside the field of view."""


class Product(NamedTuple):
    """The four arrays of a cube, or of a group of its planes; shape (n_wave, n_y, n_x)."""

    flux: NDArray[np.float32]
    """NaN where nothing was deposited."""
    err: NDArray[np.float32]
    """NaN where nothing was deposited."""
    dq: NDArray[np.uint32]
    weight: NDArray[np.float32]
    """Number of pixels that fed the voxel."""

    @classmethod
    def empty(cls, shape: tuple[int, int, int]) -> "Product":
        """Return arrays to be filled."""
        flux, err, weight = (np.empty(shape, np.float32) for _ in range(3))
        return cls(flux, err, np.empty(shape, np.uint32), weight)

    def planes(self, begin: int, end: int) -> "Product":
        """Return a group of planes."""
        part = slice(begin, end)
        return Product(self.flux[part], self.err[part], self.dq[part], self.weight[part])


@njit(cache=True, nogil=True)
def normalize(sums, in_field, out):
    """Fill the planes of a cube.

    A voxel that no pixel fed is a hole if it lies in the field of view, inside the cube, and with no neighbour in its
    plane that is outside the field; else it is outside. Pixels whose weights sum to 0 feed nothing.

    Parameters
    ----------
    sums : ndarray, shape (n_wave, n_y * n_x, 4)
        As `mrsnb.kernels.drizzle.deposit` leaves them.
    in_field : ndarray of bool, shape (n_wave, n_y * n_x), or (0, 0)
        True inside the field of view of any exposure; an empty array marks no holes.
    out : Product
        Changed in place.

    Returns
    -------
    good, holes : ndarray of int64, shape (n_wave,)
        How many voxels of each plane have DQ 0, and how many are holes.
    """
    flux, err, dq, weight = out
    n_wave, n_y, n_x = flux.shape
    good, holes = np.zeros(n_wave, np.int64), np.zeros(n_wave, np.int64)
    flag_holes = in_field.size > 0
    for k in range(n_wave):
        for j in range(n_y):
            for i in range(n_x):
                s = j * n_x + i
                total = sums[k, s, 1]
                if total > 0:
                    flux[k, j, i] = sums[k, s, 0] / total
                    err[k, j, i] = math.sqrt(sums[k, s, 2]) / total
                    dq[k, j, i] = 0
                    weight[k, j, i] = sums[k, s, 3]
                    good[k] += 1
                    continue
                flux[k, j, i] = np.nan
                err[k, j, i] = np.nan
                weight[k, j, i] = 0
                is_hole = flag_holes and in_field[k, s] and _is_hole(sums[k], in_field[k], j, i, n_y, n_x)
                dq[k, j, i] = HOLE if is_hole else OUTSIDE
                holes[k] += is_hole
    return good, holes


@njit(cache=True, nogil=True)
def _is_hole(sums, in_field, j, i, n_y, n_x):
    if j in (0, n_y - 1) or i in (0, n_x - 1):
        return False
    for near in ((j - 1) * n_x + i, (j + 1) * n_x + i, j * n_x + i - 1, j * n_x + i + 1):
        if sums[near, 1] <= 0 and not in_field[near]:
            return False
    return True


def torn_planes(good: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return the planes that the slices' different wavelength limits leave half empty.

    A plane is torn if it has good voxels, but fewer than three quarters of what the poorest 3 % of the planes with
    any good voxel have (the rule of the observatory's cube_build for the MRS).

    Parameters
    ----------
    good : ndarray of int, shape (n_wave,)
        How many voxels of each plane have DQ 0.

    Returns
    -------
    ndarray of bool, shape (n_wave,)
    """
    if not good.any():
        return np.zeros(len(good), np.bool_)
    least = np.percentile(good[good > 0], 3)
    torn: NDArray[np.bool_] = (good > 0) & (good < 0.75 * least)
    return torn
