"""Images and spectra out of a cube that may be larger than the memory: a plane, a range of planes, an aperture."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cube import CubeGrid
from mrsnb.core.layers import CubeLayers
from mrsnb.errors import InputError

Array = NDArray[Any]
How = Literal["sum", "mean", "median", "max", "moment 0", "moment 1", "moment 2"]
Range = tuple[float, float]

HOWS: tuple[How, ...] = ("sum", "mean", "median", "max", "moment 0", "moment 1", "moment 2")
RATIO = "S/N"
"""Name of the layer flux / error, which no file holds."""

MOST_VOXELS = 4_000_000
"""That are in memory at a time."""
_MEDIAN_ERROR = 1.2533
"""Error of a median over that of a mean, for many Gaussian values."""
_C_KMS = 299792.458
_MJY_UM = 2.99792458e-6
"""W/m2/um of 1 MJy at 1 micron; it falls with the square of the wavelength."""


class Map(NamedTuple):
    """An image made of many planes."""

    image: Array
    """Shape (n_y, n_x); NaN where nothing is known."""
    err: Array
    """The same, its error; NaN where the cube has none."""
    unit: str


def layer_names(cube: CubeLayers) -> list[str]:
    """Return the names of the layers that `plane` takes."""
    return [*cube.layers, *([RATIO] if cube.err is not None else [])]


def plane(cube: CubeLayers, k: int, layer: str = "SCI") -> Array:
    """Return one plane of a layer, shape (n_y, n_x); flags as numbers.

    Parameters
    ----------
    cube : CubeLayers
    k : int
        0-based.
    layer : str
        One of `layer_names`.
    """
    if layer == RATIO and cube.err is not None:
        return _ratio(cube.flux.read(k), cube.err.read(k))
    return cube.layers[layer].read(k)


def voxel(cube: CubeLayers, k: int, y: int, x: int) -> dict[str, float]:
    """Return what the layers hold of one voxel."""
    return {name: layer.read(k, slice(y, y + 1), slice(x, x + 1)).item() for name, layer in cube.layers.items()}


def nearest_plane(grid: CubeGrid, wave: float) -> int:
    """Return the plane whose centre is nearest to a wavelength in micron."""
    return int(np.abs(grid.wave - wave).argmin())


def planes_in(grid: CubeGrid, low: float, high: float) -> slice:
    """Return the planes with centres in a range of wavelengths (micron): at least the one nearest to its middle.

    Raises
    ------
    InputError
        If the range does not meet the cube.
    """
    low, high = sorted((low, high))
    half = grid.wave_step / 2
    if high < grid.wave[0] - half[0] or low > grid.wave[-1] + half[-1]:
        msg = (
            f"range {low:.4f} - {high:.4f} micron does not meet the cube, "
            f"{grid.wave[0]:.4f} - {grid.wave[-1]:.4f} micron; choose one inside"
        )
        raise InputError(msg)
    first, last = int(np.searchsorted(grid.wave, low, "left")), int(np.searchsorted(grid.wave, high, "right"))
    if first >= last:
        first = nearest_plane(grid, (low + high) / 2)
        last = first + 1
    return slice(first, last)


def side_bands(grid: CubeGrid, low: float, high: float) -> tuple[Range, ...]:
    """Return the ranges on either side of a range, each as wide as that, as far as the cube has them; micron."""
    width = max(high - low, 2 * float(grid.wave_step.max()))
    step = float(grid.wave_step.max()) / 2
    bands = ((low - width, low - step), (high + step, high + width))
    return tuple(band for band in bands if band[1] > grid.wave[0] and band[0] < grid.wave[-1])


def collapse(
    cube: CubeLayers, low: float, high: float, how: How, continuum: Sequence[Range] = (), reference: float | None = None
) -> Map:
    """Return an image made of the planes in a range of wavelengths.

    Parameters
    ----------
    cube : CubeLayers
        NaN and flagged voxels are left out.
    low, high : float
        The range, micron.
    how : str
        ``"sum"``, ``"mean"``, ``"median"`` or ``"max"`` of the planes; ``"moment 0"``, the integral over wavelength, in
        W/m2/sr if the cube is in MJy/sr;
        ``"moment 1"`` and ``"moment 2"``, mean and standard deviation of the wavelength weighted with the flux.
    continuum : sequence of (float, float)
        Ranges beside it, micron: a straight line through their means is subtracted; their mean if there is one.
    reference : float, optional
        Wavelength of velocity zero, micron: moments 1 and 2 are then in km/s, else in micron.

    Raises
    ------
    InputError
        If a range does not meet the cube.
    """
    if how not in HOWS:
        msg = f"how = {how!r}; allowed: {', '.join(HOWS)}"
        raise InputError(msg)
    here = planes_in(cube.grid, low, high)
    beside = [planes_in(cube.grid, *band) for band in continuum]
    wave, step = cube.grid.wave[here], cube.grid.wave_step[here]
    moment_unit = f"{cube.unit} um"
    if how == "moment 0" and cube.is_surface_brightness:
        step, moment_unit = step * _MJY_UM / wave**2, "W/m2/sr"
    image, err = np.full((2, *cube.shape[1:]), np.nan)
    deepest = max(part.stop - part.start for part in (here, *beside))
    for rows in _row_blocks(cube, deepest):
        flux = good_flux(cube, here, rows)
        if beside:
            flux = flux - _line_between(cube, beside, rows, wave)
        noise = None if cube.err is None else cube.err.read(here, rows)
        image[rows], err[rows] = _reduced(flux, noise, wave, step, how)
    unit = {"moment 0": moment_unit, "moment 1": "um", "moment 2": "um"}.get(how, cube.unit)
    if unit == "um" and reference is not None:
        image = (image / reference - (how == "moment 1")) * _C_KMS
        return Map(image, err / reference * _C_KMS, "km/s")
    return Map(image, err, unit)


def good_flux(cube: CubeLayers, *where: Any) -> Array:
    """Return flux, NaN where it is not finite or flagged."""
    flux = cube.flux.read(*where)
    bad = np.isinf(flux)
    if cube.dq is not None and cube.bad_bits:
        bad |= (cube.dq.read(*where) & np.uint32(cube.bad_bits)) != 0
    flux[bad] = np.nan
    return flux


def _row_blocks(cube: CubeLayers, n_planes: int) -> Iterator[slice]:
    _, n_y, n_x = cube.shape
    size = max(1, MOST_VOXELS // max(1, n_planes * n_x))
    for start in range(0, n_y, size):
        yield slice(start, min(start + size, n_y))


def _line_between(cube: CubeLayers, bands: Sequence[slice], rows: slice, wave: Array) -> Array:
    """Return the continuum in some rows at some wavelengths, shape (n, n_row, n_x)."""
    means = np.stack([_mean(good_flux(cube, band, rows)) for band in bands])
    places = np.array([cube.grid.wave[band].mean() for band in bands])
    known = np.isfinite(means)
    count = known.sum(axis=0)
    weight = known / np.maximum(count, 1)
    level = np.where(known, means, 0.0)
    x_mean, y_mean = (weight * places[:, None, None]).sum(axis=0), (weight * level).sum(axis=0)
    x = np.where(known, places[:, None, None] - x_mean, 0.0)
    spread = (x * x).sum(axis=0)
    slope = np.where(spread > 0, (x * level).sum(axis=0) / np.where(spread > 0, spread, 1.0), 0.0)
    line = y_mean + slope * (wave[:, None, None] - x_mean)
    return np.asarray(np.where(count > 0, line, np.nan))


def _reduced(flux: Array, noise: Array | None, wave: Array, step: Array, how: How) -> tuple[Array, Array]:
    known = np.isfinite(flux)
    count = known.sum(axis=0)
    seen = count > 0
    values = np.where(known, flux, 0.0).astype(float)
    variance = np.full(values.shape, np.nan) if noise is None else np.where(known, noise, 0.0).astype(float) ** 2
    n = np.maximum(count, 1)
    if how in ("sum", "mean"):
        per = np.where(seen, 1.0 if how == "sum" else 1.0 / n, np.nan)
        return values.sum(axis=0) * per, np.sqrt(variance.sum(axis=0)) * per
    if how == "median":
        return _median(flux, count), np.where(seen, _MEDIAN_ERROR * np.sqrt(variance.sum(axis=0)) / n, np.nan)
    if how == "max":
        at = np.where(known, flux, -np.inf).argmax(axis=0)[None]
        top, err = (np.take_along_axis(a, at, axis=0)[0] for a in (values, np.sqrt(variance)))
        return np.where(seen, top, np.nan), np.where(seen, err, np.nan)
    return _moment(values, variance, wave[:, None, None], step[:, None, None], seen, how)


def _moment(values: Array, variance: Array, x: Array, step: Array, seen: Array, how: How) -> tuple[Array, Array]:
    total, noise = (values * step).sum(axis=0), np.sqrt((variance * step**2).sum(axis=0))
    if how == "moment 0":
        return np.where(seen, total, np.nan), np.where(seen, noise, np.nan)
    is_line = seen & (total > 0)
    norm = np.where(is_line, total, 1.0)
    mean = (values * step * x).sum(axis=0) / norm
    mean_err = np.sqrt((variance * (step * (x - mean)) ** 2).sum(axis=0)) / norm
    if how == "moment 1":
        return np.where(is_line, mean, np.nan), np.where(is_line, mean_err, np.nan)
    second = (values * step * (x - mean) ** 2).sum(axis=0) / norm
    is_line &= second > 0
    width = np.sqrt(np.where(is_line, second, 1.0))
    err = np.sqrt((variance * (step * ((x - mean) ** 2 - second)) ** 2).sum(axis=0)) / norm / (2 * width)
    return np.where(is_line, width, np.nan), np.where(is_line, err, np.nan)


def _mean(values: Array) -> Array:
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0, dtype=float)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def _median(values: Array, count: Array) -> Array:
    ordered = np.sort(values, axis=0)  # NaN come last
    middle = [
        np.take_along_axis(ordered, np.maximum(k, 0)[None], axis=0)[0].astype(float)
        for k in ((count - 1) // 2, np.minimum(count // 2, len(values) - 1))
    ]
    return np.asarray(np.where(count > 0, (middle[0] + middle[1]) / 2, np.nan))


def _ratio(flux: Array, err: Array) -> Array:
    good = err > 0
    return np.asarray(np.where(good, flux / np.where(good, err, 1.0), np.nan))
