"""Which slices are bright enough for a model, and which of their pixels it is fitted to."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.geometry.slice_images import SliceImages
from mrsnb.kernels.clip import clipped_limits
from mrsnb.kernels.threads import go_on

LOW_SNR = 5.0
"""A profile with less signal to noise is noise."""
HIGH_ERROR = 5.0
"""Standard deviations above the mean error of a profile, at which a place of low signal is a bad edge."""

_Image = NDArray[np.float32]


class Selection(NamedTuple):
    """What a model is fitted to."""

    slices: NDArray[np.int64]
    """Rows of `SliceImages.slices` of the slices that are modelled, shape (n, 3)."""
    flux: _Image
    """Flux, NaN at bad edges, shape (n_row, n_col)."""
    norm: NDArray[np.float32]
    """Summed flux of each slice in each row, shape (n, n_row)."""


class _Profile(NamedTuple):
    """Medians over wavelength, in bins of alpha."""

    alpha: NDArray[np.float32]
    flux: NDArray[np.float32]
    err: NDArray[np.float32]
    snr: NDArray[np.float32]


def pixel_step(alpha: _Image, mine: NDArray[np.bool_]) -> np.float32:
    """Return the median distance in alpha of neighbouring pixels of a slice, arcsec."""
    steps = np.diff(alpha, axis=1)[mine[:, 1:] & mine[:, :-1]]
    return np.abs(np.median(steps)) if steps.size else np.float32(np.nan)


def select_slices(flux: _Image, err: _Image, alpha: _Image, images: SliceImages, threshold: float | None) -> Selection:
    """Return the slices to model, and the pixels to fit.

    Parameters
    ----------
    flux, err : ndarray, shape (n_row, n_col), MJy/sr
    alpha : ndarray of float32, shape (n_row, n_col), arcsec
    images : SliceImages
    threshold : float or None
        How far the profile of a slice must rise above its channel's mean, in standard deviations; None takes all.

    Returns
    -------
    Selection
    """
    limits = {} if threshold is None else _limits(flux, images, threshold)
    kept, norms = [], []
    flux = flux.copy()
    for name, first, last in images.slices:
        go_on()
        mine = images.label[:, first:last] == name
        limit = limits.get(int(name) // 100)
        values, errors, places = flux[:, first:last], err[:, first:last], alpha[:, first:last]
        profile = _profile(values, errors, places, mine)
        if not _rises(profile, limit):
            continue
        if profile is not None:
            values[mine & _bad_edges(profile, places)] = np.nan
            profile = _profile(values, errors, places, mine)
            if not _rises(profile, limit):
                continue
        positive_only = profile is not None and np.nanmin(profile.snr) < -LOW_SNR
        counted = mine & np.isfinite(values) & (~positive_only | (values > 0))
        kept.append((name, first, last))
        with np.errstate(over="ignore"):
            total = np.where(counted, values, np.float32(0)).sum(axis=1)
        norms.append(np.where(np.isfinite(total), total, np.float32(0)))  # 0 leaves a row out
    norm = np.array(norms, np.float32).reshape(len(kept), flux.shape[0])
    return Selection(np.array(kept, np.int64).reshape(-1, 3), flux, norm)


def _limits(flux: _Image, images: SliceImages, threshold: float) -> dict[int, float]:
    limits = {}
    for channel in np.unique(images.slices[:, 0] // 100):
        mean, spread = clipped_mean(flux[images.label // 100 == channel])
        limits[int(channel)] = mean + threshold * spread
    return limits


def clipped_mean(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return mean and standard deviation of the finite values within three standard deviations of the median."""
    good = values[np.isfinite(values)].astype(float)
    mean, spread = clipped_limits(good, 3.0, 5) if good.size else (np.nan, np.nan)
    return float(mean), float(spread)


def _rises(profile: _Profile | None, limit: float | None) -> bool:
    return limit is None or (profile is not None and bool(np.nanmax(profile.flux) > limit))


def _profile(flux: _Image, err: _Image, alpha: _Image, mine: NDArray[np.bool_]) -> _Profile | None:
    """Return the profile of a slice in bins of half a pixel; None if no pixel is good."""
    good = mine & np.isfinite(flux) & np.isfinite(err) & (err > 0)
    if not good.any():
        return None
    step = pixel_step(alpha, mine) / np.float32(2)
    bins = np.arange(alpha[mine].min(), alpha[mine].max(), step, dtype=np.float32)
    order = np.argsort(alpha[good])
    places, values, errors = alpha[good][order], flux[good][order], err[good][order]
    ratios = values / errors
    starts, stops = (np.searchsorted(places, bins + side * step / np.float32(2)) for side in (-1, 1))
    profile = _Profile(bins, *(np.full_like(bins, np.nan) for _ in range(3)))
    for k, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        if stop > start:
            profile.flux[k] = np.median(values[start:stop])
            profile.err[k] = np.median(errors[start:stop])
            profile.snr[k] = np.median(ratios[start:stop])
    return profile


def _bad_edges(profile: _Profile, alpha: _Image) -> NDArray[np.bool_]:
    """Return the pixels beyond places of much error and little signal, on either side of the slice's middle."""
    mean, spread = clipped_mean(profile.err[np.isfinite(profile.snr)])
    bad = (np.abs(profile.snr) < LOW_SNR) & (profile.err > mean + HIGH_ERROR * spread)
    beyond = np.zeros(alpha.shape, np.bool_)
    if bad.all():
        return beyond
    places = profile.alpha[bad]
    if (places < 0).any():
        beyond |= alpha <= places[places < 0].max()
    if (places > 0).any():
        beyond |= alpha >= places[places > 0].min()
    return beyond
