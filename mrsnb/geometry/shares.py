"""How much of each spaxel an aperture covers."""

import math

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cube import CubeGrid
from mrsnb.core.region import Shape, SkyAperture
from mrsnb.errors import InputError
from mrsnb.geometry.tangent import from_plane, separation, to_plane
from mrsnb.kernels.shapes import add_ellipse, add_polygon

Array = NDArray[np.float64]

_MOST_SPAXELS = 3000.0
"""Longest side of a region."""


def aperture_shares(grid: CubeGrid, aperture: SkyAperture) -> tuple[Array, Array]:
    """Return the share of each spaxel in an aperture, and in that of the background.

    Each has shape (n_y, n_x) and is on 0...1. Shares are exact areas. Shapes that overlap count once; excluded shapes
    are cut out of source and background.

    Parameters
    ----------
    grid : CubeGrid
    aperture : SkyAperture

    Raises
    ------
    InputError
        If a shape is absurdly large, or far from the grid.
    """
    shares = [np.zeros((grid.n_y, grid.n_x)) for _ in range(3)]
    for shape in aperture.shapes:
        _add(shares[2 if shape.excluded else 1 if shape.background else 0], shape, grid, aperture.source)
    source, background, excluded = (np.clip(share, 0.0, 1.0) for share in shares)
    return source * (1.0 - excluded), background * (1.0 - excluded)


def _add(out: Array, shape: Shape, grid: CubeGrid, source: str) -> None:
    points = np.array(shape.points)
    scale = 1.0
    if shape.on_sky:
        points = _near(points, grid, source)
        scale = 1.0 / grid.spaxel_size
    sizes = [size * scale for size in shape.sizes]
    angle = math.radians(shape.angle - (grid.rotation if shape.on_sky else 0.0))
    if shape.kind == "polygon":
        corners = points
    elif shape.kind == "box":
        half = 0.5 * np.array(sizes)
        right = np.array([math.cos(angle), math.sin(angle)]) * half[0]
        up = np.array([-math.sin(angle), math.cos(angle)]) * half[1]
        corners = points[0] + np.array([-right - up, right - up, right + up, up - right])
    else:
        corners = points + np.array([[-1.0], [1.0]]) * max(sizes)
    if np.ptp(corners, axis=0).max() > _MOST_SPAXELS:
        msg = f"{source}: {shape.text} is more than {_MOST_SPAXELS:.0f} spaxels long; are its units right?"
        raise InputError(msg)
    x, y = (float(v) for v in points[0])
    if shape.kind in ("polygon", "box"):
        add_polygon(out, np.ascontiguousarray(corners[:, 0]), np.ascontiguousarray(corners[:, 1]), 1.0)
        return
    pairs = {"circle": [sizes * 2], "annulus": [[s, s] for s in sizes], "ellipse": [sizes[:2], sizes[2:]]}[shape.kind]
    ring = [pair for pair in pairs if pair and pair[0] > 0]
    own = np.zeros_like(out)
    add_ellipse(own, x, y, *ring[-1], angle, 1.0)
    if len(ring) > 1:
        add_ellipse(own, x, y, *ring[0], angle, -1.0)
    out += np.clip(own, 0.0, 1.0)


def _near(points: Array, grid: CubeGrid, source: str) -> Array:
    apart = separation(np.vstack([points, [[grid.ra, grid.dec]]]))[-1].max()
    if apart > 3600.0:
        msg = f"{source}: the region is {apart / 3600.0:.1f} deg from the cube"
        raise InputError(msg)
    return sky_to_spaxels(points, grid)


def sky_to_spaxels(points: Array, grid: CubeGrid) -> Array:
    """Return (x, y), 0-based, of places (ra, dec) in deg; shape (n, 2)."""
    xi, eta = to_plane(points[:, 0], points[:, 1], grid.ra, grid.dec, grid.rotation)
    return np.stack([xi / grid.spaxel_size + grid.n_x // 2, eta / grid.spaxel_size + grid.n_y // 2], axis=1)


def spaxels_to_sky(points: Array, grid: CubeGrid) -> Array:
    """Return (ra, dec) in deg of places (x, y), 0-based; shape (n, 2)."""
    xi, eta = (points[:, 0] - grid.n_x // 2) * grid.spaxel_size, (points[:, 1] - grid.n_y // 2) * grid.spaxel_size
    return np.stack(from_plane(xi, eta, grid.ra, grid.dec, grid.rotation), axis=1)
