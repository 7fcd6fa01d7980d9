"""Between the wavelength of a line at rest and where it is seen."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mrsnb.errors import InputError

LIGHT_SPEED = 299_792.458
"""km/s."""
Convention = Literal["optical", "relativistic", "radio"]


def observed_wave(rest: ArrayLike, redshift: float) -> NDArray[np.float64]:
    """Return where light of wavelength `rest` is seen.

    Parameters
    ----------
    rest : array_like
        Any shape and unit of length.
    redshift : float
        Greater than -1.

    Raises
    ------
    InputError
        If the redshift is -1 or less, or not finite.
    """
    return np.asarray(rest, dtype=float) * (1.0 + checked_redshift(redshift))


def rest_wave(observed: ArrayLike, redshift: float) -> NDArray[np.float64]:
    """Return the wavelength at rest of light seen at `observed`; the inverse of `observed_wave`."""
    return np.asarray(observed, dtype=float) / (1.0 + checked_redshift(redshift))


def velocity(observed: ArrayLike, rest: ArrayLike, convention: Convention = "optical") -> NDArray[np.float64]:
    """Return the velocity of recession, km/s.

    Parameters
    ----------
    observed, rest : array_like
        Wavelengths in the same unit.
    convention : {"optical", "relativistic", "radio"}
        ``c z``, the true velocity along the line of sight, or ``c z / (1 + z)``.

    Examples
    --------
    >>> round(float(velocity(12.8263, 12.81355)), 1)
    298.3

    References
    ----------
    Greisen et al. 2006, A&A 446, 747, equations 2 to 4.
    """
    ratio = np.asarray(observed, dtype=float) / np.asarray(rest, dtype=float)
    match convention:
        case "optical":
            return np.asarray(LIGHT_SPEED * (ratio - 1.0))
        case "radio":
            return np.asarray(LIGHT_SPEED * (1.0 - 1.0 / ratio))
        case "relativistic":
            return np.asarray(LIGHT_SPEED * (ratio**2 - 1.0) / (ratio**2 + 1.0))
    msg = f"convention = {convention!r}: allowed are 'optical', 'relativistic' and 'radio'"
    raise InputError(msg)


def wave_at(speed: ArrayLike, rest: ArrayLike, convention: Convention = "optical") -> NDArray[np.float64]:
    """Return the wavelength seen of a line that recedes at `speed` (km/s); the inverse of `velocity`."""
    beta, rest = np.asarray(speed, dtype=float) / LIGHT_SPEED, np.asarray(rest, dtype=float)
    match convention:
        case "optical":
            return np.asarray(rest * (1.0 + beta))
        case "radio":
            return np.asarray(rest / (1.0 - beta))
        case "relativistic":
            return np.asarray(rest * np.sqrt((1.0 + beta) / (1.0 - beta)))
    msg = f"convention = {convention!r}: allowed are 'optical', 'relativistic' and 'radio'"
    raise InputError(msg)


def checked_redshift(redshift: float) -> float:
    """Return `redshift` if light can have it.

    Raises
    ------
    InputError
        If it is -1 or less, or not finite.
    """
    if not isinstance(redshift, int | float) or not (np.isfinite(redshift) and redshift > -1):
        msg = f"redshift = {redshift!r}: must be a finite number greater than -1"
        raise InputError(msg)
    return float(redshift)
