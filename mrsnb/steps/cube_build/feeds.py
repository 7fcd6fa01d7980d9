"""What one band of one exposure puts into a cube, a group of planes at a time."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cache import ByteCache
from mrsnb.core.cube import CubeGrid
from mrsnb.core.exposure import ExposureSource
from mrsnb.geometry.detector import ChannelView, Projection
from mrsnb.kernels.covariance import add_variances
from mrsnb.kernels.drizzle import Pixels, Planes, Sorted, deposit, sort_by_plane, sort_pixels
from mrsnb.kernels.field import field_corners, mark_field
from mrsnb.kernels.shepard import EMSM, MSM, Points, Reach, deposit_points, point_ranges
from mrsnb.steps.cube_build.params import CubeBuildParams
from mrsnb.steps.cube_build.pixels import RECENT, view_of
from mrsnb.steps.cube_build.plan import CubePlan

Array = NDArray[np.float64]

N_PLANES = 32
"""Planes in a group: the sums of a group stay in a processor's cache, and few pixels reach into two groups."""


SUMS = 33
"""Bytes of a voxel while its group of planes is made: four sums, and whether it is in the field of view."""
_LARGEST = 64_000_000
"""Bytes that the sums of a group may take; a wide field has fewer planes in a group."""


_orders: ByteCache[Sorted] = ByteCache(16_000_000)
"""Pixels in the order of a cube's planes, which exposures share if they share their wavelengths."""
_reached: ByteCache[tuple[Sorted, NDArray[np.int32]]] = ByteCache(16_000_000)
"""The same of pixels that reach as far as emsm and msm say, and which row of the table says how far."""


class Spread(Protocol):
    """How pixels spread over voxels."""

    @property
    def in_order(self) -> Sorted:
        """The pixels in the order of the planes."""

    def add(self, begin: int, sums: Array, which: NDArray[np.int32]) -> None:
        """Add some pixels to the sums of a group of planes, the first of which is `begin`."""

    def extents(self, which: NDArray[np.int32]) -> Array:
        """Return what some pixels reach on the sky: left, right, low, high; shape (4, n), arcsec."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Drizzled:
    """Pixels that share their flux by area."""

    pixels: Pixels
    planes: Planes
    in_order: Sorted
    projection: Projection
    as_upstream: bool

    def add(self, begin: int, sums: Array, which: NDArray[np.int32]) -> None:
        """Add some pixels to the sums of a group of planes."""
        corners = self.projection.corners(which)
        deposit(self.pixels, self.in_order, which, corners, self.planes, begin, sums, as_upstream=self.as_upstream)

    def extents(self, which: NDArray[np.int32]) -> Array:
        """Return the least boxes that hold some pixels, shape (4, n), arcsec."""
        xi, eta = self.projection.corners(which)
        return np.stack([xi.min(axis=1), xi.max(axis=1), eta.min(axis=1), eta.max(axis=1)])


@dataclass(frozen=True, kw_only=True, eq=False)
class Smoothed:
    """Pixels that share their flux by distance (emsm, msm)."""

    points: Points
    planes: Planes
    in_order: Sorted
    reach: Reach
    row: NDArray[np.int32]
    kind: int

    def add(self, begin: int, sums: Array, which: NDArray[np.int32]) -> None:
        """Add some pixels to the sums of a group of planes."""
        deposit_points(self.points, self.in_order, which, self.row, self.planes, self.reach, self.kind, begin, sums)

    def extents(self, which: NDArray[np.int32]) -> Array:
        """Return the boxes that hold all that some pixels reach, shape (4, n), arcsec."""
        roi, xi, eta = self.reach.roi_spatial[self.row[which]], self.points.xi[which], self.points.eta[which]
        return np.stack([xi - roi, xi + roi, eta - roi, eta + roi])


@dataclass(frozen=True, kw_only=True, eq=False)
class Feed:
    """One band of one exposure.

    Parameters
    ----------
    planes : Planes
    flux : ndarray
        Of its pixels, shape (m,), MJy/sr.
    spread : Spread
    field : ndarray, optional
        Corners of its field of view in each plane, shape (n_wave, 4, 2), arcsec.
    """

    planes: Planes
    flux: NDArray[np.float32]
    spread: Spread
    field: Array | None

    def add_variances(self, begin: int, ratio: Array, out: Array) -> None:
        """Add the pixels' part of the variances of sums over voxels; see `mrsnb.kernels.covariance.add_variances`."""
        spread = self.spread
        if not isinstance(spread, Drizzled):
            msg = "only drizzled pixels have independent parts"
            raise TypeError(msg)
        which = spread.in_order.reaching(begin, begin + ratio.shape[1])
        corners = spread.projection.corners(which)
        add_variances(spread.pixels, spread.in_order, which, corners, self.planes, begin, ratio, out)

    @property
    def is_empty(self) -> bool:
        """True if no pixel falls into the cube."""
        return bool(np.isnan(self.flux[self.spread.in_order.order]).all())

    def add(self, begin: int, sums: Array) -> None:
        """Add the pixels to the sums of a group of planes, shape (n, n_y * n_x, 4), the first of which is `begin`."""
        self.spread.add(begin, sums, self.spread.in_order.reaching(begin, begin + len(sums)))

    def mark(self, begin: int, in_field: NDArray[np.bool_]) -> None:
        """Mark the field of view in a group of planes, shape (n, n_y * n_x); nothing if it is empty."""
        if self.field is not None and in_field.size:
            mark_field(self.field[begin : begin + len(in_field)], self.planes, in_field)


def feed_of(
    plan: CubePlan,
    band: Band,
    exposure: ExposureSource,
    params: CubeBuildParams,
    *,
    with_field: bool = False,
) -> Feed:
    """Return what a band of an exposure puts into a planned cube; its field of view is worked out if asked for.

    Examples
    --------
    >>> feed_of(plan, *plan.members[0], params).is_empty
    False
    """
    grid, as_upstream = plan.grid, params.compat != "none"
    planes = Planes(grid.x, grid.y, grid.spaxel_size, grid.wave, grid.wave_step)
    view = view_of(exposure, band)
    offset = plan.offsets.get(exposure.name)
    flux, err = RECENT.pixels(exposure, band, view)
    samples = view.samples
    projection = view.projection(grid.ra, grid.dec, grid.rotation, offset, through_sky=as_upstream)
    field = _field(view, projection, planes) if with_field else None
    if (reach := plan.reach) is not None:
        place = view.centres(grid.ra, grid.dec, grid.rotation, offset, through_sky=as_upstream)
        in_order, row = _reached.get(
            "reach", lambda: _in_reach(samples.wave, planes, reach), of=(samples.wave, grid, reach)
        )
        smoothed = Smoothed(
            points=Points(flux, err, samples.wave, *place),
            planes=planes,
            in_order=in_order,
            reach=reach,
            row=row,
            kind=EMSM if params.weighting == "emsm" else MSM,
        )
        return Feed(planes=planes, flux=flux, spread=smoothed, field=field)
    if as_upstream and not grid.linear:  # it leaves out pixels that reach in from beyond
        beyond = (samples.wave < grid.wave[0] - grid.wave_step[0]) | (samples.wave > grid.wave[-1] + grid.wave_step[-1])
        flux = np.where(beyond, np.float32(np.nan), flux)
    pixels = Pixels(flux, err, samples.wave, samples.width)
    in_order = _orders.get("planes", lambda: sort_pixels(samples.wave, samples.width, planes), of=(samples.wave, grid))
    drizzled = Drizzled(
        pixels=pixels,
        planes=planes,
        in_order=in_order,
        projection=projection,
        as_upstream=as_upstream,
    )
    return Feed(planes=planes, flux=flux, spread=drizzled, field=field)


def _in_reach(wave: Array, planes: Planes, reach: Reach) -> tuple[Sorted, NDArray[np.int32]]:
    row, first, number = point_ranges(wave, planes, reach)
    return sort_by_plane(first, number, planes.wave.size), row


def _field(view: ChannelView, projection: Projection, planes: Planes) -> Array:
    low, high = view.outermost
    there = [np.arange(view.start[s], view.start[s + 1], dtype=np.int32) for s in (low, high)]
    corners = projection.corners(np.concatenate(there))
    return np.asarray(field_corners(view.samples, view.start, low, high, *corners, planes))


def groups_of(grid: CubeGrid) -> list[tuple[int, int]]:
    """Return the first plane of each group, and the first after it.

    Examples
    --------
    >>> groups_of(cube.grid)[:2]
    [(0, 32), (32, 64)]
    """
    n = max(1, min(N_PLANES, _LARGEST // (grid.n_y * grid.n_x * SUMS)))
    return [(begin, min(begin + n, grid.n_wave)) for begin in range(0, grid.n_wave, n)]
