"""outlier_detection: flag hits of cosmic rays and bad pixels that level 2 left."""

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial, reduce
from time import perf_counter
from typing import NamedTuple

import numpy as np

from mrsnb.core.exposure import DETECTOR_SHAPE, DerivedExposure, Exposure, ExposureSource
from mrsnb.errors import InputError
from mrsnb.geometry.oversample import oversampling
from mrsnb.steps.outlier_detection.channel import Partners
from mrsnb.steps.outlier_detection.found import STRIDE, Found, by_detector
from mrsnb.steps.outlier_detection.masks import Mask, with_outliers
from mrsnb.steps.outlier_detection.model import find_by_model
from mrsnb.steps.outlier_detection.neighbours import find_by_neighbours
from mrsnb.steps.outlier_detection.params import OutlierDetectionParams
from mrsnb.steps.outlier_detection.result import OutlierDetectionResult, Preview

log = logging.getLogger(__name__)


def searches(exposures: Sequence[ExposureSource], params: OutlierDetectionParams) -> tuple[tuple[int, ...], ...]:
    """Return the places of the exposures that must be searched together; nothing if there is nothing to be done.

    With the method ``model`` these are those of a setting of a detector, and with ``neighbours`` those of a detector.

    Examples
    --------
    >>> searches(exposures, OutlierDetectionParams())
    ((0, 1),)
    """
    if _refusal(exposures, params) is not None:
        return ()
    groups: dict[tuple[str, ...], list[int]] = {}
    for detector, members in by_detector(exposures).items():
        for index in members:
            setting = (exposures[index].primary.text("BAND").upper(),) if params.method == "model" else ()
            groups.setdefault((detector, *setting), []).append(index)
    return tuple(tuple(members) for members in groups.values())


def search(
    exposures: Sequence[ExposureSource], params: OutlierDetectionParams, only: Collection[int] | None = None
) -> Found:
    """Return what is found in the exposures at some places, one of `searches`; in all if not given.

    Examples
    --------
    >>> params = OutlierDetectionParams(method="neighbours")
    >>> found = search(exposures, params, searches(exposures, params)[0])
    >>> list(found.common)
    ['MIRIFUSHORT']
    """
    find = find_by_model if params.method == "model" else find_by_neighbours
    return find(exposures, params, only)


class _Refusal(NamedTuple):
    status: str
    reason: str


def outlier_detection(
    exposures: Sequence[ExposureSource], params: OutlierDetectionParams, found: Found | None = None
) -> OutlierDetectionResult:
    """Return the exposures with their outliers flagged.

    Parameters
    ----------
    exposures : sequence of ExposureSource
        Exposures of one target, of any bands; loaded when needed.
    params : OutlierDetectionParams
    found : Found, optional
        What `search` found, if that was done before: in all exposures, or in all that matter.

    Returns
    -------
    OutlierDetectionResult
        Status SKIPPED (with ``compat``, FAILED as the observatory's package has it), and exposures unchanged but for
        that keyword, if there are too few exposures for the method; the reason is said.

    Raises
    ------
    InputError
        If an exposure cannot be read, or is oversampled.

    Examples
    --------
    >>> result = outlier_detection(exposures, OutlierDetectionParams(snr=(6.0, 4.5)))
    >>> result.status, all(0 < share < 0.01 for share in result.flagged)
    ('COMPLETE', True)
    """
    start = perf_counter()
    for exposure in exposures:
        if oversampling(exposure.wcs) != 1:
            msg = (
                f"{exposure.name}: is oversampled; run outlier_detection before adaptive_trace_model, "
                "or set outlier_detection.skip = True"
            )
            raise InputError(msg)
    refusal = _refusal(exposures, params)
    if refusal is not None:
        log.warning("outlier_detection: %s: %s", refusal.status, refusal.reason)
        return OutlierDetectionResult(
            params=params,
            seconds=perf_counter() - start,
            exposures=tuple(_derived(exposure, refusal.status, None) for exposure in exposures),
            flagged=(0.0,) * len(exposures),
            status=refusal.status,
            reason=refusal.reason,
            masks=(_nothing(),) * len(exposures),
        )
    found = search(exposures, params) if found is None else found
    tallied = {detector: tally.bad(params.hot_fraction) for detector, tally in found.tallies.items()}
    found = replace(found, common=found.common | tallied)
    masks = tuple(_mask_of(index, exposure, found) for index, exposure in enumerate(exposures))
    return OutlierDetectionResult(
        params=params,
        seconds=perf_counter() - start,
        exposures=tuple(_derived(exposure, "COMPLETE", mask) for exposure, mask in zip(exposures, masks, strict=True)),
        flagged=tuple(_fraction(mask, found.usable.get(index)) for index, mask in enumerate(masks)),
        reason="; ".join(found.notes),
        masks=masks,
        common=found.common,
        previews=_previews(exposures, found),
        intermediate=tuple(found.intermediate),
    )


def _refusal(exposures: Sequence[ExposureSource], params: OutlierDetectionParams) -> _Refusal | None:
    """Return why there is nothing to be done, or None."""
    if len(exposures) < 2:
        reason = "there is only one exposure; outliers are told from lines by comparing two or more"
        return _Refusal("SKIPPED" if params.compat == "none" else "FAILED", reason)
    partners = Partners(exposures)
    if params.method == "model" and not any(partners.has(index) for index in range(len(exposures))):
        reason = (
            "method = 'model' needs two or more dithers of a band, and every band here was seen by one exposure only; "
            "with method = 'neighbours', bad pixels of the detector are found"
        )
        return _Refusal("SKIPPED", reason)
    return None


def _nothing() -> Mask:
    return Mask.of(np.zeros(DETECTOR_SHAPE, bool))


def _mask_of(index: int, exposure: ExposureSource, found: Found) -> Mask:
    there = [found.own.get(index), found.common.get(exposure.primary.text("DETECTOR").upper())]
    masks = [mask for mask in there if mask is not None]
    return reduce(Mask.either, masks) if masks else _nothing()


def _fraction(mask: Mask, usable: Mask | None) -> float:
    if usable is None or usable.size == 0:
        return 0.0
    return mask.both(usable).size / usable.size


def _derived(exposure: ExposureSource, status: str, mask: Mask | None) -> DerivedExposure:
    return DerivedExposure(
        source=exposure,
        change=_unchanged if mask is None else partial(with_outliers, mask=mask),
        primary=exposure.primary.updated(S_OUTLIR=status),
        science=exposure.science,
    )


def _unchanged(exposure: Exposure) -> Exposure:
    return exposure


def _previews(exposures: Sequence[ExposureSource], found: Found) -> tuple[Preview, ...]:
    previews = []
    for index, image in found.shown.items():
        detector = exposures[index].primary.text("DETECTOR").upper()
        common = found.common[detector]
        own = found.own.get(index, common.none())
        previews.append(Preview(f"{detector}: {exposures[index].name}", image, STRIDE, own, common))
    return tuple(previews)
