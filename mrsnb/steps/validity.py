"""Which pixels of an exposure are invalid."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.dq import DQ, flagged
from mrsnb.core.exposure import Exposure
from mrsnb.kernels.alike import mark_alike


def invalid_pixels(exposure: Exposure) -> NDArray[np.bool_]:
    """Return a mask of the pixels that are no number in the flux or error, NaN in a variance, or flagged DO_NOT_USE.

    Examples
    --------
    >>> 0.2 < float(invalid_pixels(exposure).mean()) < 0.4
    True
    """
    mask = flagged(exposure.dq, DQ.DO_NOT_USE) | ~(np.isfinite(exposure.flux) & np.isfinite(exposure.err))
    for variance in exposure.variances.values():
        mask |= np.isnan(variance)
    found: NDArray[np.bool_] = mask
    return found


def marked_alike(exposure: Exposure) -> Exposure:
    """Return the exposure with its invalid pixels NaN in all arrays and flagged DO_NOT_USE, as level 2 leaves them.

    Examples
    --------
    >>> alike = marked_alike(exposure)
    >>> bool((np.isnan(alike.flux) == np.isnan(alike.err)).all())
    True
    """
    images = exposure.flux, exposure.err, *exposure.variances.values()
    (flux, err, *variances), dq = mark_alike(images, exposure.dq, np.uint32(DQ.DO_NOT_USE))
    return replace(exposure, flux=flux, err=err, dq=dq, variances=dict(zip(exposure.variances, variances, strict=True)))


def deviation_of(variance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return standard deviations; NaN where a variance is negative, as none can be.

    Examples
    --------
    >>> deviation_of(np.array([4.0, -1.0], np.float32))
    array([ 2., nan], dtype=float32)
    """
    return np.sqrt(np.where(variance < 0, np.float32(np.nan), variance))
