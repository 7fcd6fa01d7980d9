"""The detector pixels of an exposure that may go into a cube."""

from weakref import WeakSet, finalize

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cache import ByteCache
from mrsnb.core.dq import UNUSABLE
from mrsnb.core.exposure import Exposure, ExposureSource
from mrsnb.geometry.chain import MrsChain
from mrsnb.geometry.detector import ChannelView, channel_view
from mrsnb.kernels.usable import gather_usable

Values = tuple[NDArray[np.float32], NDArray[np.float32]]


def usable_pixels(exposure: Exposure, view: ChannelView) -> Values:
    """Return flux and error of the view's pixels; flux NaN where any array is invalid or a flag forbids the use."""
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
