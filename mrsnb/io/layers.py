"""Open a cube of any instrument without reading it: only headers are read, pixels stay in the file until used."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from astropy.io import fits

from mrsnb.core.bands import Band, bands_of
from mrsnb.core.cards import Cards
from mrsnb.core.cube import CubeGrid
from mrsnb.core.dq import UNUSABLE
from mrsnb.core.layers import CubeLayers, Layer
from mrsnb.core.wcs_grid import Placed, any_grid, square_grid, wcs_of
from mrsnb.errors import InputError
from mrsnb.io.exposures import opened
from mrsnb.io.headers import cards_of
from mrsnb.io.places import home

Kind = Literal["plain", "variance", "bits"]

_FLUX = ("SCI", "DATA", "FLUX", "PRIMARY")
_VARIANCES = ("STAT", "VAR", "VARIANCE")
_ERRORS = ("ERR", "ERROR", "SIGMA", "UNCERT")
_OTHERS = (*_VARIANCES, *_ERRORS, "DQ", "WMAP", "MASK", "IVAR")
_TYPES = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


def open_cube(path: Path | str) -> CubeLayers:
    """Return the cube in a file, of which parts are read when they are asked for.

    JWST cubes (``SCI``, ``ERR``, ``DQ``, ``WMAP``), those of MUSE and others like them (``DATA``, ``STAT``), and plain
    ones with a cube alone, their axes in any order, of wavelength, frequency or velocity; those in air stay so. A file
    that is not compressed is memory-mapped; a compressed one is unpacked into memory.

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
    path = home(path)
    with opened(path) as hdus:
        return cube_in(hdus, path.name.removesuffix(".gz"), path)


def cube_in(hdus: fits.HDUList, name: str, path: Path | None = None) -> CubeLayers:
    """Return the cube in an opened file, or in one that is only in memory.

    Parameters
    ----------
    hdus : fits.HDUList
    name : str
        What it is called.
    path : Path, optional
        The file; if None, arrays are taken as they are in memory.

    Raises
    ------
    InputError
        As for `open_cube`.
    """
    told = name if path is None else str(path)
    cubes = {hdu.name: hdu for hdu in hdus if hdu.is_image and hdu.header.get("NAXIS") == 3}
    flux = next((key for key in (*_FLUX, *cubes) if key in cubes and key not in _OTHERS), None)
    if flux is None:
        found = ", ".join(f"{hdu.name or 'PRIMARY'} ({hdu.header.get('NAXIS', 0)}-D)" for hdu in hdus)
        msg = f"{told}: no cube: no 3-D extension called {', '.join(_FLUX)} (found {found})"
        raise InputError(msg)
    primary, science = cards_of(hdus[0].header), cards_of(cubes[flux].header)
    layers = _layers(told, cubes, flux, path)
    table = np.ravel(hdus["WCS-TABLE"].data["wavelength"]) if "WCS-TABLE" in hdus else None
    is_jwst = primary.text("TELESCOP") == "JWST"
    placed = _placed(told, science, layers["flux"].data.shape, table, is_jwst=is_jwst)
    turned: dict[str, Any] = {key: replace(layer, data=placed.placed(layer.data)) for key, layer in layers.items()}
    return CubeLayers(
        name=name,
        grid=placed.grid,
        unit=science.text("BUNIT") or primary.text("BUNIT") or "counts",
        bands=_bands(told, primary, placed.grid) if is_jwst else (),
        bad_bits=UNUSABLE if is_jwst else 0,
        primary=primary,
        science=science,
        path=path,
        **turned,
    )


def _placed(name: str, science: Cards, shape: tuple[int, ...], table: Any, *, is_jwst: bool) -> Placed:
    """Return where a cube is: exactly as its keywords say if they are those of a product of the observatory."""
    if is_jwst:
        with suppress(InputError):
            return Placed(square_grid(name, science, shape, table), (0, 1, 2), (slice(None),) * 3)
    wcs = wcs_of(name, science, has_table=table is not None)
    return any_grid(name, wcs, shape, table if wcs.pixel_n_dim == 2 else None)


def _bands(name: str, primary: Cards, grid: CubeGrid) -> tuple[Band, ...]:
    try:
        return bands_of(name, primary, grid.wave)
    except InputError:  # another instrument of the observatory
        return ()


def _layers(name: str, cubes: dict[str, Any], flux: str, path: Path | None) -> dict[str, Layer]:
    wanted: list[tuple[str, tuple[str, ...], Kind]] = [
        ("err", _ERRORS, "plain"),
        ("err", _VARIANCES, "variance"),
        ("dq", ("DQ",), "bits"),
        ("weight", ("WMAP",), "plain"),
    ]
    found = {"flux": _layer(path, cubes[flux], "plain")}
    for key, names, kind in wanted:
        other = next((n for n in names if n in cubes and key not in found), None)
        if other is not None:
            found[key] = _layer(path, cubes[other], kind)
    shapes = {key: layer.data.shape for key, layer in found.items()}
    if len(set(shapes.values())) > 1 or 0 in shapes["flux"]:
        told = ", ".join(f"{key} {shape}" for key, shape in shapes.items())
        msg = f"{name}: extensions differ in shape or are empty ({told}); make the cube again"
        raise InputError(msg)
    return found


def _layer(path: Path | None, hdu: Any, kind: Kind) -> Layer:
    header, info = hdu.header, hdu.fileinfo()
    shape = tuple(header[f"NAXIS{i}"] for i in (3, 2, 1))
    if 0 in shape:
        return Layer(np.zeros(shape), kind)
    if path is None or info is None or isinstance(hdu, fits.CompImageHDU) or not _is_plain(path):
        return Layer(np.array(hdu.data) if path is not None else hdu.data, kind)
    stored = np.memmap(path, _TYPES[header["BITPIX"]], "r", info["datLoc"], shape)
    blank = header.get("BLANK") if header["BITPIX"] > 0 else None
    return Layer(stored, kind, float(header.get("BSCALE", 1.0)), float(header.get("BZERO", 0.0)), blank)


def _is_plain(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6) == b"SIMPLE"
