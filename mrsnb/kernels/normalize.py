"""From a cube's sums to flux, error, weight and data quality."""

import numpy as np
from numba import njit, prange

HOLE = 1
"""DQ of a voxel inside the field of view that no pixel fed."""
OUTSIDE = 513
"""DQ of a voxel outside the field of view."""


@njit(cache=True, nogil=True, parallel=True)
def normalize(sums, in_field, n_y, n_x):
    """Return the planes of a cube.

    A voxel that no pixel fed is a hole if it lies in the field of view, inside the cube, and with no neighbour in its
    plane that is outside the field; else it is outside.

    Parameters
    ----------
    sums : ndarray, shape (n_wave, n_y * n_x, 4)
        As `mrsnb.kernels.drizzle.deposit` leaves them.
    in_field : ndarray of bool, shape (n_wave, n_y * n_x), or (0, 0)
        True inside the field of view of any exposure; an empty array marks no holes.
    n_y, n_x : int

    Returns
    -------
    flux, err : ndarray of float32, shape (n_wave, n_y, n_x)
        NaN where nothing was deposited.
    dq : ndarray of uint32, shape (n_wave, n_y, n_x)
    weight : ndarray of float32, shape (n_wave, n_y, n_x)
        Number of pixels that fed the voxel.
    """
    n_wave = sums.shape[0]
    flux = np.full((n_wave, n_y, n_x), np.nan, np.float32)
    err = np.full((n_wave, n_y, n_x), np.nan, np.float32)
    dq = np.zeros((n_wave, n_y, n_x), np.uint32)
    weight = np.zeros((n_wave, n_y, n_x), np.float32)
    flag_holes = in_field.size > 0
    for k in prange(n_wave):
        for j in range(n_y):
            for i in range(n_x):
                s = sums[k, j * n_x + i]
                if s[3] > 0:
                    flux[k, j, i] = s[0] / s[1]
                    err[k, j, i] = np.sqrt(s[2] / (s[1] * s[1]))
                    weight[k, j, i] = s[3]
                elif flag_holes and _is_hole(sums[k], in_field[k], j, i, n_y, n_x):
                    dq[k, j, i] = HOLE
                else:
                    dq[k, j, i] = OUTSIDE
    return flux, err, dq, weight


@njit(cache=True, nogil=True)
def _is_hole(sums, in_field, j, i, n_y, n_x):
    if not in_field[j * n_x + i] or j in (0, n_y - 1) or i in (0, n_x - 1):
        return False
    for near in ((j - 1) * n_x + i, (j + 1) * n_x + i, j * n_x + i - 1, j * n_x + i + 1):
        if sums[near, 3] == 0 and not in_field[near]:
            return False
    return True


def torn_planes(dq: np.ndarray) -> np.ndarray:
    """Return the planes that the slices' different wavelength limits leave half empty.

    A plane is torn if it has good voxels, but fewer than three quarters of what the poorest 3 % of the planes with
    any good voxel have (the rule of the observatory's cube_build for the MRS).

    Parameters
    ----------
    dq : ndarray of uint32, shape (n_wave, n_y, n_x)

    Returns
    -------
    ndarray of bool, shape (n_wave,)
    """
    good = np.count_nonzero(dq == 0, axis=(1, 2))
    if not good.any():
        return np.zeros(len(dq), bool)
    least = np.percentile(good[good > 0], 3)
    torn: np.ndarray = (good > 0) & (good < 0.75 * least)
    return torn
