"""Mean and standard deviation of numbers without their outliers."""

import math

import numpy as np
from numba import njit

_FEW = 8
"""A pivot with less than one part in so many below it may be one of many equal values."""


@njit(cache=True, nogil=True)
def clipped_limits(values, sigma, rounds):
    """Return the mean and standard deviation of `values` after clipping `sigma` deviations about the median.

    As ``astropy.stats.sigma_clipped_stats`` with its defaults and ``maxiters=rounds``, but a round that would leave
    nothing, as happens with a `sigma` of 1 or less, is not done.
    """
    return clipped_limits_of(values, values.size, sigma, rounds)


@njit(cache=True, nogil=True)
def clipped_limits_of(values, n, sigma, rounds):
    """Return `clipped_limits` of the first `n` of `values`; NaN if there are none."""
    kept, ordered = np.empty(n), np.empty(n)
    for i in range(n):
        kept[i] = values[i]
    mean, spread = _mean_and_spread(kept, n)
    for _ in range(rounds):
        if not spread >= 0.0:  # NaN
            break
        for i in range(n):
            ordered[i] = kept[i]
        middle = _median(ordered, n)
        low, high = middle - sigma * spread, middle + sigma * spread
        m = 0
        for i in range(n):
            m += low <= kept[i] <= high
        if m == n or m == 0:  # noqa: PLR1714 (a tuple costs compile time)
            break
        m = 0
        for i in range(n):
            value = kept[i]
            kept[m] = value
            m += low <= value <= high
        n = m
        mean, spread = _mean_and_spread(kept, n)
    return mean, spread


@njit(cache=True, nogil=True)
def _mean_and_spread(a, n):
    """Return the mean and standard deviation of the first `n` of `a`, each in four sums, which need not wait."""
    if n == 0:
        return np.nan, np.nan
    whole = n - n % 4
    s0 = s1 = s2 = s3 = 0.0
    for i in range(0, whole, 4):
        s0 += a[i]
        s1 += a[i + 1]
        s2 += a[i + 2]
        s3 += a[i + 3]
    for i in range(whole, n):
        s0 += a[i]
    mean = ((s0 + s1) + (s2 + s3)) / n
    s0 = s1 = s2 = s3 = 0.0
    for i in range(0, whole, 4):
        s0 += (a[i] - mean) * (a[i] - mean)
        s1 += (a[i + 1] - mean) * (a[i + 1] - mean)
        s2 += (a[i + 2] - mean) * (a[i + 2] - mean)
        s3 += (a[i + 3] - mean) * (a[i + 3] - mean)
    for i in range(whole, n):
        s0 += (a[i] - mean) * (a[i] - mean)
    return mean, math.sqrt(((s0 + s1) + (s2 + s3)) / n)


@njit(cache=True, nogil=True)
def _median(a, n):
    """Return the median of the first `n` of `a`, at least one, none NaN; they are reordered."""
    k = n // 2
    low, high = 0, n - 1
    while low < high:
        mid = (low + high) // 2
        one, two, pivot = a[low], a[mid], a[high]
        if (two < one) == (one < pivot):  # the middle one of three goes to the end
            a[low], a[high], pivot = pivot, one, one
        elif (one < two) == (two < pivot):
            a[mid], a[high], pivot = pivot, two, two
        m = low
        for i in range(low, high):  # without branches
            value = a[i]
            a[i] = a[m]
            a[m] = value
            m += value < pivot
        a[high] = a[m]
        a[m] = pivot
        if k < m:
            high = m - 1
            continue
        if k > m and _FEW * (m - low) < high - low:
            for i in range(m + 1, high + 1):
                value = a[i]
                a[i] = a[m + 1]
                a[m + 1] = value
                m += value <= pivot
        if k <= m:
            break
        low = m + 1
    if n % 2 == 1:
        return a[k]
    below = a[0]
    for i in range(1, k):
        below = max(below, a[i])
    return (below + a[k]) / 2.0
