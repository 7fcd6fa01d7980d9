"""A WCS evaluated once for all pixels of a channel: the compiled chain, or gwcs where the chain is not recognised."""

from dataclasses import dataclass
from functools import cached_property, singledispatch
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.errors import InputError
from mrsnb.geometry.chain import ChannelChain, MrsChain
from mrsnb.geometry.tangent import focal_plane_to_sky, tangent_matrix, to_plane
from mrsnb.kernels.slices import EDGE, Samples, sample_slices, slice_pixels
from mrsnb.kernels.tangent import Telescope, focal_plane, project_corners


class SkySource(Protocol):
    """What sends places on the slices to the sky."""

    def sky(
        self,
        alpha: NDArray[np.float64],
        slice_of: NDArray[np.int16],
        beta: NDArray[np.float64],
        wave: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        v2, v3 = focal_plane(np.ascontiguousarray(alpha), slice_of, beta, self.telescope(np.eye(3)))
        return focal_plane_to_sky(v2, v3, self.chain.matrix)


@dataclass(frozen=True, kw_only=True, eq=False)
class _GwcsChannel:
    wcs: Any

    def sky(
        self,
        alpha: NDArray[np.float64],
        slice_of: NDArray[np.int16],
        beta: NDArray[np.float64],
        wave: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
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

    def sky(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return (ra, dec) of the pixels' centres, shape (m,), deg; NaN where the WCS is not defined."""
        ra, dec = self.source.sky(self.samples.alpha[:, 0], self.samples.slice, self.beta, self.samples.wave)
        undefined = ~np.isfinite(self.samples.wave)
        ra[undefined] = np.nan
        dec[undefined] = np.nan
        return ra, dec

    def corners(
        self, ra: float, dec: float, rotation: float, *, through_sky: bool = False
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the pixels' corners in the tangent plane of a point on the sky.

        Parameters
        ----------
        ra, dec : float
            Tangent point, deg.
        rotation : float
            Turn of the plane's axes, deg east of north.
        through_sky : bool
            True goes by way of right ascension and declination in deg, as the observatory's package does: five times
            as slow, and rounded to some 1e-10 arcsec.

        Returns
        -------
        xi, eta : ndarray, shape (m, 4), arcsec
        """
        if isinstance(self.source, _CompiledChannel) and not through_sky:
            telescope = self.source.telescope(tangent_matrix(ra, dec, rotation))
            xi, eta = project_corners(self.samples, self.start, self.beta, self.slice_width / 2, telescope)
            return xi, eta
        samples, half = self.samples, self.slice_width / 2
        xi, eta = np.empty((samples.pixel.size, 4)), np.empty((samples.pixel.size, 4))
        for corner, (edge, side) in enumerate(((1, -half), (1, half), (2, half), (2, -half))):
            sky = self.source.sky(samples.alpha[:, edge], samples.slice, self.beta + side, samples.wave)
            xi[:, corner], eta[:, corner] = to_plane(*sky, ra, dec, rotation)
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
    index, start = slice_pixels(wcs.slice_map, channel.slices.label, *band.columns)
    samples = sample_slices(channel.slices, index, start, wcs.slice_map.shape[1], *channel.wave_limits)
    return ChannelView(
        samples=samples, start=start, beta=channel.slices.beta, source=_CompiledChannel(chain=wcs, channel=channel)
    )


def _view_through_gwcs(wcs: Any, band: Band) -> ChannelView:
    detector = wcs.get_transform("detector", "alpha_beta")
    slice_map = np.asarray(detector.label_mapper.mapper).astype(np.int16)
    labels = np.array(band.labels, np.int16)
    index, start = slice_pixels(slice_map, labels, *band.columns)
    y, x = (part.astype(float) for part in np.divmod(index, slice_map.shape[1]))
    alpha, beta, wave = detector(x, y)
    lower, upper = detector(x, y - EDGE)[2], detector(x, y + EDGE)[2]
    edges = np.stack([alpha, detector(x - EDGE, y)[0], detector(x + EDGE, y)[0]], axis=1)
    which = np.repeat(np.arange(labels.size, dtype=np.int16), np.diff(start))
    middle = [beta[a:b].mean() if b > a else np.nan for a, b in pairwise(start)]
    samples = Samples(index, which, wave, np.abs(lower - upper), edges)
    return ChannelView(samples=samples, start=start, beta=np.array(middle), source=_GwcsChannel(wcs=wcs))
