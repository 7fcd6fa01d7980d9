"""A WCS evaluated once for all pixels of a channel: the compiled chain, or gwcs where the chain is not recognised."""

from dataclasses import dataclass
from functools import cached_property, singledispatch
from itertools import pairwise
from math import ceil, floor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cache import ByteCache
from mrsnb.core.exposure import frozen
from mrsnb.errors import InputError
from mrsnb.geometry.chain import ChannelChain, MrsChain, detector_columns, spread_columns
from mrsnb.geometry.oversample import oversampling
from mrsnb.geometry.tangent import focal_plane_to_sky, offset_by, tangent_matrix, to_plane
from mrsnb.kernels.slices import EDGE, Samples, sample_slices, slice_pixels
from mrsnb.kernels.tangent import SlicePlanes, Telescope, centres_of, corners_of, focal_plane, slice_planes

Array = NDArray[np.float64]
Offset = tuple[float, float] | None
"""Shift of an exposure to the east and the north, arcsec."""

_KEPT = 40_000_000
"""Bytes of samples that are kept: of the two channels of a detector, shared by exposures with the same distortion."""
_samples: ByteCache[tuple[Samples, NDArray[np.int64]]] = ByteCache(_KEPT)


class SkySource(Protocol):
    """What sends places on the slices to the sky."""

    def sky(
        self,
        alpha: NDArray[np.float64],
        slice_of: NDArray[np.int16],
        beta: NDArray[np.float64],
        wave: NDArray[np.float64],
    ) -> tuple[Array, Array]:
        """Return (ra, dec) in deg of places alpha on slices at beta (one for each slice), seen at wave; shape (m,)."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _CompiledChannel:
    chain: MrsChain
    channel: ChannelChain

    def telescope(self, matrix: NDArray[np.float64]) -> Telescope:
        return Telescope(self.channel.v2, self.channel.v3, self.chain.aberration, matrix @ self.chain.matrix)

    def sky(
        self,
        alpha: NDArray[np.float64],
        slice_of: NDArray[np.int16],
        beta: NDArray[np.float64],
        wave: NDArray[np.float64],  # noqa: ARG002
    ) -> tuple[Array, Array]:
        v2, v3 = focal_plane(np.ascontiguousarray(alpha), slice_of, beta, self.telescope(np.eye(3)))
        ra, dec = focal_plane_to_sky(v2, v3, self.chain.matrix)
        return ra + self.chain.sky_shift[0], dec + self.chain.sky_shift[1]

    @property
    def rotates_only(self) -> bool:
        """True if one matrix takes (v2, v3) to the sky."""
        return self.chain.sky_shift == (0.0, 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class _GwcsChannel:
    wcs: Any

    def sky(
        self,
        alpha: NDArray[np.float64],
        slice_of: NDArray[np.int16],
        beta: NDArray[np.float64],
        wave: NDArray[np.float64],
    ) -> tuple[Array, Array]:
        to_world = self.wcs.get_transform("alpha_beta", self.wcs.output_frame.name)
        ra, dec, _ = to_world(alpha, beta[slice_of], wave)
        return np.array(ra), np.array(dec)


@dataclass(frozen=True, kw_only=True, eq=False)
class ChannelView:
    """What every pixel of one channel of one exposure sees.

    Parameters
    ----------
    samples : Samples
        One entry for each of ``m`` pixels in a slice, ordered by slice.
    start : ndarray of int64
        Shape (n_slice + 1,): where each slice starts among the samples.
    beta : ndarray
        Shape (n_slice,): position of each slice, arcsec.
    source : SkySource
        What places on the slices are sent to the sky with.
    """

    samples: Samples
    start: NDArray[np.int64]
    beta: NDArray[np.float64]
    source: SkySource

    @cached_property
    def slice_width(self) -> float:
        """Distance between the two lowest slices, arcsec."""
        used = np.unique(self.beta[np.diff(self.start) > 0])
        if used.size < 2:
            msg = "the slice map holds fewer than two slices of the channel"
            raise InputError(msg)
        return float(used[1] - used[0])

    @property
    def outermost(self) -> tuple[int, int]:
        """Indices of the slices with the smallest and the largest beta."""
        there = np.flatnonzero(np.diff(self.start) > 0)
        return int(there[np.argmin(self.beta[there])]), int(there[np.argmax(self.beta[there])])

    def sky(self, which: NDArray[np.int32] | None = None) -> tuple[Array, Array]:
        """Return (ra, dec) of the pixels' centres, all or some of them, deg; NaN where the WCS is not defined."""
        chosen: Any = slice(None) if which is None else which
        wave = self.samples.wave[chosen]
        ra, dec = self.source.sky(self.samples.alpha[chosen, 0], self.samples.slice[chosen], self.beta, wave)
        undefined = ~np.isfinite(wave)
        ra[undefined] = np.nan
        dec[undefined] = np.nan
        return ra, dec

    def centres(
        self, ra: float, dec: float, rotation: float, offset: Offset = None, *, through_sky: bool = False
    ) -> tuple[Array, Array]:
        """Return the pixels' centres (xi, eta) in a tangent plane, shape (m,), arcsec; arguments as `corners`.

        They are numbers only where the WCS is defined.
        """
        planes = self._planes(ra, dec, rotation, offset, 0.0, through_sky=through_sky)
        if planes is not None:
            xi, eta = centres_of(self.samples, planes)
            return xi, eta
        place = self.sky()
        return to_plane(*(place if offset is None else offset_by(*place, *offset)), ra, dec, rotation)

    def corners(
        self, ra: float, dec: float, rotation: float, offset: Offset = None, *, through_sky: bool = False
    ) -> tuple[Array, Array]:
        """Return the pixels' corners in the tangent plane of a point on the sky.

        Parameters
        ----------
        ra, dec : float
            Tangent point, deg.
        rotation : float
            Turn of the plane's axes, deg east of north.
        offset : tuple of float, optional
            Shift of the exposure to the east and the north, arcsec; applied on the sky.
        through_sky : bool
            True goes by way of right ascension and declination in deg, as the observatory's package does: five times
            as slow, and rounded to some 1e-10 arcsec. A chain with a shift of coordinates always goes that way.

        Returns
        -------
        xi, eta : ndarray, shape (m, 4), arcsec
        """
        every = np.arange(self.samples.pixel.size, dtype=np.int32)
        return self.projection(ra, dec, rotation, offset, through_sky=through_sky).corners(every)

    def projection(
        self, ra: float, dec: float, rotation: float, offset: Offset = None, *, through_sky: bool = False
    ) -> "Projection":
        """Return what projects pixels to a tangent plane, some at a time; arguments as `corners`."""
        sides = self._planes(ra, dec, rotation, offset, self.slice_width / 2, through_sky=through_sky)
        if sides is not None:
            return _Direct(samples=self.samples, sides=sides)
        return _OnSky(view=self, plane=(ra, dec, rotation), offset=offset)

    def _planes(
        self, ra: float, dec: float, rotation: float, offset: Offset, half: float, *, through_sky: bool
    ) -> SlicePlanes | None:
        """Return lines `half` arcsec beside the middles of the slices; None if only the way over the sky is right."""
        direct = offset is None and not through_sky
        if direct and isinstance(self.source, _CompiledChannel) and self.source.rotates_only:
            telescope = self.source.telescope(tangent_matrix(ra, dec, rotation))
            planes: SlicePlanes = slice_planes(self.samples, self.start, self.beta, half, telescope)
            return planes
        return None


class Projection(Protocol):
    """What projects the pixels of a channel to a tangent plane."""

    def corners(self, which: NDArray[np.int32]) -> tuple[Array, Array]:
        """Return the corners (xi, eta) of some pixels, by their places among the samples; shape (n, 4), arcsec."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Direct:
    samples: Samples
    sides: SlicePlanes

    def corners(self, which: NDArray[np.int32]) -> tuple[Array, Array]:
        xi, eta = corners_of(which, self.samples, self.sides)
        return xi, eta


@dataclass(frozen=True, kw_only=True, eq=False)
class _OnSky:
    view: ChannelView
    plane: tuple[float, float, float]
    offset: Offset

    def corners(self, which: NDArray[np.int32]) -> tuple[Array, Array]:
        view, half = self.view, self.view.slice_width / 2
        samples = view.samples
        alpha, slices, wave = samples.alpha[which], samples.slice[which], samples.wave[which]
        xi, eta = np.empty((which.size, 4)), np.empty((which.size, 4))
        for corner, (edge, side) in enumerate(((1, -half), (1, half), (2, half), (2, -half))):
            sky = view.source.sky(alpha[:, edge], slices, view.beta + side, wave)
            place = sky if self.offset is None else offset_by(*sky, *self.offset)
            xi[:, corner], eta[:, corner] = to_plane(*place, *self.plane)
        return xi, eta


@singledispatch
def channel_view(wcs: Any, band: Band) -> ChannelView:
    """Return what every pixel of `band`'s channel sees.

    Parameters
    ----------
    wcs : MrsChain or gwcs.WCS
        Geometry of the exposure.
    band : Band

    Returns
    -------
    ChannelView

    Raises
    ------
    InputError
        If the channel is not on this detector.
    """
    return _view_through_gwcs(wcs, band)


@channel_view.register
def _(wcs: MrsChain, band: Band) -> ChannelView:
    if band.channel not in wcs.channels:
        msg = f"channel {band.channel} is not in the exposure's WCS, which has channels {sorted(wcs.channels)}"
        raise InputError(msg)
    channel = wcs.channels[band.channel]
    samples, start = _sampled(wcs, channel, band.columns)
    return ChannelView(
        samples=samples, start=start, beta=channel.slices.beta, source=_CompiledChannel(chain=wcs, channel=channel)
    )


def _sampled(wcs: MrsChain, channel: ChannelChain, columns: tuple[int, int]) -> tuple[Samples, NDArray[np.int64]]:
    """Return the samples of a channel, and where its slices start; exposures of one distortion share them."""

    def made() -> tuple[Samples, NDArray[np.int64]]:
        image_map = wcs.image_map
        index, start = slice_pixels(image_map, channel.slices.label, *_image_columns(columns, wcs.oversample))
        n_col, factor = image_map.shape[1], float(wcs.oversample)
        return sample_slices(channel.slices, index, start, n_col, *channel.wave_limits, factor), start

    return _samples.get((channel, columns, wcs.oversample), made, of=(wcs.slice_map,))


def sampled_waves(wcs: MrsChain, band: Band, every: int) -> Array:
    """Return the wavelengths of the pixels of `band`'s channel on every so many rows of the detector, micron.

    NaN where the WCS is not defined; empty if the channel is not on this detector.
    """
    if band.channel not in wcs.channels:
        return np.empty(0)
    channel, n_col = wcs.channels[band.channel], wcs.slice_map.shape[1]
    rows = frozen(np.ascontiguousarray(wcs.slice_map[::every]))
    index, start = slice_pixels(rows, channel.slices.label, *band.columns)
    row, column = np.divmod(index, n_col)
    sparse = row * np.int32(every * n_col) + column
    wave: Array = sample_slices(channel.slices, sparse, start, n_col, *channel.wave_limits).wave
    return wave


def _image_columns(columns: tuple[int, int], oversample: float) -> tuple[int, int]:
    """Return where columns of the detector, the last exclusive, are in an oversampled image."""
    first, last = (column * oversample + (oversample - 1) / 2 for column in columns)
    return floor(first), ceil(last)


def _view_through_gwcs(wcs: Any, band: Band) -> ChannelView:
    detector = wcs.get_transform("detector", "alpha_beta")
    oversample = oversampling(wcs)
    slice_map = spread_columns(np.asarray(detector.label_mapper.mapper).astype(np.int16), oversample)
    labels = np.array(band.labels, np.int16)
    index, start = slice_pixels(slice_map, labels, *_image_columns(band.columns, oversample))
    y, column = (part.astype(float) for part in np.divmod(index, slice_map.shape[1]))
    x, edge = detector_columns(column, oversample), EDGE / oversample
    alpha, beta, wave = detector(x, y)
    lower, upper = detector(x, y - EDGE)[2], detector(x, y + EDGE)[2]
    edges = np.stack([alpha, detector(x - edge, y)[0], detector(x + edge, y)[0]], axis=1)
    which = np.repeat(np.arange(labels.size, dtype=np.int16), np.diff(start))
    middle = [beta[a:b].mean() if b > a else np.nan for a, b in pairwise(start)]
    samples = Samples(index, which, wave, np.abs(lower - upper), edges)
    return ChannelView(samples=samples, start=start, beta=np.array(middle), source=_GwcsChannel(wcs=wcs))


@singledispatch
def wave_image(wcs: Any, band: Band) -> NDArray[np.float64]:
    """Return the wavelength that every pixel of `band`'s channel sees.

    Parameters
    ----------
    wcs : MrsChain or gwcs.WCS
        Geometry of the exposure.
    band : Band

    Returns
    -------
    ndarray, shape (1024, 1032), or more columns if oversampled
        micron; NaN between the slices, in the other channel, and where the WCS is not defined.
    """
    detector_map = np.asarray(wcs.get_transform("detector", "alpha_beta").label_mapper.mapper)
    slice_map = spread_columns(detector_map, oversampling(wcs))
    y, x = np.indices(slice_map.shape, dtype=float)
    wave = np.array(wcs(x, y)[2], dtype=float)
    wave[~np.isin(slice_map, band.labels)] = np.nan
    return wave


@wave_image.register
def _(wcs: MrsChain, band: Band) -> NDArray[np.float64]:
    image = np.full(wcs.image_map.shape, np.nan)
    if band.channel in wcs.channels:
        samples = channel_view(wcs, band).samples
        image.flat[samples.pixel] = samples.wave
    return image
