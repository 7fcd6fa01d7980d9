"""pixel_replace: estimate the flux of bad pixels from their neighbours, before cubes are made."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.dq import DQ, flagged
from mrsnb.core.exposure import DerivedExposure, Exposure, ExposureSource
from mrsnb.core.params import param
from mrsnb.core.results import Result
from mrsnb.display import Picture, Row
from mrsnb.errors import ParamError
from mrsnb.geometry.slice_images import SliceImages, slice_images
from mrsnb.kernels.replace import ALONG_ROW, fit_profiles, smaller_gradient
from mrsnb.steps.adaptive_trace_model import AdaptiveTraceModelParams, TracedExposure, trace_model
from mrsnb.steps.outlier_detection.found import STRIDE
from mrsnb.steps.outlier_detection.masks import Mask
from mrsnb.steps.params import CompatParams
from mrsnb.steps.validity import deviation_of, invalid_pixels, marked_alike

log = logging.getLogger(__name__)

_Arrays = dict[str, NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class PixelReplaceParams(CompatParams):
    """Parameters of pixel_replace, named as the observatory's.

    Examples
    --------
    >>> PixelReplaceParams(algorithm="fit_profile", n_adjacent_cols=5).changed()
    {'algorithm': 'fit_profile', 'n_adjacent_cols': 5}
    """

    algorithm: Literal["mingrad", "fit_profile", "trace_model"] = param(
        "mingrad",
        "Where the estimate comes from: the two neighbours across which the flux changes least, the profile of the "
        "slice at neighbouring wavelengths, or the trace of adaptive_trace_model (mingrad where it has none).",
    )
    n_adjacent_cols: int = param(
        3, "Wavelengths to either side that make the profile of fit_profile.", unit="pixel", low=1, high=500
    )
    skip: bool = param(True, "Leave this step out.")
    save_results: bool = param(False, "Write the exposures after the step.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.algorithm != "fit_profile" and self.n_adjacent_cols != self.spec("n_adjacent_cols").default:
            msg = f"n_adjacent_cols = {self.n_adjacent_cols}: acts only with algorithm = 'fit_profile'; set that"
            raise ParamError(msg)


@dataclass(frozen=True, kw_only=True, eq=False)
class ReplaceCount:
    """What became of the bad pixels in the slices of one exposure.

    Examples
    --------
    >>> count = pixel_replace(exposures[:1], PixelReplaceParams()).counts[0]
    >>> count.name, count.replaced > count.left
    ('star_exposure1_cal.fits', True)
    """

    name: str
    replaced: int
    left: int


class Preview(NamedTuple):
    """One exposure, for the eye.

    Examples
    --------
    >>> preview = pixel_replace(exposures[:1], PixelReplaceParams()).previews[0]
    >>> preview.name, preview.replaced.size > 0
    ('star_exposure1_cal.fits', True)
    """

    name: str
    image: NDArray[np.float32]
    """One pixel of `STRIDE` along both axes, after the step; MJy/sr."""
    replaced: Mask
    left: Mask


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class PixelReplaceResult(Result):
    """The exposures with their bad pixels replaced.

    Parameters
    ----------
    exposures : tuple of DerivedExposure
        In the order given; each holds what was replaced, and gets its other values from its source on ``load()``.
    counts : tuple of ReplaceCount
        One for each exposure.
    previews : tuple of Preview
        The first exposure of each detector and setting.

    Examples
    --------
    >>> result = pixel_replace(exposures[:1], PixelReplaceParams())
    >>> len(result.exposures), result.counts[0].replaced > 0
    (1, True)
    """

    exposures: tuple[DerivedExposure, ...]
    counts: tuple[ReplaceCount, ...]
    previews: tuple[Preview, ...] = ()

    @property
    def title(self) -> str:
        """Name of the step and of what it did."""
        return f"pixel_replace: {sum(c.replaced for c in self.counts)} pixels of {len(self.counts)} exposures"

    def rows(self) -> list[Row]:
        """Return how many pixels of each exposure were replaced."""
        return [Row(c.name, str(c.replaced), "pixels replaced", f"{c.left} in slices left bad") for c in self.counts]

    def pictures(self) -> list[Picture]:
        """Return the image of one exposure of each detector and setting, the pixels that were bad marked."""
        from mrsnb.display.plots import DetectorImage, detector_picture

        images = [
            DetectorImage(p.name, p.image, STRIDE, {"replaced": p.replaced.places(), "left bad": p.left.places()})
            for p in self.previews
        ]
        return [detector_picture("After the step, pixels that were bad", images)] if images else []


def pixel_replace(exposures: Sequence[ExposureSource], params: PixelReplaceParams) -> PixelReplaceResult:
    """Return exposures with estimates in place of bad pixels, flagged FLUX_ESTIMATED.

    Parameters
    ----------
    exposures : sequence of ExposureSource
        Loaded one at a time; of each, only the replaced pixels are kept.
    params : PixelReplaceParams

    Returns
    -------
    PixelReplaceResult

    Raises
    ------
    InputError
        If an exposure cannot be read, or lacks a channel in its WCS.

    Notes
    -----
    Bad are the pixels that are NaN in any array or flagged DO_NOT_USE; an estimate never crosses from one slice to
    another. ``compat="jwst-3.0"`` replaces what is not finite in the flux alone, from any neighbour (mingrad), and fits
    profiles to absolute values (fit_profile).

    References
    ----------
    The pixel_replace step of jwst 3.0.0.

    Examples
    --------
    >>> result = pixel_replace(exposures[:1], PixelReplaceParams())
    >>> result.exposures[0].primary["S_PXREPL"]
    'COMPLETE'
    """
    start = perf_counter()
    changed, counts = [], []
    previews: dict[tuple[Band, ...], Preview] = {}
    for source in exposures:
        exposure = source.load()
        after = replace_pixels(exposure, params)
        where = slice_images(exposure.wcs, exposure.bands, exposure.flux.shape).label > 0
        patch = _patch(exposure, after, where if params.compat == "none" else np.ones_like(where))
        bad, still = invalid_pixels(exposure) & where, invalid_pixels(after) & where
        if source.bands not in previews:
            image = after.flux[::STRIDE, ::STRIDE].copy()
            previews[source.bands] = Preview(source.name, image, Mask.of(bad & ~still), Mask.of(still))
        count = ReplaceCount(name=source.name, replaced=int((bad & ~still).sum()), left=int(still.sum()))
        log.info("pixel_replace: %s: %d pixels replaced, %d left bad", source.name, count.replaced, count.left)
        counts.append(count)
        changed.append(
            DerivedExposure(
                source=source,
                change=partial(_apply, patch=patch),
                primary=source.primary.updated(S_PXREPL="COMPLETE"),
                science=source.science,
            )
        )
    return PixelReplaceResult(
        params=params,
        seconds=perf_counter() - start,
        exposures=tuple(changed),
        counts=tuple(counts),
        previews=tuple(previews.values()),
    )


def replace_pixels(exposure: Exposure, params: PixelReplaceParams) -> Exposure:
    """Return one exposure with its bad pixels replaced; parameters as `pixel_replace`.

    Examples
    --------
    >>> filled = replace_pixels(exposure, PixelReplaceParams())
    >>> bool(np.isnan(filled.flux).sum() < np.isnan(exposure.flux).sum())
    True
    """
    as_upstream = params.compat != "none"
    if not as_upstream:
        exposure = marked_alike(exposure)
    images = slice_images(exposure.wcs, exposure.bands, exposure.flux.shape)
    if params.algorithm == "fit_profile":
        return _from_profiles(exposure, images, params.n_adjacent_cols, as_upstream=as_upstream)
    if params.algorithm == "trace_model":
        exposure = _from_trace(exposure, _trace(exposure, params))
    return _across_gradient(exposure, images, as_upstream=as_upstream)


def _across_gradient(exposure: Exposure, images: SliceImages, *, as_upstream: bool) -> Exposure:
    bad = ~np.isfinite(exposure.flux)
    label = np.zeros_like(images.label) if as_upstream else images.label
    if not as_upstream:
        bad &= (label > 0) & ~flagged(exposure.dq, DQ.NON_SCIENCE)
    pixel, axis = smaller_gradient(exposure.flux, bad, label, 2 if as_upstream else 1)
    step = np.where(axis == ALONG_ROW, 1, exposure.flux.shape[1])

    def mean(image: NDArray[np.float32]) -> NDArray[np.float32]:
        flat = image.ravel()
        half = np.float32(0.5)  # of each first: the sum of two huge numbers is no number
        middle: NDArray[np.float32] = flat[pixel - step] * half + flat[pixel + step] * half
        return middle

    flux, err = exposure.flux.copy(), exposure.err.copy()
    flux.flat[pixel], err.flat[pixel] = mean(exposure.flux), mean(exposure.err)
    variances = {}
    for name, variance in exposure.variances.items():
        variances[name] = variance.copy()
        variances[name].flat[pixel] = mean(deviation_of(variance)) ** 2
    replaced = np.zeros(exposure.flux.shape, np.bool_)
    replaced.flat[pixel] = True
    dq = _estimated(exposure.dq, replaced, keep=flagged(exposure.dq, DQ.NON_SCIENCE))
    return replace(exposure, flux=flux, err=err, dq=dq, variances=variances)


def _from_profiles(exposure: Exposure, images: SliceImages, reach: int, *, as_upstream: bool) -> Exposure:
    names = list(exposure.variances)
    errors = np.stack([exposure.err, *(deviation_of(exposure.variances[name]) for name in names)])
    bad, dead = flagged(exposure.dq, DQ.DO_NOT_USE), flagged(exposure.dq, DQ.NON_SCIENCE)
    flux, errors, replaced = fit_profiles(
        exposure.flux, errors, bad, dead, images.label, images.slices, reach, not as_upstream
    )
    variances = {name: np.where(replaced, errors[k] ** 2, exposure.variances[name]) for k, name in enumerate(names, 1)}
    return replace(exposure, flux=flux, err=errors[0], dq=_estimated(exposure.dq, replaced), variances=variances)


def _from_trace(exposure: Exposure, trace: NDArray[np.float32]) -> Exposure:
    """Return the exposure with the trace where it is bad, and errors from the good pixels of the same column."""
    replaced = ~np.isfinite(exposure.flux) & np.isfinite(trace)
    if not replaced.any():
        return exposure
    flux = np.where(replaced, trace, exposure.flux)
    err = _interpolated(exposure.err, replaced)
    variances = {}
    for name, variance in exposure.variances.items():
        variances[name] = np.where(replaced, _interpolated(np.sqrt(variance), replaced) ** 2, variance)
    return replace(exposure, flux=flux, err=err, dq=_estimated(exposure.dq, replaced), variances=variances)


def _trace(exposure: Exposure, params: PixelReplaceParams) -> NDArray[np.float32]:
    if isinstance(exposure, TracedExposure):
        return exposure.trace
    return trace_model(exposure, AdaptiveTraceModelParams(compat=params.compat))


def _interpolated(image: NDArray[np.float32], where: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the image with the pixels of `where` interpolated along their columns, i.e. in wavelength."""
    out = image.copy()
    rows = np.arange(image.shape[0])
    for x in np.flatnonzero(where.any(axis=0)):
        wanted, good = where[:, x], np.isfinite(image[:, x]) & ~where[:, x]
        out[wanted, x] = np.interp(rows[wanted], rows[good], image[good, x]) if good.any() else np.nan
    return out


def _estimated(
    dq: NDArray[np.uint32], replaced: NDArray[np.bool_], keep: NDArray[np.bool_] | None = None
) -> NDArray[np.uint32]:
    """Return flags with FLUX_ESTIMATED set for replaced pixels, and DO_NOT_USE taken away but for those of `keep`."""
    usable = replaced if keep is None else replaced & ~keep
    dq = np.where(usable, dq & ~np.uint32(DQ.DO_NOT_USE), dq)
    return np.where(replaced, dq | np.uint32(DQ.FLUX_ESTIMATED), dq)


class _Patch(NamedTuple):
    """The pixels of an exposure that a step changed."""

    pixel: NDArray[np.int32]
    dq: NDArray[np.uint32]
    values: _Arrays


def _arrays(exposure: Exposure) -> _Arrays:
    return {"flux": exposure.flux, "err": exposure.err, **exposure.variances}


def _patch(before: Exposure, after: Exposure, where: NDArray[np.bool_]) -> _Patch:
    differs = before.dq != after.dq
    for old, new in zip(_arrays(before).values(), _arrays(after).values(), strict=True):
        differs |= (old != new) & ~(np.isnan(old) & np.isnan(new))
    pixel = np.flatnonzero(differs & where).astype(np.int32)
    return _Patch(pixel, after.dq.flat[pixel], {name: array.flat[pixel] for name, array in _arrays(after).items()})


def _apply(exposure: Exposure, patch: _Patch) -> Exposure:
    dq = exposure.dq.copy()
    dq.flat[patch.pixel] = patch.dq
    arrays = {name: array.copy() for name, array in _arrays(exposure).items()}
    for name, values in patch.values.items():
        arrays[name].flat[patch.pixel] = values
    variances = {name: arrays[name] for name in exposure.variances}
    return replace(exposure, flux=arrays["flux"], err=arrays["err"], dq=dq, variances=variances)


__all__ = ["PixelReplaceParams", "PixelReplaceResult", "ReplaceCount", "pixel_replace", "replace_pixels"]
