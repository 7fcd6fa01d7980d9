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
from mrsnb.core.wcs_grid import RA_DEC, THIRD_AXIS, any_grid, square_grid, wcs_of
from mrsnb.errors import InputError

UNIT = u.MJy / u.sr
_FIXED = ("WAVE_MIN", "WAVE_MAX")
"""Keywords that say of an image which wavelengths it is of."""
_SAME = 1e-9
"""Relative difference of wavelengths that is none."""


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
    primary, science = _cards(meta.get("header", meta)), _science(data, meta, array.shape)
    if array.ndim != 3 or "CRVAL1" not in science:
        found = f"shape {np.shape(data.data)}, WCS {type(data.wcs).__name__}"
        msg = f"{name}: {found}; a cube of three axes with its WCS is needed"
        raise InputError(msg)
    if data.unit is not None and not data.unit.is_equivalent(UNIT):
        msg = f"{name}: unit {data.unit} is no surface brightness such as MJy/sr"
        raise InputError(msg)
    factor = 1.0 if data.unit is None else data.unit.to(UNIT)
    science, grid = _grid(name, science, array.shape, _waves(data, meta, array.shape))
    mask = np.zeros(array.shape, bool) if data.mask is None else np.broadcast_to(_three(data, data.mask), array.shape)
    given = [_alike(meta, key, array.shape) for key in ("dq", "weight")]
    flux = np.where(mask, np.nan, array * factor).astype(np.float32)
    err = np.full(array.shape, np.nan, np.float32)
    if data.uncertainty is not None:
        stated = _three(data, _in_unit(data.uncertainty.represent_as(StdDevUncertainty), data.unit))
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
    name, primary, science = meta["name"], _cards(meta.get("header", meta)), _science(data, meta, array.shape)
    wave, wcs = _waves(data, meta, array.shape), None if data.wcs is None else data.wcs.low_level_wcs
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
        unit = data.unit**2 if is_variance and data.unit is not None else data.unit
        values = _three(data, _in_unit(stated, unit))
        found["err"] = Layer(placed.placed(values), "variance" if is_variance else "plain")
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


def _waves(data: Any, meta: Mapping[str, Any], shape: tuple[int, ...]) -> Any:
    """Return wavelengths that are told beside the WCS, micron; None if there are none.

    Those in `meta` are to the last digit what they were, but they stay when the data are cut.
    """
    axis, told = getattr(data, "spectral_axis", None), meta.get("wave")
    own = None if axis is None else np.asarray(axis.to_value(u.um, u.spectral()))
    if told is None:
        return own
    if np.shape(told) == shape[:1] and (own is None or np.allclose(own, told, rtol=_SAME, atol=0)):
        return np.asarray(told)
    if own is None and (data.wcs is None or data.wcs.low_level_wcs.pixel_n_dim < 3):
        msg = f"{meta['name']}: {np.size(told)} wavelengths in its meta, {shape[0]} planes; cut both alike"
        raise InputError(msg)
    return any_grid(meta["name"], data.wcs.low_level_wcs, shape).grid.wave if own is None else own


def _alike(meta: Mapping[str, Any], key: str, shape: tuple[int, ...]) -> Any:
    """Return an array that `meta` has of each voxel, or None."""
    given = meta.get(key)
    if given is not None and np.shape(given) != shape:
        msg = f"{meta['name']}: {key} in its meta is of {np.shape(given)}, not {shape}; cut it alike, or leave it out"
        raise InputError(msg)
    return given


def _in_unit(uncertainty: Any, unit: Any) -> Any:
    """Return uncertainties in a unit, or as they are if there is none."""
    return uncertainty.array if unit is None or uncertainty.unit is None else uncertainty.quantity.to_value(unit)


def _grid(name: str, science: Cards, shape: tuple[int, ...], wave: Any) -> tuple[Cards, CubeGrid]:
    """Return the keywords and the grid of a cube, of planes whose wavelengths are told if they are."""
    grid = square_grid(name, science, shape, wave)
    if wave is None or not grid.linear or np.allclose(grid.wave, wave, rtol=_SAME, atol=0):
        return science, grid
    steps = np.diff(wave) if len(wave) > 1 else grid.wave_step
    is_even = np.ptp(steps) < 1e-6 * np.abs(steps).max()
    kind = {"CTYPE3": "WAVE" if is_even else "WAVE-TAB"}
    science = _cards(_values(science) | _third_axis(float(wave[0]), float(steps.mean())) | kind)
    return science, square_grid(name, science, shape, wave)


def _third_axis(first: float, step: float) -> dict[str, Value]:
    """Return the keywords of wavelengths, micron."""
    return {"CTYPE3": "WAVE", "CUNIT3": "um", "CRPIX3": 1.0, "CRVAL3": first, "CDELT3": step}


def _bands(name: str, primary: Cards, grid: CubeGrid) -> Any:
    try:
        return bands_of(name, primary, grid.wave)
    except InputError:  # another instrument
        return ()


def _cards(header: Any) -> Cards:
    return Cards([Card(str(k), v) for k, v in dict(header).items() if isinstance(v, bool | int | float | str)])


def _science(data: Any, meta: Mapping[str, Any], shape: tuple[int, ...]) -> Cards:
    """Return the keywords of the SCI extension: those given, those of the WCS, or else all.

    Those in `meta` are of no use for a part of the sky; none are left if the WCS has its own way to tell of it.
    """
    told = meta.get(
        "shape", getattr(meta.get("original_wcs"), "array_shape", None)
    )  # the latter if specutils has cut it
    told = tuple([meta.get(f"NAXIS{i}") for i in (3, 2, 1)] if told is None else told)
    is_whole = told[1:] == shape[1:] or (None in told and "original_wcs" not in meta)
    if is_whole and meta.get("science") is not None:
        return _cards(meta["science"])
    if not isinstance(data.wcs, WCS):
        kinds = () if data.wcs is None else data.wcs.low_level_wcs.world_axis_physical_types
        if not is_whole and not set(RA_DEC) <= set(kinds):
            msg = f"{meta['name']}: a part, {shape}, of a cube, and no WCS says which; give it a WCS of its own"
            raise InputError(msg)
        return _cards(meta) if is_whole else Cards([])
    found: dict[str, Value] = {card.keyword: card.value for card in data.wcs.to_header().cards}
    found |= {"BUNIT": "MJy/sr"} | ({"PIXAR_SR": meta["PIXAR_SR"]} if "PIXAR_SR" in meta else {})
    if _is_image(data):
        low, high = (float(meta[key]) for key in _FIXED)
        found |= {**_third_axis((low + high) / 2, high - low), "PC3_3": 1.0, "WCSAXES": 3}
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
        "shape": cube.grid.shape,
        "wave": cube.grid.wave,
        "dq": cube.dq,
        "weight": cube.weight,
        "inputs": tuple(_values(cards) for cards in cube.inputs),
        "history": cube.history,
    }
