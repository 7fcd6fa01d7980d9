"""Flux density, surface brightness and power in each other's units."""

from functools import lru_cache
from typing import Any

import numpy as np
from astropy import units as u
from numpy.typing import ArrayLike, NDArray

from mrsnb.errors import InputError

UNITS = {
    "Jy": u.Jy,
    "mJy": u.mJy,
    "MJy/sr": u.MJy / u.sr,
    "W/m2/um": u.W / u.m**2 / u.um,
    "W/m2/um/sr": u.W / u.m**2 / u.um / u.sr,
    "nuFnu W/m2": u.W / u.m**2,
}
"""Units that are offered, by the name that a user sees."""


_POWERS = {0: u.Jy, -1: u.W / u.m**2, -2: u.W / u.m**3}
"""Powers of the wavelength that a flux density per frequency takes on in other kinds of units."""


@lru_cache(maxsize=64)
def parsed_unit(unit: Any) -> u.UnitBase:
    """Return what `unit` means: a name of `UNITS`, what astropy reads (``"mJy"``, ``"MJy sr-1"``), or a unit.

    Raises
    ------
    InputError
        If it is no unit of flux density, surface brightness, or power per area.
    """
    try:
        found = UNITS[unit] if isinstance(unit, str) and unit in UNITS else u.Unit(unit)
    except (ValueError, TypeError):
        found = None
    if found is None or not any(_powers(found)):
        msg = f"unit {str(unit)!r} is no flux density or surface brightness; allowed: {', '.join(UNITS)}"
        raise InputError(msg)
    return found


@lru_cache(maxsize=64)
def per_solid_angle(unit: Any) -> bool:
    """Return True for a unit of surface brightness."""
    return bool(_powers(parsed_unit(unit))[1])


def unit_factor(
    wave: ArrayLike, unit: Any, to: Any, area: ArrayLike | None = None, name: str = "this spectrum"
) -> NDArray[np.float64]:
    """Return what values in `unit` are multiplied by to be in the unit `to`, wavelength by wavelength.

    Parameters
    ----------
    wave : array_like
        Shape (n_wave,), micron.
    unit, to : str or Unit
        See `parsed_unit`.
    area : array_like, optional
        Solid angle of the aperture, sr; shape (n_wave,) or a number. Needed between flux and surface brightness.
    name : str
        What the values are of, for the message.

    Returns
    -------
    ndarray
        Shape (n_wave,).

    Raises
    ------
    InputError
        If a unit is none of flux, or the area is needed and not known.

    Examples
    --------
    >>> [f"{value:.4g}" for value in unit_factor([1.0, 10.0], "Jy", "W/m2/um")]
    ['2.998e-12', '2.998e-14']
    """
    wave = np.asarray(wave, dtype=float)
    at_one, power, turns = _conversion(parsed_unit(unit), parsed_unit(to))
    factor = at_one * np.where(wave > 0, wave, np.nan) ** power
    if not turns:
        return np.asarray(factor)
    if area is None or not np.isfinite(np.asarray(area, dtype=float)).any():
        msg = (
            f"{name}: {parsed_unit(unit).to_string()} to {parsed_unit(to).to_string()} needs the area of its aperture, "
            "which is not known; choose a unit of the same kind"
        )
        raise InputError(msg)
    return np.asarray(factor * np.asarray(area, dtype=float) ** turns)


@lru_cache(maxsize=64)
def _conversion(source: u.UnitBase, target: u.UnitBase) -> tuple[float, int, int]:
    """Return the factor at 1 micron, the power of the wavelength, and that of the aperture's area."""
    (at, at_bright), (to, to_bright) = _powers(source), _powers(target)
    turns = len(at_bright) - len(to_bright)
    source, target = (unit * u.sr if bright else unit for unit, bright in ((source, at_bright), (target, to_bright)))
    power = (to or to_bright)[0] - (at or at_bright)[0]
    return float(source.to(target, 1.0, u.spectral_density(1 * u.um))), power, turns


@lru_cache(maxsize=64)
def _powers(unit: u.UnitBase) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the power of the wavelength of a unit of flux, and of one of surface brightness; both empty if neither."""
    flux, bright = (
        tuple(power for power, kind in _POWERS.items() if one.is_equivalent(kind)) for one in (unit, unit * u.sr)
    )
    return flux, bright
