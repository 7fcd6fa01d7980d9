"""Build the cube of one plan, one exposure at a time."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.association import product_name
from mrsnb.core.bands import Band
from mrsnb.core.blend import cube_headers, header_row
from mrsnb.core.cube import Cube
from mrsnb.core.exposure import ExposureSource
from mrsnb.core.references import CubePars
from mrsnb.core.results import Result
from mrsnb.display import Picture, Row, Section
from mrsnb.kernels.drizzle import Pixels, Planes, deposit, order_by_plane, plane_ranges
from mrsnb.kernels.field import field_corners, mark_field
from mrsnb.kernels.normalize import OUTSIDE, normalize, torn_planes
from mrsnb.kernels.shepard import EMSM, MSM, Points, deposit_points, point_ranges
from mrsnb.steps.cube_build.contributions import Contributions, contributions
from mrsnb.steps.cube_build.params import CubeBuildParams
from mrsnb.steps.cube_build.pixels import usable_pixels
from mrsnb.steps.cube_build.plan import CubePlan, Offsets, plan_cubes, view_of

log = logging.getLogger(__name__)

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CubeBuildResult(Result):
    """The cubes, in order of wavelength; with ``debug_spaxel``, the pixels of that voxel of each."""

    cubes: tuple[Cube, ...]
    contributions: tuple[Contributions, ...] = ()

    @property
    def title(self) -> str:
        """Name of the step and of what it made."""
        return "cube_build: " + ", ".join(cube.label for cube in self.cubes)

    def rows(self) -> list[Row]:
        """Return one row a cube; all there is to say if there is only one."""
        if len(self.cubes) == 1:
            cube = self.cubes[0]
            holes = int(np.count_nonzero(cube.dq == 1))
            return [Row("product", cube.name), *cube.rows(), Row("holes", str(holes), "voxels")]
        return [Row(cube.label, " x ".join(map(str, cube.grid.shape)), "voxels", cube.name) for cube in self.cubes]

    def pictures(self) -> list[Picture]:
        """Return the cubes collapsed over wavelength."""
        from mrsnb.display.plots import image_grid_picture

        if len(self.cubes) == 1:
            return self.cubes[0].pictures()
        panels = [(cube.label, cube.collapsed(), cube.grid.spaxel_size) for cube in self.cubes]
        return [image_grid_picture("Median over wavelength", panels, rotation=self.cubes[0].grid.rotation)]

    def sections(self) -> list[Section]:
        """Return the pixels of the voxel that was asked for, of each cube."""
        return [Section(voxel.title, voxel.table(), open=True) for voxel in self.contributions]


def cube_build(
    exposures: Sequence[ExposureSource],
    params: CubeBuildParams,
    cubepars: CubePars,
    *,
    product: str = "cube",
    offsets: Offsets | None = None,
) -> CubeBuildResult:
    """Return cubes of bands, of channels, or one of everything.

    Parameters
    ----------
    exposures : sequence of ExposureSource
        Exposures of one target; loaded one at a time.
    params : CubeBuildParams
    cubepars : CubePars
        Spaxel sizes, wavelength grids and weights.
    product : str
        First part of the cubes' names.
    offsets : mapping of str to tuple, optional
        Shift of each exposure by file name: east and north, arcsec.

    Returns
    -------
    CubeBuildResult

    Raises
    ------
    ParamError
        If no exposure has the wanted channel and band, or the cube would not fit into memory.
    InputError
        If an exposure cannot be used.

    References
    ----------
    Law et al. 2023, AJ 166, 45 (the algorithms); sizing rules, weights and flags as in the cube_build step of
    jwst 3.0.0.
    """
    start = perf_counter()
    plans = plan_cubes(exposures, params, cubepars, offsets)
    asked = voxel_pixels(plans, params)
    cubes = tuple(build_cube(plan, params, cubepars, product) for plan in plans)
    return CubeBuildResult(params=params, seconds=perf_counter() - start, cubes=cubes, contributions=asked)


def voxel_pixels(plans: Sequence[CubePlan], params: CubeBuildParams) -> tuple[Contributions, ...]:
    """Return the pixels that feed the voxel ``debug_spaxel`` of each planned cube; empty if it is not given."""
    if params.debug_spaxel is None:
        return ()
    return tuple(contributions(plan, params, params.debug_spaxel) for plan in plans)


def build_cube(plan: CubePlan, params: CubeBuildParams, cubepars: CubePars, product: str, suffix: str = "s3d") -> Cube:
    """Return the cube of one plan; the exposures are loaded one at a time."""
    grid = plan.grid
    flag_holes = params.compat == "none" and not params.skip_dqflagging  # a defect keeps upstream from any flag
    sums = np.zeros((grid.n_wave, grid.n_y * grid.n_x, 4))
    in_field = np.zeros((grid.n_wave, grid.n_y * grid.n_x) if flag_holes else (0, 0), np.bool_)
    for band, exposure in plan.members:
        add_exposure(plan, band, exposure, params, sums, in_field)
    flux, err, dq, weight = normalize(sums, in_field, grid.n_y, grid.n_x)
    torn = torn_planes(dq)
    flux[torn], err[torn], dq[torn], weight[torn] = np.nan, np.nan, OUTSIDE, 0
    primaries = [exposure.primary for exposure in plan.exposures]
    sciences = [exposure.science for exposure in plan.exposures]
    primary, science = cube_headers(
        primaries,
        sciences,
        grid,
        plan.bands,
        weighting=params.weighting,
        roi=_stated_roi(plan, params),
        cubepar=cubepars.source,
        compat=params.compat,
    )
    log.info("cube_build: %d exposures, %s voxels", len(primaries), grid.shape)
    return Cube(
        name=product_name(product, plan.bands, suffix),
        bands=plan.bands,
        grid=grid,
        flux=flux,
        err=err,
        dq=dq,
        weight=weight,
        primary=primary,
        science=science,
        inputs=tuple(header_row(p, s) for p, s in zip(primaries, sciences, strict=True)),
        history={"parameters": {"cube_build": params.to_dict()}},
    )


def add_exposure(
    plan: CubePlan,
    band: Band,
    exposure: ExposureSource,
    params: CubeBuildParams,
    sums: Array,
    in_field: NDArray[np.bool_],
) -> None:
    """Add one band of one exposure to the sums of a cube, and its field of view to `in_field` (if not empty)."""
    grid, as_upstream = plan.grid, params.compat != "none"
    planes = Planes(grid.x, grid.y, grid.spaxel_size, grid.wave, grid.wave_step)
    view = view_of(exposure, band)
    offset = plan.offsets.get(exposure.name)
    flux, err = usable_pixels(exposure.load(), view)
    needs_corners = plan.reach is None or in_field.size > 0
    xi = eta = np.empty((0, 4))
    if needs_corners:
        xi, eta = view.corners(grid.ra, grid.dec, grid.rotation, offset, through_sky=as_upstream)
    if as_upstream and plan.reach is None and not grid.linear:  # it leaves out pixels that reach in from beyond
        wave, step = grid.wave, grid.wave_step
        seen = view.samples.wave
        flux[(seen < wave[0] - step[0]) | (seen > wave[-1] + step[-1])] = np.nan
    if plan.reach is None:
        pixels = Pixels(flux, err, view.samples.wave, view.samples.width, xi, eta)
        first, count = plane_ranges(pixels, planes)
        order, start = order_by_plane(first, count, grid.n_wave)
        deposit(pixels, planes, first, count, order, start, as_upstream, sums)
    else:
        points = Points(flux, err, view.samples.wave, *view.centres(grid.ra, grid.dec, grid.rotation, offset))
        row, first, count = point_ranges(points, planes, plan.reach)
        order, start = order_by_plane(first, count, grid.n_wave)
        kind = EMSM if params.weighting == "emsm" else MSM
        deposit_points(points, planes, plan.reach, row, (first, count), (order, start), kind, sums)
    if order.size == 0:
        log.warning("%s: no pixel falls into the cube of band %s", exposure.name, band.name)
    if in_field.size > 0:
        mark_field(field_corners(view.samples, view.start, *view.outermost, xi, eta, planes), planes, in_field)


def _stated_roi(plan: CubePlan, params: CubeBuildParams) -> tuple[float, float, float]:
    """Return what ROIS, ROIW and WPOWER state: the least values, 0 where they do not apply."""
    if plan.reach is None:
        return 0, 0, 0
    power = float(plan.reach.power[0]) if params.weighting == "msm" else 0
    return float(plan.reach.roi_spatial.min()), float(plan.reach.roi_spectral.min()), power
