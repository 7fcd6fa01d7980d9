"""The errors of sums over spaxels that share detector pixels."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cube import Cube
from mrsnb.errors import InputError, ParamError
from mrsnb.kernels.covariance import correlated_variances, spread_of_light
from mrsnb.steps.cube_build import CubeBuildParams, CubePlan, feed_of, groups_of, sums_of

log = logging.getLogger(__name__)

Array = NDArray[np.float64]
Coefficient = NDArray[np.float32]

_PIXEL_ALONG = {1: 0.192, 2: 0.194, 3: 0.242, 4: 0.257}
"""Of a detector pixel along the slice, on the sky, arcsec, by channel (flight geometry FLT-9)."""
_TURNS = 12


class Covariance(Protocol):
    """What knows the covariance of a cube's voxels."""

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

    The exposures are read twice more, one at a time: once for the voxels' sums of weights, unless they are given, and
    once for the pixels' errors.

    Parameters
    ----------
    plan : CubePlan
        What the cube was built from.
    params : CubeBuildParams
        How.
    weight_sums : ndarray, shape (n_wave, n_y * n_x), optional
        Sums of weights, arcsec^2 micron: ``sums[:, :, 1]`` of the cube's sums.

    Examples
    --------
    >>> one = np.ones(cube.grid.shape, np.float32)
    >>> DrizzleCovariance(plan=plan, params=params).variances([one]).shape == (1, cube.grid.n_wave)
    True
    """

    plan: CubePlan
    params: CubeBuildParams
    weight_sums: Array | None = None

    def __post_init__(self) -> None:
        if self.plan.reach is not None:
            msg = (
                f"ifu_covar = 'drizzle': the cube is built with weighting = {self.params.weighting!r}; "
                "use weighting = 'drizzle', or ifu_covar_scale"
            )
            raise ParamError(msg)

    def variances(self, coefficients: Sequence[Coefficient]) -> Array:
        """Return the variances of sums; arguments as `Covariance.variances`."""
        grid = self.plan.grid
        weights = self._weight_sums() if self.weight_sums is None else self.weight_sums
        ratio = np.zeros((len(coefficients), grid.n_wave, grid.n_y * grid.n_x))
        for out, coefficient in zip(ratio, coefficients, strict=True):
            np.divide(coefficient.reshape(weights.shape), weights, out=out, where=weights > 0)
        variances = np.zeros((len(coefficients), grid.n_wave))
        right = replace(self.params, compat="none")
        for band, exposure in self.plan.members:
            feed = feed_of(self.plan, band, exposure, right)
            for begin, end in groups_of(grid):
                feed.add_variances(begin, ratio[:, begin:end], variances[:, begin:end])
        return variances

    def _weight_sums(self) -> Array:
        return np.ascontiguousarray(sums_of(self.plan, self.params, self.plan.members)[:, :, 1])


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
