"""Cubes to and from astropy's ``NDData`` and ``CCDData``, and to specutils."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty
from astropy.wcs import WCS

from mrsnb.core.cards import Card, Cards
from mrsnb.core.cube import Cube
from mrsnb.core.dq import UNUSABLE, flagged
from mrsnb.core.specutils_bridge import specutils_class
from mrsnb.errors import InputError
from mrsnb.io.products import bands_of
from mrsnb.io.s3d import grid_of

UNIT = u.MJy / u.sr
_THIRD = re.compile(r"(CTYPE|CUNIT|CRPIX|CRVAL|CDELT|CROTA)3|(PC|CD)(3_\d|\d_3)|P[SV]3_\d+")
"""Keywords of the third axis."""


def to_nddata(cube: Cube) -> NDData:
    """Return a cube as an ``NDData`` in MJy/sr; its arrays are shared, not copied.

    Uncertainties are standard deviations, voxels without light are masked, ``meta`` holds the keywords, DQ and WMAP.
    The WCS has three axes, or only those of the sky where planes are not equally spaced; ``meta["wave"]`` has all.
    """
    return NDData(
        cube.flux,
        uncertainty=StdDevUncertainty(cube.err),
        mask=_dark(cube),
        wcs=_wcs(cube),
        unit=UNIT,
        meta=_meta(cube),
    )


def to_ccddata(cube: Cube, low: u.Quantity | None = None, high: u.Quantity | None = None) -> CCDData:
    """Return the mean over wavelength as an image, a ``CCDData`` in MJy/sr with the WCS of the sky.

    Parameters
    ----------
    cube : Cube
    low, high : Quantity, optional
        Limits, any unit of wavelength; all planes if None.

    Raises
    ------
    InputError
        If no plane is within the limits.
    """
    wave = cube.grid.wave
    first = wave[0] if low is None else low.to_value(u.um, u.spectral())
    last = wave[-1] if high is None else high.to_value(u.um, u.spectral())
    inside = (wave >= min(first, last)) & (wave <= max(first, last))
    if not inside.any():
        msg = f"{cube.name}: no plane between {first:.4f} and {last:.4f} micron; it has {wave[0]:.4f} - {wave[-1]:.4f}"
        raise InputError(msg)
    flux, err = cube.flux[inside].astype(float), cube.err[inside].astype(float)
    lit = np.isfinite(flux)
    count = lit.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(lit, flux, 0).sum(axis=0) / count
        error = np.sqrt((np.where(lit, err, 0) ** 2).sum(axis=0)) / count
    keywords = {**_keywords(cube), "WAVE_MIN": float(wave[inside][0]), "WAVE_MAX": float(wave[inside][-1])}
    return CCDData(
        mean, uncertainty=StdDevUncertainty(error), mask=count == 0, wcs=_wcs(cube).celestial, unit=UNIT, meta=keywords
    )


def to_specutils(cube: Cube) -> Any:
    """Return a cube as a ``specutils.Spectrum`` (version 2 or later) of shape (n_wave, n_y, n_x).

    Raises
    ------
    InputError
        If specutils is missing.
    """
    return specutils_class()(
        flux=u.Quantity(cube.flux, UNIT, copy=False),
        spectral_axis=cube.grid.wave * u.um,
        spectral_axis_index=0,
        uncertainty=StdDevUncertainty(cube.err),
        mask=_dark(cube),
        meta=_meta(cube),
    )


def from_nddata(data: NDData, name: str | None = None) -> Cube:
    """Return the cube that an ``NDData`` (or ``CCDData``) of three axes holds.

    Parameters
    ----------
    data : NDData
        With a unit of surface brightness and the keywords CHANNEL and BAND in ``meta`` (or ``meta["header"]``), and a
        WCS of square spaxels about the middle one. Masked voxels become NaN, outside the field.
    name : str, optional
        File name of the product; what ``meta`` says if None.

    Raises
    ------
    InputError
        If it is no cube of the MRS.
    """
    meta = dict(data.meta)
    name = str(meta.get("name", "cube_s3d.fits")) if name is None else name
    if np.ndim(data.data) != 3 or data.wcs is None:
        found = f"shape {np.shape(data.data)}, WCS {type(data.wcs).__name__}"
        msg = f"{name}: {found}; a cube of three axes with its WCS is needed"
        raise InputError(msg)
    header = meta.get("header", meta)
    primary = Cards([Card(str(k), v) for k, v in dict(header).items() if isinstance(v, bool | int | float | str)])
    science = _science(data, primary)
    try:
        factor = (u.Unit("MJy/sr") if data.unit is None else data.unit).to(UNIT)
    except u.UnitConversionError:
        msg = f"{name}: unit {data.unit} is no surface brightness such as MJy/sr"
        raise InputError(msg) from None
    shape = np.shape(data.data)
    grid = grid_of(Path(name), science, shape, meta.get("wave"))
    mask = np.zeros(shape, bool) if data.mask is None else np.broadcast_to(data.mask, shape)
    flux = np.where(mask, np.nan, data.data * factor).astype(np.float32)
    err = np.full(shape, np.nan, np.float32)
    if data.uncertainty is not None:
        stated = data.uncertainty.represent_as(StdDevUncertainty).array
        err = np.where(np.isfinite(flux), stated * factor, np.nan).astype(np.float32)
    given = meta.get("dq"), meta.get("weight")
    return Cube(
        name=name,
        bands=bands_of(Path(name), primary, grid.wave),
        grid=grid,
        flux=flux,
        err=err,
        dq=np.where(np.isfinite(flux), 0, UNUSABLE).astype(np.uint32) if given[0] is None else np.array(given[0]),
        weight=np.isfinite(flux).astype(np.float32) if given[1] is None else np.array(given[1]),
        primary=primary,
        science=science,
    )


def _science(data: NDData, primary: Cards) -> Cards:
    """Return the keywords of the SCI extension: those given, or else those of the WCS."""
    given = data.meta.get("science")
    if given is not None:
        return Cards([Card(key, value) for key, value in given.items()])
    cards = [Card(card.keyword, card.value, card.comment) for card in data.wcs.to_header().cards]
    area = [card for card in primary.cards() if card.key == "PIXAR_SR"]
    return Cards([*cards, Card("BUNIT", "MJy/sr", "unit of the data"), *area])


def _wcs(cube: Cube) -> WCS:
    """Return the WCS of the cube, or that of the sky alone: one of tabulated wavelengths needs the file's table."""
    cards = [(card.key, card.value) for card in cube.science.cards()]
    if cube.grid.linear:
        return WCS(fits.Header(cards))
    return WCS(fits.Header([(k, v) for k, v in cards if k != "WCSAXES" and not _THIRD.fullmatch(k)]), naxis=2)


def _dark(cube: Cube) -> Any:
    return flagged(cube.dq, UNUSABLE) | ~np.isfinite(cube.flux)


def _keywords(cube: Cube) -> dict[str, Any]:
    return {card.key: card.value for card in cube.primary.cards()}


def _meta(cube: Cube) -> dict[str, Any]:
    science = {card.key: card.value for card in cube.science.cards()}
    return {
        "name": cube.name,
        "header": _keywords(cube),
        "science": science,
        "wave": cube.grid.wave,
        "dq": cube.dq,
        "weight": cube.weight,
    }
