"""Factors that make the spectra of neighbouring bands agree where they overlap."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.errors import InputError

Array = NDArray[np.float64]
_MEDIAN_ERROR = 1.2533
"""Standard error of a median over that of a mean, for Gaussian noise: sqrt(pi / 2)."""
_LEAST = 5
"""Samples that an overlap needs."""


class BandScale(NamedTuple):
    """What a band is multiplied by.

    Parameters
    ----------
    factor, error : float
        Factor and its standard error; the reference has 1 and 0. A band that no overlap joins to the reference keeps
        factor 1, with error NaN.
    samples : int
        In the overlap that it was found from; 0 for the reference and for bands that nothing joins.
    """

    factor: float
    error: float
    samples: int


def band_scales(curves: Sequence[tuple[Array, Array]], reference: int = 0) -> list[BandScale]:
    """Return the factor of each band, so that the reference band stays and each next one agrees with its neighbour.

    From the reference outward, a band's factor is the median, over the overlap with the neighbour nearer to the
    reference, of the neighbour's flux (interpolated) over its own, times the neighbour's factor. Errors come from the
    scatter of the ratios and add in quadrature.

    Parameters
    ----------
    curves : sequence of (ndarray, ndarray)
        Wavelength, rising, and flux of each band, shape (n_wave,); NaN are left out.
    reference : int
        Index of the band that stays.

    Raises
    ------
    InputError
        If there is no band of that index.

    Examples
    --------
    >>> x = np.linspace(5.0, 6.0, 101)
    >>> [round(scale.factor, 3) for scale in band_scales([(x, x), (x + 0.5, 0.8 * (x + 0.5))])]
    [1.0, 1.25]
    """
    if not 0 <= reference < len(curves):
        msg = f"reference band {reference}: there are {len(curves)} bands, counted from 0"
        raise InputError(msg)
    clean = [_finite(*curve) for curve in curves]
    order = sorted(range(len(clean)), key=lambda i: _middle(clean[i][0]))
    scales = [BandScale(1.0, np.nan, 0)] * len(clean)
    scales[reference] = BandScale(1.0, 0.0, 0)
    start = order.index(reference)
    for walk in (order[start:], order[start::-1]):
        for near, far in pairwise(walk):
            ratio = _ratio(clean[near], clean[far])
            if ratio is None or not np.isfinite(scales[near].error):
                break
            factor, relative, n = ratio
            total = np.hypot(relative, scales[near].error / scales[near].factor)
            scales[far] = BandScale(factor * scales[near].factor, factor * scales[near].factor * float(total), n)
    return scales


def _finite(wave: Array, flux: Array) -> tuple[Array, Array]:
    good = np.isfinite(wave) & np.isfinite(flux)
    return wave[good], flux[good]


def _middle(wave: Array) -> float:
    return float(wave[0] + wave[-1]) if wave.size else np.inf


def _ratio(near: tuple[Array, Array], far: tuple[Array, Array]) -> tuple[float, float, int] | None:
    """Return the median ratio in the overlap, its relative error and the number of samples; None if there is none."""
    if not near[0].size or not far[0].size:
        return None
    low, high = max(near[0][0], far[0][0]), min(near[0][-1], far[0][-1])
    here = (far[0] >= low) & (far[0] <= high)
    n = min(int(here.sum()), int(((near[0] >= low) & (near[0] <= high)).sum()))
    if n < _LEAST:
        return None
    above, below = np.interp(far[0][here], *near), far[1][here]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = above / below
    ratios = ratios[np.isfinite(ratios)]
    middle = float(np.median(ratios)) if ratios.size else 0.0
    if not middle > 0:
        return None
    scatter = 1.4826 * float(np.median(np.abs(ratios - middle)))
    return middle, _MEDIAN_ERROR * scatter / np.sqrt(n) / middle, n
