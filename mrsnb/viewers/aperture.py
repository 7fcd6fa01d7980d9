"""Apertures that are drawn and dragged: outlines and handles of a shape, and the shape that a drag makes of it.

Places are offsets from the middle spaxel of a cube in arcsec: ``xi`` along its x axis, ``eta`` along its y axis::

          o      handle 2        o  the handles: 0 moves the shape, the others resize it,
        .---.                       or are the corners of a polygon
      (   o   )o handle 1
        '---'
       handle 0
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cube import CubeGrid
from mrsnb.core.region import Kind, Shape
from mrsnb.errors import InputError
from mrsnb.geometry.tangent import from_plane, to_plane

Array = NDArray[Any]

KINDS: tuple[Kind, ...] = ("circle", "ellipse", "annulus", "box", "polygon")
_LEAST = 0.01
"""Smallest size, arcsec."""
_CORNERS = 72
"""Of an outline that is round."""


def new_shape(kind: Kind, grid: CubeGrid, at: tuple[float, float], size: float) -> Shape:
    """Return a shape on the sky.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    grid : CubeGrid
    at : tuple of float
        Its middle, ``(xi, eta)``.
    size : float
        Half of its width, arcsec.

    Raises
    ------
    InputError
        If there is no such kind.
    """
    if kind not in KINDS:
        msg = f"aperture {kind!r}; allowed: {', '.join(KINDS)}"
        raise InputError(msg)
    turn = grid.rotation if kind in ("ellipse", "box") else 0.0
    sizes = {
        "circle": (size,),
        "ellipse": (1.4 * size, 0.8 * size),
        "annulus": (size, 1.6 * size),
        "box": (2 * size, 2 * size),
    }.get(kind, ())
    places = np.array([at])
    if kind == "polygon":
        angles = np.radians(60.0 * np.arange(6) + 30.0)
        places = np.array(at) + size * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return Shape(kind=kind, on_sky=True, points=_sky(places, grid), sizes=sizes, angle=turn)


def spaxel_shape(grid: CubeGrid, x: int, y: int) -> Shape:
    """Return the square on the sky that is one spaxel, 0-based."""
    size = grid.spaxel_size
    at = np.array([[(x - grid.n_x // 2) * size, (y - grid.n_y // 2) * size]])
    return Shape(kind="box", on_sky=True, points=_sky(at, grid), sizes=(size, size), angle=grid.rotation)


def on_sky(shape: Shape, grid: CubeGrid) -> Shape:
    """Return a shape given in spaxels of a cube as one on the sky; one on the sky as it is."""
    if shape.on_sky:
        return shape
    size = grid.spaxel_size
    places = (np.array(shape.points) - [grid.n_x // 2, grid.n_y // 2]) * size
    sizes = tuple(value * size for value in shape.sizes)
    return replace(
        shape, on_sky=True, points=_sky(places, grid), sizes=sizes, angle=(shape.angle + grid.rotation) % 360.0
    )


def places_of(shape: Shape, grid: CubeGrid) -> Array:
    """Return the centre, or the corners of a polygon, as offsets; shape (n, 2), arcsec."""
    ra, dec = np.array(shape.points).T
    return np.stack(to_plane(ra, dec, grid.ra, grid.dec, grid.rotation), axis=1)


def handles(shape: Shape, grid: CubeGrid) -> Array:
    """Return where a shape can be taken hold of: its middle, then what resizes it; shape (n, 2), arcsec."""
    places = places_of(shape, grid)
    if shape.kind == "polygon":
        return np.vstack([places.mean(axis=0), places])
    along, across = _axes(shape, grid)
    sizes = shape.sizes
    offsets = {
        "circle": [along * sizes[0]],
        "annulus": [along * size for size in sizes],
        "ellipse": [along * sizes[-2], across * sizes[-1]] if len(sizes) > 1 else [],
        "box": [along * sizes[0] / 2 + across * sizes[-1] / 2],
    }[shape.kind]
    return np.vstack([places[0], *(places[0] + offset for offset in offsets)])


def outlines(shape: Shape, grid: CubeGrid) -> list[Array]:
    """Return the closed lines that bound a shape; each of shape (n, 2), arcsec."""
    places = places_of(shape, grid)
    if shape.kind == "polygon":
        return [np.vstack([places, places[:1]])]
    along, across = _axes(shape, grid)
    if shape.kind == "box":
        half_x, half_y = along * shape.sizes[0] / 2, across * shape.sizes[1] / 2
        corners = [half_x + half_y, half_y - half_x, -half_x - half_y, half_x - half_y, half_x + half_y]
        return [places[0] + np.array(corners)]
    angle = np.linspace(0.0, 2 * math.pi, _CORNERS + 1)[:, None]
    pairs: list[tuple[float, ...]] = [shape.sizes[:2], shape.sizes[2:]]
    if shape.kind != "ellipse":
        pairs = [(size, size) for size in shape.sizes]
    return [
        places[0] + pair[0] * np.cos(angle) * along + pair[1] * np.sin(angle) * across
        for pair in pairs
        if pair and pair[0] > 0
    ]


def dragged(shape: Shape, grid: CubeGrid, handle: int, to: tuple[float, float]) -> Shape:
    """Return the shape that dragging one of its handles to a place makes.

    Parameters
    ----------
    shape : Shape
    grid : CubeGrid
    handle : int
        Number in `handles`.
    to : tuple of float
        Where it was dragged, ``(xi, eta)`` in arcsec.
    """
    places, target = places_of(shape, grid), np.array(to, float)
    if handle == 0:
        return replace(shape, points=_sky(places + (target - places.mean(axis=0)), grid))
    if shape.kind == "polygon":
        places[handle - 1] = target
        return replace(shape, points=_sky(places, grid))
    offset = target - places[0]
    return replace(shape, **_resized(shape, grid, handle, offset))


def _resized(shape: Shape, grid: CubeGrid, handle: int, offset: Array) -> dict[str, Any]:
    length = max(float(np.hypot(*offset)), _LEAST)
    along, across = _axes(shape, grid)
    if shape.kind == "circle":
        return {"sizes": (length,)}
    if shape.kind == "annulus":
        inner, outer = shape.sizes
        if handle == 1:
            return {"sizes": (min(length, 0.95 * outer), outer)}
        return {"sizes": (inner, max(length, inner / 0.95))}
    if shape.kind == "box":
        sides = (2 * abs(float(offset @ along)), 2 * abs(float(offset @ across)))
        return {"sizes": tuple(max(side, _LEAST) for side in sides)}
    a, b = shape.sizes[-2:]
    turn = {}
    if handle == 1:
        factor = (length / a, 1.0)
        turn = {"angle": (math.degrees(math.atan2(offset[1], offset[0])) + grid.rotation) % 360.0}
    else:
        factor = (1.0, max(abs(float(offset @ across)), _LEAST) / b)
    return {"sizes": tuple(size * factor[i % 2] for i, size in enumerate(shape.sizes)), **turn}


def _axes(shape: Shape, grid: CubeGrid) -> tuple[Array, Array]:
    """Return unit vectors along a shape's first and second axis."""
    angle = math.radians(shape.angle - grid.rotation) if shape.kind in ("ellipse", "box") else 0.0
    return np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])


def _sky(places: Array, grid: CubeGrid) -> tuple[tuple[float, float], ...]:
    ra, dec = from_plane(places[:, 0], places[:, 1], grid.ra, grid.dec, grid.rotation)
    return tuple((float(a), float(d)) for a, d in zip(ra, dec, strict=True))
