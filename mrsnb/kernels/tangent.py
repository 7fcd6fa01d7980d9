"""From the image slicer to a tangent plane on the sky, without a detour through right ascension and declination.

``(alpha, beta) -> (v2, v3)`` is a pair of polynomials; ``(v2, v3)`` as a unit vector, turned by one matrix, has the
components (west, north, toward the tangent point); the gnomonic projection divides the first two by the third
(Calabretta & Greisen 2002, A&A 395, 1077, section 5.1.3).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit

ARCSEC = 180.0 * 3600.0 / math.pi
"""Arcseconds in a radian."""


class Telescope(NamedTuple):
    """From a channel's (alpha, beta) to directions; ``m`` coefficients an axis."""

    v2: NDArray[np.float64]
    """Coefficients of v2, shape (m, m): power of alpha, then of beta; arcsec."""
    v3: NDArray[np.float64]
    """Coefficients of v3, shape (m, m); arcsec."""
    aberration: NDArray[np.float64]
    """Velocity aberration: scale of v2 and v3, then shift of v2 and v3 in arcsec; shape (4,)."""
    matrix: NDArray[np.float64]
    """Turns a direction in the telescope's frame to the wanted frame, shape (3, 3)."""


N_NODES = 9
"""Nodes (of Chebyshev) at which the projection of a slice's side is worked out."""
_NODES = np.cos(np.pi * (np.arange(N_NODES) + 0.5) / N_NODES)
_FROM_NODES = np.linalg.inv(np.vander(_NODES, increasing=True))

_SMALL = 0.02
"""Angles (radian) up to which the sine's series to the ninth power is exact in double precision."""


@njit(cache=True, nogil=True)
def _sine_cosine(angle):
    """Return sine and cosine, by their series for small angles such as those of the telescope's focal plane."""
    if abs(angle) > _SMALL:
        return math.sin(angle), math.cos(angle)
    q = angle * angle
    sine = angle * (1.0 - q / 6.0 * (1.0 - q / 20.0 * (1.0 - q / 42.0 * (1.0 - q / 72.0))))
    cosine = 1.0 - q / 2.0 * (1.0 - q / 12.0 * (1.0 - q / 30.0 * (1.0 - q / 56.0 * (1.0 - q / 90.0))))
    return sine, cosine


@njit(cache=True, nogil=True)
def _in_alpha(coefficients, beta, out):
    """Collapse a polynomial in (alpha, beta) to one in alpha."""
    m = coefficients.shape[0]
    for i in range(m):
        total = 0.0
        for j in range(m - 1, -1, -1):
            total = total * beta + coefficients[i, j]
        out[i] = total


@njit(cache=True, nogil=True)
def _direction(v2_row, v3_row, alpha, telescope):
    """Return the turned unit vector of the place `alpha` on a line of constant beta."""
    v2 = 0.0
    v3 = 0.0
    for i in range(v2_row.size - 1, -1, -1):
        v2 = v2 * alpha + v2_row[i]
        v3 = v3 * alpha + v3_row[i]
    a = telescope.aberration
    sin_lon, cos_lon = _sine_cosine((a[0] * v2 + a[2]) / ARCSEC)
    z, cos_lat = _sine_cosine((a[1] * v3 + a[3]) / ARCSEC)
    x = cos_lat * cos_lon
    y = cos_lat * sin_lon
    m = telescope.matrix
    return (
        m[0, 0] * x + m[0, 1] * y + m[0, 2] * z,
        m[1, 0] * x + m[1, 1] * y + m[1, 2] * z,
        m[2, 0] * x + m[2, 1] * y + m[2, 2] * z,
    )


@njit(cache=True, nogil=True)
def _plane_polynomials(v2_row, v3_row, middle, half, telescope, out):
    """Set `out` (shape (2, N_NODES)) to the polynomials of (xi, eta) in ``(alpha - middle) / half``."""
    xi = np.empty(N_NODES)
    eta = np.empty(N_NODES)
    for n in range(N_NODES):
        west, north, depth = _direction(v2_row, v3_row, middle + half * _NODES[n], telescope)
        xi[n] = west / depth * ARCSEC
        eta[n] = north / depth * ARCSEC
    for m in range(N_NODES):
        out[0, m] = 0.0
        out[1, m] = 0.0
        for n in range(N_NODES):
            out[0, m] += _FROM_NODES[m, n] * xi[n]
            out[1, m] += _FROM_NODES[m, n] * eta[n]


class SlicePlanes(NamedTuple):
    """The sides of the slices in a tangent plane: polynomials in ``(alpha - middle) / half``; ``n`` slices."""

    middle: NDArray[np.float64]
    """Shape (n,), arcsec."""
    half: NDArray[np.float64]
    """Shape (n,), arcsec."""
    sides: NDArray[np.float64]
    """Coefficients, shape (n, 2, 2, N_NODES): lower and upper side, xi and eta; arcsec."""


def slice_planes(samples, start, beta, half_width, telescope):
    """Return the sides of slices in a tangent plane.

    Along each side of a slice the place in the plane is a smooth function of alpha alone, so it is worked out at a few
    nodes and then interpolated, to 1e-11 arcsec.

    Parameters
    ----------
    samples : Samples
    start : ndarray of int64, shape (n_slice + 1,)
    beta : ndarray, shape (n_slice,), arcsec
    half_width : float
        arcsec
    telescope : Telescope
        Its matrix gives (west, north, toward the tangent point).
    """
    n = start.size - 1
    planes = SlicePlanes(np.empty(n), np.empty(n), np.empty((n, 2, 2, N_NODES)))
    _fill_slice_planes(samples.alpha, start, beta, half_width, telescope, planes)
    return planes


@njit(cache=True, nogil=True)
def _fill_slice_planes(alpha, start, beta, half_width, telescope, planes):
    k = telescope.v2.shape[0]
    v2_row = np.empty(k)
    v3_row = np.empty(k)
    for s in range(start.size - 1):
        low = np.inf
        high = -np.inf
        for p in range(start[s], start[s + 1]):
            low = min(low, alpha[p, 1], alpha[p, 2])
            high = max(high, alpha[p, 1], alpha[p, 2])
        planes.middle[s] = 0.5 * (low + high)
        planes.half[s] = max(0.5 * (high - low), 1e-6)
        for side in range(2):
            _in_alpha(telescope.v2, beta[s] + (2 * side - 1) * half_width, v2_row)
            _in_alpha(telescope.v3, beta[s] + (2 * side - 1) * half_width, v3_row)
            _plane_polynomials(v2_row, v3_row, planes.middle[s], planes.half[s], telescope, planes.sides[s, side])


def corners_of(which, samples, planes):
    """Return the corners of pixels in the tangent plane.

    They are ``(a1, b-h), (a1, b+h), (a2, b+h), (a2, b-h)`` with a1, a2 the pixel's edges in alpha, b its slice's beta,
    and h half a slice's width.

    Parameters
    ----------
    which : ndarray of int32, shape (n,)
        Places among the samples.
    samples : Samples
    planes : SlicePlanes

    Returns
    -------
    xi, eta : ndarray, shape (n, 4), arcsec
    """
    xi, eta = np.empty((which.size, 4)), np.empty((which.size, 4))
    _fill_corners(which, samples, planes, xi, eta)
    return xi, eta


@njit(cache=True, nogil=True)
def _fill_corners(which, samples, planes, xi, eta):
    alpha, slices = samples.alpha, samples.slice
    middle, half, sides = planes
    for q in range(which.size):
        p = which[q]
        s = slices[p]
        for edge in range(2):
            t = (alpha[p, edge + 1] - middle[s]) / half[s]
            x0, y0, x1, y1 = 0.0, 0.0, 0.0, 0.0
            for n in range(N_NODES - 1, -1, -1):
                x0 = x0 * t + sides[s, 0, 0, n]
                y0 = y0 * t + sides[s, 0, 1, n]
                x1 = x1 * t + sides[s, 1, 0, n]
                y1 = y1 * t + sides[s, 1, 1, n]
            lower, upper = (0, 1) if edge == 0 else (3, 2)
            xi[q, lower], eta[q, lower] = x0, y0
            xi[q, upper], eta[q, upper] = x1, y1


def centres_of(samples, planes):
    """Return the centres of pixels in the tangent plane.

    Parameters
    ----------
    samples : Samples
    planes : SlicePlanes
        Of half a width of 0: the middle of each slice.

    Returns
    -------
    xi, eta : ndarray, shape (m,), arcsec
    """
    xi, eta = np.empty(samples.slice.size), np.empty(samples.slice.size)
    _fill_centres(samples.alpha, samples.slice, planes, xi, eta)
    return xi, eta


@njit(cache=True, nogil=True)
def _fill_centres(alpha, slices, planes, xi, eta):
    middle, half, sides = planes
    for p in range(slices.size):
        s = slices[p]
        t = (alpha[p, 0] - middle[s]) / half[s]
        x, y = 0.0, 0.0
        for n in range(N_NODES - 1, -1, -1):
            x = x * t + sides[s, 0, 0, n]
            y = y * t + sides[s, 0, 1, n]
        xi[p], eta[p] = x, y


@njit(cache=True, nogil=True)
def focal_plane(alpha, slice_of, beta, telescope):
    """Return (v2, v3), corrected for aberration, of places on the slices.

    The polynomials are summed over powers of alpha first, then of beta, as astropy does, and so are equal to it to the
    last bit.

    Parameters
    ----------
    alpha : ndarray, shape (m,), arcsec
    slice_of : ndarray of int, shape (m,)
        Index of each place's slice in `beta`.
    beta : ndarray, shape (n_slice,), arcsec
    telescope : Telescope

    Returns
    -------
    v2, v3 : ndarray, shape (m,), arcsec
    """
    k = telescope.v2.shape[0]
    v2 = np.zeros(alpha.size)
    v3 = np.zeros(alpha.size)
    a = telescope.aberration
    for p in range(alpha.size):
        b = beta[slice_of[p]]
        for j in range(k - 1, -1, -1):
            inner2 = 0.0
            inner3 = 0.0
            for i in range(k - 1, -1, -1):
                inner2 = inner2 * alpha[p] + telescope.v2[i, j]
                inner3 = inner3 * alpha[p] + telescope.v3[i, j]
            v2[p] = v2[p] * b + inner2
            v3[p] = v3[p] * b + inner3
        v2[p] = a[0] * v2[p] + a[2]
        v3[p] = a[1] * v3[p] + a[3]
    return v2, v3
