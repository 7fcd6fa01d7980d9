"""Which voxels lie in the field of view of an exposure."""

import math

import numpy as np

from mrsnb.kernels.drizzle import first_plane_above
from mrsnb.kernels.jit import njit


def field_corners(samples, start, low, high, xi, eta, planes):
    """Return the corners of the field of view in every plane, from the two outermost slices.

    Parameters
    ----------
    samples : Samples
        All pixels of the channel, good or bad.
    start : ndarray of int64, shape (n_slice + 1,)
    low, high : int
        The slices with the smallest and the largest beta.
    xi, eta : ndarray, shape (n, 4), arcsec
        Corners of the pixels of slice `low`, then of `high`, as `mrsnb.kernels.tangent.corners_of` orders them.
    planes : Planes

    Returns
    -------
    ndarray, shape (n_wave, 4, 2), arcsec
        In order around the field; NaN in planes that one of the two slices does not reach.
    """
    out = np.full((planes.wave.size, 4, 2), np.nan)
    _fill_corners(samples, start, low, high, (xi, eta), planes, np.empty((planes.wave.size, 2)), out)
    return out


@njit(cache=True, nogil=True)
def _fill_corners(samples, start, low, high, corners, planes, extremes, out):
    alpha, wave, width = samples.alpha, samples.wave, samples.width
    plane_wave, plane_step = planes.wave, planes.step
    n_wave = plane_wave.size
    xi, eta = corners
    for side in range(2):
        s = low if side == 0 else high
        before = start[low] if side == 0 else start[high] - (start[low + 1] - start[low])
        for k in range(n_wave):
            extremes[k, 0], extremes[k, 1] = np.inf, -np.inf
        for p in range(start[s], start[s + 1]):
            a1 = alpha[p, 1]
            a2 = alpha[p, 2]
            if not math.isfinite(wave[p]):
                continue
            k = first_plane_above(plane_wave, plane_step, wave[p] - width[p] / 2)
            while k < n_wave and plane_wave[k] - plane_step[k] / 2 < wave[p] + width[p] / 2:
                for edge in range(2):
                    a = a1 if edge == 0 else a2
                    # corners 0, 3 lie on the lower side of the slice, 1, 2 on the upper side
                    corner = (0 if side == 0 else 1) if edge == 0 else (3 if side == 0 else 2)
                    if a < extremes[k, 0]:
                        extremes[k, 0] = a
                        place = 0 if side == 0 else 3
                        out[k, place, 0], out[k, place, 1] = xi[p - before, corner], eta[p - before, corner]
                    if a > extremes[k, 1]:
                        extremes[k, 1] = a
                        place = 1 if side == 0 else 2
                        out[k, place, 0], out[k, place, 1] = xi[p - before, corner], eta[p - before, corner]
                k += 1


@njit(cache=True, nogil=True)
def mark_field(corners, planes, in_field):
    """Mark the spaxels whose centres lie within the corners of the field.

    Parameters
    ----------
    corners : ndarray, shape (n, 4, 2), arcsec
        From `field_corners`, of some planes.
    planes : Planes
    in_field : ndarray of bool, shape (n, n_y * n_x)
        Set to True in place.
    """
    x, y = planes.x, planes.y
    n_x = x.size
    for k in range(corners.shape[0]):
        c = corners[k]
        if not _is_finite(c):
            continue
        for j in range(y.size):
            for i in range(n_x):
                left = 0
                right = 0
                for a in range(4):
                    b = (a + 1) % 4
                    side = (c[b, 0] - c[a, 0]) * (y[j] - c[a, 1]) - (c[b, 1] - c[a, 1]) * (x[i] - c[a, 0])
                    left += side > 0
                    right += side < 0
                if left == 4 or right == 4:
                    in_field[k, j * n_x + i] = True


@njit(cache=True, nogil=True)
def _is_finite(corners):
    total = 0.0
    for a in range(4):
        total += corners[a, 0] + corners[a, 1]
    return math.isfinite(total)
