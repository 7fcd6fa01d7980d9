"""Cubes to and from astropy's ``NDData`` and ``CCDData``, and specutils, which is optional."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy.nddata import CCDData, NDData, StdDevUncertainty, VarianceUncertainty
from astropy.wcs import WCS

from mrsnb.core.bands import bands_of
from mrsnb.core.blend import wcs_keywords
from mrsnb.core.cards import Card, Cards, Value
from mrsnb.core.cube import Cube, CubeGrid
from mrsnb.core.dq import UNUSABLE, flagged
from mrsnb.core.layers import CubeLayers, Layer
from mrsnb.core.specutils_bridge import specutils_class
from mrsnb.core.wcs_grid import THIRD_AXIS, any_grid, square_grid, wcs_of
from mrsnb.errors import InputError

UNIT = u.MJy / u.sr
_FIXED = ("WAVE_MIN", "WAVE_MAX")
"""Keywords that say of an image which wavelengths it is of."""


def to_nddata(cube: Cube) -> NDData:
    """Return a cube as an ``NDData``; see `Cube.to_nddata`."""
    return NDData(
        cube.flux,
        uncertainty=StdDevUncertainty(cube.err),
        mask=_dark(cube),
        wcs=_wcs(cube),
        unit=UNIT,
        meta=_meta(cube),
    )


def to_ccddata(cube: Cube, low: u.Quantity | None = None, high: u.Quantity | None = None) -> CCDData:
    """Return the mean over wavelength as a ``CCDData``; see `Cube.to_ccddata`."""
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
    half = cube.grid.wave_step[inside] / 2
    ends = float(wave[inside][0] - half[0]), float(wave[inside][-1] + half[-1])
    keywords = {**_values(cube.primary), **dict(zip(_FIXED, ends, strict=True))}
    return CCDData(
        mean,
        uncertainty=StdDevUncertainty(error),
        mask=count == 0,
        wcs=_wcs(cube, is_flat=True),
        unit=UNIT,
        meta=keywords,
    )


def to_specutils(cube: Cube) -> Any:
    """Return a cube as a ``specutils.Spectrum``; see `Cube.to_specutils`."""
    return specutils_class()(
        flux=u.Quantity(cube.flux, UNIT, copy=False),
        wcs=_spectral_wcs(cube.grid),
        spectral_axis_index=0,
        uncertainty=StdDevUncertainty(cube.err),
        mask=_dark(cube),
        meta=_meta(cube),
    )


def is_data(value: Any) -> bool:
    """Return True for an ``NDData`` (or ``CCDData``) or a specutils spectrum of two axes or more."""
    return isinstance(value, NDData) and np.ndim(value.data) >= 2


def from_nddata(data: Any, name: str | None = None) -> Cube:
    """Return the cube that an ``NDData`` holds; see `Cube.from_nddata`."""
    meta, array = _opened(data, name)
    name = meta["name"]
    if array.ndim != 3 or (data.wcs is None and "science" not in meta):
        found = f"shape {np.shape(data.data)}, WCS {type(data.wcs).__name__}"
        msg = f"{name}: {found}; a cube of three axes with its WCS is needed"
        raise InputError(msg)
    primary, science = _cards(meta.get("header", meta)), _science(data, meta)
    if data.unit is not None and not data.unit.is_equivalent(UNIT):
        msg = f"{name}: unit {data.unit} is no surface brightness such as MJy/sr"
        raise InputError(msg)
    factor = 1.0 if data.unit is None else data.unit.to(UNIT)
    grid = square_grid(name, science, array.shape, _waves(data, meta))
    mask = np.zeros(array.shape, bool) if data.mask is None else np.broadcast_to(_three(data, data.mask), array.shape)
    given = meta.get("dq"), meta.get("weight")
    flux = np.where(mask, np.nan, array * factor).astype(np.float32)
    err = np.full(array.shape, np.nan, np.float32)
    if data.uncertainty is not None:
        stated = _three(data, data.uncertainty.represent_as(StdDevUncertainty).array)
        err = np.where(np.isfinite(flux), stated * factor, np.nan).astype(np.float32)
    return Cube(
        name=name,
        bands=bands_of(name, primary, grid.wave),
        grid=grid,
        flux=flux,
        err=err,
        dq=np.where(np.isfinite(flux), 0, UNUSABLE).astype(np.uint32) if given[0] is None else np.array(given[0]),
        weight=np.isfinite(flux).astype(np.float32) if given[1] is None else np.array(given[1]),
        primary=primary,
        science=science,
        inputs=tuple(_cards(cards) for cards in meta.get("inputs", ())),
        history=meta.get("history", {}),
    )


def layers_of(data: Any, name: str | None = None) -> CubeLayers:
    """Return the cube of any instrument that an ``NDData`` or ``specutils.Spectrum`` holds; nothing is copied.

    Parameters
    ----------
    data : NDData
        Of three axes; or of two, an image whose ``meta`` has WAVE_MIN and WAVE_MAX, in micron. In any unit, with any
        WCS of the sky, or the keywords of one in ``meta``.
    name : str, optional
        What ``meta`` says if None.

    Raises
    ------
    InputError
        If it has no sky coordinates, wavelengths or square spaxels.
    """
    meta, array = _opened(data, name)
    name, primary, science = meta["name"], _cards(meta.get("header", meta)), _science(data, meta)
    wave, wcs = _waves(data, meta), data.wcs
    if (not isinstance(wcs, WCS) or wcs.pixel_n_dim != 3) and "CRVAL1" in science:
        wcs = wcs_of(name, science, has_table=wave is not None)
    if wcs is None or array.ndim != 3:
        what = f"shape {np.shape(data.data)}, WCS {type(wcs).__name__}"
        msg = f"{name}: {what}; needs a WCS and three axes, or two and WAVE_MIN and WAVE_MAX (micron) in its meta"
        raise InputError(msg)
    placed = any_grid(name, wcs, array.shape, wave)
    found: dict[str, Any] = {"flux": Layer(placed.placed(array))}
    if data.uncertainty is not None:
        is_variance = isinstance(data.uncertainty, VarianceUncertainty)
        stated = data.uncertainty if is_variance else data.uncertainty.represent_as(StdDevUncertainty)
        found["err"] = Layer(placed.placed(_three(data, stated.array)), "variance" if is_variance else "plain")
    if data.mask is not None:
        bits = np.broadcast_to(_three(data, data.mask), array.shape).astype(np.uint32)
        found["dq"] = Layer(placed.placed(bits), "bits")
    return CubeLayers(
        name=name,
        grid=placed.grid,
        unit="counts" if data.unit is None else data.unit.to_string(),
        bands=_bands(name, primary, placed.grid),
        primary=primary,
        science=science,
        **found,
    )


def _opened(data: Any, name: str | None) -> tuple[dict[str, Any], Any]:
    """Return what is told of data, and its array of three axes, the first of wavelength."""
    meta: dict[str, Any] = dict(data.meta or {})
    for key in ("header", "_primary_header"):  # as specutils and jdaviz keep them
        if isinstance(meta.get(key), Mapping):
            meta = dict(meta[key]) | meta
    meta["name"] = str(meta.get("name", meta.get("FILENAME", "cube_s3d.fits"))) if name is None else name
    return meta, _three(data, data.data)


def _is_image(data: Any) -> bool:
    return np.ndim(data.data) == 2 and all(key in (data.meta or {}) for key in _FIXED)


def _three(data: Any, array: Any) -> Any:
    """Return an array with wavelength along the first of three axes; an image is one plane."""
    array = np.asarray(array)
    if _is_image(data):
        return array[None]
    if array.ndim == 3 and getattr(data, "spectral_axis_index", 0) == 2:  # as specutils 1 turned cubes
        return array.T
    return array


def _waves(data: Any, meta: Mapping[str, Any]) -> Any:
    """Return wavelengths that are told beside the WCS, micron; None if there are none."""
    if meta.get("wave") is not None:
        return np.asarray(meta["wave"])
    axis = getattr(data, "spectral_axis", None)
    return None if axis is None else np.asarray(axis.to_value(u.um, u.spectral()))


def _bands(name: str, primary: Cards, grid: CubeGrid) -> Any:
    try:
        return bands_of(name, primary, grid.wave)
    except InputError:  # another instrument
        return ()


def _cards(header: Any) -> Cards:
    return Cards([Card(str(k), v) for k, v in dict(header).items() if isinstance(v, bool | int | float | str)])


def _science(data: Any, meta: Mapping[str, Any]) -> Cards:
    """Return the keywords of the SCI extension: those given, those of the WCS, or else all."""
    if meta.get("science") is not None:
        return _cards(meta["science"])
    if not isinstance(data.wcs, WCS):
        return _cards(meta)
    found: dict[str, Value] = {card.keyword: card.value for card in data.wcs.to_header().cards}
    found |= {"BUNIT": "MJy/sr"} | ({"PIXAR_SR": meta["PIXAR_SR"]} if "PIXAR_SR" in meta else {})
    if _is_image(data):
        low, high = (float(meta[key]) for key in _FIXED)
        along: dict[str, Value] = {
            "CTYPE3": "WAVE",
            "CUNIT3": "um",
            "CRPIX3": 1.0,
            "CRVAL3": (low + high) / 2,
            "CDELT3": high - low,
        }
        found |= {**along, "PC3_3": 1.0, "WCSAXES": 3}
    return _cards(found)


def _wcs(cube: Cube, *, is_flat: bool = False) -> WCS:
    """Return the WCS of the cube, or that of the sky alone: one of tabulated wavelengths needs the file's table."""
    cards = list(wcs_keywords(cube.grid).items())
    if cube.grid.linear and not is_flat:
        return WCS(fits.Header(cards))
    return WCS(fits.Header([(key, value) for key, value in cards if not THIRD_AXIS.fullmatch(key)]), naxis=2)


def _spectral_wcs(grid: CubeGrid) -> Any:
    """Return a gWCS of RA, Dec and all wavelengths: specutils takes no other that is in micron or has a table."""
    import gwcs
    from astropy.coordinates import ICRS
    from astropy.modeling import models
    from gwcs import coordinate_frames as frames

    keys = wcs_keywords(grid)
    matrix = np.array([[keys[f"PC{i}_{j}"] * keys[f"CDELT{i}"] for j in (1, 2)] for i in (1, 2)])  # type: ignore[operator]
    to_middle = models.Shift(-float(grid.n_x // 2)) & models.Shift(-float(grid.n_y // 2))
    to_sky = models.Pix2Sky_TAN() | models.RotateNative2Celestial(grid.ra, grid.dec, 180.0)
    wave, planes = grid.wave, np.arange(grid.n_wave, dtype=float)
    if grid.n_wave == 1:
        wave, planes = np.append(wave, wave + grid.wave_step), np.arange(2.0)
    to_wave = models.Tabular1D(planes, wave, bounds_error=False, fill_value=None)
    sky = frames.CelestialFrame(axes_order=(0, 1), reference_frame=ICRS(), unit=(u.deg, u.deg))
    spectral = frames.SpectralFrame(axes_order=(2,), unit=(u.um,), axes_names=("wavelength",))
    detector = frames.CoordinateFrame(3, ["PIXEL"] * 3, (0, 1, 2), unit=[u.pix] * 3, name="detector")
    world = frames.CompositeFrame([sky, spectral], name="world")
    made = gwcs.WCS([(detector, (to_middle | models.AffineTransformation2D(matrix) | to_sky) & to_wave), (world, None)])
    made.pixel_shape = grid.shape[::-1]
    return made


def _dark(cube: Cube) -> Any:
    return flagged(cube.dq, UNUSABLE) | ~np.isfinite(cube.flux)


def _values(cards: Cards) -> dict[str, Value]:
    return {card.key: card.value for card in cards.cards()}


def _meta(cube: Cube) -> dict[str, Any]:
    return {
        "name": cube.name,
        "header": _values(cube.primary),
        "science": {**_values(cube.science), **wcs_keywords(cube.grid)},
        "wave": cube.grid.wave,
        "dq": cube.dq,
        "weight": cube.weight,
        "inputs": tuple(_values(cards) for cards in cube.inputs),
        "history": cube.history,
    }
