"""Read a spectrum out of a table of any origin: FITS, ECSV or CSV with a wavelength and a flux."""

from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u

from mrsnb.core.curve import Curve, make_curve
from mrsnb.core.flux_units import parsed_unit, per_solid_angle
from mrsnb.errors import InputError
from mrsnb.io.places import home
from mrsnb.io.yaml_text import refuse_bombs

_MOST_BYTES = 200_000_000
"""Of a table in text."""
_LONGEST_LINE = 10_000
_WAVE = ("wavelength", "wave", "lambda", "spectral_axis", "wl")
_FLUX = ("flux", "flux_density", "fnu", "intensity", "surf_bright", "sb")
_ERR = ("flux_error", "uncertainty", "err", "error", "flux_err", "sigma", "stddev", "sb_error")


def read_spectrum_table(path: Path | str, flux_unit: str | None = None) -> Curve:
    """Return the spectrum in the first table of a file that has columns of wavelength and flux.

    Parameters
    ----------
    path : Path or str
        FITS (also compressed), ECSV or CSV.
    flux_unit : str, optional
        Unit of the flux where the file states none. A wavelength without a unit is in micron.

    Raises
    ------
    InputError
        If it cannot be read, has no such columns, or no unit is known.
    """
    path = home(path)
    table = _table(path)
    return curve_of_table(table, path.name, flux_unit)


def curve_of_table(table: Any, name: str, flux_unit: str | None = None) -> Curve:
    """Return the spectrum in an astropy table; see `read_spectrum_table`."""
    names = {column.lower(): column for column in table.colnames}

    def find(choices: tuple[str, ...]) -> str | None:
        return next((names[choice] for choice in choices if choice in names), None)

    wave, flux, err = find(_WAVE), find(_FLUX), find(_ERR)
    if wave is None or flux is None:
        msg = f"{name}: no column of wavelength and flux (found {', '.join(table.colnames)}); name them wave and flux"
        raise InputError(msg)
    unit = table[flux].unit
    if unit is None and flux_unit is None:
        msg = f"{name}: column {flux} has no unit; say it with flux_unit=, e.g. flux_unit='Jy'"
        raise InputError(msg)
    unit = parsed_unit(flux_unit if unit is None else unit)
    key = "SURF_BRIGHT" if per_solid_angle(unit) else "FLUX"
    errors = None if err is None else _numbers(table[err], name)
    return make_curve(
        Path(name).name.partition(".")[0],
        _waves(table[wave], name),
        {key: (_numbers(table[flux], name), errors, unit.to_string())},
        name=name,
        source=table,
    )


def _waves(column: Any, name: str) -> Any:
    unit = column.unit
    try:
        unit = u.um if unit is None else u.Unit(unit)
        return (_numbers(column, name) * unit).to_value(u.um, u.spectral())
    except (u.UnitConversionError, ValueError):
        msg = f"{name}: column {column.name} is in {unit}, which is no wavelength"
        raise InputError(msg) from None


def _numbers(column: Any, name: str) -> Any:
    try:
        values = np.ma.filled(np.ma.asarray(column).astype(float), np.nan)
        found = np.asarray(getattr(values, "value", values), dtype=float)
    except (TypeError, ValueError):
        found = None
    if found is None or found.ndim != 1:
        msg = f"{name}: column {column.name} does not have one number a row"
        raise InputError(msg)
    return found


def _table(path: Path) -> Any:
    from astropy.io import fits
    from astropy.table import Table

    if ".fits" in path.suffixes:
        from mrsnb.io.exposures import opened

        with opened(path) as hdus:
            tables = [hdu for hdu in hdus if isinstance(hdu, fits.BinTableHDU)]
            if not tables:
                msg = f"{path}: no table in it; is it a spectrum?"
                raise InputError(msg)
            return Table(tables[0].data, units={c.name: c.unit for c in tables[0].columns if c.unit})
    try:
        return _parsed(_text(path), is_ecsv=path.suffix.lower() == ".ecsv")
    except (OSError, ValueError) as error:
        said = str(getattr(error, "strerror", None) or error).strip() or type(error).__name__
        msg = f"{path}: cannot be read as a table: {said.splitlines()[0]}"
        raise InputError(msg) from None


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_MOST_BYTES + 1)
    if len(content) > _MOST_BYTES:
        msg = f"more than {_MOST_BYTES / 1e6:g} MB; is it a spectrum?"
        raise ValueError(msg)
    return content.decode("utf-8-sig")


def _parsed(text: str, *, is_ecsv: bool) -> Any:
    """Return the table in a text; the header of ECSV, which is YAML, is looked at before astropy reads it."""
    from astropy.table import Table

    lines = text.splitlines()
    if lines and len(lines[0]) > _LONGEST_LINE:
        msg = f"its first line has more than {_LONGEST_LINE} characters"
        raise ValueError(msg)
    if is_ecsv:
        head = takewhile(lambda line: line.startswith("#") or not line.strip(), lines)
        refuse_bombs("\n".join(line.removeprefix("#").removeprefix(" ") for line in head if "%ECSV" not in line))
    try:
        return Table.read(lines, format="ascii.ecsv" if is_ecsv else "ascii.csv")
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError) as error:  # of strange headers
        raise ValueError(str(error)) from None
