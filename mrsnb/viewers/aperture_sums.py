"""Sums of a cube over apertures, quick enough to follow one that is dragged."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.layers import CubeLayers
from mrsnb.viewers.slicing import MOST_VOXELS, good_flux

Array = NDArray[Any]

MOST_KEPT = 8_000_000
"""Voxels of all cubes that stay in memory for the next sum: 12 bytes each."""
_MARGIN = 5
"""Spaxels around an aperture that are kept, too."""


class Sum(NamedTuple):
    """A sum over spaxels."""

    flux: Array
    """Shape (n_wave,), in the unit of the cube x spaxels; NaN where no spaxel is good."""
    err: Array
    """The same, its error with spaxels as independent."""
    area: Array
    """Good spaxels that were summed, fractions counted; shape (n_wave,)."""


class _Box(NamedTuple):
    """Rows and columns of a cube."""

    rows: slice
    columns: slice

    @property
    def n_spaxels(self) -> int:
        return int((self.rows.stop - self.rows.start) * (self.columns.stop - self.columns.start))

    def holds(self, other: "_Box") -> bool:
        pairs = zip(self, other, strict=True)
        return all(mine.start <= theirs.start and theirs.stop <= mine.stop for mine, theirs in pairs)

    def widened(self, n_y: int, n_x: int) -> "_Box":
        return _Box(
            *(slice(max(0, s.start - _MARGIN), min(n, s.stop + _MARGIN)) for s, n in zip(self, (n_y, n_x), strict=True))
        )


class _Block(NamedTuple):
    """What there is to sum of some planes and spaxels, shape (n_plane, n_spaxel), 0 where a voxel is left out."""

    planes: slice
    good: Array
    flux: Array
    variance: Array | None
    """In units of `scale` squared, so that no square is too large or too small for 32 bits."""
    scale: Array | None
    """Powers of 2, shape (n_plane,)."""


class ApertureSums:
    """Sums one cube over one aperture after the other.

    Voxels about the last one are kept, since the next is mostly near it.

    Parameters
    ----------
    cube : CubeLayers
        NaN and flagged voxels are left out.
    most_kept : int
        How many voxels may stay in memory.
    """

    def __init__(self, cube: CubeLayers, most_kept: int = MOST_KEPT) -> None:
        self._cube, self._most_kept = cube, most_kept
        self._box: _Box | None = None
        self._kept: _Block | None = None

    def __call__(self, shares: Array) -> Sum:
        """Return the flux in an aperture over wavelength.

        Parameters
        ----------
        shares : ndarray, shape (n_y, n_x)
            How much of each spaxel it covers.
        """
        n_wave = self._cube.shape[0]
        flux, err, area = np.full(n_wave, np.nan), np.full(n_wave, np.nan), np.zeros(n_wave)
        y, x = np.nonzero(shares > 0)
        if not y.size:
            return Sum(flux, err, area)
        box, blocks = self._blocks(_Box(slice(y.min(), y.max() + 1), slice(x.min(), x.max() + 1)))
        weights = np.ascontiguousarray(shares[box], np.float32).ravel()
        for planes, good, values, variance, scale in blocks:
            area[planes], flux[planes] = _dot(good, weights), _dot(values, weights)
            if variance is not None and scale is not None:
                err[planes] = np.sqrt(_dot(variance, np.square(weights))) * scale
        flux[area <= 0], err[area <= 0] = np.nan, np.nan
        return Sum(flux, err, area)

    def _blocks(self, asked: _Box) -> tuple[_Box, Iterator[_Block]]:
        """Return what holds the spaxels asked for."""
        n_wave, n_y, n_x = self._cube.shape
        if self._box is not None and self._kept is not None and self._box.holds(asked):
            return self._box, iter([self._kept])
        self._box = self._kept = None
        for box in (asked.widened(n_y, n_x), asked):
            if n_wave * box.n_spaxels <= self._most_kept:
                self._box, self._kept = box, self._block(slice(0, n_wave), box)
                return box, iter([self._kept])
        chunk = max(1, min(MOST_VOXELS // asked.n_spaxels, 4 * MOST_VOXELS // (n_y * n_x)))
        starts = range(0, n_wave, chunk)
        return asked, (self._block(slice(start, min(start + chunk, n_wave)), asked) for start in starts)

    def _block(self, planes: slice, box: _Box) -> _Block:
        cube, shape = self._cube, (-1, box.n_spaxels)
        flux = good_flux(cube, planes, *box).reshape(shape)
        is_good = np.isfinite(flux)
        flux[~is_good] = 0.0
        variance = scale = None
        if cube.err is not None:
            variance = cube.err.read(planes, *box).reshape(shape)
            variance[~(is_good & np.isfinite(variance))] = 0.0
            largest = np.maximum(variance.max(axis=1), -variance.min(axis=1)).astype(np.float64)
            scale = np.ldexp(1.0, np.frexp(largest)[1] - 1)
            variance /= scale.astype(variance.dtype)[:, None]
            np.square(variance, out=variance)
        return _Block(planes, is_good.astype(np.float32), flux, variance, scale)


def _dot(rows: Array, weights: Array) -> Array:
    """Return the product on one thread: those of a BLAS take longer to wake up than such a product takes."""
    return np.asarray(np.einsum("ki,i->k", rows, weights))
