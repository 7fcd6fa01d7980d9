"""Method ``model``: pixels above what the other dithers saw of the same place at the same wavelength."""

import logging
from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.exposure import ExposureSource
from mrsnb.geometry.crossing import crossing
from mrsnb.kernels.predict import lower_median, predict
from mrsnb.kernels.spikes import stand_out, with_neighbours
from mrsnb.steps.outlier_detection.channel import ChannelData, Loaded, Loader, Partners
from mrsnb.steps.outlier_detection.found import Found, Tally, by_detector
from mrsnb.steps.outlier_detection.masks import Mask
from mrsnb.steps.outlier_detection.params import OutlierDetectionParams
from mrsnb.steps.outlier_detection.result import Intermediate

log = logging.getLogger(__name__)

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


class _Verdict(NamedTuple):
    """How far each pixel of a channel stands out, in units of the noise; NaN where it cannot be told."""

    predicted: Floats
    high: Floats
    grown: Floats
    low: Floats


def find_by_model(
    exposures: Sequence[ExposureSource], params: OutlierDetectionParams, only: Collection[int] | None = None
) -> Found:
    """Return the outliers of each exposure, and a tally of each detector.

    Parameters
    ----------
    exposures : sequence of ExposureSource
        A few of the same band are held at a time.
    params : OutlierDetectionParams
    only : collection of int, optional
        Those to be examined: all exposures of some settings; all of all if not given.

    Notes
    -----
    Each exposure is predicted from every other one of the same band that is near, by interpolation in that one's own
    slices, rows and columns; the prediction is the median of these. Exposures are first cleaned of what stands out
    from their own neighbourhood, so that an outlier is not predicted into others. A pixel that stands out in most
    exposures of its detector, over all bands, is bad in all.

    References
    ----------
    The test against noise and structure, and its parameters ``snr`` and ``scale``, follow the idea of
    Fruchter & Hook 2002, PASP 114, 144, section 5, as the observatory has it for images.
    """
    found, partners, load = Found(), Partners(exposures), Loader(exposures, params)
    for detector, members in by_detector(exposures, only).items():
        lonely = [index for index in members if not partners.has(index)]
        if lonely:
            found.notes.append(f"{len(lonely)} exposures of {detector} have no second dither in their band")
        tally = None
        for index in sorted(members, key=lambda i: exposures[i].primary.text("BAND")):
            this = load(index)
            if tally is None:
                tally = found.tallies[detector] = Tally.empty(this.usable.shape)
                found.shown[index] = this.preview
            found.usable[index] = Mask.of(this.usable)
            outliers = np.zeros(this.usable.shape, bool)
            for band in exposures[index].bands:
                channel = this.channels[band.name]
                others = [load(other).channels[band.name] for other in partners.of(index, band)]
                if not others:
                    continue
                verdict = _judge(channel, others, params)
                tally.add(channel.pixel, verdict.high, verdict.low, params.snr[1])
                outliers.flat[channel.pixel] |= _outliers(channel, verdict, params)
                if params.save_intermediate_results:
                    found.intermediate.append(_kept(exposures[index], band.name, this, channel, verdict))
            found.own[index] = Mask.of(outliers)
    return found


def _judge(channel: ChannelData, others: Sequence[ChannelData], params: OutlierDetectionParams) -> _Verdict:
    """Return how far each pixel stands out from what the others saw, or from its neighbourhood where none looked."""
    stack = np.full((len(others), channel.look.flux.size), np.nan, np.float32)
    for other, row in zip(others, stack, strict=True):
        way = crossing(channel.lines, other.lines)
        if way is not None:
            predict(channel.look, other.clean, way, row)
    predicted = np.empty_like(channel.look.flux)
    lower_median(stack, predicted)
    high, grown, low, unused = (np.empty_like(predicted) for _ in range(4))
    stand_out(channel.look, predicted, 1.0, params.snr[1], *params.scale, high, grown)
    stand_out(channel.look, predicted, -1.0, params.snr[1], *params.scale, low, unused)
    alone = np.isnan(predicted)
    return _Verdict(
        predicted,
        np.where(alone, channel.high, high),
        np.where(alone, channel.high, grown),
        np.where(alone, channel.low, low),
    )


def _outliers(channel: ChannelData, verdict: _Verdict, params: OutlierDetectionParams) -> Bools:
    outliers = np.zeros(verdict.high.size, bool)
    with_neighbours(channel.look, verdict.high > params.snr[0], verdict.grown, params.snr[1], outliers)
    return outliers


def _kept(exposure: ExposureSource, band: str, this: Loaded, channel: ChannelData, verdict: _Verdict) -> Intermediate:
    arrays = {}
    for key, values in (("PREDICT", verdict.predicted), ("HIGH", verdict.high), ("LOW", verdict.low)):
        arrays[key] = np.full(this.usable.shape, np.nan, np.float32)
        arrays[key].flat[channel.pixel] = values
    return Intermediate(
        exposure=exposure.name,
        label=f"ch{band.lower()}_outlier_output",
        model="JwstDataModel",
        primary=exposure.primary,
        arrays=arrays,
    )
