"""Choose where the voxels of a cube are.

The sizing rules are those of the observatory's cube_build (jwst 3.0.0), so that cubes lie on the same grid.
"""

import math

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cube import CubeGrid
from mrsnb.geometry.footprint import unwrapped
from mrsnb.geometry.tangent import to_plane

Waves = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Centres and thicknesses of planes, micron."""


def linear_waves(wave_min: float, wave_max: float, step: float) -> Waves:
    """Return equally spaced planes from the lower edge `wave_min` that reach `wave_max`; micron."""
    n = math.ceil((wave_max - wave_min) / step)
    wave = np.arange(wave_min + step / 2.0, wave_min + n * step, step)[:n]
    return wave, _steps(wave) if n > 1 else np.full(n, step)


def tabulated_waves(table: NDArray[np.float64], wave_min: float, wave_max: float) -> tuple[Waves, slice]:
    """Return the planes of a table that cover ``[wave_min, wave_max]``, and which they are; micron."""
    first, last = int(np.argmin(np.abs(table - wave_min))), int(np.argmin(np.abs(table - wave_max)))
    if first > 1 and table[first] > wave_min:
        first -= 1
    if last < len(table) - 1 and wave_max > table[last]:
        last += 1
    if first == last:  # a plane's thickness is the distance of the next
        first, last = (first - 1, last) if last == len(table) - 1 else (first, last + 1)
    used = slice(first, last + 1)
    wave = table[used].copy()
    return (wave, _steps(wave)), used


def _steps(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.append(np.diff(wave), wave[-1] - wave[-2])


def choose_grid(
    corners: NDArray[np.float64],
    spaxel_size: float,
    waves: Waves,
    *,
    linear: bool = True,
    rotation: float = 0.0,
    centre: tuple[float, float] | None = None,
    n_x: int | None = None,
    n_y: int | None = None,
    as_upstream: bool = False,
) -> CubeGrid:
    """Return the smallest grid about a centre that holds all corners.

    Parameters
    ----------
    corners : ndarray, shape (n, 2)
        Corners of all footprints, RA and Dec in deg; RA may cross 0.
    spaxel_size : float
        Side of a spaxel, arcsec.
    waves : tuple of ndarray
        Centres and thicknesses of the planes, micron.
    linear : bool
        True if the planes are equally spaced.
    rotation : float
        Turn of the axes, deg east of north.
    centre : tuple of float, optional
        RA and Dec of the tangent point, deg; the middle of the corners if not given.
    n_x, n_y : int, optional
        Odd numbers of spaxels, instead of what the corners need.
    as_upstream : bool
        True repeats the defect of the observatory's package where right ascension crosses 0; see `unwrapped`.

    Returns
    -------
    CubeGrid
        The middle spaxel is centred on the tangent point.
    """
    ra, dec = unwrapped(corners[:, 0], as_upstream=as_upstream), corners[:, 1]
    if centre is None:
        ra0 = _circular_mean(float(ra.min()), float(ra.max()))
        dec0 = float(dec.min() + dec.max()) / 2.0
    else:
        ra0, dec0 = centre
    xi, eta = to_plane(ra, dec, ra0, dec0, rotation)
    half_x = math.ceil(float(np.abs(xi).max()) / spaxel_size) + 1 if n_x is None else n_x // 2
    half_y = math.ceil(float(np.abs(eta).max()) / spaxel_size) + 1 if n_y is None else n_y // 2
    return CubeGrid(
        ra=ra0,
        dec=dec0,
        spaxel_size=spaxel_size,
        n_x=2 * half_x + 1,
        n_y=2 * half_y + 1,
        wave=waves[0],
        wave_step=waves[1],
        rotation=rotation,
        linear=linear,
    )


def _circular_mean(one: float, other: float) -> float:
    """Return the middle of two angles, deg, in [0, 360): as `astropy.stats.circmean`, to the last bit."""
    angles = np.array([one, other]) * (math.pi / 180.0)
    x, y = np.cos(angles).sum() / 2.0, np.sin(angles).sum() / 2.0
    return float(np.arctan2(y, x) * (180.0 / math.pi)) % 360.0
