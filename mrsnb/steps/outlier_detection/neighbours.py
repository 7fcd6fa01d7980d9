"""Method ``neighbours``: the pixels of a detector that differ most from their neighbours in all its exposures."""

import logging
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.dq import DQ, flagged
from mrsnb.core.exposure import ExposureSource
from mrsnb.kernels.median import windowed_median
from mrsnb.kernels.neighbours import lower_to_differences
from mrsnb.kernels.threads import ahead
from mrsnb.steps.outlier_detection.found import Found, by_detector, preview_of
from mrsnb.steps.outlier_detection.masks import Mask
from mrsnb.steps.outlier_detection.params import OutlierDetectionParams
from mrsnb.steps.outlier_detection.result import Intermediate
from mrsnb.steps.validity import invalid_pixels

log = logging.getLogger(__name__)

_FRAME = 4
"""Rows and columns at the border that do not count for the percentile."""
_FLOOR = 3.0
"""The normalising median is at least the median of all differences over this."""

Image = NDArray[np.float64]


class _Normalised(NamedTuple):
    least: Image
    level: Image
    ratio: Image


def find_by_neighbours(
    exposures: Sequence[ExposureSource], params: OutlierDetectionParams, only: Collection[int] | None = None
) -> Found:
    """Return the outliers of each exposure: those of its detector.

    Parameters
    ----------
    exposures : sequence of ExposureSource
        Loaded one at a time.
    params : OutlierDetectionParams
    only : collection of int, optional
        Those to be examined: all exposures of a detector; all of all if not given.

    References
    ----------
    outlier_detection of jwst 3.0.0 for integral-field units: of each pixel's differences from its left and right
    neighbour the smaller, of all exposures the smallest, over the median of these in a window about the pixel; outliers
    are above a percentile of this ratio.
    """
    found = Found()
    for detector, members in by_detector(exposures, only).items():
        if len(members) < 2 and params.compat == "none":
            found.notes.append(f"{detector} has only one exposure, and in one alone lines and outliers look alike")
            continue
        _search(found, detector, {index: exposures[index] for index in members}, params)
    return found


def _search(found: Found, detector: str, members: Mapping[int, ExposureSource], params: OutlierDetectionParams) -> None:
    least, kept = _least_differences(found, members, params)
    normalised = _normalise(least, params)
    centre = normalised.ratio[_FRAME:-_FRAME, _FRAME:-_FRAME]
    threshold = (
        np.percentile(centre[~np.isnan(centre)], params.threshold_percent) if np.isfinite(centre).any() else np.nan
    )
    outliers = normalised.ratio > threshold
    if params.ifu_second_check:
        outliers |= np.isnan(least)
    log.info("outlier_detection: %s, %d pixels above %.3g", detector, np.count_nonzero(outliers), threshold)
    found.common[detector] = Mask.of(outliers)
    if params.save_intermediate_results:
        first = next(iter(members.values()))
        found.intermediate.append(_as_upstream(first, detector, kept, normalised, params))


def _least_differences(
    found: Found, members: Mapping[int, ExposureSource], params: OutlierDetectionParams
) -> tuple[Image, list[NDArray[np.float32]]]:
    """Return each pixel's least difference over the exposures, and those of each exposure if they are to be kept."""
    as_upstream = params.compat != "none"
    least = own = np.empty((0, 0))
    kept = []
    for index, exposure in ahead(lambda index: members[index].load(), members):
        invalid = invalid_pixels(exposure)
        found.usable[index] = Mask.of(~invalid)
        # upstream looks at the flag alone: pixels NaN only in the error or a variance take part
        usable = ~(flagged(exposure.dq, DQ.DO_NOT_USE) if as_upstream else invalid)
        if least.size == 0:
            least, own = np.full(usable.shape, np.nan), np.empty(usable.shape)
            found.shown[index] = preview_of(exposure)
        lower_to_differences(exposure.flux, usable, as_upstream, least, own)
        if params.save_intermediate_results:
            kept.append(own.astype(np.float32))
    return least, kept


def _normalise(least: Image, params: OutlierDetectionParams) -> _Normalised:
    as_upstream = params.compat != "none"
    rows, cols = (n + 1 - n % 2 for n in params.kernel_size)  # even ones get here only as upstream takes them
    level = windowed_median(least, (rows, cols), outside=0.0 if as_upstream else np.nan)
    seen = least[~np.isnan(least)]
    if seen.size:
        floor = np.median(seen) / _FLOOR
        level[level < floor] = floor
    with np.errstate(divide="ignore", invalid="ignore"):
        return _Normalised(least, level, least / level)


def _as_upstream(
    first: ExposureSource,
    detector: str,
    kept: list[NDArray[np.float32]],
    arrays: _Normalised,
    params: OutlierDetectionParams,
) -> Intermediate:
    rows, cols = (n + 1 - n % 2 for n in params.kernel_size)
    return Intermediate(
        exposure=first.name,
        label=f"{detector.lower()}_outlier_output",
        model="OutlierIFUOutputModel",
        primary=first.primary.updated(KERNXSZ=rows, KERNYSZ=cols, THRSPRC=params.threshold_percent),
        arrays={
            "DIFFARR": np.stack(kept),
            "MINARR": arrays.least.astype(np.float32),
            "NORMARR": arrays.level.astype(np.float32),
            "MINNORM": arrays.ratio.astype(np.float32),
        },
    )
