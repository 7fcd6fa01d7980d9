"""What a search for outliers found, before it is applied."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.exposure import Exposure, ExposureSource
from mrsnb.steps.outlier_detection.masks import Mask
from mrsnb.steps.outlier_detection.result import Intermediate

STRIDE = 2
"""A preview shows one pixel of so many, along both axes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What was found; exposures are known by their place in the sequence.

    Parameters
    ----------
    own : dict of int to Mask
        Outliers of one exposure.
    common : dict of str to Mask
        Outliers of all exposures of a detector.
    usable : dict of int to Mask
        What was usable before, of each exposure that was examined.
    shown : dict of int to ndarray
        Flux of one exposure of each detector, every second pixel of every second row, MJy/sr.
    intermediate : list of Intermediate
    notes : list of str
        What was left out, and why.
    """

    own: dict[int, Mask] = field(default_factory=dict)
    common: dict[str, Mask] = field(default_factory=dict)
    usable: dict[int, Mask] = field(default_factory=dict)
    shown: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    intermediate: list[Intermediate] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def by_detector(exposures: Sequence[ExposureSource]) -> dict[str, list[int]]:
    """Return the places of the exposures of each detector."""
    groups: dict[str, list[int]] = {}
    for index, exposure in enumerate(exposures):
        groups.setdefault(exposure.primary.text("DETECTOR").upper(), []).append(index)
    return groups


def preview_of(exposure: Exposure) -> NDArray[np.float32]:
    """Return the flux of every second pixel of every second row."""
    return exposure.flux[::STRIDE, ::STRIDE].copy()
