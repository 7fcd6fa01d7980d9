"""Which cubes to build, of which exposures, on which grids; decided before anything is built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from tempfile import gettempdir
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import SUB_BANDS, Band
from mrsnb.core.cube import CubeGrid
from mrsnb.core.exposure import ExposureSource
from mrsnb.core.memory import available_memory
from mrsnb.core.references import CubePars, Sampling
from mrsnb.errors import InputError, ParamError
from mrsnb.geometry.chain import MrsChain
from mrsnb.geometry.detector import sampled_waves
from mrsnb.geometry.footprint import header_footprint, pixel_footprint
from mrsnb.geometry.grid import choose_grid, linear_waves, tabulated_waves
from mrsnb.geometry.tangent import offset_by, separation, to_plane
from mrsnb.kernels.shepard import Reach
from mrsnb.steps.cube_build.params import CubeBuildParams
from mrsnb.steps.cube_build.pixels import overlaps, view_of
from mrsnb.steps.cube_build.storage import VOXEL

Offsets = Mapping[str, tuple[float, float]]
"""Shift of each exposure by file name: east and north on the sky, arcsec."""

BYTES_A_VOXEL = 33
"""Of the four arrays of two cubes, since one is built while the one before is written."""

_footprints: "WeakKeyDictionary[MrsChain, dict[Band, NDArray[np.float64]]]" = WeakKeyDictionary()
"""What was found, so that plans can be made before and after the steps that change exposures."""

_LARGE = 1_000_000_000
"""Bytes: the arrays of a larger cube are kept in a file, if nobody says how much memory there is."""

_ROWS = 32
"""A look at every so many rows of the detector tells which wavelengths an exposure has."""

_FARTHEST = 3600.0
"""arcsec: the middle of a cube may be no farther from its exposures."""

FEW_FILES = 4
"""With fewer exposures in a cube, pixels reach 1.5 times as far on the sky."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CubePlan:
    """One cube to be built.

    Parameters
    ----------
    members : tuple of (Band, ExposureSource)
        What goes into it, in order.
    grid : CubeGrid
        Where its voxels are.
    reach : Reach or None
        How far pixels reach, for emsm and msm; None for drizzle.
    offsets : mapping
        Shifts of exposures, arcsec.

    Examples
    --------
    >>> plan.bands[0].name, plan.grid.shape
    ('1A', (126, 45, 57))
    """

    members: tuple[tuple[Band, ExposureSource], ...]
    grid: CubeGrid
    reach: Reach | None
    offsets: Offsets

    @property
    def bands(self) -> tuple[Band, ...]:
        """The bands in it, in order."""
        return tuple(dict.fromkeys(band for band, _ in self.members))

    @property
    def exposures(self) -> tuple[ExposureSource, ...]:
        """The exposures in it, each once."""
        return tuple({id(exposure): exposure for _, exposure in self.members}.values())

    @property
    def memory(self) -> float:
        """What building it in memory takes, GB."""
        return self.grid.n_voxels * BYTES_A_VOXEL / 1e9

    def fits(self, params: CubeBuildParams) -> bool:
        """Return whether it may be built in memory; else its arrays are kept in a file."""
        if params.memory_limit is None:
            return self.grid.n_voxels * VOXEL <= _LARGE
        return self.memory <= params.memory_limit


def plan_cubes(
    exposures: Sequence[ExposureSource],
    params: CubeBuildParams,
    cubepars: CubePars,
    offsets: Offsets | None = None,
    folder: Path | None = None,
) -> tuple[CubePlan, ...]:
    """Return a plan for each cube to be built, in order of channel and setting.

    Arguments and errors as `mrsnb.steps.cube_build.cube_build`; what cannot be built is refused here, before all else.
    `folder` is where cubes beyond ``params.memory_limit`` are to be kept: that for temporary files if not given.

    Examples
    --------
    >>> [plan.bands[0].name for plan in plan_cubes(exposures, CubeBuildParams(), values.cubepar)]
    ['1A', '2A']
    """
    offsets = {} if offsets is None else offsets
    missing = [exposure.name for exposure in exposures if exposure.name not in offsets] if offsets else []
    if missing:
        msg = f"offset_file: no offset for {', '.join(missing)}; list every exposure, with 0 where it need not move"
        raise InputError(msg)
    plans = []
    for bands in _grouped(_selected(exposures, params), params.output_type):
        members = tuple((band, exposure) for band in bands for exposure in exposures if band in exposure.bands)
        plan = _plan(members, params, cubepars, offsets)
        _refuse_too_large(plan, params, Path(gettempdir()) if folder is None else folder)
        plans.append(plan)
    return tuple(plans)


def planned_bands(exposures: Sequence[ExposureSource], params: CubeBuildParams) -> tuple[tuple[Band, ...], ...]:
    """Return the bands of each cube that `plan_cubes` will plan; raises `ParamError` as it does if there are none.

    Examples
    --------
    >>> len(planned_bands(exposures, CubeBuildParams(output_type="multi")))
    1
    """
    return tuple(tuple(bands) for bands in _grouped(_selected(exposures, params), params.output_type))


def check_exposures(exposures: Sequence[ExposureSource], params: CubeBuildParams) -> None:
    """Refuse what `plan_cubes` would refuse of exposures, before steps change them.

    Raises
    ------
    ParamError
        If no exposure has the wanted channel and band.
    InputError
        If the wavelengths of one are not those of the band that its header states. A WCS that only gwcs can evaluate
        is slow, and looked at later.

    Examples
    --------
    >>> check_exposures(exposures, CubeBuildParams(channel="1"))
    """
    wanted = _selected(exposures, params)
    for exposure in exposures:
        if isinstance(exposure.wcs, MrsChain):
            for band in set(exposure.bands) & set(wanted):
                if not overlaps(sampled_waves(exposure.wcs, band, _ROWS), band):
                    view_of(exposure, band)


def _selected(exposures: Sequence[ExposureSource], params: CubeBuildParams) -> list[Band]:
    there = {band for exposure in exposures for band in exposure.bands}
    asked = [b for b in there if params.channel in ("all", str(b.channel)) and params.band in ("all", b.sub_band)]
    if not asked:
        found = ", ".join(f"channel {b.channel} {b.sub_band}" for b in sorted(there)) or "none"
        msg = f"cube_build: channel = {params.channel!r}, band = {params.band!r}: no exposure has it (found {found})"
        raise ParamError(msg)
    return sorted(asked, key=lambda band: (band.channel, SUB_BANDS.index(band.sub_band)))


def _grouped(bands: list[Band], output_type: str) -> list[list[Band]]:
    if output_type == "multi":
        return [bands]
    if output_type == "channel":
        return [[b for b in bands if b.channel == channel] for channel in sorted({b.channel for b in bands})]
    return [[band] for band in bands]


def _plan(
    members: tuple[tuple[Band, ExposureSource], ...], params: CubeBuildParams, cubepars: CubePars, offsets: Offsets
) -> CubePlan:
    bands = list(dict.fromkeys(band for band, _ in members))
    samplings = [cubepars.sampling_of(band) for band in bands]
    steps = {sampling.spectral_step for sampling in samplings}
    linear = params.output_type != "multi" and params.linear_wave is not False
    if linear and params.scalew is None and len(steps) > 1:
        if params.linear_wave:
            msg = f"linear_wave = True: the bands have different spectral steps ({sorted(steps)} micron); give scalew"
            raise ParamError(msg)
        linear = False
    low = min(s.wave_min for s in samplings) if params.wavemin is None else params.wavemin
    high = max(s.wave_max for s in samplings) if params.wavemax is None else params.wavemax
    _refuse_other_waves(bands, samplings, low, high)
    used = slice(None)
    if linear:
        waves = linear_waves(low, high, min(steps) if params.scalew is None else params.scalew)
    else:
        waves, used = tabulated_waves(_table(cubepars, params.weighting), low, high)
    smallest = min(range(len(bands)), key=lambda i: samplings[i].spaxel_size)
    centre = None
    if params.ra_center is not None and params.dec_center is not None:
        centre = (params.ra_center, params.dec_center)
    corners = _corners(members, params, offsets)
    grid = choose_grid(
        corners,
        samplings[smallest].spaxel_size if params.scalexy is None else params.scalexy,
        waves,
        linear=linear,
        rotation=_rotation(members, params),
        centre=centre,
        n_x=params.nspax_x,
        n_y=params.nspax_y,
        as_upstream=params.compat != "none",
    )
    if centre is not None:
        _refuse_elsewhere(grid, corners)
    n_files = len(members)
    reach = _linear_reach(bands, smallest, params, cubepars, n_files)
    if not linear:
        reach = _tabulated_reach(used, params, cubepars, n_files)
    return CubePlan(members=members, grid=grid, reach=reach, offsets=offsets)


def _refuse_other_waves(bands: Sequence[Band], samplings: Sequence[Sampling], low: float, high: float) -> None:
    """Refuse a range of wavelengths, micron, in which the bands have nothing."""
    if low >= high or not any(low < s.wave_max and s.wave_min < high for s in samplings):
        there = ", ".join(f"{b.name} {s.wave_min:g} to {s.wave_max:g}" for b, s in zip(bands, samplings, strict=True))
        msg = f"wavemin = {low:g}, wavemax = {high:g} micron: nothing there of the cube's bands ({there} micron)"
        raise ParamError(msg)


def _refuse_elsewhere(grid: CubeGrid, corners: NDArray[np.float64]) -> None:
    """Refuse a cube, cut out by ra_center and dec_center, that no exposure reaches."""
    apart = min(separation(np.array([corner, (grid.ra, grid.dec)]))[0, 1] for corner in corners)
    xi, eta = to_plane(corners[:, 0], corners[:, 1], grid.ra, grid.dec, grid.rotation)
    half_x, half_y = (n * grid.spaxel_size / 2 for n in (grid.n_x, grid.n_y))
    misses = xi.min() > half_x or xi.max() < -half_x or eta.min() > half_y or eta.max() < -half_y
    if misses or apart > _FARTHEST:
        msg = (
            f"ra_center = {grid.ra:g}, dec_center = {grid.dec:g}: the exposures are {apart:.1f} arcsec from there, "
            f"outside the cube of {grid.n_x} x {grid.n_y} spaxels"
        )
        raise ParamError(msg)


def _table(cubepars: CubePars, weighting: str) -> NDArray[np.float64]:
    rows = {"drizzle": cubepars.multi_wave, "emsm": None, "msm": None}
    if cubepars.multi_emsm is not None:
        rows["emsm"] = cubepars.multi_emsm.wave
    if cubepars.multi_msm is not None:
        rows["msm"] = cubepars.multi_msm.wave
    table = rows[weighting]
    if table is None:
        msg = f"{cubepars.source}: no wavelength table for cubes of several bands with weighting = {weighting!r}"
        raise InputError(msg)
    return table


def _linear_reach(
    bands: list[Band], smallest: int, params: CubeBuildParams, cubepars: CubePars, n_files: int
) -> Reach | None:
    if params.weighting == "drizzle":
        return None
    emsm = params.weighting == "emsm"
    rows = [cubepars.emsm_of(band) if emsm else cubepars.msm_of(band) for band in bands]
    roi = params.rois
    if roi is None:
        roi = rows[smallest].roi_spatial * (1.5 if n_files < FEW_FILES and not emsm else 1.0)
    roiw = min(row.roi_spectral for row in rows) if params.roiw is None else params.roiw
    weights = np.array([row[2:] for row in rows]).min(axis=0)  # scale radius; or power and soft radius
    scale, power, soft = (weights[0], 1.0, 1.0) if emsm else (1.0, weights[0], weights[1])
    if not emsm and params.weight_power is not None:
        power = params.weight_power
    elif not emsm and params.compat != "none":
        power = 2.0  # upstream's default hides the reference value
    return _reach(1.0, roi, roiw, scale, power, soft)


def _tabulated_reach(used: slice, params: CubeBuildParams, cubepars: CubePars, n_files: int) -> Reach | None:
    wide = 1.5 if n_files < FEW_FILES else 1.0
    if params.weighting == "emsm" and cubepars.multi_emsm is not None:
        e = cubepars.multi_emsm
        return _reach(e.wave[used], e.roi_spatial[used] * wide, e.roi_spectral[used], e.scale_radius[used], 1.0, 1.0)
    if params.weighting == "msm" and cubepars.multi_msm is not None:
        m = cubepars.multi_msm
        soft, power = m.soft_radius[used], m.power[used]
        return _reach(m.wave[used], m.roi_spatial[used] * wide, m.roi_spectral[used], 1.0, power, soft)
    return None


def _reach(*columns: float | NDArray[np.float64]) -> Reach:
    """Return a table of numbers and columns, all of one kind: kernels are compiled for it once."""
    n = max(np.size(column) for column in columns)
    return Reach(*(np.array(np.broadcast_to(column, n), np.float64) for column in columns))


def _corners(
    members: tuple[tuple[Band, ExposureSource], ...], params: CubeBuildParams, offsets: Offsets
) -> NDArray[np.float64]:
    """Return the corners of all footprints, shape (n, 2), deg.

    As upstream, S_REGION is believed for channels 2 and 4, whose fields hold the other channel's, and for cubes of
    everything, if north is up; else the pixels are asked.
    """
    north_up = params.coord_system != "ifualign" and params.cube_pa is None
    narrow = params.output_type != "multi" and any(band.channel in (1, 3) for band, _ in members)
    found = []
    for band, exposure in members:
        moving = exposure.primary.text("TARGTYPE").upper() == "MOVING"
        stated = header_footprint(exposure) if north_up and not narrow and not moving else None
        corners = _footprint(exposure, band) if stated is None else stated
        if offsets and len(corners):
            corners = np.stack(offset_by(corners[:, 0], corners[:, 1], *offsets[exposure.name]), axis=1)
        found.append(corners)
    corners = np.concatenate(found)
    if not len(corners):
        msg = f"{members[0][1].name}: no pixel of band {members[0][0].name} has a place on the sky"
        raise InputError(msg)
    return corners


def _footprint(exposure: ExposureSource, band: Band) -> NDArray[np.float64]:
    if not isinstance(exposure.wcs, MrsChain):
        return pixel_footprint(view_of(exposure, band))
    known = _footprints.setdefault(exposure.wcs, {})
    if band not in known:
        known[band] = pixel_footprint(view_of(exposure, band))
    return known[band]


def _rotation(members: tuple[tuple[Band, ExposureSource], ...], params: CubeBuildParams) -> float:
    """Return the turn of the grid, deg: asked for, or along the slices of the first exposure."""
    if params.coord_system != "ifualign":
        return 0.0 if params.cube_pa is None else params.cube_pa
    band, exposure = members[0]
    view = view_of(exposure, band)
    wave = np.full(2, float(np.nanmedian(view.samples.wave)))
    ra, dec = view.source.sky(np.array([0.0, 2.0]), np.zeros(2, np.int16), np.zeros(1), wave)
    d_ra = (float(ra[1] - ra[0]) + 180.0) % 360.0 - 180.0
    return 90.0 + float(np.degrees(np.arctan2(d_ra * np.cos(np.radians(dec[0])), dec[1] - dec[0])))


def _refuse_too_large(plan: CubePlan, params: CubeBuildParams, folder: Path) -> None:
    memory, by_disk = available_memory(), False
    needed, limit = plan.memory, memory
    if not plan.fits(params):
        disk = _free(folder)
        by_disk = params.memory_limit is not None or disk < memory
        needed, limit = plan.grid.n_voxels * VOXEL / 1e9, disk if by_disk else memory
    if needed <= limit:
        return
    grid = plan.grid
    names, places = [], []
    for band, exposure in plan.members:
        corners = _footprint(exposure, band)
        names.append(exposure.name)
        places.append(corners.mean(axis=0) if np.ptp(corners[:, 0]) < 180 else corners[0])
    apart = separation(np.array(places))
    first, second = np.unravel_index(int(np.argmax(apart)), apart.shape)
    msg = (
        f"cube of {grid.n_wave} x {grid.n_y} x {grid.n_x} voxels needs {needed:.1f} GB, there are {limit:.1f} GB "
        f"{'on the disk' if by_disk else 'of memory'}; the exposures farthest apart are {names[first]} and "
        f"{names[second]}, {apart[first, second]:.1f} arcsec: build them apart, or set nspax_x and nspax_y, or wavemin "
        f"and wavemax{'' if by_disk else ', or a lower memory_limit to build it through the disk'}"
    )
    raise ParamError(msg)


def _free(folder: Path) -> float:
    """Return the room on the disk of a folder, which may not be there yet, GB."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return disk_usage(there).free / 1e9
