"""Spectra on wavelength grids of their own, averaged on a common one.

The common grid follows the inputs: where their wavelengths come in clumps of as many as there are inputs, a clump
is one output; where they do not, as many in a row are::

    a   .   .   .   .        a . . . .
    b   .   .   .   .        b   . . . .
        |   |   |   |            | | | |         (means of neighbours)
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CLUMP = 0.8
"""Wavelengths are a clump if their spread is below this fraction of that of the windows beside."""

Array = NDArray[np.float64]


def output_wavelengths(waves: Sequence[Array]) -> Array:
    """Return the common grid of several spectra.

    Parameters
    ----------
    waves : sequence of ndarray
        Wavelengths of each, strictly monotonic, two or more; shape (n,), micron.

    Returns
    -------
    ndarray, shape (m,)
        Rising, none twice; micron.

    Notes
    -----
    The rule of the combine_1d step of jwst 3.0.0, to the last bit: an input's outermost pixels may or may not lie
    within a grid that differs from theirs by rounding.
    """
    wave = np.sort(np.concatenate(waves))
    n_inputs = _covering(wave, waves)
    mean, spread = _windows(wave, n_inputs)
    beside = np.empty_like(spread)
    beside[0], beside[-1] = spread[1], spread[-2]
    beside[1:-1] = (spread[:-2] + spread[2:]) / 2
    found = np.where((spread == 0) | (spread < CLUMP * beside), mean, -1.0)
    _fill_gaps(wave, n_inputs, found)
    return np.unique(found[found > 0])


def _covering(wave: Array, waves: Sequence[Array]) -> NDArray[np.int64]:
    """Return how many inputs reach each wavelength, half a step beyond their ends included."""
    count = np.zeros(wave.size, np.int64)
    for own in waves:
        w = own if own[1] > own[0] else own[::-1]
        count += (wave >= w[0] - 0.5 * (w[1] - w[0])) & (wave < w[-1] + 0.5 * (w[-1] - w[-2]))
    return count


def _windows(wave: Array, n_inputs: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return mean and standard deviation of as many wavelengths as there are inputs, about each; spread 9999 if cut."""
    mean, spread = np.full(wave.size, -1.0), np.full(wave.size, 9999.0)
    for n in np.unique(n_inputs):
        first = np.flatnonzero(n_inputs == n)
        at = first + n // 2 + 1 - n
        whole = (at >= 0) & (at + n <= wave.size)
        windows = np.ascontiguousarray(wave[at[whole, np.newaxis] + np.arange(n)])
        mean[first[whole]] = windows.mean(axis=1)
        spread[first[whole]] = windows.std(axis=1)
    return mean, spread


def _fill_gaps(wave: Array, n_inputs: NDArray[np.int64], found: Array) -> None:
    """Set further elements of `found` where no clump is near: means of blocks of neighbours."""
    i, size = 0, wave.size
    while i < size:
        n = int(n_inputs[i])
        if i + n // 2 < size:
            n = int(n_inputs[i + n // 2])
            if i + n < size and found[max(i - 1, 0) : min(i + n + 1, size - 1)].max() <= 0:
                found[i] = wave[i : i + n].mean()
        i += n


def interpolated_places(grid: Array, wave: Array) -> NDArray[np.int64]:
    """Return the element of `grid` nearest to each wavelength, shape (n,); -1 outside its first and last element.

    Distances are those of a table of positions interpolated in wavelength and rounded half to even, as upstream.
    """
    left = np.clip(np.searchsorted(grid, wave, side="right") - 1, 0, grid.size - 2)
    part = (wave - grid[left]) / (grid[left + 1] - grid[left])
    place = np.rint(left * (1 - part) + (left + 1) * part)
    return np.where((wave >= grid[0]) & (wave <= grid[-1]), place, -1).astype(np.int64)


def nearest_places(grid: Array, wave: Array) -> NDArray[np.int64]:
    """Return the element of `grid` nearest to each wavelength, shape (n,); -1 beyond half a step outside."""
    if grid.size == 1:
        return np.zeros(wave.size, np.int64)
    edges = (grid[1:] + grid[:-1]) / 2
    low, high = grid[0] - (edges[0] - grid[0]), grid[-1] + (grid[-1] - edges[-1])
    return np.where((wave >= low) & (wave <= high), np.searchsorted(edges, wave), -1)


def binned(places: NDArray[np.int64], values: Array, errors: Array, size: int) -> tuple[Array, Array]:
    """Return the means of finite values at each place, and their errors; shape (size,), NaN where there is none.

    Parameters
    ----------
    places : ndarray of int64, shape (n,)
        From 0 to `size` - 1.
    values, errors : ndarray, shape (n,)
    size : int
    """
    good = np.isfinite(values)
    at = places[good]
    count = np.bincount(at, minlength=size)
    with np.errstate(invalid="ignore"):
        mean = np.bincount(at, values[good], minlength=size) / count
        error = np.sqrt(np.bincount(at, errors[good] ** 2, minlength=size)) / count
    return mean, error


def weighted_mean(values: Array, errors: Array, weights: Array) -> tuple[Array, Array]:
    """Return the weighted mean of the finite values of each column, and its error; shape (m,), NaN without any.

    Parameters
    ----------
    values, errors : ndarray, shape (n, m)
    weights : ndarray, shape (n, m)

    Notes
    -----
    ``sum(w v) / sum(w)`` and ``sqrt(sum((w e)^2)) / sum(w)``.
    """
    used = np.isfinite(values)
    w = np.where(used, weights, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        total = w.sum(axis=0)
        mean = (w * np.where(used, values, 0.0)).sum(axis=0) / total
        error = np.sqrt(((w * np.where(used, errors, 0.0)) ** 2).sum(axis=0)) / total
    return mean, error
