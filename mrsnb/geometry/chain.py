"""The geometry of an MRS exposure as coefficients: what a compiled kernel needs, and nothing else."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

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
    oversample : float
        Columns of the image for each column of the detector.
    """

    slice_map: NDArray[np.int16]
    channels: Mapping[int, ChannelChain]
    aberration: NDArray[np.float64]
    matrix: NDArray[np.float64]
    sky_shift: tuple[float, float] = (0.0, 0.0)
    oversample: float = 1.0

    def __post_init__(self) -> None:
        for array in (self.slice_map, self.aberration, self.matrix):
            frozen(array)

    @cached_property
    def labels(self) -> frozenset[int]:
        """The labels that occur in the slice map."""
        return frozenset(int(label) for label in np.unique(self.slice_map))

    @property
    def image_map(self) -> NDArray[np.int16]:
        """Label of the slice that each pixel of the image belongs to; shape (1024, columns of the image)."""
        return self.slice_map if self.oversample == 1 else spread_columns(self.slice_map, self.oversample)


def detector_columns(columns: NDArray[np.float64], oversample: float) -> NDArray[np.float64]:
    """Return where columns of an oversampled image lie on the detector.

    Parameters
    ----------
    columns : ndarray, any shape
    oversample : float
        Columns of the image for each column of the detector.

    Examples
    --------
    >>> detector_columns(np.arange(4.0), 2)
    array([-0.25,  0.25,  0.75,  1.25])
    """
    return (columns - (oversample - 1) / 2) / oversample


def columns_each(step: float) -> float:
    """Return how many columns of an image there are for each of the detector, from the `step` of one of them.

    The rounding of ``1 / step`` is undone: an image must not get another column by it.

    Examples
    --------
    >>> columns_each(1 / 1.1)
    1.1
    """
    return round(1 / step, 12)


def spread_columns(image: NDArray[Any], oversample: float) -> NDArray[Any]:
    """Return the columns of an oversampled image, each that of the detector which it lies on.

    Parameters
    ----------
    image : ndarray, shape (n_row, n_col)
    oversample : float
        Columns of the result for each column of the detector.

    Returns
    -------
    ndarray, shape (n_row, ceil(n_col * oversample))
    """
    n_col = image.shape[1]
    x = detector_columns(np.arange(float(np.ceil(n_col * oversample))), oversample)
    return image[:, np.clip(np.floor(x + 0.5), 0, n_col - 1).astype(np.intp)]
