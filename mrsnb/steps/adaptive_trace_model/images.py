"""The images that a model of the traces makes of an exposure."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.exposure import Exposure
from mrsnb.geometry.chain import spread_columns
from mrsnb.geometry.oversample import oversampled
from mrsnb.geometry.slice_images import SliceImages, slice_images
from mrsnb.kernels.trace import PIECES, Ends, Traces, evaluate_traces, fit_traces, widen
from mrsnb.steps.adaptive_trace_model.params import AdaptiveTraceModelParams
from mrsnb.steps.adaptive_trace_model.select import clipped_mean, pixel_step, select_slices

LEAST = 3
"""A slice with no more good pixels than this in a row is not interpolated there."""
PAD = 3
"""Pixels to either side of a steep place where the model is used."""
STEEP_PIXELS = 50
"""A slice with fewer steep pixels holds no compact source."""
PEAK = 0.2
"""Least height of a maximum in the histogram of steep places, relative to the highest."""

_Image = NDArray[np.float32]


class TraceImages(NamedTuple):
    """What a model of the traces makes of an exposure; shape (1024, 1032 x oversample), MJy/sr.

    Examples
    --------
    >>> TraceImages._fields
    ('flux', 'used', 'full', 'linear', 'residual')
    """

    flux: _Image | None
    """The exposure with more columns; None if not oversampled."""
    used: _Image
    """The model where it is used, NaN elsewhere: the trace."""
    full: _Image
    """The model wherever there is one."""
    linear: _Image | None
    """The exposure interpolated along its rows; None if not oversampled."""
    residual: _Image | None
    """Exposure less model, interpolated along its rows; None if not oversampled."""


class _Model(NamedTuple):
    """A model of the traces, and the exposure that it was fitted to, its mean raised to 0 if it was negative."""

    traces: Traces
    flux: _Image
    alpha: _Image
    images: SliceImages
    slices: NDArray[np.int64]
    raised: np.float32


def trace_images(exposure: Exposure, params: AdaptiveTraceModelParams) -> TraceImages:
    """Return the model of an exposure's traces and what it makes of the exposure.

    Parameters
    ----------
    exposure : Exposure
        Invalid pixels NaN.
    params : AdaptiveTraceModelParams

    Returns
    -------
    TraceImages

    Raises
    ------
    InputError
        If the exposure lacks a channel in its WCS.

    Examples
    --------
    >>> trace_images(exposure, AdaptiveTraceModelParams(fit_threshold=1000.0, oversample=2.0)).flux.shape
    (1024, 2064)
    """
    images = slice_images(exposure.wcs, exposure.bands, exposure.flux.shape)
    alpha = images.alpha.astype(np.float32)
    mean, _ = clipped_mean(exposure.flux[images.label > 0])
    raised = np.float32(min(mean, 0.0))
    flux = exposure.flux - raised
    chosen = select_slices(flux, exposure.err, alpha, images, params.threshold)
    traces = fit_traces(chosen.flux, alpha, images.label, chosen.slices, chosen.norm)
    model = _Model(traces, flux, alpha, images, chosen.slices, raised)
    return _on_detector(model, params) if params.oversample == 1 else _oversampled(model, exposure, params)


def _on_detector(model: _Model, params: AdaptiveTraceModelParams) -> TraceImages:
    limit = np.inf if params.slope is None else params.slope
    full, steep = evaluate_traces(
        model.traces, model.alpha, model.images.label, model.slices, Ends(limit, 2, 1, blank=True)
    )
    used = np.where(_compact(model, steep, model.alpha, model.images.label, params), full, np.float32(np.nan))
    return TraceImages(None, used + model.raised, full + model.raised, None, None)


def _oversampled(model: _Model, exposure: Exposure, params: AdaptiveTraceModelParams) -> TraceImages:
    factor, label = params.oversample, model.images.label
    limit = np.inf if params.slope is None else params.slope
    head, tail = (int(factor), int(factor)) if params.compat != "none" else (2, 1)
    native, steep = evaluate_traces(
        model.traces, model.alpha, label, model.slices, Ends(limit, head, tail, blank=False)
    )
    linear = widen(model.flux, label, model.images.slices, factor, LEAST)
    wide = slice_images(oversampled(exposure.wcs, factor), exposure.bands, linear.shape)
    wide_slices = wide.slices[np.isin(wide.slices[:, 0], model.slices[:, 0])]
    full, _ = evaluate_traces(model.traces, wide.alpha, wide.label, wide_slices, Ends(np.inf, 2, 1, blank=False))
    missing = np.isnan(linear)
    full[missing] = np.nan
    residual = widen(model.flux - native, label, model.slices, factor, 0)
    residual[missing] = np.nan
    linear[~np.isfinite(spread_columns(model.flux, factor))] = np.nan
    if params.compat != "none":
        ends = spread_columns(_ends(label), factor)
        linear[ends] = np.nan
        residual[ends] = np.nan
    compact = _compact(model, steep, wide.alpha, wide.label, params)
    used = np.where(compact, full, np.float32(np.nan))
    correction = np.where(np.isnan(residual) | params.psf_optimal, np.float32(0), residual)
    flux = np.where(np.isnan(used), linear, used + correction)
    raised = model.raised
    return TraceImages(flux + raised, used + raised, full + raised, linear + raised, residual)


def _ends(label: NDArray[np.int16]) -> NDArray[np.bool_]:
    """Return the first and last pixel of each slice in each row."""
    wide = np.pad(label, ((0, 0), (1, 1)))
    ends: NDArray[np.bool_] = (wide[:, :-2] != label) | (wide[:, 2:] != label)
    return ends


def _compact(
    model: _Model,
    steep: NDArray[np.bool_],
    alpha: NDArray[np.floating],
    label: NDArray[np.int16],
    params: AdaptiveTraceModelParams,
) -> NDArray[np.bool_]:
    """Return the pixels near compact sources: near the places along a slice where its model is often steep."""
    compact = np.isin(label, model.slices[:, 0])
    if params.slope is None:
        return compact
    compact[:] = False
    as_upstream = params.compat != "none"
    inner = model.traces.knots[..., 3]
    pieces = int(inner[inner > 0][0]) + 1 if as_upstream and (inner > 0).any() else PIECES
    for name, first, last in model.slices:
        mine = model.images.label[:, first:last] == name
        places = model.alpha[:, first:last][steep[:, first:last]]
        if places.size < STEEP_PIXELS:
            continue
        step = pixel_step(model.alpha[:, first:last], mine)
        peaks = _peaks_as_upstream(places, step, pieces) if as_upstream else _peaks(places, step)
        here = label == name
        for peak in peaks:
            compact |= here & (alpha > peak - PAD * step) & (alpha <= peak + PAD * step)
    return compact


def _peaks_as_upstream(places: _Image, step: np.float32, pieces: int) -> _Image:
    """Return the lower edges of the bins where the histogram of places has a maximum, but for the outermost bins."""
    from scipy.signal import find_peaks

    reach = step * pieces / 4
    histogram, _ = np.histogram(places, bins=pieces, range=(-float(reach), float(reach)))
    found, _ = find_peaks(histogram / max(histogram.max(), 1), height=PEAK)
    lower: _Image = (np.arange(pieces) * step / 2 - reach)[found]
    return lower


def _peaks(places: _Image, step: np.float32) -> _Image:
    """Return the middles of the bins, half a pixel wide, where the histogram of places has a maximum."""
    from scipy.signal import find_peaks

    low = places.min() - step
    n_bins = int((places.max() + step - low) / (step / 2)) + 1
    histogram, edges = np.histogram(places, bins=n_bins, range=(low, low + n_bins * step / 2))
    found, _ = find_peaks(histogram / histogram.max(), height=PEAK)
    middle: _Image = (edges[found] + edges[found + 1]) / 2
    return middle
