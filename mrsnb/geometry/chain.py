"""The geometry of an MRS exposure as coefficients: what a compiled kernel needs, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.exposure import frozen
from mrsnb.kernels.slices import SlicePolynomials


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelChain:
    """One channel: slices to (alpha, beta, wave), and these to (v2, v3).

    Parameters
    ----------
    slices : SlicePolynomials
        Velocity factor included in the wavelengths.
    wave_limits : tuple of float
        Range in which the channel's transform to (v2, v3) is defined, micron.
    v2, v3 : ndarray
        Coefficients, shape (m, m): power of alpha, then of beta; arcsec.
    """

    slices: SlicePolynomials
    wave_limits: tuple[float, float]
    v2: NDArray[np.float64]
    v3: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class MrsChain:
    """The frames detector -> alpha_beta -> v2v3 -> v2v3vacorr -> world (-> moving_target) of one exposure.

    Parameters
    ----------
    slice_map : ndarray of int16
        Shape (1024, 1032): label of the slice that each pixel belongs to; 0 for none.
    channels : mapping of int to ChannelChain
        The two channels on the detector.
    aberration : ndarray
        Shape (4,): scale of v2 and v3, then shift of v2 and v3 in arcsec.
    matrix : ndarray
        Shape (3, 3): turns a direction (v2, v3) into one of the equatorial frame.
    sky_shift : tuple of float
        Added to right ascension and declination at the end, deg: how the observatory's package follows a moving
        target, in coordinates, without the cosine of the declination.
    """

    slice_map: NDArray[np.int16]
    channels: Mapping[int, ChannelChain]
    aberration: NDArray[np.float64]
    matrix: NDArray[np.float64]
    sky_shift: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        for array in (self.slice_map, self.aberration, self.matrix):
            frozen(array)

    @cached_property
    def labels(self) -> frozenset[int]:
        """The labels that occur in the slice map."""
        return frozenset(int(label) for label in np.unique(self.slice_map))
