r"""What one exposure should have seen, by what another one saw of the same place at the same wavelength.

A pixel of the target looks at a place of the source's image slicer, between two slices and between two pixels of each;
its wavelength falls between two rows. The eight pixels around that point are interpolated, linearly along each axis::

       slice k    #  #            beta of the place lies between slices k and k + 1,
                    x             alpha between two columns of each (they need not be the same),
    slice k + 1    #  #           the wavelength between two rows of each (nor need these)
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.kernels.jit import njit
from mrsnb.kernels.rows import place_in_row
from mrsnb.kernels.threads import share

LEAST_WEIGHT = 0.5
"""Weight that the usable ones of the interpolated pixels must have."""
_STEPS = 8
"""Steps after which the search for a wavelength's row gives up."""
_PIXELS = 1 << 16
"""Pixels of a part that one thread does."""


class Crossing(NamedTuple):
    """Where nodes along the target's slices look in the source; ``n`` slices of ``k`` nodes."""

    low: NDArray[np.float64]
    """Alpha of the first node, shape (n,), arcsec."""
    step: NDArray[np.float64]
    """Distance of the nodes, shape (n,), arcsec."""
    alpha: NDArray[np.float64]
    """Place along the source's slices, shape (n, k), arcsec; NaN outside its field."""
    rank: NDArray[np.float64]
    """Place across the source's slices, shape (n, k): in slices, in order of beta, from the middle of the first."""
    order: NDArray[np.int64]
    """The source's slices in order of beta, shape (n_source,)."""


@njit(cache=True, nogil=True, inline="always")
def _wave_at(look, first, n, t):
    """Return the wavelength at place `t` of a row of `n` pixels."""
    i = min(max(int(t), 0), n - 2)
    a = look.wave[first + i]
    return a + (t - i) * (look.wave[first + i + 1] - a)


@njit(cache=True, nogil=True)
def _value_in_row(look, first, n, t):
    """Return the flux at place `t` of a row of `n` pixels, and the weight of what is usable there, at most 1."""
    if not -0.5 <= t <= n - 0.5:
        return 0.0, 0.0
    t = min(max(t, 0.0), n - 1.0)
    i = min(int(t), n - 2)
    right = t - i
    a, b = look.flux[first + i], look.flux[first + i + 1]
    if math.isnan(a):
        return b, (0.0 if math.isnan(b) else right)
    if math.isnan(b):
        return a, 1.0 - right
    return a + right * (b - a), 1.0


@njit(cache=True, nogil=True)
def _locate(look, s, alpha, wave, hints):
    """Return how far above the row ``hints[0]`` of a slice a wavelength falls at alpha, and the places in both rows.

    Wavelength is nearly linear in the row, so few steps lead to its row; `hints` holds row and column of the last
    search, and is set to those of this one. NaN if it is not found.
    """
    n_row = look.first.shape[1]
    r = hints[0]
    for _ in range(_STEPS):
        n, n_up = look.length[s, r], look.length[s, r + 1]
        if n < 2 or n_up < 2:
            break
        first, first_up = look.first[s, r], look.first[s, r + 1]
        t = place_in_row(look.alpha, first, n, alpha, hints[1])
        t_up = place_in_row(look.alpha, first_up, n_up, alpha, int(t))
        hints[1] = int(t)
        here = _wave_at(look, first, n, t)
        up = (wave - here) / (_wave_at(look, first_up, n_up, t_up) - here)
        if not -n_row < up < n_row:
            break
        step = int(np.floor(up))
        if step == 0 or (step < 0 and r == 0) or (step > 0 and r == n_row - 2):
            hints[0] = r
            return up, t, t_up
        r = min(max(r + step, 0), n_row - 2)
    return np.nan, np.nan, np.nan


@njit(cache=True, nogil=True)
def _value_on(look, s, alpha, wave, hints):
    """Return the flux of a slice at alpha and at a wavelength, and whether it was seen (1.0 or 0.0)."""
    up, t, t_up = _locate(look, s, alpha, wave, hints)
    if not -0.5 <= up <= 1.5:
        return 0.0, 0.0
    up = min(max(up, 0.0), 1.0)
    r = hints[0]
    value, weight = _value_in_row(look, look.first[s, r], look.length[s, r], t)
    value_up, weight_up = _value_in_row(look, look.first[s, r + 1], look.length[s, r + 1], t_up)
    weight *= 1.0 - up
    weight_up *= up
    if weight + weight_up < LEAST_WEIGHT:
        return 0.0, 0.0
    if weight == 0.0:
        return value_up, 1.0
    if weight_up == 0.0:
        return value, 1.0
    return (value * weight + value_up * weight_up) / (weight + weight_up), 1.0


@njit(cache=True, nogil=True)
def _predict_slice(target, s, source, crossing, out):
    n_source = crossing.order.size
    n_node = crossing.alpha.shape[1]
    n_row = source.first.shape[1]
    hints = np.full((n_source, 2), n_row // 2, np.int64)
    for p in range(target.start[s], target.start[s + 1]):
        out[p] = np.nan
        u = (target.alpha[p] - crossing.low[s]) / crossing.step[s]
        if not math.isfinite(u + target.wave[p]):
            continue
        j = min(max(int(u), 0), n_node - 2)
        u -= j
        alpha = (1.0 - u) * crossing.alpha[s, j] + u * crossing.alpha[s, j + 1]
        rank = (1.0 - u) * crossing.rank[s, j] + u * crossing.rank[s, j + 1]
        if math.isnan(alpha) or not -0.5 <= rank <= n_source - 0.5:
            continue
        rank = min(max(rank, 0.0), n_source - 1.0)
        k = min(int(rank), n_source - 2)
        total = 0.0
        weight = 0.0
        for side in range(2):
            w = rank - k if side == 1 else 1.0 - (rank - k)
            if w <= 0.0:
                continue
            value, seen = _value_on(source, crossing.order[k + side], alpha, target.wave[p], hints[k + side])
            total += w * seen * value
            weight += w * seen
        if weight >= LEAST_WEIGHT:
            out[p] = total / weight


def predict(target, source, crossing, out):
    """Set `out` to what the pixels of the target should have seen, by what the source saw.

    Parameters
    ----------
    target, source : Look
        The same channel in the same setting.
    crossing : Crossing
        From the target's slices to the source's.
    out : ndarray of float32, shape (m,)
        Receives the flux, MJy/sr; NaN where the source did not look.
    """

    def part(s: int) -> None:
        _predict_slice(target, s, source, crossing, out)

    share(part, target.start.size - 1)


@njit(cache=True, nogil=True)
def _lower_median(stack, first, last, out):
    values = np.empty(stack.shape[0])
    for p in range(first, last):
        n = 0
        for i in range(stack.shape[0]):
            value = stack[i, p]
            if math.isnan(value):
                continue
            j = n
            while j > 0 and values[j - 1] > value:
                values[j] = values[j - 1]
                j -= 1
            values[j] = value
            n += 1
        out[p] = values[(n - 1) // 2] if n > 0 else np.nan


def lower_median(stack, out):
    """Set `out` (shape (m,)) to the median of each column of `stack` (shape (n, m)); the lower of two middle ones.

    NaN is left out. Of two numbers it is the lower one, so that an outlier in one of two exposures does not hide one in
    the third.
    """
    n = out.size

    def part(i: int) -> None:
        _lower_median(stack, i * _PIXELS, min((i + 1) * _PIXELS, n), out)

    share(part, -(-n // _PIXELS))
