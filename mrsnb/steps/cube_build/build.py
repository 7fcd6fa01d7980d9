"""Build the cube of one plan, one exposure at a time."""

import logging
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.association import product_name
from mrsnb.core.blend import cube_headers, header_row
from mrsnb.core.cube import Cube
from mrsnb.core.exposure import ExposureSource
from mrsnb.core.references import CubePars
from mrsnb.core.results import Result
from mrsnb.display import Picture, Row, Section
from mrsnb.kernels.normalize import OUTSIDE, Product, normalize, torn_planes
from mrsnb.kernels.threads import share
from mrsnb.steps.cube_build.contributions import Contributions
from mrsnb.steps.cube_build.feeds import feed_of, groups_of
from mrsnb.steps.cube_build.params import CubeBuildParams
from mrsnb.steps.cube_build.plan import CubePlan, Offsets, plan_cubes
from mrsnb.steps.cube_build.storage import storage
from mrsnb.steps.cube_build.tracer import Tracer

log = logging.getLogger(__name__)

Array = NDArray[np.float64]

_SHOWN = 16
"""Planes of each cube that a picture of many is made of at least."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class CubeBuildResult(Result):
    """The cubes, in order of wavelength; with ``debug_spaxel``, the pixels of that voxel of each.

    Examples
    --------
    >>> cube_build(exposures, params, values.cubepar, product="star").title
    'cube_build: 1A'
    """

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
            holes = [] if cube.holes is None else [Row("holes", str(cube.holes), "voxels")]
            return [Row("product", cube.name), *cube.rows(), *holes]
        return [Row(cube.label, " x ".join(map(str, cube.grid.shape)), "voxels", cube.name) for cube in self.cubes]

    def pictures(self) -> list[Picture]:
        """Return the cubes collapsed over wavelength."""
        from mrsnb.display.plots import SkyImage, image_grid_picture

        if len(self.cubes) == 1:
            return self.cubes[0].pictures()
        images = [
            SkyImage(cube.label, cube.collapsed(max(1, cube.grid.n_wave // _SHOWN)), cube.grid.spaxel_size)
            for cube in self.cubes
        ]
        return [image_grid_picture("Median of some planes", images, rotation=self.cubes[0].grid.rotation)]

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
        Exposures of one target; loaded one at a time. Of those of a cube, the pixels of its band are held: 3 MB each
        with drizzle, 20 MB with emsm and msm. Those of late cubes are kept for the next call, up to 64 MB.
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

    Examples
    --------
    >>> params = CubeBuildParams(channel="1", wavemin=5.2, wavemax=5.3, scalexy=0.2)
    >>> result = cube_build(exposures, params, values.cubepar, product="star")
    >>> result.cubes[0].name, result.cubes[0].grid.shape
    ('star_ch1-short_s3d.fits', (126, 31, 39))
    """
    start = perf_counter()
    plans = plan_cubes(exposures, params, cubepars, offsets)
    asked = voxel_pixels(plans, params)
    cubes = tuple(build_cube(plan, params, cubepars, product) for plan in plans)
    return CubeBuildResult(params=params, seconds=perf_counter() - start, cubes=cubes, contributions=asked)


def voxel_pixels(plans: Sequence[CubePlan], params: CubeBuildParams) -> tuple[Contributions, ...]:
    """Return the pixels that feed the voxel ``debug_spaxel`` of each planned cube; empty if it is not given.

    Examples
    --------
    >>> asked = CubeBuildParams(debug_spaxel=(20, 20, 60))
    >>> len(voxel_pixels([plan], asked)[0].pixels)
    6
    """
    if params.debug_spaxel is None:
        return ()
    return tuple(Tracer(plan, params).voxel(params.debug_spaxel) for plan in plans)


def build_cube(
    plan: CubePlan,
    params: CubeBuildParams,
    cubepars: CubePars,
    product: str,
    suffix: str = "s3d",
    folder: Path | None = None,
) -> Cube:
    """Return the cube of one plan; the exposures are loaded one at a time, and their pixels held.

    The arrays of one that ``params.memory_limit`` has no room for lie in a file, which vanishes with them, in `folder`
    (that for temporary files if not given).

    Examples
    --------
    >>> build_cube(plan, params, values.cubepar, "star").name
    'star_ch1-short_s3d.fits'
    """
    (flux, err, dq, weight), holes = _filled(plan, params, folder)
    grid = plan.grid
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
        holes=holes,
        primary=primary,
        science=science,
        inputs=tuple(header_row(p, s) for p, s in zip(primaries, sciences, strict=True)),
        history={"parameters": {"cube_build": params.to_dict()}},
    )


def _filled(plan: CubePlan, params: CubeBuildParams, folder: Path | None) -> tuple[Product, int]:
    """Return the arrays of a cube, made a group of planes at a time, and how many of its voxels are holes."""
    grid = plan.grid
    n_spaxel = grid.n_y * grid.n_x
    flag_holes = params.compat == "none" and not params.skip_dqflagging  # a defect keeps upstream from any flag
    feeds = []
    for band, exposure in plan.members:
        feed = feed_of(plan, band, exposure, params, with_field=flag_holes)
        if feed.is_empty:
            log.warning("%s: no pixel falls into the cube of band %s", exposure.name, band.name)
        feeds.append(feed)
    place = None if plan.fits(params) else Path(tempfile.gettempdir() if folder is None else folder)
    product, groups = storage(grid.shape, place), groups_of(grid)
    good, holes = np.zeros((2, grid.n_wave), np.intp)

    def fill(number: int) -> None:
        begin, end = groups[number]
        sums = np.zeros((end - begin, n_spaxel, 4))
        in_field = np.zeros((end - begin, n_spaxel) if flag_holes else (0, 0), np.bool_)
        for feed in feeds:
            feed.add(begin, sums)
            feed.mark(begin, in_field)
        good[begin:end], holes[begin:end] = normalize(sums, in_field, product.planes(begin, end))

    share(fill, len(groups))
    for k in np.flatnonzero(torn_planes(good)):
        flux, err, dq, weight = product.planes(int(k), int(k) + 1)
        flux[:], err[:], dq[:], weight[:] = np.nan, np.nan, OUTSIDE, 0
        holes[k] = 0
    return product, int(holes.sum())


def _stated_roi(plan: CubePlan, params: CubeBuildParams) -> tuple[float, float, float]:
    """Return what ROIS, ROIW and WPOWER state: the least values, 0 where they do not apply."""
    if plan.reach is None:
        return 0, 0, 0
    power = float(plan.reach.power[0]) if params.weighting == "msm" else 0
    return float(plan.reach.roi_spatial.min()), float(plan.reach.roi_spectral.min()), power
