"""The apertures of a viewer, and what one sky aperture sums to in each of several cubes."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.curve import Column, Curve
from mrsnb.core.layers import CubeLayers
from mrsnb.core.region import Kind, Shape, SkyAperture
from mrsnb.errors import InputError
from mrsnb.geometry.shares import aperture_shares
from mrsnb.viewers.aperture import dragged, handles, new_shape, on_sky, outlines, places_of, spaxel_shape
from mrsnb.viewers.aperture_sums import MOST_KEPT, ApertureSums, Sum

if TYPE_CHECKING:
    from astropy.table import QTable

Array = NDArray[Any]

COLOURS = ("#2f9e44", "#1c7ed6", "#e64980", "#f08c00", "#7048e8", "#0c8599")
"""Of the spectra and rings of apertures, in turn."""
MOST = len(COLOURS)
_JANSKY = (("Jy", 1.0), ("mJy", 1e3), ("\N{MICRO SIGN}Jy", 1e6), ("nJy", 1e9))


class Total(NamedTuple):
    """What an aperture sums to in all cubes, one after the other: shape (n,) each."""

    label: str
    wave: Array
    """Micron."""
    flux: Array
    """NaN after the last plane of each cube."""
    err: Array


class ApertureSet:
    """Apertures on the sky, one of them in hand.

    Parameters
    ----------
    cubes : sequence of CubeLayers
        What they are laid on.
    """

    def __init__(self, cubes: Sequence[CubeLayers]) -> None:
        self.all: list[SkyAperture] = []
        self.active = 0
        self._sums: dict[SkyAperture, list[Sum]] = {}
        self.lay_on(cubes)

    def lay_on(self, cubes: Sequence[CubeLayers]) -> None:
        """Lay the apertures on other cubes."""
        self.cubes = tuple(cubes)
        self._sums.clear()
        self._sum_in = [ApertureSums(cube, MOST_KEPT // len(self.cubes)) for cube in self.cubes]
        self._wave, self._order = one_by_one([cube.grid.wave for cube in self.cubes])
        self._no_flags = np.zeros(self._wave.shape, np.uint32)

    @property
    def current(self) -> SkyAperture | None:
        """The aperture in hand."""
        return self.all[self.active] if self.all else None

    @property
    def left_out(self) -> list[str]:
        """Names of the cubes that spectra of apertures do not hold, as another has all their wavelengths."""
        ends = np.cumsum([len(cube.grid.wave) for cube in self.cubes])
        held = set(np.searchsorted(ends, self._order, side="right").tolist())
        return [cube.name for i, cube in enumerate(self.cubes) if i not in held]

    def add(self, aperture: SkyAperture, cube: CubeLayers) -> None:
        """Add an aperture, whose spaxels are those of a cube, and take it in hand; the oldest of too many gives way."""
        whole = _laid(aperture, cube)
        self._sums_for(whole)
        self.all = [*self.all, whole][-MOST:]
        self.active = len(self.all) - 1
        self._forget()

    def add_new(self, kind: Kind, cube: CubeLayers, at: tuple[float, float]) -> None:
        """Add an aperture of usual size at an offset from the middle of a cube, ``(xi, eta)`` in arcsec."""
        wave = float(cube.grid.wave[-1])
        size = max(0.033 * wave + 0.106, 2.0 * cube.grid.spaxel_size) if cube.bands else 4.0 * cube.grid.spaxel_size
        self.add(SkyAperture(shapes=(new_shape(kind, cube.grid, at, size),), source=kind), cube)

    def add_spaxel(self, cube: CubeLayers, x: int, y: int) -> None:
        """Add an aperture that is one spaxel; it takes the place of another that is one."""
        self.all = [a for a in self.all if not a.source.startswith("spaxel")]
        self.add(SkyAperture(shapes=(spaxel_shape(cube.grid, x, y),), source=f"spaxel {x}, {y}"), cube)

    def replace(self, aperture: SkyAperture, cube: CubeLayers) -> None:
        """Put another, whose spaxels are those of a cube, in the place of the aperture in hand."""
        if not self.all:
            self.add(aperture, cube)
            return
        whole = _laid(aperture, cube)
        self._sums_for(whole)
        self.all[self.active] = whole
        self._forget()

    def remove(self) -> None:
        """Remove the aperture in hand."""
        if self.all:
            self.all.pop(self.active)
            self._forget()
            self.active = max(0, min(self.active, len(self.all) - 1))

    def drag(self, cube: CubeLayers, handle: int, to: tuple[float, float]) -> None:
        """Move a handle of the aperture in hand; its middle takes all its shapes along."""
        aperture = self.current
        if aperture is None:
            return
        main, grid = _main(aperture), cube.grid
        shape = dragged(aperture.shapes[main], grid, handle, to)
        shapes = list(aperture.shapes)
        if handle == 0:
            step = np.array(to) - places_of(shapes[main], grid).mean(axis=0)
            for number, other in enumerate(shapes):
                middle = places_of(other, grid).mean(axis=0) + step
                shapes[number] = dragged(other, grid, 0, (float(middle[0]), float(middle[1])))
        shapes[main] = shape
        source = aperture.source if not aperture.source.startswith("spaxel") else "box"
        self.replace(SkyAperture(shapes=tuple(shapes), source=source), cube)

    def rings(self, cube: CubeLayers, number: int) -> list[Array]:
        """Return the lines that bound an aperture, offsets from the middle of a cube."""
        return [line for shape in self.all[number].shapes for line in outlines(shape, cube.grid)]

    def handles(self, cube: CubeLayers) -> Array | None:
        """Return the handles of the aperture in hand, offsets from the middle of a cube; None without one."""
        aperture = self.current
        return None if aperture is None else handles(aperture.shapes[_main(aperture)], cube.grid)

    def sum(self, number: int, cube: int) -> Sum:
        """Return what an aperture sums to in a cube, less the mean of its background."""
        return self._sums_for(self.all[number])[cube]

    def spectra(self) -> list[Curve]:
        """Return the spectrum of each aperture over all cubes: sum and mean of its spaxels.

        Where two cubes overlap, each has its half of the wavelengths; one within another has none.
        """
        names, units = (("FLUX", "SURF_BRIGHT"), "Jy") if self._in_jansky else (("SUM", "MEAN"), self.cubes[0].unit)
        return [self._spectrum(number, names, units) for number in range(len(self.all))]

    @property
    def _in_jansky(self) -> bool:
        """Whether sums can be given in Jy, of all cubes."""
        return all(cube.is_surface_brightness for cube in self.cubes)

    def _spectrum(self, number: int, names: tuple[str, str], unit: str) -> Curve:
        sums, gap = self._sums_for(self.all[number]), np.full(1, np.nan)

        def over_all(values: list[Array]) -> Array:
            return np.concatenate([*values, gap])[self._order]

        flux, err, area = (over_all([getattr(one, key) for one in sums]) for key in Sum._fields)
        sr = over_all([np.full(len(cube.grid.wave), cube.spaxel_sr) for cube in self.cubes])
        jansky: Any = 1e6 * sr if self._in_jansky else 1.0
        per = 1.0 / np.where(area > 0, area, np.nan)
        columns = {
            names[0]: Column(flux * jansky, err * jansky, unit),
            names[1]: Column(flux * per, err * per, self.cubes[0].unit),
        }
        label = f"aperture {number + 1}"
        return Curve(label=label, wave=self._wave, columns=columns, dq=self._no_flags, area=area * sr, name=label)

    def curves(self) -> tuple[list[Total], str]:
        """Return what each aperture sums to in all cubes, and in words what that is and its unit."""
        curves = [self._curve(number) for number in range(len(self.all))]
        if not self._in_jansky:
            return curves, f"sum / ({self.cubes[0].unit})"
        good = [np.abs(c.flux[np.isfinite(c.flux)]) for c in curves]
        level = max((float(np.percentile(g, 90)) for g in good if g.size), default=1.0)
        unit, factor = next((pair for pair in _JANSKY if level * pair[1] >= 1.0), _JANSKY[-1 if level > 0 else 0])
        return [c._replace(flux=c.flux * factor, err=c.err * factor) for c in curves], f"flux / {unit}"

    def tables(self) -> "list[QTable]":
        """Return the spectrum of each aperture in all cubes: wavelength, flux, error."""
        from astropy import units as u
        from astropy.table import QTable

        curves, label = self.curves()
        unit = u.Unit(label.partition(" / ")[2]) if self._in_jansky else u.one
        return [
            QTable(
                {"wavelength": c.wave * u.um, "flux": c.flux * unit, "error": c.err * unit},
                meta={"name": f"aperture {number}"},
            )
            for number, c in enumerate(curves, start=1)
        ]

    def colour(self, number: int) -> str:
        """Return the colour of an aperture."""
        return COLOURS[number % MOST]

    def _curve(self, number: int) -> Total:
        """Return one sum, in Jy if that is possible."""
        sums, gap = self._sums_for(self.all[number]), np.full(1, np.nan)
        wave, flux, err = [], [], []
        for cube, total in zip(self.cubes, sums, strict=True):
            factor: Any = cube.spaxel_sr * 1e6 if self._in_jansky else 1.0
            wave += [cube.grid.wave, cube.grid.wave[-1:]]
            flux += [total.flux * factor, gap]
            err += [total.err * factor, gap]
        return Total(self.all[number].source, np.concatenate(wave), np.concatenate(flux), np.concatenate(err))

    def _sums_for(self, aperture: SkyAperture) -> list[Sum]:
        if aperture not in self._sums:
            self._sums[aperture] = [_summed(*each, aperture) for each in zip(self.cubes, self._sum_in, strict=True)]
        return self._sums[aperture]

    def _forget(self) -> None:
        """Forget the sums of apertures that are not there any more."""
        self._sums = {aperture: sums for aperture, sums in self._sums.items() if aperture in self.all}


def one_by_one(waves: Sequence[Array]) -> tuple[Array, NDArray[np.intp]]:
    """Return the wavelengths of several cubes as one rising list, and which plane of all cubes each is.

    Where two overlap, each has its half; one that lies within another has none. Where nothing is between two, the plane
    after the last of all stands for it.

    Parameters
    ----------
    waves : sequence of ndarray
        Shape (n_wave,) each, rising; micron.

    Examples
    --------
    >>> wave, order = one_by_one([np.array([1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0]), np.array([9.0])])
    >>> wave.tolist(), order.tolist()
    ([1.0, 2.0, 3.0, 4.0, 6.5, 9.0], [0, 1, 4, 5, 7, 6])
    """
    starts = np.cumsum([0, *map(len, waves)])
    found, order, low = [np.zeros(0)], [np.zeros(0, np.intp)], -np.inf
    in_turn: list[int] = []
    for i in sorted(range(len(waves)), key=lambda i: (waves[i][0], -waves[i][-1])):
        if not in_turn or waves[i][-1] > waves[in_turn[-1]][-1]:
            in_turn.append(i)
    for i, after in zip(in_turn, [*in_turn[1:], None], strict=True):
        wave, following = waves[i], np.inf if after is None else waves[after][0]
        high = (wave[-1] + following) / 2 if following <= wave[-1] else np.inf
        kept = np.flatnonzero((wave >= low) & (wave < high))
        found.append(wave[kept])
        order.append(starts[i] + kept)
        low = high if np.isfinite(high) else -np.inf
        if np.isfinite(following) and not np.isfinite(high):
            found.append(np.array([(wave[-1] + following) / 2]))
            order.append(starts[-1:])
    return np.concatenate(found), np.concatenate(order)


def _laid(aperture: SkyAperture, cube: CubeLayers) -> SkyAperture:
    """Return an aperture with all its shapes on the sky, those in spaxels as they lie on a cube."""
    return replace(aperture, shapes=tuple(on_sky(shape, cube.grid) for shape in aperture.shapes))


def _main(aperture: SkyAperture) -> int:
    """Return the number of the shape that has handles: the first that is summed."""
    return next(i for i, s in enumerate(aperture.shapes) if not s.excluded and not s.background)


def _summed(cube: CubeLayers, sum_in: ApertureSums, aperture: SkyAperture) -> Sum:
    try:
        source, background = aperture_shares(cube.grid, aperture)
    except InputError:  # far from this cube
        source = background = np.zeros(cube.shape[1:])
    total = sum_in(source)
    if not background.any():
        return total
    sky = sum_in(background)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(sky.area > 0, total.area / sky.area, np.nan)
        return Sum(total.flux - sky.flux * scale, np.hypot(total.err, sky.err * scale), total.area)


def describe(shape: Shape) -> str:
    """Return the size and place of a shape in a few words."""
    ra, dec = shape.points[0]
    sizes = " x ".join(f"{size:.2f}" for size in shape.sizes)
    size = f"{sizes}\N{DOUBLE PRIME}" if sizes else f"{len(shape.points)} corners"
    return f"{shape.kind} {size} at {ra:.5f} {dec:+.5f}"
