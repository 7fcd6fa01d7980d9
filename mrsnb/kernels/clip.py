"""Mean and standard deviation of numbers without their outliers."""

import math

import numpy as np

from mrsnb.kernels.jit import njit

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
    left = rounds
    while True:
        mean, spread = _mean_and_spread(kept, n)
        if left == 0 or not spread >= 0.0:  # NaN
            break
        for i in range(n):
            ordered[i] = kept[i]
        middle = _median(ordered, n)
        low, high = middle - sigma * spread, middle + sigma * spread
        m = np.int64(0)  # plain 0 would have what it is passed to compiled twice, for a literal too
        for i in range(n):
            m += low <= kept[i] <= high
        if m == n or m == 0:  # noqa: PLR1714 (a tuple costs compile time)
            break
        m = np.int64(0)
        for i in range(n):
            value = kept[i]
            kept[m] = value
            m += low <= value <= high
        n = m
        left -= 1
    return mean, spread


@njit(cache=True, nogil=True)
def _mean_and_spread(a, n):
    """Return the mean and standard deviation of the first `n` of `a`, each in two sums, which need not wait."""
    if n == 0:
        return np.nan, np.nan
    half = n // 2
    even = odd = 0.0
    for i in range(half):
        even += a[2 * i]
        odd += a[2 * i + 1]
    if n > 2 * half:
        even += a[n - 1]
    mean = (even + odd) / n
    even = odd = 0.0
    for i in range(half):
        even += (a[2 * i] - mean) * (a[2 * i] - mean)
        odd += (a[2 * i + 1] - mean) * (a[2 * i + 1] - mean)
    if n > 2 * half:
        even += (a[n - 1] - mean) * (a[n - 1] - mean)
    return mean, math.sqrt((even + odd) / n)


@njit(cache=True, nogil=True)
def _median(a, n):
    """Return the median of the first `n` of `a`, at least one, none NaN; they are reordered."""
    k = n // 2
    low, high = 0, n - 1
    while low < high:
        mid = (low + high) // 2
        pivot = a[mid]
        a[mid] = a[high]
        m = low
        for i in range(low, high):  # without branches
            value = a[i]
            a[i] = a[m]
            a[m] = value
            m += value < pivot
        a[high], a[m] = a[m], pivot
        if k < m:
            high = m - 1
            continue
        if _FEW * (m - low) < high - low:
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
