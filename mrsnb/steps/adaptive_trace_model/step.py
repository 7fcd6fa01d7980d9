"""The step: exposures in, exposures with a trace, or with more columns, out."""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace
from functools import partial
from time import perf_counter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.cards import Cards
from mrsnb.core.dq import DQ, flagged
from mrsnb.core.exposure import DerivedExposure, Exposure, ExposureSource, frozen
from mrsnb.core.results import Result
from mrsnb.display import Picture, Row
from mrsnb.errors import InputError
from mrsnb.geometry.chain import spread_columns
from mrsnb.geometry.oversample import oversampled, oversampling
from mrsnb.geometry.slice_images import slice_images
from mrsnb.kernels.threads import at_most, n_threads
from mrsnb.kernels.trace import widen
from mrsnb.steps.adaptive_trace_model.images import LEAST, trace_images
from mrsnb.steps.adaptive_trace_model.params import AdaptiveTraceModelParams
from mrsnb.steps.outlier_detection.found import STRIDE
from mrsnb.steps.validity import deviation_of, marked_alike

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, eq=False)
class TracedExposure(Exposure):
    """An exposure with a model of the light of its compact sources.

    Parameters
    ----------
    trace : ndarray
        Shape of the flux, float32, MJy/sr; NaN away from compact sources.

    Examples
    --------
    >>> issubclass(TracedExposure, Exposure)  # so it goes wherever an exposure goes
    True
    """

    trace: NDArray[np.float32]

    def __post_init__(self) -> None:
        super().__post_init__()
        frozen(self.trace)


class Preview(NamedTuple):
    """One exposure, for the eye: one pixel of `STRIDE` along both axes; MJy/sr."""

    name: str
    flux: NDArray[np.float32]
    trace: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class AdaptiveTraceModelResult(Result):
    """The exposures with their traces.

    Parameters
    ----------
    exposures : tuple of DerivedExposure
        In the order given; ``load()`` fits the model and returns a `TracedExposure`.
    preview : Preview or None
        The first exposure.

    Examples
    --------
    >>> params = AdaptiveTraceModelParams(oversample=2.0)
    >>> AdaptiveTraceModelResult(params=params, seconds=0.0, exposures=()).rows()[0]
    Row(name='each gets', value='2 columns for each of the detector', unit='', note='')
    """

    params: AdaptiveTraceModelParams
    exposures: tuple[DerivedExposure, ...]
    preview: Preview | None = None

    @property
    def title(self) -> str:
        """Name of the step and of what it did."""
        return f"adaptive_trace_model: {len(self.exposures)} exposures"

    def rows(self) -> list[Row]:
        """Return what is made of the exposures."""
        factor = self.params.oversample
        made = "a trace, the flux unchanged" if factor == 1 else f"{factor:g} columns for each of the detector"
        threshold = self.params.threshold
        modelled = "all" if threshold is None else f"those with {threshold:g} sigma or more"
        return [
            Row("each gets", made),
            Row("slices modelled", modelled),
            Row("computed", "when loaded", note="but for the first, which is shown" if self.preview else ""),
        ]

    def pictures(self) -> list[Picture]:
        """Return the first exposure and its trace."""
        from mrsnb.display.plots import DetectorImage, detector_picture

        if self.preview is None:
            return []
        name, flux, trace = self.preview
        images = [DetectorImage("exposure", flux, STRIDE), DetectorImage("trace", trace, STRIDE)]
        return [detector_picture(name, images)]


def adaptive_trace_model(
    exposures: Sequence[ExposureSource], params: AdaptiveTraceModelParams
) -> AdaptiveTraceModelResult:
    """Return exposures with a model of the traces of their compact sources, or resampled with its help.

    Parameters
    ----------
    exposures : sequence of ExposureSource
        The first is modelled at once, and its model kept until it is loaded; the others are not touched until then.
    params : AdaptiveTraceModelParams

    Returns
    -------
    AdaptiveTraceModelResult

    Raises
    ------
    InputError
        If an exposure is oversampled already.

    Notes
    -----
    A slice of the MRS samples the point spread function with too few pixels, but at another phase in each row: the
    pixels of a hundred rows together determine the profile well. It is fitted as a spline, scaled to each row, and
    evaluated wherever wanted. Away from compact sources, and for what the spline leaves, rows are interpolated
    linearly.

    ``compat="jwst-3.0"`` drops the interpolated outermost pixel of every slice, seeks sources by the lower edges of
    histogram bins, and not at the ends of a slice.

    References
    ----------
    Law et al. 2023, AJ 166, 45 (undersampling and its effect on spectra); the adaptive_trace_model step of jwst 3.0.0.

    Examples
    --------
    >>> result = adaptive_trace_model(exposures[:1], AdaptiveTraceModelParams(fit_threshold=1000.0))
    >>> result.exposures[0].load().trace.shape
    (1024, 1032)
    """
    start = perf_counter()
    changed, kept = [], _Kept()
    for source in exposures:
        if oversampling(source.wcs) != 1:
            msg = f"{source.name}: is oversampled already; run adaptive_trace_model once, on the exposures of level 2"
            raise InputError(msg)
        factor = params.oversample
        changed.append(
            DerivedExposure(
                source=source,
                change=partial(kept.traced, name=source.name, params=params),
                primary=source.primary.updated(S_TRCMOD="COMPLETE"),
                science=_smaller_pixels(source.science, factor),
                new_wcs=None if factor == 1 else oversampled(source.wcs, factor),
            )
        )
    preview = kept.first(exposures[0].load(), params) if exposures else None
    seconds = perf_counter() - start
    return AdaptiveTraceModelResult(params=params, seconds=seconds, exposures=tuple(changed), preview=preview)


class _Kept:
    """The first exposure, modelled, until somebody asks for it."""

    def __init__(self) -> None:
        self._made: dict[str, TracedExposure] = {}

    def first(self, exposure: Exposure, params: AdaptiveTraceModelParams) -> Preview:
        """Model an exposure and return a preview."""
        made = self._made[exposure.name] = traced(exposure, params)
        shown = slice(None, None, STRIDE)
        columns = np.arange(0, exposure.flux.shape[1], STRIDE) * made.trace.shape[1] // exposure.flux.shape[1]
        return Preview(exposure.name, exposure.flux[shown, shown].copy(), made.trace[shown, columns])

    def traced(self, exposure: Exposure, name: str, params: AdaptiveTraceModelParams) -> TracedExposure:
        """Return an exposure with its trace."""
        made = self._made.pop(name, None)
        return traced(exposure, params) if made is None else made


def _smaller_pixels(science: Cards, factor: float) -> Cards:
    areas = {key: science.number(key) for key in ("PIXAR_SR", "PIXAR_A2")}
    return science.updated(**{key: area / factor for key, area in areas.items() if area is not None and factor != 1})


def traced(exposure: Exposure, params: AdaptiveTraceModelParams) -> TracedExposure:
    """Return one exposure with its trace, resampled if so wanted; parameters as `adaptive_trace_model`.

    Examples
    --------
    >>> star = traced(exposure, AdaptiveTraceModelParams(fit_threshold=1000.0))
    >>> float(np.nanmax(star.trace)) < float(np.nanmax(star.flux))
    True
    """
    if params.compat == "none":
        exposure = marked_alike(exposure)
    with _threads(params.maximum_cores):
        images = trace_images(exposure, params)
        if images.flux is not None:
            exposure = _resampled(exposure, images.flux, params.oversample)
    values = {f.name: getattr(exposure, f.name) for f in fields(Exposure)}
    return TracedExposure(**values, trace=images.used)


def intermediate_images(exposure: Exposure, params: AdaptiveTraceModelParams) -> dict[str, NDArray[np.float32]]:
    """Return what ``save_intermediate_results`` keeps of one exposure, by the official ends of file names.

    The model wherever there is one (``spline_full``) and where it is used (``spline_used``); if oversampled also the
    exposure interpolated along its rows (``linear_interp``) and what the model leaves of it (``spline_residual``).

    Examples
    --------
    >>> sorted(intermediate_images(exposure, AdaptiveTraceModelParams(fit_threshold=1000.0)))
    ['spline_full', 'spline_used']
    """
    if params.compat == "none":
        exposure = marked_alike(exposure)
    with _threads(params.maximum_cores):
        images = trace_images(exposure, params)
    named = {
        "spline_full": images.full,
        "spline_used": images.used,
        "linear_interp": images.linear,
        "spline_residual": images.residual,
    }
    return {name: image for name, image in named.items() if image is not None}


def trace_model(exposure: Exposure, params: AdaptiveTraceModelParams) -> NDArray[np.float32]:
    """Return the trace of one exposure, on the pixels of the detector; parameters as `adaptive_trace_model`.

    Examples
    --------
    >>> trace_model(exposure, AdaptiveTraceModelParams(fit_threshold=1000.0)).shape
    (1024, 1032)
    """
    return traced(exposure, replace(params, oversample=1.0)).trace


def _resampled(exposure: Exposure, flux: NDArray[np.float32], factor: float) -> Exposure:
    """Return the exposure with this flux; flags of the nearest pixel, errors interpolated and made larger.

    Neighbouring pixels of the result share their noise. By the factor ``0.23 oversample + 0.77``, an empirical one,
    the errors of cubes come out about right.
    """
    dq = spread_columns(exposure.dq, factor)
    made = ~np.isnan(flux) & flagged(dq, DQ.DO_NOT_USE)
    dq = np.where(made, (dq & ~np.uint32(DQ.DO_NOT_USE)) | np.uint32(DQ.FLUX_ESTIMATED), dq)
    slices = slice_images(exposure.wcs, exposure.bands, exposure.flux.shape)
    inflation = np.float32(0.23 * factor + 0.77)

    def widened(error: NDArray[np.float32]) -> NDArray[np.float32]:
        wide = widen(error, slices.label, slices.slices, factor, LEAST)
        wide[~np.isfinite(spread_columns(error, factor)) & ~made] = np.nan
        widest: NDArray[np.float32] = wide * inflation
        return widest

    resampled = replace(
        exposure,
        wcs=oversampled(exposure.wcs, factor),
        flux=flux,
        err=widened(exposure.err),
        dq=dq,
        variances={name: widened(deviation_of(variance)) ** 2 for name, variance in exposure.variances.items()},
    )
    return marked_alike(resampled)


def _threads(cores: str) -> AbstractContextManager[None]:
    """Compute on so many threads, as long as the context lasts."""
    most = n_threads()
    shares = {"none": 1, "quarter": most // 4, "half": most // 2, "all": most}
    return at_most(shares[cores] if cores in shares else int(cores))
