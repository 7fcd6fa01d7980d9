"""The tangent plane of a cube: sky to (xi, eta), with xi growing toward the west."""

import math

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.tangent import ARCSEC


def tangent_matrix(ra: float, dec: float, rotation: float = 0.0) -> NDArray[np.float64]:
    """Return the matrix from equatorial unit vectors to (west, north, toward the tangent point).

    Parameters
    ----------
    ra, dec : float
        Tangent point, deg.
    rotation : float
        Turn of the plane's axes, deg east of north.

    Returns
    -------
    ndarray, shape (3, 3)
    """
    a, d, r = (math.radians(angle) for angle in (ra, dec, rotation))
    west = np.array([math.sin(a), -math.cos(a), 0.0])
    north = np.array([-math.sin(d) * math.cos(a), -math.sin(d) * math.sin(a), math.cos(d)])
    depth = np.array([math.cos(d) * math.cos(a), math.cos(d) * math.sin(a), math.sin(d)])
    return np.array([west * math.cos(r) + north * math.sin(r), north * math.cos(r) - west * math.sin(r), depth])


def to_sky(vectors: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (ra, dec) in deg of equatorial vectors of shape (..., 3); ra in [0, 360)."""
    x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
    ra = np.rad2deg(np.arctan2(y, x))
    dec = np.rad2deg(np.arctan2(z, np.hypot(x, y)))
    return np.mod(ra, 360.0), dec


def focal_plane_to_sky(
    v2: NDArray[np.float64], v3: NDArray[np.float64], matrix: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (ra, dec) in deg of (v2, v3) in arcsec, in the order of operations of gwcs, so equal to the last bit."""
    lon, lat = np.deg2rad(v2 * (1 / 3600)), np.deg2rad(v3 * (1 / 3600))
    c = np.cos(lat)
    return to_sky((matrix @ np.array([c * np.cos(lon), c * np.sin(lon), np.sin(lat)])).T)


def to_plane(
    ra: NDArray[np.float64], dec: NDArray[np.float64], ra0: float, dec0: float, rotation: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return tangent-plane positions of sky positions (gnomonic projection).

    Parameters
    ----------
    ra, dec : ndarray
        deg, any shape.
    ra0, dec0 : float
        Tangent point, deg.
    rotation : float
        Turn of the plane's axes, deg east of north.

    Returns
    -------
    xi, eta : ndarray
        arcsec; xi toward the west.

    References
    ----------
    Calabretta & Greisen 2002, A&A 395, 1077, section 5.1.3.
    """
    degree = math.pi / 180.0
    a, d, a0, d0 = ra * degree, dec * degree, ra0 * degree, dec0 * degree
    sin_d, cos_d, cos_a = np.sin(d), np.cos(d), np.cos(a - a0)
    depth = sin_d * math.sin(d0) + cos_d * math.cos(d0) * cos_a
    west = -(cos_d * np.sin(a - a0) / depth) * ARCSEC
    north = (sin_d * math.cos(d0) - cos_d * math.sin(d0) * cos_a) / depth * ARCSEC
    if rotation == 0.0:
        return west, north
    cos_r, sin_r = math.cos(rotation * degree), math.sin(rotation * degree)
    return west * cos_r + north * sin_r, north * cos_r - west * sin_r


def offset_by(
    ra: NDArray[np.float64], dec: NDArray[np.float64], east: float, north: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return sky positions in deg moved by offsets in arcsec along each position's own east and north.

    As ``astropy.coordinates.SkyCoord.spherical_offsets_by``.
    """
    a, d = np.radians(ra), np.radians(dec)
    lon, lat = east / ARCSEC, north / ARCSEC
    depth, right, up = math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)
    toward_axis = depth * np.cos(d) - up * np.sin(d)
    new_dec = np.arcsin(depth * np.sin(d) + up * np.cos(d))
    new_ra = a + np.arctan2(right, toward_axis)
    return np.degrees(new_ra) % 360.0, np.degrees(new_dec)


def separation(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances between sky positions, shape (n, 2) in deg; shape (n, n), arcsec."""
    a, d = np.radians(places).T
    vectors = np.stack([np.cos(d) * np.cos(a), np.cos(d) * np.sin(a), np.sin(d)], axis=1)
    chord = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    return np.asarray(2.0 * np.arcsin(np.clip(chord / 2.0, 0.0, 1.0)) * ARCSEC)


def from_plane(
    xi: NDArray[np.float64], eta: NDArray[np.float64], ra0: float, dec0: float, rotation: float = 0.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (ra, dec) in deg of tangent-plane positions in arcsec: the inverse of `to_plane`."""
    plane = np.stack([np.asarray(xi) / ARCSEC, np.asarray(eta) / ARCSEC, np.ones_like(xi, dtype=float)], axis=-1)
    return to_sky(plane @ tangent_matrix(ra0, dec0, rotation))
