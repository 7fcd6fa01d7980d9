"""Where the aperture of a point source is centred, and why."""

import logging
import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.blend import spaxel_sky
from mrsnb.core.cube import Cube, CubeGrid
from mrsnb.errors import InputError
from mrsnb.geometry.tangent import to_plane
from mrsnb.kernels.centroid import EDGE, FWHM_TO_SIGMA, NOTHING, SHAPE, Found, Limits, eroded, find_source
from mrsnb.kernels.daofind import find_stars
from mrsnb.kernels.light import Light, mean_light
from mrsnb.steps.extract_1d.params import Extract1dParams

log = logging.getLogger(__name__)

_MANY = 15_000_000
"""Voxels: larger cubes, of several bands, show their source in a part of their planes just as well."""

Array = NDArray[np.float64]

LONGEST_WAVE = 26.0
"""micron: beyond, throughput is too low to look for sources."""
_LEAST_SEEN = 0.5
"""Share of the planes in which a spaxel must have light to take part."""
_TRIM, _MEDIAN = 0.1, 0.5
"""Share of the planes left out at each end of a mean; half of them leaves the median."""
_LEAST_PLANES = 20
_LINE_SIGMA = 6.0
_UPSTREAM_FWHM = 3.0
_FAR = 2.0
"""arcsec: a source further from the target is worth a warning."""


@dataclass(frozen=True, kw_only=True)
class Centre:
    """The centre of an aperture.

    Parameters
    ----------
    x, y : float
        0-based, spaxels.
    method : str
        ``"given"``, ``"found"`` in the cube, ``"target"``'s position, ``"middle"`` of the cube, ``"region"``, or
        ``"field"`` for the whole of it.
    reason : str
        Why it is not where it was looked for first; empty if it is.
    signal_to_noise : float
        Of a source that was found by noise, else 0.

    Examples
    --------
    >>> from mrsnb.steps.extract_1d import extract_1d
    >>> result = extract_1d(cube, Extract1dParams(ifu_autocen=True), values.extract1d, values.apcorr)
    >>> result.centres[0].method, result.centres[0].signal_to_noise > 10
    ('found', True)
    """

    x: float
    y: float
    method: Literal["given", "found", "target", "middle", "region", "field"]
    reason: str = ""
    signal_to_noise: float = 0.0


def centre_of(cube: Cube, params: Extract1dParams) -> Centre:
    """Return the centre of the aperture: as given, else of the source found, else the target's, else the middle.

    Raises
    ------
    InputError
        If ``center_xy`` is outside the cube.
    """
    as_upstream = params.compat != "none"
    n_y, n_x = cube.flux.shape[1:]
    if params.center_xy is not None:
        check_centre(cube.name, cube.grid, params)
        x, y = params.center_xy
        return Centre(x=x, y=y, method="given")
    reason = ""
    if params.ifu_autocen:
        found = _star(cube) if as_upstream else _source(cube)
        if isinstance(found, Centre):
            return found
        reason = found
    target = _target(cube, as_upstream)
    if target is None:
        x, y = (n_x / 2, n_y / 2) if as_upstream else ((n_x - 1) / 2, (n_y - 1) / 2)
        missing = "the target (TARG_RA, TARG_DEC) is not in the cube"
        centre = Centre(x=x, y=y, method="middle", reason=f"{reason}; {missing}" if reason else missing)
    else:
        centre = Centre(x=target[0], y=target[1], method="target", reason=reason)
    if centre.reason:
        where = {"target": "at the target", "middle": "about its middle"}[centre.method]
        log.warning("%s: %s: extracted %s", cube.name, centre.reason, where)
    return centre


def check_centre(name: str, grid: CubeGrid, params: Extract1dParams) -> None:
    """Refuse a centre that is given, but outside a cube; it need not be built yet.

    Raises
    ------
    InputError
        If ``center_xy`` is outside the cube `name`.

    Examples
    --------
    >>> check_centre(cube.name, cube.grid, Extract1dParams(center_xy=(200.0, 18.0)))
    Traceback (most recent call last):
        ...
    mrsnb.errors.InputError: star_ch1-short_s3d.fits: center_xy = 200, 18 is outside the cube of 57 x 45 spaxels
    """
    if params.center_xy is None:
        return
    x, y = params.center_xy
    if not (-0.5 <= x <= grid.n_x - 0.5 and -0.5 <= y <= grid.n_y - 0.5):
        msg = f"{name}: center_xy = {x:g}, {y:g} is outside the cube of {grid.n_x} x {grid.n_y} spaxels"
        raise InputError(msg)


def _target(cube: Cube, as_upstream: bool) -> tuple[float, float] | None:
    """Return the target's spaxel, rounded as upstream does, or None if it is not inside the cube."""
    n_y, n_x = cube.flux.shape[1:]
    ra, dec = cube.primary.number("TARG_RA"), cube.primary.number("TARG_DEC")
    if ra is None or dec is None:
        return None
    grid = cube.grid
    xi, eta = to_plane(np.array(ra), np.array(dec), grid.ra, grid.dec, grid.rotation)
    x, y = float(xi) / grid.spaxel_size + n_x // 2, float(eta) / grid.spaxel_size + n_y // 2
    if not (math.isfinite(x) and math.isfinite(y)):
        return None
    if as_upstream:
        x, y = (float(np.clip(round(c), 0, n - 1)) for c, n in ((x, n_x), (y, n_y)))
    return (x, y) if 0.5 < x < n_x - 1.5 and 0.5 < y < n_y - 1.5 else None


def _star(cube: Cube) -> Centre | str:
    """Return the brightest star by DAOFIND in the median over wavelength, as upstream, or why there is none."""
    planes = cube.flux[cube.grid.wave < LONGEST_WAVE]
    seen = np.isfinite(planes).any(axis=0) if len(planes) else np.zeros(cube.flux.shape[1:], bool)
    if not seen.any():
        return f"ifu_autocen: no light below {LONGEST_WAVE:g} micron"
    image = np.zeros(seen.shape, np.float32)
    image[seen] = np.nanmedian(planes[:, seen], axis=0)
    kept = image[seen].astype(float)
    for _ in range(5):
        middle, spread = np.median(kept), kept.std()
        fewer = kept[(kept >= middle - 3.0 * spread) & (kept <= middle + 3.0 * spread)]
        if fewer.size == kept.size:
            break
        kept = fewer
    image[seen] -= np.float32(np.median(kept))
    stars = find_stars(image.astype(float), _UPSTREAM_FWHM, 3.0 * float(kept.std()))
    if not stars:
        return "ifu_autocen: no star found"
    brightest = max(stars, key=lambda star: star.flux)
    return Centre(x=brightest.x, y=brightest.y, method="found")


def _source(cube: Cube) -> Centre | str:
    """Return the most certain source in the cube, by its continuum or else by its lines, or why there is none."""
    cube = _thinned(cube)
    planes = np.flatnonzero(cube.grid.wave < LONGEST_WAVE)
    below = slice(0, len(planes))
    seen = mean_light(cube.flux[below], cube.err[below], cube.weight[below], _TRIM)
    planes = np.flatnonzero(seen.lit)
    if not planes.size:
        return f"ifu_autocen: no light below {LONGEST_WAVE:g} micron"
    found = _found(cube, seen, planes)
    if found.failure >= 0:
        by_lines = _found_by_lines(cube, below)
        found = by_lines if by_lines is not None and by_lines.failure < 0 else found
    if found.failure >= 0:
        return f"ifu_autocen: {_why_not(found)}"
    centre = Centre(x=found.x, y=found.y, method="found", signal_to_noise=found.signal_to_noise)
    offset = target_offset(cube, centre)
    level = logging.WARNING if offset is not None and offset > _FAR else logging.INFO
    told = "" if offset is None else f", {offset:.2f} arcsec from the target"
    log.log(level, "%s: source found at x = %.2f, y = %.2f%s", cube.name, found.x, found.y, told)
    return centre


def _thinned(cube: Cube) -> Cube:
    """Return a cube with every so many planes of one that is too large to be looked at as a whole."""
    step = -(-cube.grid.n_voxels // _MANY)
    if step <= 1:
        return cube
    part = slice(None, None, step)
    grid = replace(cube.grid, wave=cube.grid.wave[part].copy(), wave_step=cube.grid.wave_step[part].copy())
    flux, err, weight = cube.flux[part].copy(), cube.err[part].copy(), cube.weight[part].copy()
    return replace(cube, grid=grid, flux=flux, err=err, dq=cube.dq[part].copy(), weight=weight)


def _found(cube: Cube, light: Light, planes: NDArray[np.int64]) -> Found:
    """Return what is found in the mean of some planes."""
    seen = light.planes >= max(1.0, _LEAST_SEEN * len(planes))
    image = np.where(seen, light.mean, 0.0)
    noise = np.where(seen, np.sqrt(light.variance) / np.maximum(light.planes, 1), 1.0)
    fwhm = 0.033 * float(cube.grid.wave[planes].mean()) + 0.106  # arcsec; Law et al. 2023, AJ 166, 45
    return find_source(image, noise, seen, fwhm * FWHM_TO_SIGMA / cube.grid.spaxel_size, Limits())


def _found_by_lines(cube: Cube, below: slice) -> Found | None:
    """Return what is found in the planes with lines, the continuum subtracted; None if there are no lines."""
    base = mean_light(cube.flux[below], cube.err[below], cube.weight[below], _MEDIAN)
    planes = np.flatnonzero(base.lit)
    flux, err = cube.flux[planes], cube.err[planes]
    good = (cube.weight[planes] > 0) & np.isfinite(flux) & np.isfinite(err) & (err > 0)
    excess = np.where(good, flux, np.nan) - base.mean
    lines = _line_planes(excess)
    if not lines.size:
        return None
    excess, variance = excess[lines], np.where(good[lines], err[lines].astype(float) ** 2, 0.0).sum(axis=0)
    count, total = np.isfinite(excess).sum(axis=0), np.nansum(excess, axis=0, dtype=float)
    mean = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    return _found(cube, Light(mean, count, variance, np.ones(len(lines), bool)), planes[lines])


def _line_planes(excess: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Return the planes in which the place with the strongest line is bright; none if there is no line.

    `excess` is the flux less its typical value at each spaxel: what does not change with wavelength is gone.
    """
    seen = eroded(np.isfinite(excess).mean(axis=0) > _LEAST_SEEN)
    if len(excess) < _LEAST_PLANES or not seen.any():
        return np.empty(0, np.int64)
    padded = np.pad(np.nan_to_num(excess), ((0, 0), (1, 1), (1, 1)))
    n_y, n_x = seen.shape
    light = np.zeros((len(excess), np.count_nonzero(seen)))
    for j, i in np.ndindex(3, 3):
        light += padded[:, j : j + n_y, i : i + n_x][:, seen]
    spread = 1.4826 * np.median(np.abs(light), axis=0)
    strength = np.divide(light, spread, out=np.zeros_like(light), where=spread > 0)
    place = int(np.argmax(strength.max(axis=0)))
    return np.flatnonzero(strength[:, place] > _LINE_SIGMA)


def _why_not(found: Found) -> str:
    where = f"what is brightest, at x = {found.x:.0f}, y = {found.y:.0f},"
    if found.failure == NOTHING:
        return f"no source stands out ({found.signal_to_noise:.1f} sigma at most)"
    if found.failure == EDGE:
        return f"{where} is cut by the edge of the field"
    return f"{where} does not look like a source" if found.failure == SHAPE else f"the centre of {where} is too vague"


def target_offset(cube: Cube, centre: Centre) -> float | None:
    """Return the distance of a centre from the target, arcsec; None if the target is not known."""
    ra, dec = cube.primary.number("TARG_RA"), cube.primary.number("TARG_DEC")
    if ra is None or dec is None:
        return None
    here = spaxel_sky(cube.grid, centre.x, centre.y)
    d_ra = ((here[0] - ra + 180.0) % 360.0 - 180.0) * math.cos(math.radians(dec))
    return math.hypot(d_ra, here[1] - dec) * 3600.0
