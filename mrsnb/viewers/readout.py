"""What there is to say about the voxel under the cursor."""

import math

import numpy as np

from mrsnb.core.dq import words
from mrsnb.core.layers import CubeLayers
from mrsnb.geometry.shares import spaxels_to_sky
from mrsnb.viewers.picture import Picture
from mrsnb.viewers.slicing import voxel


def voxel_text(cube: CubeLayers, k: int, at: tuple[int, int] | None, shown: Picture) -> str:
    """Return place, values and flags of a voxel in words; of the plane alone if no spaxel is given.

    Parameters
    ----------
    cube : CubeLayers
    k : int
        Plane, 0-based.
    at : tuple of int, optional
        Spaxel, ``(x, y)``, 0-based.
    shown : Picture
        The image in view, whose value is told if it is no plane of the cube.
    """
    grid = cube.grid
    plane = f"plane {k}, {grid.wave[k]:.5f} \N{MICRO SIGN}m"
    if at is None or not (0 <= at[0] < grid.n_x and 0 <= at[1] < grid.n_y):
        return f"{plane} | move the mouse over the image"
    x, y = at
    ra, dec = (float(v) for v in spaxels_to_sky(np.array([[x, y]], float), grid)[0])
    east, north = -(x - grid.n_x // 2) * grid.spaxel_size, (y - grid.n_y // 2) * grid.spaxel_size
    found = voxel(cube, k, y, x)
    parts = [
        plane,
        _with_error(found.get("SCI", math.nan), found.get("ERR"), cube.unit),
        _flags(found.get("DQ"), is_known=cube.bad_bits != 0),
        f"x {x} y {y}",
        f"RA {sexagesimal(ra / 15.0, 3)}  Dec {sexagesimal(dec, 2, is_signed=True)}",
        f"offset {east:+.2f}, {north:+.2f}\N{DOUBLE PRIME}" if abs(grid.rotation) < 0.05 else "",
    ]
    if shown.what not in cube.layers and shown.image.shape == (grid.n_y, grid.n_x):
        parts.append(f"{shown.what} {number(float(shown.image[y, x]))} {shown.unit}".rstrip())
    elif shown.what == "WMAP":
        parts.append(f"WMAP {number(found['WMAP'])}")
    return " | ".join(part for part in parts if part)


def number(value: float) -> str:
    """Return a value with four digits, or a dash.

    Examples
    --------
    >>> number(12345.678), number(float("nan"))
    ('1.235e+04', '-')
    """
    return f"{value:.4g}" if math.isfinite(value) else "-"


def sexagesimal(value: float, digits: int, *, is_signed: bool = False) -> str:
    """Return hours or degrees with minutes and seconds.

    Examples
    --------
    >>> sexagesimal(-0.5125, 2, is_signed=True), sexagesimal(12.9999999999, 1)
    ('-00:30:45.00', '13:00:00.0')
    """
    unit = 10**digits
    total = round(abs(value) * 3600 * unit)
    rest, part = divmod(total, unit)
    minutes, seconds = divmod(rest, 60)
    whole, minutes = divmod(minutes, 60)
    sign = ("-" if value < 0 else "+") if is_signed else ""
    return f"{sign}{whole:02d}:{minutes:02d}:{seconds:02d}.{part:0{digits}d}"


def _with_error(flux: float, err: float | None, unit: str) -> str:
    error = "" if err is None else f" \N{PLUS-MINUS SIGN} {number(err)}"
    return f"{number(flux)}{error} {unit}"


def _flags(value: float | None, *, is_known: bool) -> str:
    if value is None:
        return ""
    if not is_known or value == 0:
        return f"DQ {int(value)}"
    return f"DQ {int(value)} {' '.join(words(int(value)))}"
