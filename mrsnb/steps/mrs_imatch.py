"""mrs_imatch: make the backgrounds of exposures equal by polynomials in right ascension, declination and wavelength."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate, combinations
from time import perf_counter
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cube import CubeGrid
from mrsnb.core.exposure import DerivedExposure, Exposure, ExposureSource
from mrsnb.core.params import param
from mrsnb.core.references import CubePars
from mrsnb.core.results import Result
from mrsnb.display import Picture, Row
from mrsnb.errors import InputError
from mrsnb.geometry.tangent import from_plane
from mrsnb.kernels.matching import background_only, normal_equations, pair_sums, solve
from mrsnb.kernels.normalize import Product, normalize
from mrsnb.kernels.threads import share
from mrsnb.steps.cube_build import CubeBuildParams, CubePlan, feed_of, groups_of, plan_cubes, view_of
from mrsnb.steps.cube_build.feeds import Feed
from mrsnb.steps.params import StepParams

log = logging.getLogger(__name__)

Array = NDArray[np.float64]

_MOST_CURVES = 12
_GROUPS = 4
"""Groups of planes in which all exposures are compared at a time: memory holds no more of their cubes."""


@dataclass(frozen=True, kw_only=True)
class MrsImatchParams(StepParams):
    """Parameters of mrs_imatch, named as the observatory's.

    Examples
    --------
    >>> MrsImatchParams(bkg_degree=0).changed()
    {'bkg_degree': 0}
    """

    skip: bool = param(True, "Leave this step out.")
    save_results: bool = param(False, "Write the exposures after the step.")
    bkg_degree: int = param(1, "Degree of the polynomials in each coordinate.", low=0, high=10)
    subtract: bool = param(
        False,
        "Subtract the polynomials at once; False leaves it to cube_build, so outlier_detection does not see it. "
        "By itself, the step subtracts, since no file can hold that.",
    )
    compat: Literal["none", "jwst-1.18"] = param(
        "none",
        "Match all bands of a channel together, as the last version of the observatory's package that had this step.",
        advanced=True,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class BackgroundPolynomial:
    """What an exposure's background has over the mean of all, in one band.

    Parameters
    ----------
    exposure : str
        File name.
    band : Band
    centre : tuple of float
        Right ascension and declination in deg and wavelength in micron from which coordinates are counted.
    coefficients : ndarray
        Shape (d + 1, d + 1, d + 1): powers of right ascension (deg), declination (deg) and wavelength (micron);
        MJy/sr.

    Examples
    --------
    >>> band, higher = Band.from_name("1A"), np.full((1, 1, 1), 0.5)
    >>> BackgroundPolynomial(exposure="a_cal.fits", band=band, centre=(0.0, 0.0, 5.3), coefficients=higher).level
    0.5
    """

    exposure: str
    band: Band
    centre: tuple[float, float, float]
    coefficients: Array

    @property
    def level(self) -> float:
        """Its value at the middle of the field and of the band, MJy/sr."""
        wave = np.array([sum(self.band.wave_range) / 2])
        return float(self.at(np.array([self.centre[0]]), np.array([self.centre[1]]), wave)[0])

    def at(self, ra: Array, dec: Array, wave: Array) -> Array:
        """Return its values, MJy/sr, at right ascensions and declinations in deg and wavelengths in micron."""
        d_ra = (ra - self.centre[0] + 180.0) % 360.0 - 180.0
        x, y, z = d_ra, dec - self.centre[1], wave - self.centre[2]
        return np.asarray(np.polynomial.polynomial.polyval3d(x, y, z, self.coefficients))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class MrsImatchResult(Result):
    """The polynomials, and the exposures, less them if ``subtract`` was set.

    Parameters
    ----------
    exposures : tuple of ExposureSource
        In the order given.
    polynomials : tuple of BackgroundPolynomial
        One for each band of each exposure that overlaps another.
    alone : tuple of str
        Exposures and bands that overlap no other.
    reason : str
        Why nothing was matched; empty if something was.

    Examples
    --------
    >>> mrs_imatch(exposures[:1], MrsImatchParams(), values.cubepar).reason
    'no two exposures of a band overlap'
    """

    exposures: tuple[ExposureSource, ...]
    polynomials: tuple[BackgroundPolynomial, ...] = ()
    alone: tuple[str, ...] = ()
    reason: str = ""

    @property
    def status(self) -> str:
        """``"COMPLETE"`` or ``"SKIPPED"``."""
        return "SKIPPED" if self.reason else "COMPLETE"

    @property
    def title(self) -> str:
        """Name of the step and of what it made."""
        return "mrs_imatch: " + (f"{len(self.polynomials)} polynomials" if self.polynomials else "nothing matched")

    def rows(self) -> list[Row]:
        """Return by how much the backgrounds differed, or why nothing was matched."""
        if self.reason:
            return [Row("status", "SKIPPED", note=self.reason)]
        rows = []
        for band in dict.fromkeys(p.band for p in self.polynomials):
            levels = [p.level for p in self.polynomials if p.band == band]
            note = f"{len(levels)} exposures"
            rows.append(Row(f"background {band.name}", f"{min(levels):+.3g} to {max(levels):+.3g}", "MJy/sr", note))
        return [*rows, *(Row("overlaps no other", name) for name in self.alone)]

    def pictures(self) -> list[Picture]:
        """Return the polynomials over wavelength at the middle of the field."""
        from mrsnb.display.plots import spectrum_picture

        curves = []
        for p in self.polynomials[:_MOST_CURVES]:
            wave = np.linspace(*p.band.wave_range, 50)
            values = p.at(np.full(50, p.centre[0]), np.full(50, p.centre[1]), wave)
            curves.append((f"{p.exposure} {p.band.name}", wave, values))
        label = "surface brightness / (MJy/sr)"
        return [spectrum_picture("Background over the mean of all exposures", curves, y_label=label)] if curves else []

    def apply(self, exposures: Sequence[ExposureSource]) -> tuple[ExposureSource, ...]:
        """Return exposures (these, after whatever steps) less their polynomials; as they are if that was done."""
        if self.reason or (isinstance(self.params, MrsImatchParams) and self.params.subtract):
            return tuple(exposures)
        return tuple(_less_polynomials(exposure, self.polynomials) for exposure in exposures)


class _Layer(NamedTuple):
    """One exposure's part of a cube: the box that it fills, sources left out."""

    y: slice
    x: slice
    flux: NDArray[np.float32]
    """Shape (n_wave, height, width)."""
    weight: NDArray[np.float32]
    """Inverse variance as upstream has it, exposure time times number of pixels; shape as `flux`."""


_Pairs = dict[tuple[int, int], tuple[Array, Array]]
"""What `mrsnb.kernels.matching.normal_equations` says of two exposures, by their places."""


def mrs_imatch(
    exposures: Sequence[ExposureSource],
    params: MrsImatchParams,
    cubepars: CubePars,
    known: Sequence[BackgroundPolynomial] | None = None,
) -> MrsImatchResult:
    """Return the polynomials that make the backgrounds of the exposures equal, and the exposures.

    Parameters
    ----------
    exposures : sequence of ExposureSource
        Loaded one at a time; memory holds some 4 MB for each exposure of a band.
    params : MrsImatchParams
    cubepars : CubePars
        Grids of the cubes in which exposures are compared.
    known : sequence of BackgroundPolynomial, optional
        The polynomials of these exposures, if they were found before.

    Returns
    -------
    MrsImatchResult

    Raises
    ------
    InputError
        If the background of an exposure has been subtracted before.

    Notes
    -----
    The mrs_imatch step of jwst 1.18: a drizzled cube of each exposure, all on one grid; sources clipped plane by plane;
    least squares over all pairs, weighted by exposure time and number of pixels; the mean of all polynomials is 0. It
    takes exposures of the different bands of a channel together, though they have little in common, and weights each
    exposure with the time of all up to it. Here each band is matched by itself, and each exposure has its own time,
    unless `compat` is set. Not reproduced: upstream gives the polynomials out in the order of bands, whatever that of
    the exposures, and counts right ascension from -180 to 180 deg in one place and from 0 to 360 in another.

    Only differences between exposures are removed: the background that they have in common stays.

    Examples
    --------
    >>> mrs_imatch(exposures, MrsImatchParams(bkg_degree=0), values.cubepar).status
    'COMPLETE'
    """
    start = perf_counter()
    subtracted = [e.name for e in exposures if e.primary.get("BKGSUB") is True]
    if subtracted:
        msg = f"{', '.join(subtracted)}: BKGSUB is set: backgrounds were matched before; set mrs_imatch.skip = True"
        raise InputError(msg)
    cube_params = CubeBuildParams(
        output_type="band" if params.compat == "none" else "channel",
        skip_dqflagging=True,
        compat="none" if params.compat == "none" else "jwst-3.0",
    )
    polynomials = [] if known is None else list(known)
    alone: list[str] = []
    for plan in plan_cubes(exposures, cube_params, cubepars) if known is None else ():
        found, lonely = _match(plan, params.bkg_degree, cube_params)
        polynomials += found
        alone += lonely
    reason = "" if polynomials else "no two exposures of a band overlap"
    if reason:
        log.warning("mrs_imatch: skipped: %s", reason)
    after: Sequence[ExposureSource] = exposures
    if params.subtract and not reason:
        after = [_less_polynomials(exposure, polynomials) for exposure in exposures]
    return MrsImatchResult(
        params=params,
        seconds=perf_counter() - start,
        exposures=tuple(after),
        polynomials=tuple(polynomials),
        alone=tuple(alone),
        reason=reason,
    )


def _match(plan: CubePlan, degree: int, params: CubeBuildParams) -> tuple[list[BackgroundPolynomial], list[str]]:
    """Return the polynomials of the exposures of one cube, and the names of those that overlap no other."""
    grid = plan.grid
    times = [_exposure_time(exposure) for _, exposure in plan.members]
    if params.compat != "none":
        times = list(accumulate(times))  # upstream's cubes state the time of all exposures up to theirs
    feeds = [feed_of(plan, band, exposure, params) for band, exposure in plan.members]
    x, y, z, scale = _coordinates(grid)
    pairs: _Pairs = {}
    groups = groups_of(grid)
    for first in range(0, len(groups), _GROUPS):
        some = groups[first : first + _GROUPS]
        layers = [_layer(feed, some, grid, time) for feed, time in zip(feeds, times, strict=True)]
        _add_pairs(pairs, layers, (x, y, z[slice(some[0][0], some[-1][1])]), degree)
    matched = {i for pair in pairs for i in pair}
    solution = solve(pairs, len(layers)).reshape(len(layers), *(degree + 1,) * 3 if pairs else (1,))
    units = np.einsum("a,b,c->abc", *(side ** -np.arange(degree + 1.0) for side in scale))
    centre = (grid.ra, grid.dec, float(grid.wave[0]))
    polynomials = [
        BackgroundPolynomial(exposure=exposure.name, band=band, centre=centre, coefficients=solution[i] * units)
        for i, (band, exposure) in enumerate(plan.members)
        if i in matched
    ]
    alone = [f"{exposure.name} {band.name}" for i, (band, exposure) in enumerate(plan.members) if i not in matched]
    return polynomials, alone


def _add_pairs(pairs: _Pairs, layers: Sequence[_Layer], places: tuple[Array, Array, Array], degree: int) -> None:
    """Add to the equations of pairs what some planes say."""
    x, y, z = places
    for n, m in combinations(range(len(layers)), 2):
        box = _common(layers[n], layers[m])
        if box is None:
            continue
        sums = pair_sums(*_cut(layers[n], box), *_cut(layers[m], box), z, degree)
        if sums.weight[:, 0].any():
            matrix, right = normal_equations(sums, x[box].ravel(), y[box].ravel(), degree)
            before = pairs.get((n, m))
            pairs[n, m] = (matrix, right) if before is None else (before[0] + matrix, before[1] + right)


def _exposure_time(exposure: ExposureSource) -> float:
    time = exposure.primary.number("EFFEXPTM")
    return 1.0 if time is None or time <= 0 else time


def _layer(feed: Feed, groups: Sequence[tuple[int, int]], grid: CubeGrid, time: float) -> _Layer:
    """Return the part of some planes that one exposure fills, sources left out, and its weights."""
    first = groups[0][0]
    product = Product.empty((groups[-1][1] - first, grid.n_y, grid.n_x))

    def fill(i: int) -> None:
        begin, end = groups[i]
        sums = np.zeros((end - begin, grid.n_y * grid.n_x, 4))
        feed.add(begin, sums)
        normalize(sums, np.empty((0, 0), np.bool_), product.planes(begin - first, end - first))

    share(fill, len(groups))
    flux, weight = product.flux, product.weight
    seen: NDArray[np.bool_] = np.any(weight > 0, axis=0)
    y, x = _extent(np.any(seen, axis=1)), _extent(np.any(seen, axis=0))
    background = background_only(flux, weight)[:, y, x]
    return _Layer(y, x, np.ascontiguousarray(background), weight[:, y, x] * np.float32(time))


def _extent(used: NDArray[np.bool_]) -> slice:
    places = np.flatnonzero(used)
    return slice(int(places[0]), int(places[-1]) + 1) if places.size else slice(0, 0)


def _common(one: _Layer, other: _Layer) -> tuple[slice, slice] | None:
    y, x = (slice(max(a.start, b.start), min(a.stop, b.stop)) for a, b in ((one.y, other.y), (one.x, other.x)))
    return (y, x) if y.start < y.stop and x.start < x.stop else None


def _cut(layer: _Layer, box: tuple[slice, slice]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return flux and weight of a layer in a box of the grid, shape (n_wave, n_spaxel)."""
    y, x = (slice(b.start - a.start, b.stop - a.start) for a, b in zip((layer.y, layer.x), box, strict=True))
    flux, weight = layer.flux[:, y, x], layer.weight[:, y, x]
    flat = [np.ascontiguousarray(part).reshape(len(part), -1) for part in (flux, weight)]
    return flat[0], flat[1]


def _coordinates(grid: CubeGrid) -> tuple[Array, Array, Array, tuple[float, float, float]]:
    """Return RA and Dec of spaxels, shape (n_y, n_x), and the wavelengths of planes, from -1 to 1, and their units."""
    ra, dec = from_plane(*np.meshgrid(grid.x, grid.y), grid.ra, grid.dec, grid.rotation)
    parts = ((ra - grid.ra + 180.0) % 360.0 - 180.0, dec - grid.dec, grid.wave - grid.wave[0])
    x_unit, y_unit, z_unit = (float(np.abs(part).max()) or 1.0 for part in parts)
    return parts[0] / x_unit, parts[1] / y_unit, parts[2] / z_unit, (x_unit, y_unit, z_unit)


def _less_polynomials(exposure: ExposureSource, polynomials: Sequence[BackgroundPolynomial]) -> DerivedExposure:
    mine = tuple(p for p in polynomials if p.exposure == exposure.name and p.band in exposure.bands)
    return DerivedExposure(
        source=exposure,
        change=partial(_subtract, polynomials=mine),
        primary=exposure.primary.updated(S_MRSMAT="COMPLETE", BKGSUB=True),
        science=exposure.science,
    )


def _subtract(exposure: Exposure, polynomials: Sequence[BackgroundPolynomial]) -> Exposure:
    flux = exposure.flux.copy()
    for polynomial in polynomials:
        view = view_of(exposure, polynomial.band)
        ra, dec = view.sky()
        seen = np.isfinite(ra) & np.isfinite(dec)
        background = polynomial.at(ra[seen], dec[seen], view.samples.wave[seen])
        flux.ravel()[view.samples.pixel[seen]] -= background.astype(np.float32)
    return replace(exposure, flux=flux)
