"""A curve through points that goes up and down only where they do."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def monotone(x: Array, y: Array, at: Array) -> Array:
    """Return a smooth curve through points, without wiggles between them.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Rising `x`, ``n >= 2``; finite.
    at : ndarray, shape (m,)
        Where the curve is wanted, from ``x[0]`` to ``x[-1]``.

    Returns
    -------
    ndarray, shape (m,)

    References
    ----------
    Fritsch & Butland (1984, SIAM J. Sci. Stat. Comput. 5, 300), equation 5: cubic pieces whose slopes are weighted
    harmonic means of the slopes of the lines between points; at the ends parabolas, bent no more than monotony allows
    (Moler 2004, Numerical Computing with MATLAB, section 3.6).

    Examples
    --------
    >>> x = np.array([0.0, 1.0, 2.0, 4.0])
    >>> monotone(x, np.array([0.0, 1.0, 1.0, 3.0]), np.array([0.5, 1.5, 3.0])).round(4)
    array([0.6875, 1.    , 1.5833])
    """
    step = np.diff(x)
    line = np.diff(y) / step
    slope = _slopes(step, line)
    piece = np.clip(np.searchsorted(x, at, side="right") - 1, 0, step.size - 1)
    h, begin, end, rise = step[piece], slope[piece], slope[piece + 1], line[piece]
    t = at - x[piece]
    square, cube = (3.0 * rise - 2.0 * begin - end) / h, (begin + end - 2.0 * rise) / h**2
    curve: Array = y[piece] + t * (begin + t * (square + t * cube))
    return curve


def _slopes(step: Array, line: Array) -> Array:
    """Return the slope at each point."""
    if line.size == 1:
        return np.repeat(line, 2)
    slope = np.zeros(line.size + 1)
    before, after = line[:-1], line[1:]
    same = before * after > 0.0
    first, second = 2.0 * step[1:] + step[:-1], step[1:] + 2.0 * step[:-1]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (first + second) / (first / before + second / after)
    slope[1:-1] = np.where(same, mean, 0.0)
    slope[0] = _end(step[0], step[1], line[0], line[1])
    slope[-1] = _end(step[-1], step[-2], line[-1], line[-2])
    return slope


def _end(step: float, next_step: float, line: float, next_line: float) -> float:
    slope = ((2.0 * step + next_step) * line - step * next_line) / (step + next_step)
    if slope * line <= 0.0:
        return 0.0
    if line * next_line <= 0.0 and abs(slope) > 3.0 * abs(line):
        return 3.0 * line
    return slope
