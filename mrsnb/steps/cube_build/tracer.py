"""Trace light between voxels and detector pixels, with the weights that the cube is built with."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.exposure import ExposureSource
from mrsnb.errors import InputError, ParamError
from mrsnb.geometry.detector import ChannelView
from mrsnb.steps.cube_build.contributions import Contribution, Contributions, FedVoxel, FedVoxels
from mrsnb.steps.cube_build.feeds import Feed, feed_of
from mrsnb.steps.cube_build.params import CubeBuildParams
from mrsnb.steps.cube_build.pixels import view_of
from mrsnb.steps.cube_build.plan import CubePlan

_BOTTOM = 1e-9
"""arcsec: rounding may move the edge of a spaxel by as much."""


class _Member(NamedTuple):
    """One band of one exposure, ready to be asked."""

    view: ChannelView
    feed: Feed
    err: NDArray[np.float32]
    dq: NDArray[np.uint32]
    n_col: int


class Tracer:
    """Answers which detector pixels feed a voxel of a planned cube, and which voxels a pixel feeds.

    The weights are those of the kernels that build the cube. What is asked for first of an exposure is read then, and
    kept: some 10 MB of an exposure with drizzle, 25 MB with emsm and msm.

    Parameters
    ----------
    plan : CubePlan
        Of the cube, from `mrsnb.steps.cube_build.plan_cubes`.
    params : CubeBuildParams
        As the cube is built with.

    Examples
    --------
    >>> tracer = Tracer(plan, params)
    >>> tracer.voxel((20, 20, 60)).pixels[0].exposure
    'star_exposure1_cal.fits'
    """

    def __init__(self, plan: CubePlan, params: CubeBuildParams) -> None:
        self.plan, self.params = plan, params
        self._members: dict[int, _Member] = {}

    def voxel(self, voxel: tuple[int, int, int]) -> Contributions:
        """Return the detector pixels that feed a voxel, with their weights.

        Parameters
        ----------
        voxel : tuple of int
            ``(x, y, z)``, 0-based.

        Raises
        ------
        ParamError
            If the voxel is not in the cube.
        """
        grid = self.plan.grid
        for name, place, n in zip("xyz", voxel, (grid.n_x, grid.n_y, grid.n_wave), strict=True):
            if not 0 <= place < n:
                msg = (
                    f"debug_spaxel = {voxel}: {name} must be from 0 to {n - 1} in the cube of {self.plan.bands[0].name}"
                )
                raise ParamError(msg)
        found: list[Contribution] = []
        for number, (band, exposure) in enumerate(self.plan.members):
            found += sorted(self._feeding(self._member(number), band, exposure, voxel), key=lambda p: -p.weight)
        return Contributions(voxel=voxel, pixels=tuple(found))

    def pixel(self, exposure: str, x: int, y: int) -> FedVoxels:
        """Return the voxels that a detector pixel feeds, with its weight in each.

        Parameters
        ----------
        exposure : str
            Name of the exposure.
        x, y : int
            Column and row of the pixel, 0-based.

        Raises
        ------
        InputError
            If the cube is not made of the exposure.
        """
        names = [each.name for _, each in self.plan.members]
        if exposure not in names:
            msg = f"{exposure}: not among the exposures of the cube: {', '.join(dict.fromkeys(names))}"
            raise InputError(msg)
        found: list[FedVoxel] = []
        for number in (i for i, name in enumerate(names) if name == exposure):
            found += self._fed(self._member(number), x, y)
        return FedVoxels(exposure=exposure, pixel=(x, y), voxels=tuple(sorted(found, key=lambda v: -v.weight)))

    def _member(self, number: int) -> _Member:
        if number not in self._members:
            band, exposure = self.plan.members[number]
            loaded, view = exposure.load(), view_of(exposure, band)
            where = view.samples.pixel
            self._members[number] = _Member(
                view=view,
                feed=feed_of(self.plan, band, exposure, self.params),
                err=loaded.err.ravel()[where],
                dq=loaded.dq.ravel()[where],
                n_col=loaded.flux.shape[1],
            )
        return self._members[number]

    def _feeding(
        self, member: _Member, band: Band, exposure: ExposureSource, voxel: tuple[int, int, int]
    ) -> list[Contribution]:
        grid, (x, y, z) = self.plan.grid, voxel
        spread, samples = member.feed.spread, member.view.samples
        which = spread.in_order.reaching(z, z + 1)
        left, right, low, high = spread.extents(which)
        half = grid.spaxel_size / 2 + _BOTTOM
        near = (left < grid.x[x] + half) & (right > grid.x[x] - half)
        near &= (low < grid.y[y] + half) & (high > grid.y[y] - half)
        sums = np.empty((1, grid.n_y * grid.n_x, 4))
        found = []
        for p in which[near]:
            sums.fill(0.0)
            spread.add(z, sums, np.array([p], np.int32))
            weight = float(sums[0, y * grid.n_x + x, 1])
            if weight > 0:
                row, column = divmod(int(samples.pixel[p]), member.n_col)
                found.append(
                    Contribution(
                        exposure=exposure.name,
                        x=column,
                        y=row,
                        slice=band.labels[int(samples.slice[p])],
                        wave=float(samples.wave[p]),
                        weight=weight,
                        flux=float(member.feed.flux[p]),
                        err=float(member.err[p]),
                        dq=int(member.dq[p]),
                    )
                )
        return found

    def _fed(self, member: _Member, x: int, y: int) -> list[FedVoxel]:
        grid, in_order = self.plan.grid, member.feed.spread.in_order
        where = np.flatnonzero(member.view.samples.pixel == y * member.n_col + x)
        if not where.size or not 0 <= x < member.n_col or not in_order.number[where[0]]:
            return []
        first = int(in_order.first[where[0]])
        sums = np.zeros((int(in_order.number[where[0]]), grid.n_y * grid.n_x, 4))
        member.feed.spread.add(first, sums, where.astype(np.int32))
        planes, spaxels = np.nonzero(sums[..., 1] > 0)
        return [
            FedVoxel(
                int(s % grid.n_x), int(s // grid.n_x), first + int(k), float(grid.wave[first + k]), float(sums[k, s, 1])
            )
            for k, s in zip(planes, spaxels, strict=True)
        ]
