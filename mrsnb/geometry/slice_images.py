"""Images of where the pixels of an exposure look: on which slice, and where along it."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.geometry.chain import MrsChain, spread_columns
from mrsnb.geometry.detector import channel_view
from mrsnb.geometry.oversample import oversampling


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
    names = slice_map(wcs)
    label = np.zeros(shape, np.int16)
    alpha = np.full(shape, np.nan)
    slices = []
    for band in bands:
        view = channel_view(wcs, band)
        label.flat[view.samples.pixel] = names.flat[view.samples.pixel]
        alpha.flat[view.samples.pixel] = view.samples.alpha[:, 0]
        columns = view.samples.pixel % shape[1]
        for first, after in pairwise(view.start):
            if after > first:
                mine = columns[first:after]
                slices.append((label.flat[view.samples.pixel[first]], mine.min(), mine.max() + 1))
    return SliceImages(label, alpha, np.array(slices, np.int64).reshape(-1, 3))


def slice_map(wcs: Any) -> NDArray[np.int16]:
    """Return the label of the slice that each pixel belongs to, 0 for none; shape of the exposure's image.

    Parameters
    ----------
    wcs : MrsChain or gwcs.WCS
        Geometry of the exposure.
    """
    if isinstance(wcs, MrsChain):
        return wcs.image_map
    mapper = wcs.get_transform("detector", "alpha_beta").label_mapper.mapper
    return spread_columns(np.asarray(mapper).astype(np.int16), oversampling(wcs))
