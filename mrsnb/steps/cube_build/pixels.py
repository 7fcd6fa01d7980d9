"""The detector pixels of an exposure that may go into a cube."""

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.dq import UNUSABLE, flagged
from mrsnb.core.exposure import Exposure
from mrsnb.geometry.detector import ChannelView

Array = NDArray[np.float64]


def usable_pixels(exposure: Exposure, view: ChannelView) -> tuple[Array, Array]:
    """Return flux and error of the view's pixels; flux NaN where any array is invalid or a flag forbids the use."""
    pixel = view.samples.pixel
    flux = exposure.flux.ravel()[pixel].astype(float)
    err = exposure.err.ravel()[pixel].astype(float)
    bad = flagged(exposure.dq.ravel()[pixel], UNUSABLE) | ~np.isfinite(err)
    for variance in exposure.variances.values():
        bad |= np.isnan(variance.ravel()[pixel])
    flux[bad] = np.nan
    return flux, err
