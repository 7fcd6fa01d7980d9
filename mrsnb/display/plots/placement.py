"""Where labels go so that they do not overlap."""

from collections.abc import Sequence


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Return positions as near as can be (least squares) to `wanted`, at least `gap` apart, within the limits.

    The positions less their rank times `gap` must not decrease: isotonic regression, by pooling neighbours that
    violate the order.

    Parameters
    ----------
    wanted : sequence of float
        In increasing order.
    gap : float
        Least distance; it shrinks where the limits leave less room.
    low, high : float
        Limits of the positions.

    Examples
    --------
    >>> spread([1.0, 1.0, 5.0], 1.0, 0.0, 10.0)
    [0.5, 1.5, 5.0]

    References
    ----------
    Best & Chakravarti 1990, Mathematical Programming 47, 425 (pool adjacent violators).
    """
    count = len(wanted)
    if count == 0:
        return []
    gap = min(gap, (high - low) / max(count - 1, 1))
    pools: list[tuple[float, int]] = []
    for rank, place in enumerate(wanted):
        mean, size = place - rank * gap, 1
        while pools and pools[-1][0] > mean:
            before, n = pools.pop()
            mean, size = (before * n + mean * size) / (n + size), n + size
        pools.append((mean, size))
    top = high - (count - 1) * gap
    levels = [min(max(mean, low), top) for mean, size in pools for _ in range(size)]
    return [level + rank * gap for rank, level in enumerate(levels)]
