"""The errors of sums over spaxels that share detector pixels."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cube import Cube
from mrsnb.errors import InputError, ParamError
from mrsnb.kernels.covariance import correlated_variances, spread_of_light
from mrsnb.kernels.photometry import Coefficients, empty_coefficients
from mrsnb.kernels.threads import share
from mrsnb.steps.cube_build import CubeBuildParams, CubePlan, feed_of, groups_of
from mrsnb.steps.cube_build.storage import arrays_in

log = logging.getLogger(__name__)

Array = NDArray[np.float64]
Coefficient = NDArray[np.float32]

_PIXEL_ALONG = {1: 0.192, 2: 0.194, 3: 0.242, 4: 0.257}
"""Of a detector pixel along the slice, on the sky, arcsec, by channel (flight geometry FLT-9)."""
_TURNS = 12


class Covariance(Protocol):
    """What knows the covariance of a cube's voxels."""

    def coefficients(self) -> Coefficients:
        """Return zeros to be filled with the coefficients of sums."""

    def variances(self, coefficients: Sequence[Coefficient]) -> Array:
        """Return the variance of each sum over voxels with these coefficients, plane by plane.

        Parameters
        ----------
        coefficients : sequence of ndarray, shape (n_wave, n_y, n_x)

        Returns
        -------
        ndarray, shape (n_sum, n_wave)
        """


@dataclass(frozen=True, kw_only=True, eq=False)
class DrizzleCovariance:
    """The exact covariance of a drizzled cube: that of the pixels' errors, taken as independent.

    The exposures are read once more, one at a time; a group of planes is in memory at a time.

    Parameters
    ----------
    plan : CubePlan
        What the cube was built from.
    params : CubeBuildParams
        How.
    folder : Path, optional
        Where a file is made, which vanishes, for coefficients that ``params.memory_limit`` has no room for.

    Examples
    --------
    >>> one = np.ones(cube.grid.shape, np.float32)
    >>> DrizzleCovariance(plan=plan, params=params).variances([one]).shape == (1, cube.grid.n_wave)
    True
    """

    plan: CubePlan
    params: CubeBuildParams
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.plan.reach is not None:
            msg = (
                f"ifu_covar = 'drizzle': the cube is built with weighting = {self.params.weighting!r}; "
                "use weighting = 'drizzle', or ifu_covar_scale"
            )
            raise ParamError(msg)

    def coefficients(self) -> Coefficients:
        """Return zeros to be filled, in memory or in a file that vanishes with them."""
        if self.plan.fits(self.params):
            return empty_coefficients(self.plan.grid.shape)
        return Coefficients(*arrays_in(self.folder, self.plan.grid.shape, (np.float32, np.float32)))

    def variances(self, coefficients: Sequence[Coefficient]) -> Array:
        """Return the variances of sums; arguments as `Covariance.variances`."""
        grid, groups = self.plan.grid, groups_of(self.plan.grid)
        flat = [coefficient.reshape(grid.n_wave, -1) for coefficient in coefficients]
        exact = replace(self.params, compat="none")
        feeds = [feed_of(self.plan, band, exposure, exact) for band, exposure in self.plan.members]
        as_built = feeds
        if self.params != exact:
            as_built = [feed_of(self.plan, band, exposure, self.params) for band, exposure in self.plan.members]
        variances = np.zeros((len(flat), grid.n_wave))

        def add(number: int) -> None:
            begin, end = groups[number]
            sums = np.zeros((end - begin, grid.n_y * grid.n_x, 4))
            for feed in as_built:
                feed.add(begin, sums)
            weights = sums[:, :, 1]
            ratio = np.zeros((len(flat), *weights.shape))
            for out, coefficient in zip(ratio, flat, strict=True):
                np.divide(coefficient[begin:end], weights, out=out, where=weights > 0)
            for feed in feeds:
                feed.add_variances(begin, ratio, variances[:, begin:end])

        share(add, len(groups))
        return variances


@dataclass(frozen=True, kw_only=True, eq=False)
class GeometricCovariance:
    """The covariance that pixels of a given size leave in a drizzled cube, wherever they lie: no exposures needed.

    Exact for many dithers and turns; for few dithers right on average over the field.

    Parameters
    ----------
    cube : Cube
        Of one channel. PA_APER of its header is the direction across the slices; without it, all are averaged.
    """

    cube: Cube

    def __post_init__(self) -> None:
        channels = {band.channel for band in self.cube.bands}
        if len(channels) != 1:
            found = ", ".join(map(str, sorted(channels)))
            msg = f"{self.cube.name}: ifu_covar = 'geometry' goes with cubes of one channel, not {found}"
            raise InputError(msg)

    def coefficients(self) -> Coefficients:
        """Return zeros to be filled."""
        return empty_coefficients(self.cube.grid.shape)

    def variances(self, coefficients: Sequence[Coefficient]) -> Array:
        """Return the variances of sums; arguments as `Covariance.variances`."""
        correlation = self.correlation()
        variances = np.zeros((len(coefficients), self.cube.grid.n_wave))
        for out, coefficient in zip(variances, coefficients, strict=True):
            correlated_variances(coefficient, self.cube.err, correlation, out)
        return variances

    def correlation(self) -> Array:
        """Return the correlation of two voxels of a plane by their distance in spaxels, shape (2 m + 1, 2 m + 1)."""
        band: Band = self.cube.bands[0]
        grid = self.cube.grid
        pixel = (_PIXEL_ALONG[band.channel], band.slice_width)
        stated = self.cube.science.number("PA_APER")
        if stated is None:
            angles = np.arange(_TURNS) * (math.pi / _TURNS)
        else:
            angles = np.array([math.radians(stated - grid.rotation)])  # x is west, so both turn the same way
        reach = math.ceil(math.hypot(*pixel) / grid.spaxel_size) + 2
        return np.asarray(spread_of_light(pixel, angles, grid.spaxel_size, reach))
