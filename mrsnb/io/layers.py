"""Open a cube of any instrument without reading it: only headers are read, pixels stay in the file until used."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from astropy import units
from astropy.io import fits
from numpy.typing import NDArray

from mrsnb.core.bands import Band
from mrsnb.core.cards import Cards
from mrsnb.core.cube import CubeGrid
from mrsnb.core.dq import UNUSABLE
from mrsnb.core.layers import CubeLayers, Layer
from mrsnb.errors import InputError
from mrsnb.geometry.tangent import from_plane
from mrsnb.io.exposures import opened
from mrsnb.io.headers import cards_of
from mrsnb.io.products import bands_of

_FLUX = ("SCI", "DATA", "FLUX", "PRIMARY")
_VARIANCES = ("STAT", "VAR", "VARIANCE")
_ERRORS = ("ERR", "ERROR", "SIGMA", "UNCERT")
_TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
_SQUARE = 0.01
"""Relative difference of the sides of spaxels, and of their corners from right angles, that is taken for none."""


def open_cube(path: Path | str) -> CubeLayers:
    """Return the cube in a file, of which parts are read when they are asked for.

    JWST cubes (``SCI``, ``ERR``, ``DQ``, ``WMAP``), those of MUSE and others like them (``DATA``, ``STAT``), and plain
    ones with a cube alone. A file that is not compressed is memory-mapped; a compressed one is unpacked into memory.

    Parameters
    ----------
    path : Path or str

    Returns
    -------
    CubeLayers

    Raises
    ------
    InputError
        If it cannot be read, has no cube, no wavelengths, or no sky coordinates with square spaxels.
    """
    path = Path(path).expanduser()
    with opened(path) as hdus:
        cubes = {hdu.name: hdu for hdu in hdus if hdu.is_image and hdu.header.get("NAXIS") == 3}
        name = next((name for name in _FLUX if name in cubes), None)
        if name is None:
            found = ", ".join(f"{hdu.name or 'PRIMARY'} ({hdu.header.get('NAXIS', 0)}-D)" for hdu in hdus)
            msg = f"{path}: no cube: no 3-D extension called {', '.join(_FLUX)} (found {found})"
            raise InputError(msg)
        primary, science = cards_of(hdus[0].header), cards_of(cubes[name].header)
        layers = _layers(path, cubes, name)
        table = np.ravel(hdus["WCS-TABLE"].data["wavelength"]) if "WCS-TABLE" in hdus else None
    grid, flips = _grid(path, science, layers["flux"].data.shape, table)
    turned: dict[str, Any] = {key: replace(layer, data=layer.data[flips]) for key, layer in layers.items()}
    is_jwst = primary.text("TELESCOP") == "JWST"
    return CubeLayers(
        name=path.name.removesuffix(".gz"),
        grid=grid,
        unit=science.text("BUNIT") or primary.text("BUNIT") or "counts",
        bands=_bands(path, primary, grid) if is_jwst else (),
        bad_bits=UNUSABLE if is_jwst else 0,
        primary=primary,
        science=science,
        path=path,
        **turned,
    )


def _bands(path: Path, primary: Cards, grid: CubeGrid) -> tuple[Band, ...]:
    try:
        return bands_of(path, primary, grid.wave)
    except InputError:  # another instrument of the observatory
        return ()


def _layers(path: Path, cubes: dict[str, Any], flux: str) -> dict[str, Layer]:
    wanted: list[tuple[str, tuple[str, ...], Literal["plain", "variance", "bits"]]] = [
        ("err", _ERRORS, "plain"),
        ("err", _VARIANCES, "variance"),
        ("dq", ("DQ",), "bits"),
        ("weight", ("WMAP",), "plain"),
    ]
    found = {"flux": _layer(path, cubes[flux], "plain")}
    for key, names, kind in wanted:
        name = next((n for n in names if n in cubes and key not in found), None)
        if name is not None:
            found[key] = _layer(path, cubes[name], kind)
    shapes = {key: layer.data.shape for key, layer in found.items()}
    if len(set(shapes.values())) > 1 or 0 in shapes["flux"]:
        told = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
        msg = f"{path}: extensions differ in shape or are empty ({told}); make the cube again"
        raise InputError(msg)
    return found


def _layer(path: Path, hdu: Any, kind: Literal["plain", "variance", "bits"]) -> Layer:
    header, info = hdu.header, hdu.fileinfo()
    shape = tuple(header[f"NAXIS{i}"] for i in (3, 2, 1))
    with path.open("rb") as file:
        is_plain = file.read(6) == b"SIMPLE"
    if not is_plain or info is None or isinstance(hdu, fits.CompImageHDU) or 0 in shape:
        data = np.zeros(shape) if 0 in shape else np.array(hdu.data)
        return Layer(data, kind)
    stored = np.memmap(path, _TYPES[header["BITPIX"]], "r", info["datLoc"], shape)
    return Layer(stored, kind, float(header.get("BSCALE", 1.0)), float(header.get("BZERO", 0.0)))


def _grid(
    path: Path, science: Cards, shape: tuple[int, ...], table: NDArray[Any] | None
) -> tuple[CubeGrid, tuple[slice, ...]]:
    """Return the grid of a cube, and how to turn its axes so that wavelength and west and north rise along them."""
    n_wave, n_y, n_x = shape
    matrix = 3600.0 * np.array([[_matrix(science, i, j) for j in (1, 2)] for i in (1, 2)]) * [[-1.0], [1.0]]
    centre = [science.number(key) for key in ("CRVAL1", "CRVAL2", "CRPIX1", "CRPIX2")]
    if None in centre or not np.isfinite(matrix).all() or np.linalg.det(matrix) == 0:
        msg = f"{path}: no sky coordinates (CRVAL, CRPIX, CD or CDELT); only cubes with a celestial WCS can be shown"
        raise InputError(msg)
    ra, dec, x0, y0 = (float(v) for v in centre if v is not None)
    along_x = slice(None)
    if np.linalg.det(matrix) < 0:  # a mirror image
        along_x, x0 = slice(None, None, -1), n_x + 1 - x0
        matrix[:, 0] *= -1.0
    sides = np.hypot(*matrix)
    if abs(sides[0] - sides[1]) > _SQUARE * sides[1] or abs(matrix[:, 0] @ matrix[:, 1]) > _SQUARE * sides[1] ** 2:
        msg = f"{path}: spaxels of {sides[0]:.3g} x {sides[1]:.3g} arcsec; only cubes with square spaxels can be shown"
        raise InputError(msg)
    size, rotation = float(sides[1]), math.degrees(math.atan2(-matrix[0, 1], matrix[1, 1]))
    middle = (np.array([n_x // 2 + 1 - x0, n_y // 2 + 1 - y0]) * size)[:, None]
    ra, dec = (float(v[0]) for v in from_plane(middle[0], middle[1], ra, dec, rotation))
    wave, step = _wavelengths(path, science, n_wave, table)
    falls = n_wave > 1 and wave[1] < wave[0]
    along_wave = slice(None, None, -1) if falls else slice(None)
    grid = CubeGrid(
        ra=ra,
        dec=dec,
        spaxel_size=size,
        n_x=n_x,
        n_y=n_y,
        rotation=rotation,
        wave=np.ascontiguousarray(wave[along_wave]),
        wave_step=np.ascontiguousarray(step[along_wave]),
        linear=science.text("CTYPE3").upper() != "WAVE-TAB",
    )
    return grid, (along_wave, slice(None), along_x)


def _matrix(science: Cards, i: int, j: int) -> float:
    direct = science.number(f"CD{i}_{j}")
    if direct is not None:
        return direct
    if any(f"CD{a}_{b}" in science for a in (1, 2) for b in (1, 2)):
        return 0.0
    scale, turn = science.number(f"CDELT{i}"), science.number(f"PC{i}_{j}")
    return (math.nan if scale is None else scale) * (float(i == j) if turn is None else turn)


def _wavelengths(
    path: Path, science: Cards, n: int, table: NDArray[Any] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return centre and thickness of each plane, micron."""
    kind = science.text("CTYPE3").upper()
    if kind == "WAVE-TAB" and table is not None and len(table) == n:
        wave = table.astype(np.float64)
        return wave, np.abs(np.gradient(wave)) if n > 1 else np.ones(1)
    start = science.number("CRVAL3")
    step = next((v for v in (science.number(k) for k in ("CD3_3", "CDELT3")) if v), None)
    if not kind.startswith(("WAVE", "AWAV", "LAMBDA", "LINEAR")) or start is None or step is None:
        found = f"CTYPE3 = {kind!r}, CRVAL3 = {start}, CDELT3 = {step}"
        msg = f"{path}: no wavelengths ({found}); only cubes with a third axis in wavelength can be shown"
        raise InputError(msg)
    try:
        to_micron = float(units.Unit(science.text("CUNIT3") or "m").to(units.micron))
    except (ValueError, units.UnitConversionError):
        msg = f"{path}: CUNIT3 = {science.text('CUNIT3')!r} is no unit of length; allowed: um, nm, Angstrom, m, ..."
        raise InputError(msg) from None
    first = science.number("CRPIX3")
    offset = (np.arange(n) + 1.0 - (1.0 if first is None else first)) * step
    wave = np.asarray((start * np.exp(offset / start) if kind.endswith("LOG") else start + offset) * to_micron)
    return wave, np.abs(np.gradient(wave)) if n > 1 else np.array([abs(step) * to_micron])
