"""Checks of cubes: holes, planes without data, errors, sky, and where the aperture is in the field.

Each limit is beyond what was measured on clean data: simulated observations of a star in all bands (2 and 4 dithers),
made by this and by the official pipeline. The numbers stand beside the limits.
"""

from collections.abc import Mapping
from math import isfinite, nan

import numpy as np

from mrsnb.core.quality.check import Check, Limits, Words, graded, judged, named
from mrsnb.core.quality.cubes import CubeFigures
from mrsnb.core.quality.spectra import SpectrumFigures

HOLES = Limits(0.005, 0.05, "%")
"""Share of the field. Clean: at most 0.02 %."""
EMPTY_ENDS = Limits(0.02, 0.5, "%")
"""Share of the planes that are at the ends of the band and empty. Clean: none; channel 4C in flight products of 2023,
whose calibration ended at 27.9 micron: 19 %."""
NO_ERROR = Limits(0.001, 0.05, "%")
"""Share of the voxels with flux. Clean: none."""
SKY = Limits(-1.0, -3.0, "sigma", low=True)
"""Errors of one voxel. Clean without a background: -0.2 to 0.2; 16 Cyg B, over-subtracted in flight: -7 to -9."""
OUTSIDE = Limits(0.01, 0.1, "%")
"""Share of the aperture. Clean: none."""
EDGE = Limits(1.0, 0.0, "FWHM", low=True)
"""Distance of the centre from the edge of the field. Half a FWHM more or less already costs percents of the flux."""
SEEN = Limits(0.5, 0.1, "of the median", low=True)
"""Detector pixels per voxel within the aperture, relative to the whole field. Clean: 1.6 to 1.9."""
SMALL = Limits(1.5, 0.0, "FWHM", low=True)
"""Radius of the aperture, where there are fewer exposures than `ENOUGH`. Law et al. 2023 (AJ 166, 45): below it, the
undersampled PSF makes spectra wavy by percents. The default is 2 FWHM."""
ENOUGH = 4
"""Dithers that sample the PSF well in any aperture (ibid.)."""
_FINE = 5
"""Points of the aperture along a spaxel."""

_UNITS = ("MJy/sr", "MJysr-1")


def cube_checks(cubes: Mapping[str, CubeFigures], spectra: Mapping[str, SpectrumFigures]) -> list[Check]:
    """Return what cubes are worth.

    Parameters
    ----------
    cubes, spectra : mapping of str to figures
        By band.
    """
    both = {band: (cube, spectra[band]) for band, cube in cubes.items() if band in spectra}
    return [
        graded(_HOLES, {band: c.holes for band, c in cubes.items()}, HOLES),
        _empty_planes(cubes),
        graded(_NO_ERROR, {band: c.no_error for band, c in cubes.items()}, NO_ERROR),
        graded(_SKY, {band: c.sky for band, c in cubes.items()}, SKY),
        graded(_OUTSIDE, {band: outside_field(*pair) for band, pair in both.items()}, OUTSIDE),
        graded(_EDGE, {band: distance_to_edge(*pair) for band, pair in both.items()}, EDGE),
        graded(_SEEN, {band: seen_at_source(*pair) for band, pair in both.items()}, SEEN),
        _small_aperture(both),
        _units(cubes),
    ]


_HOLES = Words(
    "holes in the field",
    "Voxels inside the field of view into which no detector pixel fell, or only flagged ones.",
    "Set pixel_replace.skip=false, take larger spaxels (cube_build.scalexy), or look at what outlier_detection flags.",
)
_EMPTY = Words(
    "planes without data",
    "Wavelengths at which the whole cube is empty.",
    "At the ends, the calibration stops early: leave them out (cube_build.wavemin, wavemax). Inside, exposures are"
    " flagged throughout: look at their DQ.",
)
_NO_ERROR = Words(
    "voxels without error",
    "Voxels with flux whose error is zero, negative or not a number.",
    "Do not weight with ERR; build the cubes again from exposures that have one.",
)
_SKY = Words(
    "sky",
    "The darkest sky of an eighth of a band, in errors of one voxel; well below zero, too much was subtracted.",
    "Set master_background.skip=true and let extract_1d subtract an annulus, or take another background observation.",
)
_OUTSIDE = Words(
    "aperture outside the field",
    "The share of the aperture that lies outside the field of view, where flux is lost.",
    "Move it (extract_1d.center_xy), or make it smaller (extract_1d.ifu_rscale).",
)
_EDGE = Words(
    "source from the edge",
    "How far the centre of the aperture is from the edge of the field.",
    "The source may be cut, or the centre be a bad spaxel: see the picture; set extract_1d.ifu_autocen=false"
    " or extract_1d.center_xy.",
)
_SEEN = Words(
    "dithers at the source",
    "Detector pixels per voxel within the aperture, relative to the whole field: whether all dithers see the source.",
    "Only some of the dithers cover the source: look at the coverage, and at the pointing of the exposures.",
)
_SMALL = Words(
    "aperture for few dithers",
    f"The radius of the aperture, where fewer than {ENOUGH} exposures sample the PSF.",
    "Take a larger one (extract_1d.ifu_rscale), set adaptive_trace_model.skip=false, or observe with four dithers.",
)
_UNIT = Words(
    "units",
    "Whether all cubes are in MJy/sr.",
    "Products in other units are not of level 3, or of other software: convert before they are compared.",
)


def outside_field(cube: CubeFigures, spectrum: SpectrumFigures) -> float:
    """Return the share of the widest aperture that is outside the field; NaN for a sum over the whole field."""
    place = _aperture(cube, spectrum)
    if place is None:
        return nan
    x, y, radius = place
    grid = (np.arange(-np.ceil(radius) * _FINE, np.ceil(radius) * _FINE + 1)) / _FINE
    dx, dy = np.meshgrid(grid, grid)
    inside = np.hypot(dx, dy) <= radius
    column, row = np.rint(x + dx[inside]).astype(int), np.rint(y + dy[inside]).astype(int)
    n_y, n_x = cube.field.shape
    on = (column >= 0) & (column < n_x) & (row >= 0) & (row < n_y)
    return 1.0 - float(np.count_nonzero(cube.field[row[on], column[on]])) / len(column)


def distance_to_edge(cube: CubeFigures, spectrum: SpectrumFigures) -> float:
    """Return how far the aperture's centre is within the field, in FWHM at the middle of the band; negative outside.

    References
    ----------
    Law et al. 2023, AJ 166, 45, for the FWHM.
    """
    place = _aperture(cube, spectrum)
    if place is None or not cube.field.any():
        return nan
    x, y, _ = place
    padded = np.pad(cube.field, 1)
    row, column = np.nonzero(~padded)
    to_outside = float(np.hypot(column - 1 - x, row - 1 - y).min()) - 0.5
    fwhm = _fwhm(sum(cube.wave_range) / 2)
    if not _is_in(cube, x, y):
        row, column = np.nonzero(cube.field)
        to_outside = 0.5 - float(np.hypot(column - x, row - y).min())
    return to_outside * cube.grid.spaxel_size / fwhm


def seen_at_source(cube: CubeFigures, spectrum: SpectrumFigures) -> float:
    """Return the median coverage within the aperture over that of the field."""
    place = _aperture(cube, spectrum)
    if place is None or not cube.field.any():
        return nan
    x, y, radius = place
    row, column = np.indices(cube.field.shape)
    inside = (np.hypot(column - x, row - y) <= max(radius, 1.0)) & cube.field
    whole = np.nanmedian(cube.coverage[cube.field])
    return float(np.nanmedian(cube.coverage[inside]) / whole) if inside.any() and whole > 0 else 0.0


def radius_in_fwhm(cube: CubeFigures, spectrum: SpectrumFigures) -> float:
    """Return the radius of the aperture over the FWHM, at the end of the band where it is less."""
    if _aperture(cube, spectrum) is None:
        return nan
    ends = zip(spectrum.radii, spectrum.wave_range, strict=True)
    known = [radius * cube.grid.spaxel_size / _fwhm(wave) for radius, wave in ends if isfinite(radius * wave)]
    return min(known, default=nan)


def _fwhm(wave: float) -> float:
    """Return the FWHM of the PSF in arcsec; `wave` in micron."""
    return 0.033 * wave + 0.106


def _small_aperture(both: Mapping[str, tuple[CubeFigures, SpectrumFigures]]) -> Check:
    known = {band: pair for band, pair in both.items() if pair[0].exposures is not None}
    few = {band: pair for band, pair in known.items() if (pair[0].exposures or 0) < ENOUGH}
    radii = {band: radius_in_fwhm(*pair) for band, pair in few.items()}
    limit = f"{SMALL.told}, or {ENOUGH} exposures"
    if known and not any(map(isfinite, radii.values())):
        value = "whole field" if few else f"{ENOUGH} exposures or more"
        return judged(_SMALL, value, limit, "good")
    check = graded(_SMALL, radii, SMALL)
    return judged(_SMALL, check.value, limit, check.verdict, check.bands)


def _aperture(cube: CubeFigures, spectrum: SpectrumFigures) -> tuple[float, float, float] | None:
    """Return centre and largest radius in spaxels; None where the file does not state it, or it is the whole field."""
    (x, y), radius = spectrum.position, max(spectrum.radii, default=nan)
    if spectrum.source_type == "EXTENDED" or not (isfinite(x) and isfinite(y) and isfinite(radius) and radius > 0):
        return None
    return (x, y, radius) if radius < 2 * max(cube.field.shape) else None


def _is_in(cube: CubeFigures, x: float, y: float) -> bool:
    row, column = round(y), round(x)
    n_y, n_x = cube.field.shape
    return 0 <= row < n_y and 0 <= column < n_x and bool(cube.field[row, column])


def _empty_planes(cubes: Mapping[str, CubeFigures]) -> Check:
    inside = {band: c.empty_inside for band, c in cubes.items() if c.empty_inside}
    limit = f"none inside a band, {EMPTY_ENDS.told} at its ends"
    if inside:
        most = max(inside, key=lambda band: inside[band] / cubes[band].planes)
        value = f"{inside[most]} of {cubes[most].planes} inside {most}; in {named(tuple(inside))}"
        verdict = "bad" if inside[most] > cubes[most].planes / 100 else "warning"
        return judged(_EMPTY, value, limit, verdict, tuple(inside))  # type: ignore[arg-type]
    check = graded(_EMPTY, {band: c.empty_ends / c.planes for band, c in cubes.items()}, EMPTY_ENDS)
    value = check.value if check.verdict in ("good", "not known") else f"{check.value}, at the ends"
    return judged(_EMPTY, value, limit, check.verdict, check.bands)


def _units(cubes: Mapping[str, CubeFigures]) -> Check:
    if not cubes:
        return judged(_UNIT, "-", "MJy/sr", "not known")
    found = sorted({c.unit for c in cubes.values()})
    wrong = tuple(band for band, c in cubes.items() if c.unit.replace(" ", "") not in _UNITS)
    return judged(_UNIT, ", ".join(found), "MJy/sr", "bad" if wrong else "good", wrong)
