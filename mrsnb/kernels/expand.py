"""A spectrum at the wavelengths of detector pixels."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def expand(
    table_wave: Array, table_value: Array, table_error: Array, wave: Array, reach: float, widest_gap: float
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return a spectrum at other wavelengths, and where it is not known.

    Parameters
    ----------
    table_wave, table_value, table_error : ndarray, shape (m,)
        In any order of wavelength; a row whose wavelength or value is not finite is no row, an error that is not
        finite is 0.
    wave : ndarray, shape (n,)
        Wavelengths wanted.
    reach : float
        The table's ends hold for up to this many of its steps beyond them.
    widest_gap : float
        Values are interpolated over gaps of up to this many times the usual step.

    Returns
    -------
    value, error : ndarray, shape (n,)
        Interpolated linearly, held at both ends.
    unknown : ndarray of bool, shape (n,)
        True farther outside the table than `reach`, and in gaps that are too wide.
    """
    good = np.isfinite(table_wave) & np.isfinite(table_value)
    own, first = np.unique(table_wave[good], return_index=True)
    if own.size < 2:
        return np.zeros(wave.shape), np.zeros(wave.shape), np.ones(wave.shape, np.bool_)
    value, error = table_value[good][first], table_error[good][first]
    error = np.where(np.isfinite(error), error, 0.0)
    step = np.diff(own)
    usual = np.median(step)
    left = np.clip(np.searchsorted(own, wave, side="right") - 1, 0, own.size - 2)
    in_gap = (step[left] > widest_gap * usual) & (wave > own[left] + usual / 2) & (wave < own[left + 1] - usual / 2)
    unknown = (wave < own[0] - reach * usual) | (wave > own[-1] + reach * usual) | in_gap
    return np.interp(wave, own, value), np.interp(wave, own, error), unknown
