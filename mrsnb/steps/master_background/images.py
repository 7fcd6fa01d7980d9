"""A background's spectrum at the wavelength of each pixel of a detector: drawn, and subtracted."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cache import ByteCache
from mrsnb.core.combined import CombinedSpectrum
from mrsnb.core.dq import DQ, flagged
from mrsnb.core.exposure import Exposure, frozen
from mrsnb.geometry.chain import MrsChain
from mrsnb.geometry.detector import wave_image
from mrsnb.kernels.expand import expand
from mrsnb.kernels.subtract import subtract
from mrsnb.kernels.threads import share

NO_BACKGROUND = int(DQ.DO_NOT_USE | DQ.OTHER_BAD_PIXEL)
"""Bits of a pixel at a wavelength of which no background is known."""

REACH = 2
"""The ends of a background hold for up to this many steps beyond them: pixels there still feed a cube's last plane."""

WIDEST_GAP = 10
"""Background is interpolated over gaps of up to this many times the usual step."""

_KEPT = 130_000_000
"""Bytes of images that are kept: 20 MB for each of six settings."""

Array = NDArray[np.float64]


class _Images(NamedTuple):
    """A background at every pixel of a detector."""

    flux: Array
    """MJy/sr, shape (n_row, n_col); 0 between slices."""
    variance: Array
    """(MJy/sr)^2, shape (n_row, n_col)."""
    unknown: NDArray[np.int64]
    """Flat indices of the pixels at wavelengths of which no background is known."""


class ImagesAsUpstream:
    """The background as jwst 3.0.0 has it: 0 wherever it is not known, and without an error."""

    def __init__(self, table: CombinedSpectrum) -> None:
        self.table = table

    def subtract(self, exposure: Exposure) -> Exposure:
        """Return the exposure less the background."""
        return replace(exposure, flux=exposure.flux - self._image(exposure))

    def draw(self, exposure: Exposure) -> Exposure:
        """Return the exposure with the background for its flux."""
        return replace(exposure, flux=self._image(exposure))

    def _image(self, exposure: Exposure) -> NDArray[np.float32]:
        table, order = self.table, np.argsort(self.table.wave)
        image = np.zeros(exposure.flux.shape, np.float32)
        for band in exposure.bands:
            wave = wave_image(exposure.wcs, band)
            seen = np.isfinite(wave)
            image[seen] = np.interp(wave[seen], table.wave[order], table.surf_bright[order], left=0.0, right=0.0)
        return image


class BackgroundImages:
    """The background from a table for each band; exposures of a setting share its image.

    Parameters
    ----------
    tables : sequence of CombinedSpectrum
    """

    def __init__(self, tables: Sequence[CombinedSpectrum]) -> None:
        self.tables = tables
        self._kept: ByteCache[_Images] = ByteCache(_KEPT)

    def subtract(self, exposure: Exposure) -> Exposure:
        """Return the exposure less the background, errors added; NaN and flagged where none is known."""
        background = self._images(exposure)
        flux, err = subtract(exposure.flux, exposure.err, background.flux, background.variance)
        variances = dict(exposure.variances)
        if "var_flat" in variances:
            wider = np.empty_like(flux)
            variances["var_flat"] = np.add(variances["var_flat"], background.variance, out=wider, casting="same_kind")
        return _masked(exposure, background.unknown, flux, err, variances)

    def draw(self, exposure: Exposure) -> Exposure:
        """Return the exposure with the background for its flux; NaN and flagged where none is known."""
        background = self._images(exposure)
        variance, zero = background.variance.astype(np.float32), np.zeros(exposure.flux.shape, np.float32)
        return _masked(
            exposure,
            background.unknown,
            background.flux.astype(np.float32),
            np.sqrt(background.variance).astype(np.float32),
            {key: variance if key == "var_flat" else zero for key in exposure.variances},
        )

    def _images(self, exposure: Exposure) -> _Images:
        if not isinstance(wcs := exposure.wcs, MrsChain):
            return self._made(exposure)
        channels = tuple(wcs.channels.get(band.channel) for band in exposure.bands)
        return self._kept.get(
            (exposure.bands, wcs.oversample), lambda: self._made(exposure), of=(*channels, wcs.slice_map)
        )

    def _made(self, exposure: Exposure) -> _Images:
        flux, err = np.zeros(exposure.flux.shape), np.zeros(exposure.flux.shape)
        unknown = np.zeros(exposure.flux.shape, np.bool_)

        def draw(number: int) -> None:
            band = exposure.bands[number]
            wave = wave_image(exposure.wcs, band)
            seen = np.isfinite(wave)
            flux[seen], err[seen], unknown[seen] = _at(wave[seen], tables_of(band, self.tables))

        share(draw, len(exposure.bands))
        return _Images(frozen(flux), frozen(err**2), frozen(np.flatnonzero(unknown)))


def tables_of(band: Band, tables: Sequence[CombinedSpectrum]) -> list[CombinedSpectrum]:
    """Return the table of a band first, then others; none at all if none is the band's or reaches its middle."""
    middle = sum(band.wave_range) / 2
    own = [table for table in tables if band.name in {b.name for b in table.bands}]
    others = [table for table in tables if table not in own]
    reaching = [table for table in others if np.nanmin(table.wave) <= middle <= np.nanmax(table.wave)]
    rest = [table for table in others if table not in reaching]
    return [*own, *reaching, *rest] if own or reaching else []


def _at(wave: Array, tables: Sequence[CombinedSpectrum]) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return the background at wavelengths from the first table that knows it, its error, and where none does."""
    flux, err, unknown = np.zeros(wave.shape), np.zeros(wave.shape), np.ones(wave.shape, np.bool_)
    for table in tables:
        if not unknown.any():
            break
        value = np.where(flagged(table.columns["DQ"], int(DQ.DO_NOT_USE)), np.nan, table.surf_bright)
        there, its_err, missing = expand(table.wave, value, table.sb_error, wave[unknown], REACH, WIDEST_GAP)
        flux[unknown], err[unknown], unknown[unknown] = there, its_err, missing
    return flux, err, unknown


def _masked(
    exposure: Exposure,
    unknown: NDArray[np.int64],
    flux: NDArray[np.float32],
    err: NDArray[np.float32],
    variances: dict[str, NDArray[np.float32]],
) -> Exposure:
    """Return the exposure with new arrays, NaN and flagged where no background is known."""
    dq = exposure.dq
    if unknown.size:
        dq, variances = dq.copy(), {key: values.copy() for key, values in variances.items()}
        dq.flat[unknown] |= np.uint32(NO_BACKGROUND)
        for values in (flux, err, *variances.values()):
            values.flat[unknown] = np.nan
    return replace(exposure, flux=flux, err=err, dq=dq, variances=variances)
