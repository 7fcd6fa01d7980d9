"""Which detector pixels made a voxel: the answer to ``debug_spaxel``."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mrsnb.core.bands import Band
from mrsnb.core.dq import words
from mrsnb.core.exposure import ExposureSource
from mrsnb.display import Row, Section, Shown, Table
from mrsnb.errors import ParamError
from mrsnb.kernels.overlap import MAX_VERTICES, shared_area
from mrsnb.steps.cube_build.params import CubeBuildParams
from mrsnb.steps.cube_build.pixels import usable_pixels
from mrsnb.steps.cube_build.plan import CubePlan, view_of


class Contribution(NamedTuple):
    """One detector pixel's part of a voxel."""

    exposure: str
    x: int
    """Column of the pixel, 0-based."""
    y: int
    """Row of the pixel, 0-based."""
    slice: int
    """Label of its slice."""
    wave: float
    """Its wavelength, micron."""
    weight: float
    """Its weight in the voxel: arcsec^2 micron for drizzle."""
    flux: float
    """MJy/sr."""
    err: float
    """MJy/sr."""
    dq: int
    """Its flags."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Contributions(Shown):
    """All pixels of a voxel.

    Parameters
    ----------
    voxel : tuple of int
        ``(x, y, z)``, 0-based.
    pixels : tuple of Contribution
        By exposure, heaviest first within each.
    """

    voxel: tuple[int, int, int]
    pixels: tuple[Contribution, ...]

    @property
    def flux(self) -> float:
        """The voxel's value, from its pixels: MJy/sr; NaN if there are none."""
        weight = sum(p.weight for p in self.pixels)
        return sum(p.weight * p.flux for p in self.pixels) / weight if weight else float("nan")

    @property
    def title(self) -> str:
        """Which voxel it is."""
        return f"Voxel {self.voxel}"

    def rows(self) -> list[Row]:
        """Return what there is to say about the voxel."""
        return [
            Row("voxel x, y, z", ", ".join(map(str, self.voxel))),
            Row("pixels", str(len(self.pixels))),
            Row("flux", f"{self.flux:.6g}", "MJy/sr"),
        ]

    def sections(self) -> list[Section]:
        """Return the pixels as a table."""
        return [Section("Pixels", self.table(), open=True)]

    def table(self) -> Table:
        """Return one row a pixel."""
        total = sum(p.weight for p in self.pixels)
        rows = tuple(
            (
                p.exposure,
                str(p.x),
                str(p.y),
                str(p.slice),
                f"{p.wave:.5f}",
                f"{p.weight / total:.4f}",
                f"{p.flux:.5g}",
                f"{p.err:.3g}",
                " ".join(words(p.dq)) or "good",
            )
            for p in self.pixels
        )
        return Table(("exposure", "x", "y", "slice", "micron", "share", "MJy/sr", "error", "flags"), rows)

    def __repr__(self) -> str:
        return f"{self.title}\n{self.table().to_text()}"


def contributions(plan: CubePlan, params: CubeBuildParams, voxel: tuple[int, int, int]) -> Contributions:
    """Return the detector pixels that feed a voxel, with their weights.

    Parameters
    ----------
    plan : CubePlan
        Of the cube, from `mrsnb.steps.cube_build.plan_cubes`.
    params : CubeBuildParams
        As the cube is built with.
    voxel : tuple of int
        ``(x, y, z)``, 0-based.

    Raises
    ------
    ParamError
        If the voxel is not in the cube.
    """
    grid = plan.grid
    for name, place, n in zip("xyz", voxel, (grid.n_x, grid.n_y, grid.n_wave), strict=True):
        if not 0 <= place < n:
            msg = f"debug_spaxel = {voxel}: {name} must be from 0 to {n - 1} in the cube of {plan.bands[0].name}"
            raise ParamError(msg)
    found: list[Contribution] = []
    for band, exposure in plan.members:
        found += sorted(_of_exposure(plan, params, band, exposure, voxel), key=lambda p: -p.weight)
    return Contributions(voxel=voxel, pixels=tuple(found))


def _of_exposure(
    plan: CubePlan, params: CubeBuildParams, band: Band, exposure: ExposureSource, voxel: tuple[int, int, int]
) -> list[Contribution]:
    view, loaded = view_of(exposure, band), exposure.load()
    flux, err = usable_pixels(loaded, view)
    weigh = _drizzle_weights if plan.reach is None else _shepard_weights
    weight = weigh(plan, params, view, exposure, voxel)
    used = np.flatnonzero((weight > 0) & np.isfinite(flux))
    n_col = loaded.flux.shape[1]
    return [
        Contribution(
            exposure=exposure.name,
            x=int(view.samples.pixel[p] % n_col),
            y=int(view.samples.pixel[p] // n_col),
            slice=band.labels[int(view.samples.slice[p])],
            wave=float(view.samples.wave[p]),
            weight=float(weight[p]),
            flux=float(flux[p]),
            err=float(err[p]),
            dq=int(loaded.dq.flat[view.samples.pixel[p]]),
        )
        for p in used
    ]


def _drizzle_weights(
    plan: CubePlan, params: CubeBuildParams, view: Any, exposure: ExposureSource, voxel: tuple[int, int, int]
) -> Any:
    grid, (x, y, z) = plan.grid, voxel
    wave, step = grid.wave[z], grid.wave_step[z]
    samples = view.samples
    low, high = samples.wave - samples.width / 2, samples.wave + samples.width / 2
    extent = np.minimum(high, wave + step / 2) - np.maximum(low, wave - step / 2)
    as_upstream = params.compat != "none"
    offset = plan.offsets.get(exposure.name)
    xi, eta = view.corners(grid.ra, grid.dec, grid.rotation, offset, through_sky=as_upstream)
    half = grid.spaxel_size / 2
    left, right, bottom, top = grid.x[x] - half, grid.x[x] + half, grid.y[y] - half, grid.y[y] + half
    near = (extent > 0) & (xi.min(1) < right) & (xi.max(1) > left) & (eta.min(1) < top) & (eta.max(1) > bottom)
    weight = np.zeros(len(extent))
    work = np.empty((4, MAX_VERTICES))
    for p in np.flatnonzero(near):
        weight[p] = extent[p] * shared_area(xi[p], eta[p], (left, right, bottom, top), as_upstream, *work)
    return weight


def _shepard_weights(
    plan: CubePlan, params: CubeBuildParams, view: Any, exposure: ExposureSource, voxel: tuple[int, int, int]
) -> Any:
    grid, reach, (x, y, z) = plan.grid, plan.reach, voxel
    if reach is None:
        return np.zeros(view.samples.pixel.size)
    xi, eta = view.centres(grid.ra, grid.dec, grid.rotation, plan.offsets.get(exposure.name))
    dx, dy, dz = xi - grid.x[x], eta - grid.y[y], view.samples.wave - grid.wave[z]
    row = np.abs(reach.wave[:, None] - view.samples.wave).argmin(axis=0) if len(reach.wave) > 1 else 0
    near = (np.hypot(dx, dy) <= reach.roi_spatial[row]) & (np.abs(dz) <= reach.roi_spectral[row])
    d2 = (dx**2 + dy**2) / grid.spaxel_size**2 + (dz / grid.wave_step[z]) ** 2
    if params.weighting == "emsm":
        return np.where(near, np.exp(-d2 / (reach.scale[row] / grid.spaxel_size)), 0.0)
    return np.where(near, 1.0 / np.maximum(np.sqrt(d2) ** reach.power[row], reach.soft[row]), 0.0)
