"""The detector pixels of an exposure that may go into a cube."""

from weakref import WeakSet, finalize

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cache import ByteCache
from mrsnb.core.dq import UNUSABLE
from mrsnb.core.exposure import Exposure, ExposureSource
from mrsnb.errors import InputError
from mrsnb.geometry.chain import MrsChain
from mrsnb.geometry.detector import ChannelView, channel_view
from mrsnb.kernels.usable import gather_usable

Values = tuple[NDArray[np.float32], NDArray[np.float32]]


def view_of(exposure: ExposureSource, band: Band) -> ChannelView:
    """Return what the pixels of `band` see in an exposure.

    Raises
    ------
    InputError
        If the wavelengths are not those of the band that the header states.

    Examples
    --------
    >>> f"{np.nanmin(view_of(exposure, exposure.bands[0]).samples.wave):.1f}"
    '4.9'
    """
    view = channel_view(exposure.wcs, band)
    if not overlaps(view.samples.wave, band):
        wave = view.samples.wave[np.isfinite(view.samples.wave)]
        low, high = band.wave_range
        seen = f"{wave.min():.2f} to {wave.max():.2f} micron" if wave.size else "no wavelength"
        msg = (
            f"{exposure.name}: BAND = {band.sub_band.upper()!r} says {low} to {high} micron in channel {band.channel}, "
            f"but its WCS gives {seen}; header and WCS conflict: run level 2 (assign_wcs) on it again"
        )
        raise InputError(msg)
    return view


def overlaps(wave: NDArray[np.float64], band: Band) -> bool:
    """Return whether any wavelength is defined, and they reach into the band's range."""
    low, high = band.wave_range
    seen = np.fmin.reduce(wave, initial=np.inf), np.fmax.reduce(wave, initial=-np.inf)
    return bool(seen[0] <= high and seen[1] >= low)


def usable_pixels(exposure: Exposure, view: ChannelView) -> Values:
    """Return flux and error of the view's pixels; flux NaN where any array is invalid or a flag forbids the use.

    Examples
    --------
    >>> flux, err = usable_pixels(exposure, view_of(exposure, exposure.bands[0]))
    >>> flux.shape == err.shape
    True
    """
    others = (exposure.err, *exposure.variances.values())
    where = view.samples.pixel, view.start
    found: Values = gather_usable(exposure.flux, exposure.err, exposure.dq, others, *where, np.uint32(UNUSABLE))
    return found


class PixelCache:
    """Flux and error of exposures' pixels, so that a cube built again, or of the other channel, needs no file.

    Parameters
    ----------
    limit : int
        Bytes it may hold; those used longest ago make room. A channel of an exposure takes 3 MB.
    """

    def __init__(self, limit: int) -> None:
        self._kept: ByteCache[Values] = ByteCache(limit)
        self._known: WeakSet[ExposureSource] = WeakSet()

    def pixels(self, exposure: ExposureSource, band: Band, view: ChannelView) -> Values:
        """Return `usable_pixels`; if the exposure must be loaded, those of its other channel are kept too."""
        found = self._kept.find((id(exposure), band))
        if found is None:
            found = self._loaded(exposure, band, view)
            self._kept.put((id(exposure), band), found, first_out=True)  # it is used now, those of the other later
        return found

    def _loaded(self, exposure: ExposureSource, band: Band, view: ChannelView) -> Values:
        loaded = exposure.load()
        wcs = exposure.wcs
        quick = [b for b in exposure.bands if isinstance(wcs, MrsChain) and b.channel in wcs.channels]
        for other in quick:
            if other != band and (id(exposure), other) not in self._kept:
                self._kept.put((id(exposure), other), usable_pixels(loaded, channel_view(wcs, other)))
        if exposure not in self._known:
            self._known.add(exposure)
            finalize(exposure, _forget, self._kept, id(exposure))
        return usable_pixels(loaded, view)


def _forget(kept: ByteCache[Values], number: int) -> None:
    kept.drop(lambda key: key[0] == number)


RECENT = PixelCache(64_000_000)
"""Of the exposures that cubes were built of last."""
