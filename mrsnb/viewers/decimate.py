"""Fewer points of a curve that look the same: the least and the greatest of each stretch."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def decimated(wave: Array, flux: Array, n_bins: int) -> NDArray[np.intp]:
    """Return the indices of the points to draw, rising.

    The points are split into `n_bins` runs of equal length; of each run the first, the last, the least and the
    greatest are kept, so that no peak is lost, and one NaN if there is one, so that no gap is closed. Where this saves
    nothing, all indices are returned.

    Parameters
    ----------
    wave, flux : ndarray
        Shape (n_wave,), in order of wavelength; flux may be NaN.
    n_bins : int
        At most four times as many points are kept, and one for each gap.

    References
    ----------
    Jugel et al. 2014, PVLDB 7, 797 (M4 aggregation).
    """
    n = len(wave)
    if n <= 4 * n_bins:
        return np.arange(n)
    bins = np.arange(n) * n_bins // n
    starts = np.searchsorted(bins, np.arange(n_bins))
    ends = np.append(starts[1:], n) - 1
    finite = np.isfinite(flux)
    low = _first_of(np.where(finite, flux, np.inf), bins, starts, np.minimum)
    high = _first_of(np.where(finite, flux, -np.inf), bins, starts, np.maximum)
    gap = np.flatnonzero(~finite)
    gap = gap[np.unique(bins[gap], return_index=True)[1]]
    return np.unique(np.concatenate([starts, ends, low, high, gap]))


def _first_of(values: Array, bins: NDArray[np.intp], starts: NDArray[np.intp], extreme: np.ufunc) -> NDArray[np.intp]:
    """Return the index of the first value of each run that equals its extreme."""
    found = np.flatnonzero(values == extreme.reduceat(values, starts)[bins])
    return found[np.unique(bins[found], return_index=True)[1]]
