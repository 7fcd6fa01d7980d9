"""The geometry of an image with more columns than the detector."""

from dataclasses import replace
from typing import Any

from mrsnb.geometry.chain import MrsChain, columns_each


def oversampling(wcs: Any) -> float:
    """Return how many columns the image has for each column of the detector.

    Parameters
    ----------
    wcs : MrsChain or gwcs.WCS
        Geometry of the exposure.
    """
    if isinstance(wcs, MrsChain):
        return float(wcs.oversample)
    if "coordinates" not in getattr(wcs, "available_frames", ()):
        return 1.0
    to_detector = wcs.get_transform("coordinates", "detector")
    return columns_each(float(to_detector(1.0, 0.0)[0] - to_detector(0.0, 0.0)[0]))


def oversampled(wcs: Any, oversample: float) -> Any:
    """Return the geometry of an image with `oversample` columns for each column of the detector.

    Parameters
    ----------
    wcs : MrsChain or gwcs.WCS
        Geometry of the exposure as it was read; a gwcs gets a first frame ``coordinates``, as the observatory's
        package has it.
    oversample : float
        At least 1.
    """
    if isinstance(wcs, MrsChain):
        return replace(wcs, oversample=float(oversample))
    import gwcs
    from astropy.modeling.models import Identity, Scale, Shift

    to_detector = (Scale(1 / oversample) | Shift(-(oversample - 1) / (2 * oversample))) & Identity(1)
    frame = gwcs.coordinate_frames.Frame2D(name="coordinates", axes_order=(0, 1))
    return gwcs.WCS([(frame, to_detector), *wcs.pipeline])
