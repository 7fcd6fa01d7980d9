"""Running median of a table, straight at its ends."""

import math

import numpy as np
from numpy.typing import NDArray


def running_median(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the median of `width` values about each; near the ends, of as many as there are on both sides.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Finite.
    width : int
        Odd.

    Returns
    -------
    ndarray, shape (n,)

    Examples
    --------
    >>> running_median(np.array([1.0, 2.0, 9.0, 4.0, 5.0]), 3)
    array([1., 2., 4., 5., 5.])
    """
    half = _half_windows(values.size, width)
    result = values.copy()
    whole = half == width // 2
    if width > 1 and whole.any():
        result[whole] = np.median(np.lib.stride_tricks.sliding_window_view(values, width), axis=1)
    for i in np.flatnonzero(~whole):
        result[i] = np.median(values[i - half[i] : i + half[i] + 1])
    return result


def median_error(errors: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    """Return the errors of `running_median`, of independent values with normal errors; shape (n,).

    Notes
    -----
    The variance of the median of ``w`` values is close to ``pi / (2 w + pi - 2)`` of that of one: exact for one, within
    2 % of the standard deviation for three and more.
    """
    half = _half_windows(errors.size, width)
    place, window = np.arange(errors.size), 2 * half + 1
    total = np.concatenate([[0.0], np.cumsum(errors**2)])
    mean = np.maximum(total[place + half + 1] - total[place - half], 0.0) / window
    return np.asarray(np.sqrt(mean * math.pi / (2 * window + math.pi - 2)))


def _half_windows(n: int, width: int) -> NDArray[np.int64]:
    place = np.arange(n)
    return np.minimum(width // 2, np.minimum(place, n - 1 - place))
