"""cube_build: drizzle detector pixels into one cube a band."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.association import product_name
from mrsnb.core.bands import SUB_BANDS, Band
from mrsnb.core.blend import cube_headers, header_row
from mrsnb.core.cube import Cube, CubeGrid
from mrsnb.core.dq import UNUSABLE, flagged
from mrsnb.core.exposure import Exposure, ExposureSource
from mrsnb.core.params import param
from mrsnb.core.references import CubePars
from mrsnb.core.results import Result
from mrsnb.display import Picture, Row
from mrsnb.errors import InputError, ParamError
from mrsnb.geometry.detector import ChannelView, channel_view
from mrsnb.geometry.footprint import header_footprint, pixel_footprint
from mrsnb.geometry.grid import choose_grid
from mrsnb.kernels.drizzle import Pixels, Planes, deposit, order_by_plane, plane_ranges
from mrsnb.kernels.field import field_corners, mark_field
from mrsnb.kernels.normalize import OUTSIDE, normalize, torn_planes
from mrsnb.steps.params import CompatParams

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class CubeBuildParams(CompatParams):
    """Parameters of cube_build, named as the observatory's."""

    channel: Literal["1", "2", "3", "4", "all"] = param("all", "Channel to build cubes of.")
    band: Literal[
        "all",
        "short",
        "medium",
        "long",
        "short-medium",
        "short-long",
        "medium-short",
        "medium-long",
        "long-short",
        "long-medium",
    ] = param("all", "Setting of the grating wheels to build cubes of.")
    output_type: Literal["band"] = param("band", "What goes into one cube: a band.")
    weighting: Literal["drizzle"] = param("drizzle", "How detector pixels share their flux among voxels.")
    coord_system: Literal["skyalign"] = param("skyalign", "Axes of the cube: north up, east left.")
    skip_dqflagging: bool = param(False, "Leave holes in the field of view unflagged.", advanced=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class CubePlan:
    """One cube to be built: which band, of which exposures, on which grid."""

    band: Band
    exposures: tuple[ExposureSource, ...]
    grid: CubeGrid


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CubeBuildResult(Result):
    """The cubes, in order of wavelength."""

    cubes: tuple[Cube, ...]

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
        return [image_grid_picture("Median over wavelength", panels)]


def cube_build(
    exposures: Sequence[ExposureSource], params: CubeBuildParams, cubepars: CubePars, *, product: str = "cube"
) -> CubeBuildResult:
    """Return one cube a band.

    Parameters
    ----------
    exposures : sequence of ExposureSource
        Exposures of one target; loaded one at a time.
    params : CubeBuildParams
    cubepars : CubePars
        Spaxel sizes and wavelength grids.
    product : str
        First part of the cubes' names.

    Returns
    -------
    CubeBuildResult

    Raises
    ------
    ParamError
        If no exposure has the wanted channel and band.
    InputError
        If an exposure cannot be used.

    References
    ----------
    Law et al. 2023, AJ 166, 45 (the drizzle algorithm); sizing rules, weights and flags as in the cube_build step
    of jwst 3.0.0.
    """
    start = perf_counter()
    cubes = tuple(build_cube(plan, params, cubepars, product) for plan in plan_cubes(exposures, params, cubepars))
    return CubeBuildResult(params=params, seconds=perf_counter() - start, cubes=cubes)


def plan_cubes(exposures: Sequence[ExposureSource], params: CubeBuildParams, cubepars: CubePars) -> Iterator[CubePlan]:
    """Yield a plan for each cube to be built, in order of channel and setting; arguments and errors as `cube_build`."""
    there = {band for exposure in exposures for band in exposure.bands}
    wanted = sorted(
        (
            band
            for band in there
            if params.channel in ("all", str(band.channel)) and params.band in ("all", band.sub_band)
        ),
        key=lambda band: (band.channel, SUB_BANDS.index(band.sub_band)),
    )
    if not wanted:
        found = ", ".join(f"channel {b.channel} {b.sub_band}" for b in sorted(there)) or "none"
        msg = f"cube_build: channel = {params.channel!r}, band = {params.band!r}: no exposure has it (found {found})"
        raise ParamError(msg)
    for band in wanted:
        used = tuple(exposure for exposure in exposures if band in exposure.bands)
        sampling = cubepars.sampling_of(band)
        grid = choose_grid(
            _corners(used, band),
            spaxel_size=sampling.spaxel_size,
            wave_min=sampling.wave_min,
            wave_max=sampling.wave_max,
            spectral_step=sampling.spectral_step,
        )
        yield CubePlan(band=band, exposures=used, grid=grid)


def _corners(exposures: Sequence[ExposureSource], band: Band) -> NDArray[np.float64]:
    """Return the corners of all footprints: those in the header for channels 2 and 4, as upstream, else the pixels'."""
    found = []
    for exposure in exposures:
        moving = exposure.primary.text("TARGTYPE").upper() == "MOVING"
        corners = None if moving or band.channel in (1, 3) else header_footprint(exposure)
        found.append(pixel_footprint(_view(exposure, band)) if corners is None else corners)
    return np.concatenate(found)


def _view(exposure: ExposureSource, band: Band) -> ChannelView:
    view = channel_view(exposure.wcs, band)
    wave = view.samples.wave[np.isfinite(view.samples.wave)]
    low, high = band.wave_range
    if wave.size == 0 or wave.min() > high or wave.max() < low:
        seen = f"{wave.min():.2f} to {wave.max():.2f} micron" if wave.size else "no wavelength"
        msg = (
            f"{exposure.name}: BAND = {band.sub_band.upper()!r} says {low} to {high} micron in channel {band.channel}, "
            f"but its WCS gives {seen}; header and WCS conflict: run level 2 (assign_wcs) on it again"
        )
        raise InputError(msg)
    return view


def build_cube(plan: CubePlan, params: CubeBuildParams, cubepars: CubePars, product: str) -> Cube:
    """Return the cube of one plan; the exposures are loaded one at a time."""
    grid, as_upstream = plan.grid, params.compat != "none"
    planes = Planes(grid.x, grid.y, grid.spaxel_size, grid.wave, grid.wave_step)
    sums = np.zeros((grid.n_wave, grid.n_y * grid.n_x, 4))
    flag_holes = not (as_upstream or params.skip_dqflagging)  # upstream means to, but a defect keeps it from any flag
    in_field = np.zeros((grid.n_wave, grid.n_y * grid.n_x) if flag_holes else (0, 0), np.bool_)
    for source in plan.exposures:
        view = _view(source, plan.band)
        xi, eta = view.corners(grid.ra, grid.dec, grid.rotation, through_sky=as_upstream)
        flux, err = _usable_pixels(source.load(), view)
        pixels = Pixels(flux, err, view.samples.wave, view.samples.width, xi, eta)
        first, count = plane_ranges(pixels, planes)
        order, start = order_by_plane(first, count, grid.n_wave)
        if order.size == 0:
            log.warning("%s: no pixel falls into the cube of band %s", source.name, plan.band.name)
        deposit(pixels, planes, first, count, order, start, as_upstream, sums)
        if flag_holes:
            mark_field(field_corners(view.samples, view.start, *view.outermost, xi, eta, planes), planes, in_field)
    flux, err, dq, weight = normalize(sums, in_field, grid.n_y, grid.n_x)
    torn = torn_planes(dq)
    flux[torn], err[torn], dq[torn], weight[torn] = np.nan, np.nan, OUTSIDE, 0
    primaries = [source.primary for source in plan.exposures]
    sciences = [source.science for source in plan.exposures]
    primary, science = cube_headers(
        primaries, sciences, grid, [plan.band], cubepar=cubepars.source, compat=params.compat
    )
    log.info("cube_build: band %s, %d exposures, %s voxels", plan.band.name, len(primaries), grid.shape)
    return Cube(
        name=product_name(product, [plan.band], "s3d"),
        bands=(plan.band,),
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


def _usable_pixels(exposure: Exposure, view: ChannelView) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return flux and error of the view's pixels; flux NaN where any array is invalid or a flag forbids the use."""
    index = view.samples.pixel
    flux = exposure.flux.ravel()[index].astype(float)
    err = exposure.err.ravel()[index].astype(float)
    bad = flagged(exposure.dq.ravel()[index], UNUSABLE) | ~np.isfinite(err)
    for variance in exposure.variances.values():
        bad |= np.isnan(variance.ravel()[index])
    flux[bad] = np.nan
    return flux, err
