"""Write and read extracted spectra: ``_x1d.fits``, laid out as the observatory's (``MRSMultiSpecModel``)."""

from pathlib import Path

import numpy as np

from mrsnb.core.bands import bands_of
from mrsnb.core.cards import Card, Cards
from mrsnb.core.spectrum import COLUMNS, Spectrum
from mrsnb.errors import InputError
from mrsnb.io.asdf_extension import asdf_extension, read_history
from mrsnb.io.bintable import spectrum_columns, table_bytes
from mrsnb.io.checksum import atomic_fits
from mrsnb.io.exposures import opened
from mrsnb.io.headers import cards_of
from mrsnb.io.products import place_of, primary_header
from mrsnb.io.stored import table_content
from mrsnb.io.wcs_text import spectrum_wcs

_TABLE = "EXTRACT1D"
_NEEDED = ("WAVELENGTH", "FLUX")
_FORMER_NAMES = {"FLUX_ERROR": ("ERROR",), "BKGD_ERROR": ("BERROR",)}


def write_x1d(spectrum: Spectrum, directory: Path | str) -> Path:
    """Write `spectrum` to a directory under its name, and return the file's path.

    The extensions are EXTRACT1D (one row a wavelength) and ASDF. The file appears when it is complete; one of that
    name is replaced.

    Parameters
    ----------
    spectrum : Spectrum
        Its type, position and sky place are written, whatever its keywords say.
    directory : Path or str
        An existing directory.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    path = place_of(spectrum.name, directory)
    kinds = [(name, np.uint32 if name == "DQ" else np.float64) for name in COLUMNS]
    data = np.empty(len(spectrum.wave), dtype=kinds)
    for name in COLUMNS:
        data[name] = spectrum.columns[name]
    table = table_bytes(_TABLE, data, units=COLUMNS, cards=_science(spectrum))
    meta = {"filename": spectrum.name, "model_type": "MRSMultiSpecModel"}
    wcs = spectrum_wcs(spectrum.ra, spectrum.dec, spectrum.wave)
    primary = primary_header(spectrum.name, "MRSMultiSpecModel", spectrum.primary, spectrum.history)
    with atomic_fits(path) as file:
        file.write(primary)
        file.write(table)
        file.write(asdf_extension(meta, wcs, spectrum.history, in_spec=True))
    return path


def read_x1d(path: Path | str) -> Spectrum:
    """Return the spectrum in a file: one of ours or of the observatory's, compressed or not.

    Columns that older products lack are NaN (DQ: 0).

    Raises
    ------
    InputError
        If it cannot be read or is no MRS spectrum.
    """
    path = Path(path)
    with opened(path) as hdus:
        names = [hdu.name for hdu in hdus]
        if _TABLE not in names:
            msg = f"{path}: no {_TABLE} extension (found {', '.join(names[1:]) or 'none'}); is it an _x1d spectrum?"
            raise InputError(msg)
        if names.count(_TABLE) > 1:
            msg = f"{path}: {names.count(_TABLE)} {_TABLE} extensions; an MRS spectrum has one"
            raise InputError(msg)
        primary, science = cards_of(hdus[0].header), cards_of(hdus[_TABLE].header)
        columns = spectrum_columns(path, hdus[_TABLE], COLUMNS, _NEEDED, _FORMER_NAMES)
        history = read_history(table_content(hdus["ASDF"])) if "ASDF" in names else {}
    return Spectrum(
        name=path.name.removesuffix(".gz"),
        bands=bands_of(str(path), primary, columns["WAVELENGTH"]),
        columns=columns,
        source_type=science.text("SRCTYPE").upper(),
        position=(_number(science, "EXTR_X"), _number(science, "EXTR_Y")),
        ra=_number(science, "SLIT_RA"),
        dec=_number(science, "SLIT_DEC"),
        primary=primary,
        science=science,
        history=history,
    )


def _science(spectrum: Spectrum) -> Cards:
    x, y = spectrum.position
    own = [
        Card("SLTNAME", spectrum.science.get("SLTNAME", "MIR_MRS"), "Aperture"),
        Card("SRCTYPE", spectrum.source_type, "Source type as extracted"),
        Card("EXTR_X", float(x), "[spaxel] Centre of the aperture, 0-based"),
        Card("EXTR_Y", float(y), "[spaxel] Centre of the aperture, 0-based"),
        Card("SLIT_RA", float(spectrum.ra), "[deg] Right ascension of the spectrum"),
        Card("SLIT_DEC", float(spectrum.dec), "[deg] Declination of the spectrum"),
    ]
    fixed = {card.key for card in own}
    return Cards([*own, *(card for card in spectrum.science.cards() if card.key not in fixed)])


def _number(science: Cards, key: str) -> float:
    value = science.number(key)
    return float("nan") if value is None else value
