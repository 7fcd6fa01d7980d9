"""What a cube viewer takes: cubes in memory, files, several of them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits

from mrsnb.core.cube import Cube
from mrsnb.core.layers import CubeLayers
from mrsnb.core.nddata_bridge import is_data, layers_of
from mrsnb.errors import InputError
from mrsnb.io.layers import cube_in, open_cube
from mrsnb.viewers.slicing import Range


def cubes_of(given: Any) -> tuple[list[CubeLayers], list[Cube | None]]:
    """Return cubes ready to be shown, in order of wavelength, and for each the value in memory that it came from.

    Parameters
    ----------
    given : Cube, CubeLayers, path, astropy HDUList or NDData, specutils.Spectrum, or a sequence of them

    Raises
    ------
    InputError
        If there is none, or one cannot be used.
    """
    pairs = [_pair(one) for one in (given if _are_several(given) else [given])]
    if not pairs:
        msg = "no cube given: give a Cube, the path of a cube, or several of them"
        raise InputError(msg)
    pairs.sort(key=lambda pair: float(pair[0].grid.wave[0]))
    return [cube for cube, _ in pairs], [origin for _, origin in pairs]


def ranges_of(name: str, value: Any) -> tuple[Range, ...]:
    """Return ranges of wavelength as pairs of numbers, rising, micron.

    Raises
    ------
    InputError
        If they are not of shape (n, 2), or (2,) for one.
    """
    ranges = np.sort(np.atleast_2d(u.Quantity(value, u.um).value), axis=1)
    if ranges.ndim != 2 or ranges.shape[1] != 2:
        msg = f"{name}: needs ranges of 2 wavelengths, shape (n, 2), got {ranges.shape}"
        raise InputError(msg)
    return tuple((float(low), float(high)) for low, high in ranges)


def _are_several(given: Any) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | fits.HDUList) and not is_data(given)


def _pair(one: Any) -> tuple[CubeLayers, Cube | None]:
    if isinstance(one, Cube):
        return CubeLayers.of(one), one
    if isinstance(one, CubeLayers):
        return one, None
    if isinstance(one, str | Path):
        return open_cube(one), None
    if isinstance(one, fits.HDUList):
        return cube_in(one, Path(one.filename() or "cube in memory").name), None
    if is_data(one):
        return layers_of(one), None
    msg = f"{type(one).__name__} is no cube: give a Cube, the path of a cube, or several of them"
    raise InputError(msg)


def meets(cube: CubeLayers, limits: Range) -> bool:
    """Return whether a cube has wavelengths in a range, micron."""
    return bool(limits[0] <= cube.grid.wave[-1] and limits[1] >= cube.grid.wave[0])


def having(cubes: Sequence[CubeLayers], limits: Range) -> int | None:
    """Return the number of the first cube that has wavelengths in a range, micron."""
    return next((i for i, cube in enumerate(cubes) if meets(cube, limits)), None)


def wave_in(cubes: Sequence[CubeLayers], value: Any) -> float:
    """Return a wavelength in micron.

    Raises
    ------
    InputError
        If no cube has it.
    """
    wave = float(u.Quantity(value, u.um).value)
    _check_met(f"wavelength = {wave:g} micron", cubes, (wave, wave))
    return wave


def range_in(cubes: Sequence[CubeLayers], value: Any) -> Range:
    """Return a range of wavelength as a pair of numbers, rising, micron.

    Raises
    ------
    InputError
        If no cube has wavelengths in it, or it is not of shape (2,).
    """
    limits = ranges_of("wavelength_range", value)[0]
    _check_met("wavelength_range = {:g} - {:g} micron".format(*limits), cubes, limits)
    return limits


def _check_met(told: str, cubes: Sequence[CubeLayers], limits: Range) -> None:
    if having(cubes, limits) is None:
        ends = f"{cubes[0].grid.wave[0]:.4f} - {cubes[-1].grid.wave[-1]:.4f}"
        msg = f"{told}; the cubes have {ends} micron"
        raise InputError(msg)


def whole_range(cubes: Sequence[CubeLayers]) -> Range:
    """Return the wavelengths of all cubes, and some room beside them, micron."""
    low, high = min(c.grid.wave[0] for c in cubes), max(c.grid.wave[-1] for c in cubes)
    margin = 0.01 * (high - low) if high > low else cubes[0].grid.wave_step[0]
    return float(low - margin), float(high + margin)
