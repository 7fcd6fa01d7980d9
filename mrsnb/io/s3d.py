"""Write and read spectral cubes: ``_s3d.fits``, laid out as the observatory's (``IFUCubeModel``)."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from numpy.typing import NDArray

from mrsnb.core.bands import bands_of
from mrsnb.core.blend import region, wcs_keywords
from mrsnb.core.cards import Card, Cards, Value
from mrsnb.core.cube import Cube, CubeGrid
from mrsnb.core.wcs_grid import square_grid
from mrsnb.errors import InputError
from mrsnb.io.asdf_extension import asdf_extension, read_history
from mrsnb.io.bintable import table_bytes
from mrsnb.io.checksum import atomic_fits
from mrsnb.io.exposures import opened
from mrsnb.io.headers import cards_of, printable
from mrsnb.io.pixels import image_header, write_pixels
from mrsnb.io.products import place_of, primary_header
from mrsnb.io.stored import table_content
from mrsnb.io.wcs_text import cube_wcs

_PLANES = ("SCI", "ERR", "DQ", "WMAP")


def write_s3d(cube: Cube, directory: Path | str) -> Path:
    """Write `cube` to a directory under its name, and return the file's path.

    The extensions are SCI, ERR, DQ, WMAP, WCS-TABLE, HDRTAB (if more than one exposure fed the cube) and ASDF. The
    file appears when it is complete; one of that name is replaced.

    Parameters
    ----------
    cube : Cube
        Its WCS is that of ``cube.grid``, whatever its keywords say.
    directory : Path or str
        An existing directory.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    path = place_of(cube.name, directory)
    grid, unit = cube.grid, Card("BUNIT", cube.science.get("BUNIT", "MJy/sr"), "physical units of the array values")
    outline = cube.science.get("S_REGION", region(grid))
    science = cube.science.updated(**{"BUNIT": unit.value, **wcs_keywords(grid), "S_REGION": outline, "DISPAXIS": 2})
    primary = primary_header(cube.name, "IFUCubeModel", cube.primary, cube.history)
    images = [
        (image_header("SCI", cube.flux, science), cube.flux),
        (image_header("ERR", cube.err, Cards([unit, Card("ERRTYPE", "ERR", "Type of errors stored here")])), cube.err),
        (image_header("DQ", cube.dq), cube.dq),
        (image_header("WMAP", cube.weight), cube.weight),
    ]
    meta = {"filename": cube.name, "model_type": "IFUCubeModel"}
    tables = [
        _wavelengths(grid),
        _header_table(cube.inputs) if len(cube.inputs) > 1 else b"",
        asdf_extension(meta, cube_wcs(grid), cube.history, in_spec=False),
    ]
    with atomic_fits(path) as file:
        file.write(primary)
        for header, pixels in images:
            file.write(header)
            write_pixels(file, pixels)
        file.write(b"".join(tables))
    return path


def read_s3d(path: Path | str) -> Cube:
    """Return the cube in a file: one of ours or of the observatory's, compressed or not.

    Raises
    ------
    InputError
        If it cannot be read, is no MRS cube, or its WCS is no grid of square spaxels about the middle one.
    """
    path = Path(path)
    with opened(path) as hdus:
        names = [hdu.name for hdu in hdus]
        missing = [name for name in _PLANES if name not in names]
        if missing:
            found = ", ".join(names[1:]) or "none"
            msg = f"{path}: no {', '.join(missing)} extension (found {found}); is it an _s3d cube?"
            raise InputError(msg)
        primary, science = cards_of(hdus[0].header), cards_of(hdus["SCI"].header)
        flux, err, weight = (_array(path, hdus, name, np.float32) for name in ("SCI", "ERR", "WMAP"))
        dq = _array(path, hdus, "DQ", np.uint32)
        if not flux.shape == err.shape == dq.shape == weight.shape or flux.ndim != 3:
            shapes = ", ".join(f"{n} {a.shape}" for n, a in zip(_PLANES, (flux, err, dq, weight), strict=True))
            msg = f"{path}: extensions differ in shape or are no cubes ({shapes}); make the cube again"
            raise InputError(msg)
        table = np.ravel(hdus["WCS-TABLE"].data["wavelength"]) if "WCS-TABLE" in names else None
        inputs = _table_cards(hdus["HDRTAB"]) if "HDRTAB" in names else ()
        history = read_history(table_content(hdus["ASDF"])) if "ASDF" in names else {}
    grid = square_grid(str(path), science, flux.shape, table)
    return Cube(
        name=path.name.removesuffix(".gz"),
        bands=bands_of(str(path), primary, grid.wave, inputs),
        grid=grid,
        flux=flux,
        err=err,
        dq=dq,
        weight=weight,
        primary=primary,
        science=science,
        inputs=inputs,
        history=history,
    )


def _wavelengths(grid: CubeGrid) -> bytes:
    data = np.zeros(1, dtype=[("wavelength", np.float32, (grid.n_wave, 1))])
    data["wavelength"][0, :, 0] = grid.wave
    return table_bytes("WCS-TABLE", data)


def _header_table(inputs: Sequence[Cards]) -> bytes:
    """Return one row for each exposure and one column for each keyword that any of them has."""
    keys = dict.fromkeys(key for cards in inputs for key in cards)
    columns = [(key, _column([cards.get(key) for cards in inputs])) for key in keys]
    data = np.zeros(len(inputs), dtype=[(key, column.dtype) for key, column in columns])
    for key, column in columns:
        data[key] = column
    return table_bytes("HDRTAB", data)


def _column(values: list[Value | None]) -> NDArray[Any]:
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return np.array(values, dtype=bool)
    if kinds == {int}:
        return np.array(values, dtype=np.int64)
    if kinds <= {int, float, type(None)}:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    texts = ["" if value is None else printable(str(value)) for value in values]
    return np.array(texts, dtype=f"S{max(1, *map(len, texts))}")


def _table_cards(hdu: fits.BinTableHDU) -> tuple[Cards, ...]:
    """Return the rows of HDRTAB; what a row lacks (NaN, empty text) is left out."""
    names = list(hdu.columns.names)
    rows = []
    for row in zip(*(hdu.data[name].tolist() for name in names), strict=True):
        pairs = zip(names, row, strict=True)
        rows.append(Cards([Card(key, value) for key, value in pairs if _is_given(value)]))
    return tuple(rows)


def _is_given(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, bool | int | str) and value != ""


def _array(path: Path, hdus: fits.HDUList, name: str, kind: type[Any]) -> NDArray[Any]:
    data = hdus[name].data
    if data is None:
        msg = f"{path}: {name} is empty; make the cube again"
        raise InputError(msg)
    return np.array(data, dtype=kind)
