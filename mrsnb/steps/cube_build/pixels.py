"""The detector pixels of an exposure that may go into a cube."""

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.dq import UNUSABLE
from mrsnb.core.exposure import Exposure
from mrsnb.geometry.detector import ChannelView
from mrsnb.kernels.usable import gather_usable

Array = NDArray[np.float64]


def usable_pixels(exposure: Exposure, view: ChannelView) -> tuple[Array, Array]:
    """Return flux and error of the view's pixels; flux NaN where any array is invalid or a flag forbids the use."""
    others = (exposure.err, *exposure.variances.values())
    found: tuple[Array, Array] = gather_usable(
        exposure.flux, exposure.err, exposure.dq, others, view.samples.pixel, np.uint32(UNUSABLE)
    )
    return found
