"""The spaxels of a region."""

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cube import Cube
from mrsnb.core.region import SkyAperture
from mrsnb.errors import InputError
from mrsnb.geometry.shares import aperture_shares
from mrsnb.steps.extract_1d.centre import Centre

Array = NDArray[np.float64]

_LEAST_SPAXELS = 1e-6
"""Least area of a region: less is what rounding leaves of one that is cut out."""


def region_shares(cube: Cube, aperture: SkyAperture) -> tuple[Array, Array, Centre]:
    """Return the share of each spaxel in a region and in that of the background, and the region's centre.

    Raises
    ------
    InputError
        If the region does not meet the cube's light.
    """
    source, background = aperture_shares(cube.grid, aperture)
    seen = (cube.weight > 0).any(axis=0)
    if source[seen].sum() < _LEAST_SPAXELS:
        middle = f"RA {cube.grid.ra:.5f}, Dec {cube.grid.dec:+.5f}"
        msg = f"{aperture.source}: the region does not meet the light of {cube.name}, whose middle is at {middle}"
        raise InputError(msg)
    y, x = np.indices(source.shape)
    total = source.sum()
    x_mean, y_mean = float((source * x).sum() / total), float((source * y).sum() / total)
    return source, background, Centre(x=x_mean, y=y_mean, method="region")
