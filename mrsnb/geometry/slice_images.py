"""Images of where the pixels of an exposure look: on which slice, and where along it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.geometry.detector import channel_view


class SliceImages(NamedTuple):
    """Where the pixels of an image look."""

    label: NDArray[np.int16]
    """Label of the slice, shape (n_row, n_col); 0 for none."""
    alpha: NDArray[np.float64]
    """Place along the slice, shape (n_row, n_col), arcsec; NaN for none."""
    slices: NDArray[np.int64]
    """Label, first column and the column after the last of each slice that has pixels, shape (n, 3)."""


def slice_images(wcs: Any, bands: Sequence[Band], shape: tuple[int, int]) -> SliceImages:
    """Return where the pixels of an exposure look.

    Parameters
    ----------
    wcs : MrsChain or gwcs.WCS
        Geometry of the exposure.
    bands : sequence of Band
        The bands on the detector.
    shape : tuple of int
        Of the exposure's image.

    Raises
    ------
    InputError
        If a channel is not in the WCS.
    """
    label = np.zeros(shape, np.int16)
    alpha = np.full(shape, np.nan)
    slices = []
    for band in bands:
        view = channel_view(wcs, band)
        names = np.asarray(band.labels, np.int16)
        label.flat[view.samples.pixel] = names[view.samples.slice]
        alpha.flat[view.samples.pixel] = view.samples.alpha[:, 0]
        columns = view.samples.pixel % shape[1]
        for name, first, after in zip(names, view.start[:-1], view.start[1:], strict=True):
            if after > first:
                mine = columns[first:after]
                slices.append((name, mine.min(), mine.max() + 1))
    return SliceImages(label, alpha, np.array(slices, np.int64).reshape(-1, 3))
